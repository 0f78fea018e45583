//! Ledgers: what remembers which tokens were spent.

#[cfg(feature = "sqlite")]
use std::ffi::OsStr;
use std::fmt;
#[cfg(feature = "sqlite")]
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, PoisonError};

mod clock;
pub mod deferred;
mod history;
mod memory;
#[cfg(all(test, feature = "sqlite", feature = "redis"))]
mod model;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::setting::SettingError;

#[doc(hidden)]
pub use clock::BootClock;
use deferred::Deferred;
pub use memory::MemoryLedger;
#[cfg(feature = "redis")]
pub use redis::RedisLedger;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;

/// Makes the ledger of a URL. Files and connections are opened at first use.
///
/// `memory:` is a new one in this process, `sqlite:PATH` (feature `sqlite`) one in a file,
/// `redis://…` (feature `redis`) one in a server.
pub fn open(url: impl AsRef<[u8]>) -> Result<Arc<dyn Ledger>, SettingError> {
    let url = url.as_ref();
    if url == b"memory:" {
        return Ok(Arc::new(MemoryLedger::new()));
    }
    #[cfg(feature = "sqlite")]
    if let Some(path) = url.strip_prefix(b"sqlite:").filter(|path| !path.is_empty()) {
        return Ok(Arc::new(SqliteLedger::new(OsStr::from_bytes(path))));
    }
    #[cfg(feature = "redis")]
    if redis::is_ours(url) {
        return Ok(Arc::new(RedisLedger::new(url)?));
    }
    Err(SettingError::Ledger)
}

/// The first 16 bytes of a token's signature. It cannot be chosen without the secret.
pub type Fingerprint = [u8; 16];

/// A good token about to be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Names the token.
    pub fingerprint: Fingerprint,
    /// The step of its one-time password (Unix time / 30 s).
    pub step: u64,
    /// How many steps the clocks may be apart for the verifier that asks, 0 to
    /// [`MAX_DEVIATION`](crate::totp::MAX_DEVIATION).
    pub deviation: u64,
}

/// What a ledger answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Nobody spent it before: accept it.
    First,
    /// It was spent before: refuse it.
    Again,
}

/// What a ledger says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The clock of the machine it is on, in Unix seconds, if that may be another one.
    pub clock: Option<u64>,
}

/// The ledger cannot tell. The token is not accepted.
///
/// Either it gave no answer: then [`Ledger::trouble`] says why. Or it cannot know whether this
/// token was spent, because it lost tokens or forgot those of this step: then
/// [`Ledger::closed_until`] says from when on tokens are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Remembers spent tokens for as long as they could be accepted.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Spends a token: one atomic step, whatever other threads do. `now` is in Unix seconds.
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable>;

    /// Returns what [`spend`](Self::spend) would answer at `now` (Unix seconds), and spends
    /// nothing. Unlike `spend`, it may be called for any time.
    fn peek(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable>;

    /// Asks for a sign of life, and waits for it as [`spend`](Self::spend) does: that it can be
    /// reached and can be written. Changes nothing that anybody notices.
    fn probe(&self) -> Result<Probe, Unavailable>;

    /// How many spent tokens it remembers, if that is known at once, without asking a server.
    fn remembered(&self) -> Option<u64> {
        None
    }

    /// Returns the Unix time (seconds) from which on new tokens are accepted, if those minted at
    /// `now` are refused because the ledger cannot know which of them were spent: after a restart,
    /// damage, or a clock that was set back. Otherwise returns `None`. Answers immediately, from
    /// what the last token showed.
    fn closed_until(&self, _now: u64) -> Option<u64> {
        None
    }

    /// What kept it from answering the last time, for a log; `None` while it answers.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// This ledger for callers that must not wait; `None` if it answers at once anyway.
    fn deferred(&self) -> Option<&dyn Deferred> {
        None
    }

    /// Waits until no other thread is inside this ledger and keeps them out until the result is
    /// dropped. Around a fork this leaves the child a ledger that is whole and unlocked.
    fn hold(&self) -> Box<dyn Held + '_>;
}

/// See [`Ledger::hold`].
pub trait Held {}

impl<T> Held for T {}

/// A thread panicked in the middle of a change: nobody knows what the ledger lacks.
impl<T> From<PoisonError<T>> for Unavailable {
    fn from(_: PoisonError<T>) -> Self {
        Self
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ledger of spent tokens gave no answer")
    }
}

impl std::error::Error for Unavailable {}
