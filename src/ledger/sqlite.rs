//! `sqlite:PATH`: spent tokens in a file, shared by the processes of one machine.
//!
//! The file outlives the process, also one that is killed. Logins do not sync to the disk. So the
//! horizon of its [`History`] begins anew after the machine went down, and whenever the file was
//! lost, damaged or replaced.

mod database;
mod error;
mod files;
mod lock_file;
mod opening;
mod patience;

use std::borrow::Cow;
use std::path::{self, Path, PathBuf};
use std::sync::Mutex;
use std::{fmt, mem};

use super::clock::{BootClock, Clocks};
use super::deferred::Outcome;
use super::history::History;
use super::{Held, Ledger, Probe, Spending, Spent, Unavailable};
use database::Database;
use error::Error;
use files::{Identity, Place};
use opening::{Missing, Opening};
use patience::Patience;

/// The ledger `sqlite:PATH`.
pub struct SqliteLedger {
    path: PathBuf,
    boot_clock: BootClock,
    state: Mutex<State>,
}

struct State {
    database: Option<Box<Database>>,
    /// The history as it was last stored, or a longer one.
    history: History,
    /// The file that was last seen damaged.
    damaged: Option<Identity>,
    /// The file was open before, and was checked.
    was_open: bool,
    /// The lock of another process was not free in time. Questions do not wait for it until it is.
    is_impatient: bool,
    trouble: Option<String>,
}

/// One question to the ledger.
#[derive(Clone, Copy)]
struct Question<'a> {
    path: &'a Path,
    boot_clock: &'a BootClock,
    clocks: Clocks,
    patience: Patience,
}

impl SqliteLedger {
    /// The ledger in the file `path`, which is made at first use if it does not exist.
    ///
    /// A process that forks after first use must [`hold`](Ledger::hold) it meanwhile, as the C
    /// library does by itself; otherwise the child is told [`Unavailable`].
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::with_boot_clock(path, BootClock::of_machine())
    }

    /// As [`new`](Self::new) with another clock, for tests.
    #[doc(hidden)]
    pub fn with_boot_clock(path: impl AsRef<Path>, boot_clock: BootClock) -> Self {
        let path = path::absolute(&path).unwrap_or_else(|_| path.as_ref().to_owned());
        let state = State {
            database: None,
            history: History::new(0),
            damaged: None,
            was_open: false,
            is_impatient: false,
            trouble: None,
        };
        Self { path, boot_clock, state: Mutex::new(state) }
    }

    /// Returns the path, unless nothing is there: then it may be a secret that was written in its
    /// place.
    fn shown_path(&self) -> Cow<'_, str> {
        match self.path.symlink_metadata() {
            Ok(_) => self.path.to_string_lossy(),
            Err(_) => Cow::Borrowed("the file of the ledger"),
        }
    }

    fn answer<T>(
        &self,
        now: u64,
        may_make: bool,
        work: impl FnOnce(&mut State, Question<'_>) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        // Both clocks are read at the same moment, before anything waits.
        let clocks = self.boot_clock.with(now);
        let mut state = self.state.lock()?;
        let patience = Patience::new(!state.is_impatient);
        let (path, boot_clock) = (&self.path, &self.boot_clock);
        let question = Question { path, boot_clock, clocks, patience };
        work(&mut state, question).map_err(|error| {
            state.trouble = Some(format!("{}: {error}", self.shown_path()));
            state.react(&error);
            if may_make && error.is_damage() {
                // At once, as this process may have no other token. What fails, the next one tries.
                let _ = state.open(question, true);
            }
            Unavailable
        })
    }
}

