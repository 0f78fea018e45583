//! Ledgers: they remember which tokens were spent, so that each is accepted once.

#[cfg(feature = "sqlite")]
use std::ffi::OsStr;
use std::fmt;
#[cfg(feature = "sqlite")]
use std::os::unix::ffi::OsStrExt;
#[cfg(all(feature = "sqlite", feature = "capi"))]
use std::path;
#[cfg(feature = "sqlite")]
use std::path::Path;
use std::sync::{Arc, PoisonError};

mod clock;
mod history;
mod memory;
#[cfg(all(test, feature = "sqlite", feature = "redis"))]
mod model;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "capi")]
use zeroize::Zeroizing;

use crate::config::ConfigError;

#[doc(hidden)]
pub use clock::BootClock;
pub use memory::MemoryLedger;
#[cfg(feature = "redis")]
pub use redis::RedisLedger;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;

/// Makes the ledger that a URL names. Files and connections are opened at first use.
///
/// `memory:` makes a new ledger in this process. `sqlite:PATH` (feature `sqlite`) names a file, and
/// `redis://…` (feature `redis`) a server.
pub fn open(url: impl AsRef<[u8]>) -> Result<Arc<dyn Ledger>, ConfigError> {
    let url = url.as_ref();
    if url == b"memory:" {
        return Ok(Arc::new(MemoryLedger::new()));
    }
    #[cfg(feature = "sqlite")]
    if let Some(path) = file_of(url) {
        return Ok(Arc::new(SqliteLedger::new(path)));
    }
    #[cfg(feature = "redis")]
    if redis::is_ours(url) {
        return Ok(Arc::new(RedisLedger::new(url)?));
    }
    Err(ConfigError::Ledger)
}

/// Makes the ledger that a URL names, as [`open`] does, in place of another one. If both are the
/// same server, and only the login or the like has changed, it continues with what the other one
/// knows of the server.
pub fn reopen(url: impl AsRef<[u8]>, former: &dyn Ledger) -> Result<Arc<dyn Ledger>, ConfigError> {
    let url = url.as_ref();
    former.reopen(url).unwrap_or_else(|| open(url))
}

/// Returns the path in a URL `sqlite:PATH`. A name that means something else to SQLite, such as
/// `:memory:` or `file:tokens?mode=ro`, is no path.
#[cfg(feature = "sqlite")]
fn file_of(url: &[u8]) -> Option<&Path> {
    let path = url.strip_prefix(b"sqlite:")?;
    let is_path = !(path.is_empty() || path.starts_with(b":") || path.starts_with(b"file:"));
    is_path.then(|| Path::new(OsStr::from_bytes(path)))
}

/// Returns the URL with an absolute path, so that a later change of the working directory does not
/// matter. It is wiped on drop, since it may hold a password.
#[cfg(feature = "capi")]
pub(crate) fn absolute(url: &[u8]) -> Zeroizing<Vec<u8>> {
    #[cfg(feature = "sqlite")]
    if let Some(Ok(path)) = file_of(url).map(path::absolute) {
        return Zeroizing::new([b"sqlite:", path.as_os_str().as_bytes()].concat());
    }
    Zeroizing::new(url.into())
}

/// The first 16 bytes of a token's signature. It cannot be chosen without the secret.
pub type Fingerprint = [u8; 16];

/// A token that is about to be spent. Everything else about it was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spending {
    /// Names the token.
    pub fingerprint: Fingerprint,
    /// The time step of its OTP (Unix time / 30 s).
    pub step: u64,
    /// How many steps the verifier that asks allows clocks to be apart, 0 to
    /// [`MAX_DEVIATION`](crate::totp::MAX_DEVIATION).
    pub deviation: u64,
}

/// What a ledger answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spent {
    /// It was not spent before: accept it.
    First,
    /// It was spent before: refuse it.
    Again,
}

/// What a ledger decided about a token.
pub type Outcome = Result<Spent, Unavailable>;

/// A question that is [submitted](Ledger::submit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Spends a token: see [`Ledger::spend`].
    Spend(Spending),
    /// Asks what spending it would answer: see [`Ledger::peek`].
    Peek(Spending),
}

/// Takes the answer to a question that was [submitted](Ledger::submit).
pub type Reply = Box<dyn FnOnce(Outcome) + Send>;

/// What a ledger says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Probe {
    /// The clock of the ledger's machine, in Unix seconds. `None` if that is this machine.
    pub clock: Option<u64>,
    /// Tokens were lost since the ledger was last used: its file was deleted, replaced or damaged.
    /// The time for which it refuses tokens begins when it is [started](Ledger::start).
    pub has_lost: bool,
}

/// The ledger does not know whether the token was spent. The token is not accepted.
///
/// If the ledger gave no answer, [`Ledger::last_error`] says why. If it lost tokens, or forgot
/// those of this step, [`Ledger::closed_until`] says from when on tokens are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unavailable;

