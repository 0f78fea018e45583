//! [`Credentials`]: user and password. They are wiped before their memory is freed.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::{Error, Login};
use super::files;
use crate::config::LedgerUrlError;

/// The longest password in a file, in bytes. Some services give out tokens that are long.
const MAX_PASSWORD: usize = 16_384;

/// The user and the password, wiped on drop. Has no `Debug`.
#[derive(Default)]
pub(super) struct Credentials {
    user: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
    /// Has the password instead.
    file: Option<PathBuf>,
}

impl Credentials {
    /// Takes user and password out of a URL and returns them with the rest of it. They are before
    /// the host or, if that is a path, in the query.
    pub(super) fn take_from(url: &str) -> Result<(Self, String), LedgerUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(LedgerUrlError::Form)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));

        let mut credentials = Self::default();
        let host = match authority.rsplit_once('@') {
            Some((userinfo, host)) => {
                let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
                credentials.user = decode(user, false);
                credentials.password = decode(password, false);
                host
            }
            None => authority,
        };
        let mut left = format!("{scheme}://{host}{path}");
        let mut mark = '?';
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("user", user)) => credentials.user = decode(user, true),
                Some(("pass", _)) if !credentials.password.is_empty() => {
                    return Err(LedgerUrlError::TwoPasswords);
                }
                Some(("pass", password)) => credentials.password = decode(password, true),
                _ => {
                    left.push(mark);
                    left.push_str(option);
                    mark = '&';
                }
            }
        }
        Ok((credentials, left))
    }

    /// Takes the password from a file, each time that it is needed.
    pub(super) fn with_file(self, file: PathBuf) -> Result<Self, LedgerUrlError> {
        if !self.password.is_empty() {
            return Err(LedgerUrlError::TwoPasswords);
        }
        Ok(Self { file: Some(file), ..self })
    }

    /// Returns what to say if the server refuses them.
    pub(super) fn refused(&self) -> Login {
        let Some(path) = &self.file else { return Login::Wrong };
        let content = files::read(path, "password_file", MAX_PASSWORD);
        let oddity = content.ok().and_then(|content| oddity(without_line_break(&content)));
        Login::WrongFile { path: path.display().to_string(), oddity }
    }

    /// Returns the password, which may be in the file; it is empty if there is none.
    pub(super) fn password(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Some(file) = &self.file else { return Ok(self.password.clone()) };
        let mut password = files::read(file, "password_file", MAX_PASSWORD)?;
        let length = without_line_break(&password).len();
        password.truncate(length);
        if password.is_empty() {
            return Err(Error::File(format!(
                "{} is empty: write the password into it",
                file.display()
            )));
        }
        Ok(password)
    }

    /// Returns the AUTH command in the protocol of Redis; `None` if there is no password.
    pub(super) fn command(&self, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if password.is_empty() {
            return None;
        }
        let words = [b"AUTH", self.user.as_slice(), password];
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

/// Returns a text without one line break at its end, which editors put there.
fn without_line_break(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Returns what hardly anybody means to have in a password. It is part of it all the same.
fn oddity(password: &[u8]) -> Option<&'static str> {
    if password.contains(&0) {
        Some("It has NUL bytes, as UTF-16 has: save the file as plain text, in UTF-8")
    } else if password.starts_with(b"\xef\xbb\xbf") {
        Some("It begins with a byte order mark: save the file as UTF-8 without one")
    } else if password.trim_ascii() != password {
        Some("It begins or ends with a space or a line break, which is part of it")
    } else if password.contains(&b'\n') {
        Some("It has several lines: write only the password into it")
    } else {
        None
    }
}

/// Decodes `%41` and the like, and `+` for a space if `has_plus`. As in any URL, line breaks and
/// tabs are ignored.
fn decode(text: &str, has_plus: bool) -> Zeroizing<Vec<u8>> {
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
    decoded
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_url_has_no_credentials() {
        for (url, user, password, left) in [
            ("redis://host", "", "", "redis://host"),
            ("redis://:s%40c%3Aret@host/3", "", "s@c:ret", "redis://host/3"),
            ("redis://a%20b:p:q@host:7000", "a b", "p:q", "redis://host:7000"),
            ("redis://a:b@c@host?timeout=500", "a", "b@c", "redis://host?timeout=500"),
            ("redis://user@host", "user", "", "redis://host"),
            ("redis://:100%@host", "", "100%", "redis://host"),
            ("redis://:%e2%82%ac@host", "", "€", "redis://host"),
            ("redis://[::1]:7000/?prefix=a@b:", "", "", "redis://[::1]:7000/?prefix=a@b:"),
            (
                "redis+unix:///a/b@c.sock?db=3&user=me&pass=x%26y+z&timeout=9",
                "me",
                "x&y z",
                "redis+unix:///a/b@c.sock?db=3&timeout=9",
            ),
        ] {
            let (credentials, rest) = Credentials::take_from(url).unwrap();
            assert_eq!(*credentials.user, user.as_bytes(), "{url}");
            assert_eq!(*credentials.password, password.as_bytes(), "{url}");
            assert_eq!(rest, left, "{url}");
        }
        assert_eq!(Credentials::take_from("redis:host").err(), Some(LedgerUrlError::Form));
        let two = Credentials::take_from("redis://:x@host?pass=y").err();
        assert_eq!(two, Some(LedgerUrlError::TwoPasswords));
    }

    #[test]
    fn credentials_are_one_command() {
        let credentials = |url| Credentials::take_from(url).unwrap().0;
        let command = |url| {
            let credentials = credentials(url);
            credentials.command(&credentials.password().unwrap()).map(|text| text.to_vec())
        };
        let with_user = b"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$1\r\nx\r\n";
        assert_eq!(command("redis://me:x@host").unwrap(), with_user);
        assert_eq!(command("redis://:x@host").unwrap(), b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n");
        assert_eq!(command("redis://:%ff@host").unwrap(), b"*2\r\n$4\r\nAUTH\r\n$1\r\n\xff\r\n");
        assert_eq!(command("redis://me@host"), None);
    }
    #[test]
    fn a_password_in_a_file_loses_one_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let command = || {
            let (credentials, _) = Credentials::take_from("redis://me@host").unwrap();
            let credentials = credentials.with_file(file.clone()).unwrap();
            credentials.password().map(|password| credentials.command(&password))
        };
        for content in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            std::fs::write(&file, content).unwrap();
            assert!(command().unwrap().unwrap().ends_with(b"$6\r\ns3cret\r\n"), "{content:?}");
        }
        std::fs::write(&file, "s3cret\n\n").unwrap();
        assert!(command().unwrap().unwrap().ends_with(b"$7\r\ns3cret\n\r\n"));
        for content in ["", "\n", "\r\n"] {
            std::fs::write(&file, content).unwrap();
            assert!(command().unwrap_err().to_string().contains("is empty"));
        }
        std::fs::write(&file, vec![b'x'; MAX_PASSWORD + 1]).unwrap();
        assert!(command().unwrap_err().to_string().contains("longer than 16384 bytes"));
        let (credentials, _) = Credentials::take_from("redis://:x@host").unwrap();
        assert!(credentials.with_file(file).is_err());
    }
}
