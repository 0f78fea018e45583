//! [`Error`]: why the server does not answer, and what to do about it.

use std::fmt;

use redis::RedisError;
use zeroize::Zeroizing;

use super::tls_error;

/// Why tokens are not accepted. Names no token, key or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// No connection, or it broke; what the operating system says.
    Unreachable(String),
    /// Connected without TLS, but the connection ended before the first answer; how.
    Unanswered(String),
    /// TLS failed; why, and what to do.
    Tls(String),
    /// A file that the URL names cannot be used; why, and what to do.
    File(String),
    /// Connected, but no answer in time.
    Silent,
    /// The server refused a command.
    Refused {
        /// The first word of what it said.
        code: String,
        /// The rest, as far as it can be shown.
        text: String,
    },
    /// The server refused the login.
    Login(Login),
    /// It answers unlike a Redis.
    Strange,
    /// It is a Sentinel, which knows where the master is and keeps no data.
    Sentinel,
    /// It may forget tokens too early, by this `maxmemory-policy`.
    Evicts(String),
    /// No thread, or no memory.
    Exhausted,
}

/// Why the server refused the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// It knows no such user with this password.
    Wrong,
    /// The same, and this file has the password.
    WrongFile {
        path: String,
        /// What is unusual about the password.
        oddity: Option<&'static str>,
    },
    /// There was none.
    Missing,
    /// It has no passwords.
    NotNeeded,
    /// It has no command for it.
    NoCommand,
}

/// Codes that an error of a script hides within its text (before Redis 7).
const CODES: [&str; 8] =
    ["LOADING", "READONLY", "OOM", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM", "MASTERDOWN"];
/// What a script says instead of `NOPERM`: since Redis 7, and before Redis 7.
const NO_PERMISSION: [&str; 2] = ["ACL failure", "can't run this command"];
/// The most that is shown of what a server says, in characters.
const SHOWN: usize = 120;

impl Error {
    /// Returns whether another connection may help: the server may have changed its role, or may be
    /// another one.
    pub(super) fn ends_connection(&self) -> bool {
        !matches!(self, Self::Refused { code, .. } if code == "OOM" || code == "MISCONF")
    }

    fn refused(code: &str, text: &str) -> Self {
        Self::Refused { code: printable(code), text: printable(text) }
    }

    /// Leaves out the server's words if it repeats the password: not a Redis, but what stands in
    /// its place may answer a command with the one before it.
    pub(super) fn without(self, password: &[u8]) -> Self {
        let Self::Refused { code, text } = &self else { return self };
        let mut shown = Zeroizing::new(String::with_capacity(password.len() * 3));
        shown.extend(cleaned(&String::from_utf8_lossy(password)));
        let is_repeated = |text: &String| {
            // What is shown may be cut within the password.
            let is_cut = text.len() == SHOWN;
            let mut starts = (1..shown.len()).filter_map(|length| shown.get(..length));
            text.contains(&**shown) || is_cut && starts.any(|start| text.ends_with(start))
        };
        if !shown.is_empty() && (is_repeated(code) || is_repeated(text)) {
            return Self::refused("ERR", "");
        }
        self
    }

    /// Returns why the command AUTH failed. Shows nothing of what the server said, because a server
    /// may repeat the password.
    pub(super) fn of_login(error: RedisError, login: Login) -> Self {
        let text = error.detail().unwrap_or_default();
        match error.code() {
            None => error.into(),
            Some("LOADING") => Self::refused("LOADING", ""),
            Some(_) if text.contains("without any password") => Self::Login(Login::NotNeeded),
            Some(_) if text.contains("unknown command") => Self::Login(Login::NoCommand),
            Some(_) => Self::Login(login),
        }
    }
}

/// Returns what can be shown of a server's words. Leaves out the arguments of our commands, which
/// the server repeats if it does not know a command.
fn printable(text: &str) -> String {
    let text = text.split(", with args").next().unwrap_or_default();
    cleaned(text).take(SHOWN).collect::<String>().trim_end().to_owned()
}

fn cleaned(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' })
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            return Self::Silent;
        }
        if let Some(why) = tls_error::explain(&error) {
            return Self::Tls(why);
        }
        let Some(code) = error.code() else {
            return match error.kind() {
                redis::ErrorKind::AuthenticationFailed => Self::Login(Login::Wrong),
                redis::ErrorKind::Io => Self::Unreachable(error.to_string()),
                _ => Self::Strange,
            };
        };
        let text = error.detail().unwrap_or_default();
        if NO_PERMISSION.iter().any(|said| text.contains(said)) {
            return Self::refused("NOPERM", text);
        }
        let hidden = CODES.into_iter().find(|known| code == *known || text.contains(known));
        match hidden.unwrap_or(code) {
            "NOAUTH" => Self::Login(Login::Missing),
            "WRONGPASS" => Self::Login(Login::Wrong),
            code => Self::refused(code, text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match self {
            Self::Unreachable(why) => {
                return write!(
                    f,
                    "Redis cannot be reached ({why}): is it running, and are host, port and TLS \
                     of its URL right, or the path and the permissions of its socket?"
                );
            }
            Self::Unanswered(why) => {
                return write!(
                    f,
                    "the connection ends before Redis answers ({why}): if this port speaks TLS, \
                     use rediss:// in place of redis://, otherwise look at the log of Redis"
                );
            }
            Self::Tls(why) | Self::File(why) => why,
            Self::Silent => "Redis does not answer in time: look at its load and the network",
            Self::Strange => "what answers is no Redis or Valkey, or a proxy that hides it",
            Self::Sentinel => {
                "this is a Redis Sentinel, which keeps no data: the URL must name the master, or a \
                 proxy that leads to it"
            }
            Self::Evicts(policy) => {
                return write!(
                    f,
                    "Redis may forget spent tokens (maxmemory-policy {policy}): set noeviction"
                );
            }
            Self::Exhausted => {
                "out of memory, threads or file descriptors, or 65536 logins wait already"
            }
            Self::Login(login) => return login.fmt(f),
            Self::Refused { code, text } => return refusal(f, code, text),
        };
        f.write_str(advice)
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrong => {
                "Redis refuses the login: correct its user and password. In a URL, percent-encode \
                 the password"
            }
            Self::WrongFile { path, oddity } => {
                let (stop, oddity) = oddity.map_or(("", ""), |oddity| (". ", oddity));
                return write!(
                    f,
                    "Redis refuses the login: correct the user in its URL, or the password in \
                     {path}{stop}{oddity}"
                );
            }
            Self::Missing => {
                "Redis wants a password: put user and password into its URL, or name a file with \
                 password_file"
            }
            Self::NotNeeded => {
                "Redis refuses the login because its default user has no password: take the \
                 password out of the URL, or set one in Redis"
            }
            Self::NoCommand => {
                "Redis does not know the command AUTH: do not rename it in Redis, and use Redis 6 \
                 or later"
            }
        })
    }
}

