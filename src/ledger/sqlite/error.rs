//! What keeps the file from being used.

use std::{fmt, io};

use rusqlite::ErrorCode;

#[derive(Debug)]
pub(super) enum Error {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    Damaged(String),
    Foreign,
    Forked,
    Replaced,
}

impl Error {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Somebody else has the lock: nothing is wrong with the file.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    pub(super) fn asks_for_another_connection(&self) -> bool {
        let keeps = [ErrorCode::DiskFull, ErrorCode::ReadOnly];
        let is_kept = self.is_busy() || self.code().is_some_and(|code| keeps.contains(&code));
        !is_kept && !matches!(self, Self::Forked)
    }

    fn advice(&self) -> &'static str {
        match self.code() {
            _ if self.is_damage() => {
                "; it will be moved aside, and tokens of the last minute refused"
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                "; the user that this runs as must own it, and be able to write to its folder"
            }
            Some(ErrorCode::DiskFull) => "; free some space",
            _ if self.is_busy() => "; another process has kept it locked for too long",
            _ => "",
        }
    }

    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Damaged(what) => write!(f, "{what}"),
            Self::Foreign => {
                return f.write_str("the database of another program: name another file");
            }
            Self::Forked => {
                return f.write_str("opened before a fork: verify the first token after it");
            }
            Self::Replaced => return f.write_str("the file was replaced while it was in use"),
        }?;
        f.write_str(self.advice())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
