//! [`Error`]: why the file cannot be used.

use std::{fmt, io};

use rusqlite::ErrorCode;

#[derive(Debug)]
pub(super) enum Error {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    /// Another process or thread has a lock.
    Busy,
    Damaged(String),
    Foreign,
    Forked,
    Replaced,
    /// Has this many names (hard links).
    Linked(u64),
    Mounted,
    SecondCopy,
    OtherMachine,
}

impl Error {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Returns whether another process or thread has the lock. The file itself is fine.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
            || matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Returns whether the file must be opened again.
    pub(super) fn asks_for_another_connection(&self) -> bool {
        let keeps = [ErrorCode::DiskFull, ErrorCode::ReadOnly];
        let is_kept = self.is_busy() || self.code().is_some_and(|code| keeps.contains(&code));
        !is_kept && !matches!(self, Self::Forked | Self::Linked(_))
    }

    /// Returns whether the content of the file is damaged.
    pub(super) fn is_damage(&self) -> bool {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        match self {
            Self::Damaged(_) => true,
            // SQLite accepts such values, but no ledger writes them.
            Self::Sqlite(
                FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | Utf8Error(..),
            ) => true,
            _ => matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
        }
    }

    /// Returns what to do about it.
    fn advice(&self) -> &'static str {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        let kind = if let Self::Io(error) = self { Some(error.kind()) } else { None };
        match (self.code(), kind) {
            _ if self.is_damage() => {
                "; it will be moved aside, and tokens of the last minute refused"
            }
            (
                Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied),
                _,
            )
            | (_, Some(PermissionDenied | ReadOnlyFilesystem)) => {
                "; the user that this runs as must own it, and be able to write to its folder"
            }
            (Some(ErrorCode::DiskFull), _) | (_, Some(StorageFull)) => "; free some space",
            _ => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Linked(links) => {
                return write!(
                    f,
                    "it has {links} names (hard links), and other files beside each: keep one"
                );
            }
            Self::Sqlite(error) if !self.is_busy() => &error.to_string(),
            Self::Io(error) => &error.to_string(),
            Self::Damaged(what) => what,
            Self::Busy | Self::Sqlite(_) => "locked: another process has kept it for too long",
            Self::Foreign => "the file of another program: name another file",
            Self::Forked => "opened before a fork: verify the first token after the fork",
            Self::Replaced => "the file was replaced while it was in use",
            Self::Mounted => "it is mounted without its folder: mount the folder instead",
            Self::SecondCopy => {
                "another copy of the library in this process has it open: name another file"
            }
            Self::OtherMachine => {
                "another machine or time namespace has it open: name another file"
            }
        };
        write!(f, "{text}{}", self.advice())
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
