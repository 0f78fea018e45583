//! [`Login`]: user and password, which are wiped before their memory is freed.

use zeroize::Zeroizing;

/// Wiped on drop. Has no `Debug`.
#[derive(Default)]
pub(super) struct Login {
    user: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl Login {
    /// Takes user and password out of a URL and returns them with the rest of it; `None` if it is
    /// no URL. They are before the host or, if that is a path, in the query.
    pub(super) fn take_from(url: &str) -> Option<(Self, String)> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (query, fragment) = query.split_once('#').unwrap_or((query, ""));

        let mut login = Self::default();
        let host = match authority.rsplit_once('@') {
            Some((userinfo, host)) => {
                let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
                login = Self { user: decode(user, false)?, password: decode(password, false)? };
                host
            }
            None => authority,
        };
        let mut left = format!("{scheme}://{host}{path}");
        let mut mark = '?';
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("user", user)) => login.user = decode(user, true)?,
                Some(("pass", password)) => login.password = decode(password, true)?,
                _ => {
                    left.push(mark);
                    left.push_str(option);
                    mark = '&';
                }
            }
        }
        if !fragment.is_empty() {
            left.push('#');
            left.push_str(fragment);
        }
        Some((login, left))
    }

    /// Returns the AUTH command in the protocol of Redis; `None` if there is no password.
    pub(super) fn command(&self) -> Option<Zeroizing<Vec<u8>>> {
        if self.password.is_empty() {
            return None;
        }
        let words = [b"AUTH", self.user.as_slice(), self.password.as_slice()];
        let words = words.iter().filter(|word| !word.is_empty());
        let length: usize = words.clone().map(|word| word.len() + 32).sum();
        // It has its final capacity: growing would leave a copy.
        let mut command = Zeroizing::new(Vec::with_capacity(length + 32));
        command.extend_from_slice(format!("*{}\r\n", words.clone().count()).as_bytes());
        for word in words {
            command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            command.extend_from_slice(word);
            command.extend_from_slice(b"\r\n");
        }
        Some(command)
    }
}

/// Decodes `%41` and the like, and `+` for a space if `has_plus`. As in any URL, line breaks and
/// tabs are ignored.
fn decode(text: &str, has_plus: bool) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'\t' | b'\n' | b'\r', _) => {}
            (b'%', [high, low, after @ ..]) if let Some(byte) = byte_of(*high, *low) => {
                decoded.push(byte);
                rest = after;
            }
            (b'+', _) if has_plus => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
    }
    str::from_utf8(&decoded).is_ok().then_some(decoded)
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_url_has_no_login() {
        for (url, user, password, left) in [
            ("redis://host", "", "", "redis://host"),
            ("redis://:s%40c%3Aret@host/3", "", "s@c:ret", "redis://host/3"),
            ("redis://a%20b:p:q@host:7000", "a b", "p:q", "redis://host:7000"),
            ("redis://a:b@c@host?timeout=500", "a", "b@c", "redis://host?timeout=500"),
            ("redis://user@host", "user", "", "redis://host"),
            ("redis://:100%@host", "", "100%", "redis://host"),
            ("rediss://:x@host/#insecure", "", "x", "rediss://host/#insecure"),
            ("redis://[::1]:7000/?prefix=a@b:", "", "", "redis://[::1]:7000/?prefix=a@b:"),
            (
                "redis+unix:///a/b@c.sock?db=3&user=me&pass=x%26y+z&timeout=9",
                "me",
                "x&y z",
                "redis+unix:///a/b@c.sock?db=3&timeout=9",
            ),
        ] {
            let (login, rest) = Login::take_from(url).unwrap();
            assert_eq!(*login.user, user.as_bytes(), "{url}");
            assert_eq!(*login.password, password.as_bytes(), "{url}");
            assert_eq!(rest, left, "{url}");
        }
        for url in ["redis:host", "redis://:%ff@host"] {
            assert!(Login::take_from(url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_login_is_one_command() {
        let command = |url| Login::take_from(url).unwrap().0.command().map(|text| text.to_vec());
        let with_user = b"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$1\r\nx\r\n";
        assert_eq!(command("redis://me:x@host").unwrap(), with_user);
        assert_eq!(command("redis://:x@host").unwrap(), b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n");
        assert_eq!(command("redis://me@host"), None);
    }
}