impl Ledger for SqliteLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.answer(now, true, |state, question| {
            let outcome = state.spend(question, spending)?;
            state.worked();
            Ok(outcome)
        })?
    }

    fn peek(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.answer(now, false, |state, question| state.peek(question, spending))?
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        self.answer(0, false, |state, question| {
            state.probe(question)?;
            state.worked();
            Ok(Probe { clock: None })
        })
    }

    /// Counts to 50,000: that many means that many or more. `None` before first use, and while
    /// another thread uses the file.
    fn remembered(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        state.database.as_ref().filter(|database| !database.is_inherited())?.count().ok()
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        let clocks = self.boot_clock.with(now);
        self.state.lock().ok()?.history.opens_at(clocks)
    }

    fn trouble(&self) -> Option<String> {
        match self.state.lock() {
            Ok(state) => state.trouble.clone(),
            Err(_) => Some("a thread stopped in the middle: restart the program".to_owned()),
        }
    }

    /// Also closes the file: what SQLite knows of it must not be inherited.
    fn hold(&self) -> Box<dyn Held + '_> {
        let mut state = self.state.lock();
        if let Ok(state) = &mut state {
            state.close();
        }
        Box::new(state)
    }
}

impl State {
    fn spend(&mut self, question: Question<'_>, spending: &Spending) -> Result<Outcome, Error> {
        for _ in 0..2 {
            self.open(question, true)?;
            let Some(database) = &mut self.database else { break };
            let Question { clocks, patience, .. } = question;
            match database.spend(&mut self.history, spending, clocks, patience) {
                Err(error @ Error::Replaced) => self.react(&error),
                result => return result,
            }
        }
        Err(Error::Replaced)
    }

    fn peek(&mut self, question: Question<'_>, spending: &Spending) -> Result<Outcome, Error> {
        for _ in 0..2 {
            match self.open(question, false)? {
                None => {}
                Some(Missing::FromTheStart) => {
                    let mut history = self.history.clone();
                    history.advance(spending.deviation, question.clocks);
                    let knows = history.knows(spending.step, question.clocks);
                    return Ok(if knows { Ok(Spent::First) } else { Err(Unavailable) });
                }
                Some(Missing::Lost) => break,
            }
            let Some(database) = &self.database else { break };
            match database.peek(spending, question.clocks) {
                Err(error @ Error::Replaced) => self.react(&error),
                result => return result,
            }
        }
        Ok(Err(Unavailable))
    }

    /// Writes to the file what is in it already. Makes no file: the first token does.
    fn probe(&mut self, question: Question<'_>) -> Result<(), Error> {
        match (self.open(question, false)?, &self.database) {
            (None, Some(database)) => database.rewrite(question.patience),
            _ => Ok(Place::of(question.path)?.try_to_create()?),
        }
    }

    /// Opens the file if it is not open, or says what has to be made for that.
    fn open(&mut self, question: Question<'_>, may_make: bool) -> Result<Option<Missing>, Error> {
        if let Some(database) = &self.database {
            return if database.is_inherited() { Err(Error::Forked) } else { Ok(None) };
        }
        let Question { path, boot_clock, clocks, patience } = question;
        let opening = Opening {
            boot_clock,
            clocks,
            patience,
            may_make,
            was_open: self.was_open,
            damaged: self.damaged,
        };
        let place = Place::of(path)?;
        let found = place.files()?.database;
        let opened = opening.open(place, &mut self.history);
        if opened.as_ref().is_err_and(Error::is_damage) {
            self.damaged = found;
        }
        match opened? {
            Ok(database) => self.database = Some(Box::new(database)),
            Err(missing) => return Ok(Some(missing)),
        }
        (self.damaged, self.was_open) = (None, true);
        Ok(None)
    }

    /// A connection must not be used after a fork, and closing it counts as use.
    fn close(&mut self) {
        match self.database.take() {
            Some(database) if database.is_inherited() => mem::forget(database),
            Some(database) => lock_file::close(database),
            None => {}
        }
    }

    fn worked(&mut self) {
        (self.trouble, self.is_impatient) = (None, false);
    }

    fn react(&mut self, error: &Error) {
        self.is_impatient |= error.is_busy();
        if let Some(database) = self.database.as_ref().filter(|_| error.is_damage()) {
            self.damaged = database.files.database;
        }
        if error.asks_for_another_connection() {
            self.close();
        }
    }
}

impl fmt::Debug for SqliteLedger {
    /// Without the path, in whose place there may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger").finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.close();
    }
}