/// Remembers spent tokens for as long as they could be accepted.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Spends a token in one atomic step. `now` is in Unix seconds.
    fn spend(&self, spending: &Spending, now: u64) -> Outcome;

    /// Returns what [`spend`](Self::spend) would answer at `now` (Unix seconds). Unlike `spend`,
    /// changes nothing, so it may be called for any time.
    fn peek(&self, spending: &Spending, now: u64) -> Outcome;

    /// Checks that the ledger answers and can be written. Waits for that as [`spend`](Self::spend)
    /// does. Changes nothing that a token depends on.
    fn probe(&self) -> Result<Probe, Unavailable>;

    /// Does now what the first token would do: opens or makes a file, or connects to a server. So
    /// an error is known before a token needs the ledger, and if tokens were lost, the time for
    /// which others are refused begins. `deviation` is that of the verifier, and `now` in Unix
    /// seconds.
    ///
    /// Waits for a file as [`spend`](Self::spend) does. Does not wait for a server: returns `None`
    /// until it has answered, so call this again. Returns [`Unavailable`] within the deadline of
    /// the ledger if it does not answer.
    fn start(&self, _deviation: u64, _now: u64) -> Option<Result<(), Unavailable>> {
        Some(Ok(()))
    }

    /// Returns how many spent tokens it remembers; `None` if it would have to ask a server for
    /// that.
    fn spent_count(&self) -> Option<u64> {
        None
    }

    /// Returns the Unix time (seconds) from which on new tokens are accepted, if those minted at
    /// `now` are refused because the ledger cannot know which were spent. That is so after a
    /// restart, damage, or a clock that was set back. Otherwise returns `None`. Answers
    /// immediately, from what the last token showed.
    fn closed_until(&self, _now: u64) -> Option<u64> {
        None
    }

    /// Returns why it did not answer the last question, for a log; `None` while it answers.
    fn last_error(&self) -> Option<String> {
        None
    }

    /// Returns whether answers may take time. Callers that must not wait then
    /// [submit](Self::submit) their questions.
    fn answers_later(&self) -> bool {
        false
    }

    /// Hands over a question and does not wait for the answer. `now` is in Unix seconds.
    ///
    /// `reply` is called once, within the deadline of the ledger, possibly on another thread and
    /// before this returns. It must not wait, because that thread may answer everybody. If this
    /// returns [`Unavailable`], it is not called. A child of a fork gets no replies to what its
    /// parent asked.
    fn submit(&self, question: Question, now: u64, reply: Reply) -> Result<(), Unavailable> {
        reply(match question {
            Question::Spend(spending) => self.spend(&spending, now),
            Question::Peek(spending) => self.peek(&spending, now),
        });
        Ok(())
    }

    /// Notes for [`last_error`](Self::last_error) that it could not be asked, because there is no
    /// room for the answer.
    #[doc(hidden)]
    fn note_exhausted(&self) {}

    /// Makes another ledger that continues with what this one knows; `None` if it knows nothing
    /// that a ledger with this URL needs. Use the function [`reopen`].
    #[doc(hidden)]
    fn reopen(&self, _url: &[u8]) -> Option<Result<Arc<dyn Ledger>, ConfigError>> {
        None
    }

    /// Waits until no other thread is inside this ledger, and keeps all out until the result is
    /// dropped. A child of a fork in between gets a ledger that is whole and unlocked.
    #[doc(hidden)]
    fn hold(&self) -> Box<dyn Held + '_> {
        Box::new(())
    }
}

/// Keeps other threads out of a ledger: see `Ledger::hold`.
#[doc(hidden)]
pub trait Held {}

impl<T> Held for T {}

/// A thread panicked in the middle of a change, so the ledger may be incomplete.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Has only what a ledger must have.
    #[derive(Debug)]
    struct Least;

    impl Ledger for Least {
        fn spend(&self, _: &Spending, _: u64) -> Outcome {
            Ok(Spent::First)
        }

        fn peek(&self, _: &Spending, _: u64) -> Outcome {
            Ok(Spent::Again)
        }

        fn probe(&self) -> Result<Probe, Unavailable> {
            Err(Unavailable)
        }
    }

    #[test]
    fn a_ledger_answers_immediately_and_knows_no_more_unless_it_says_so() {
        assert_eq!(Least.start(1, 300), Some(Ok(())));
        assert_eq!((Least.spent_count(), Least.closed_until(300)), (None, None));
        assert_eq!((Least.last_error(), Least.answers_later()), (None, false));
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        for (question, outcome) in [
            (Question::Spend(spending), Ok(Spent::First)),
            (Question::Peek(spending), Ok(Spent::Again)),
        ] {
            let (sender, replies) = std::sync::mpsc::channel();
            let reply = move |outcome| sender.send(outcome).unwrap();
            assert_eq!(Least.submit(question, 300, Box::new(reply)), Ok(()));
            assert_eq!(replies.iter().collect::<Vec<_>>(), [outcome]);
        }
    }

    #[test]
    fn another_ledger_of_a_kind_that_knows_nothing_is_a_new_one() {
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        let former = open("memory:").unwrap();
        assert_eq!(former.spend(&spending, 300), Ok(Spent::First));
        let next = reopen("memory:", &*former).unwrap();
        assert_eq!(next.spend(&spending, 300), Ok(Spent::First));
        assert_eq!(reopen("memory", &*former).err(), Some(ConfigError::Ledger));
    }

    #[test]
    fn debug_shows_what_it_is() {
        assert_eq!(format!("{:?}", open("memory:").unwrap()), "MemoryLedger");
        assert_eq!(format!("{:?}", BootClock::new(|| 7)), "BootClock(7 ms)");
        assert_eq!(Unavailable.to_string(), "the ledger of spent tokens gave no answer");
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn names_of_sqlite_are_not_paths() {
        for name in ["", ":memory:", ":", "file:", "file:tokens.sqlite?mode=ro", "file::memory:"] {
            assert_eq!(open(format!("sqlite:{name}")).err(), Some(ConfigError::Ledger), "{name}");
        }
        for path in ["tokens", "/var/lib/tokens", "./:memory:", "./file:tokens", "a?mode=ro"] {
            assert!(open(format!("sqlite:{path}")).is_ok(), "{path}");
        }
    }
}