/// Writes what a server says that refuses a command, and what to do.
fn refusal(f: &mut fmt::Formatter<'_>, code: &str, text: &str) -> fmt::Result {
    let advice = match code {
        "NOPERM" => {
            "the Redis user lacks permissions: it needs INFO, EVAL, TIME, SELECT, and GET and SET \
             on keys with the ledger's prefix"
        }
        "LOADING" => "Redis is loading its data: this passes by itself",
        "READONLY" => "this Redis is a replica: the URL must name the master",
        "MASTERDOWN" => "this Redis is a replica without a master: name the master",
        "OOM" => "Redis is out of memory: raise its maxmemory",
        "MISCONF" => "Redis cannot save its data and refuses to write: see its log",
        "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" => {
            "this is a Redis Cluster, which is not supported: use a Redis of its own"
        }
        _ => {
            let said = if text.is_empty() { "" } else { " " };
            write!(f, "Redis refuses a command ({code}{said}{text}): ")?;
            if text.contains("DB index") {
                "name a database in the URL that it has"
            } else if text.to_ascii_lowercase().contains("unknown") {
                "INFO, EVAL, TIME, SELECT, GET and SET must not be renamed in Redis"
            } else {
                "see its log"
            }
        }
    };
    f.write_str(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_repeated_is_not_shown() {
        for (text, password) in [
            ("after AUTH s3cret", "s3cret"),
            ("after AUTH s\u{e4}cret", "s\u{e4}cret"),
            (&*format!("{} s3cret", "x".repeat(SHOWN - 4)), "s3cret"),
        ] {
            let error = Error::refused("ERR", text).without(password.as_bytes());
            assert_eq!(error, Error::refused("ERR", ""), "{text}");
        }
        let error = Error::refused("s3cret", "").without(b"s3cret");
        assert_eq!(error, Error::refused("ERR", ""));
        for password in ["", "s3cret"] {
            let other = Error::refused("ERR", "DB index s").without(password.as_bytes());
            assert_eq!(other, Error::refused("ERR", "DB index s"));
        }
    }

    #[test]
    fn what_a_server_says_is_cut_and_cleaned() {
        assert_eq!(
            printable("unknown command 'AUTH', with args beginning with: 'x' "),
            "unknown command 'AUTH'"
        );
        assert_eq!(printable("a\r\nb\u{1b}[31m\u{e4}"), "a??b?[31m?");
        assert_eq!(printable(&"x".repeat(1_000)).len(), SHOWN);
        assert_eq!(
            Error::refused("ERR", "").to_string(),
            "Redis refuses a command (ERR): see its log"
        );
    }
}
