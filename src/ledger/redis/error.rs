//! What keeps the server from answering, and what to do about it.

use std::fmt;

use redis::RedisError;

/// Why tokens are not accepted. Names no token, key or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// No connection, or it broke; what the operating system says.
    Unreachable(String),
    /// Connected, but no answer in time.
    Silent,
    /// The server refused a command; the first word of what it said.
    Refused(String),
    /// It answers what no Redis would.
    Strange,
    /// It may forget before time: this policy.
    Evicts(String),
    /// No thread, or no memory.
    Exhausted,
}

/// Codes that an error of a script hides within its text (before Redis 7).
const CODES: [&str; 8] =
    ["LOADING", "READONLY", "OOM", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM", "MASTERDOWN"];
/// What a script says instead of `NOPERM`, since Redis 7 and before.
const NO_PERMISSION: [&str; 2] = ["ACL failure", "can't run this command"];

impl Error {
    /// Whether another connection may help: the server may have changed its role, or be another.
    pub(super) fn ends_connection(&self) -> bool {
        !matches!(self, Self::Refused(code) if code == "OOM" || code == "MISCONF")
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            return Self::Silent;
        }
        let Some(code) = error.code() else {
            return match error.kind() {
                redis::ErrorKind::AuthenticationFailed => Self::Refused("WRONGPASS".to_owned()),
                redis::ErrorKind::Io => Self::Unreachable(error.to_string()),
                _ => Self::Strange,
            };
        };
        let text = error.detail().unwrap_or_default();
        if NO_PERMISSION.iter().any(|said| text.contains(said)) {
            return Self::Refused("NOPERM".to_owned());
        }
        let hidden = CODES.into_iter().find(|known| code == *known || text.contains(known));
        Self::Refused(hidden.unwrap_or(code).to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match self {
            Self::Unreachable(why) => {
                return write!(
                    f,
                    "Redis cannot be reached ({why}): is it running, and are host, port and TLS \
                     of its URL right?"
                );
            }
            Self::Silent => "Redis does not answer in time: look at its load and the network",
            Self::Strange => "what answers is no Redis or Valkey, or a proxy that hides it",
            Self::Evicts(policy) => {
                return write!(
                    f,
                    "Redis may forget spent tokens (maxmemory-policy {policy}): set noeviction"
                );
            }
            Self::Exhausted => "out of memory, threads or file descriptors",
            Self::Refused(code) => match code.as_str() {
                "NOAUTH" | "WRONGPASS" => {
                    "Redis refuses the login: put user and password into its URL"
                }
                "NOPERM" => {
                    "the Redis user lacks permissions: it needs INFO, EVAL, TIME, and GET and SET \
                     on keys with the ledger's prefix"
                }
                "LOADING" => "Redis is loading its data: this passes by itself",
                "READONLY" => "this Redis is a replica: the URL must name the master",
                "MASTERDOWN" => "this Redis is a replica without a master: name the master",
                "OOM" => "Redis is out of memory: raise its maxmemory",
                "MISCONF" => "Redis cannot save its data and refuses to write: see its log",
                _ => return write!(f, "Redis refuses a command ({code}): see its log"),
            },
        };
        f.write_str(advice)
    }
}
