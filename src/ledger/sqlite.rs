//! `sqlite:PATH`: spent tokens in a file, shared by the processes of one machine.
//!
//! The file outlives the process, also one that is killed. Logins do not sync to the disk. So the
//! horizon of its [`History`] begins anew after the machine went down, and whenever the file was
//! lost, damaged or replaced.

mod database;
mod deadline;
mod error;
mod files;
mod lock_file;
mod opener;

use std::borrow::Cow;
use std::path::{self, Path, PathBuf};
use std::sync::Mutex;
use std::{fmt, mem};

use super::clock::{BootClock, Clocks};
use super::history::History;
use super::{Held, Ledger, Outcome, Probe, Spending, Spent, Unavailable};
use database::Database;
use deadline::Deadline;
use error::Error;
use files::{Identity, Paths};
use opener::{Missing, Opener};

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
    /// The lock of another process was not free in time. Until it is, questions do not wait.
    was_busy: bool,
    last_error: Option<String>,
    /// The largest deviation of the verifiers that [started](Ledger::start) the ledger.
    expected: Option<u64>,
}

/// One question to the ledger.
#[derive(Clone, Copy)]
struct Question<'a> {
    path: &'a Path,
    boot_clock: &'a BootClock,
    clocks: Clocks,
    deadline: Deadline,
}

impl SqliteLedger {
    /// Makes the ledger in the file `path`, which is created at first use.
    ///
    /// If the process forks after first use, the child is told [`Unavailable`]. The C library
    /// prepares its ledgers for a fork.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::with_boot_clock(path, BootClock::of_machine())
    }

    /// Does the same as [`new`](Self::new) with another clock, for tests.
    #[doc(hidden)]
    pub fn with_boot_clock(path: impl AsRef<Path>, boot_clock: BootClock) -> Self {
        let path = path::absolute(&path).unwrap_or_else(|_| path.as_ref().to_owned());
        let state = State {
            database: None,
            history: History::new(0),
            damaged: None,
            was_open: false,
            was_busy: false,
            last_error: None,
            expected: None,
        };
        Self { path, boot_clock, state: Mutex::new(state) }
    }

    /// Returns the path for messages, unless no file is there: then the user may have written a
    /// secret instead of a path.
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
        let deadline = Deadline::new(!state.was_busy);
        let (path, boot_clock) = (&self.path, &self.boot_clock);
        let question = Question { path, boot_clock, clocks, deadline };
        work(&mut state, question).map_err(|error| {
            state.last_error = Some(format!("{}: {error}", self.shown_path()));
            state.react(&error);
            if may_make && error.is_damage() {
                // Immediately, as this process may spend no other token. If that fails, the next
                // token tries again.
                let _ = state.open(question, true);
            }
            Unavailable
        })
    }
}

impl Ledger for SqliteLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Outcome {
        self.answer(now, true, |state, question| {
            let outcome = state.spend(question, spending)?;
            state.worked();
            Ok(outcome)
        })?
    }

    fn peek(&self, spending: &Spending, now: u64) -> Outcome {
        self.answer(now, false, |state, question| state.peek(question, spending))?
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        self.answer(0, false, |state, question| {
            let has_lost = state.probe(question)?;
            state.worked();
            Ok(Probe { clock: None, has_lost })
        })
    }

    fn start(&self, deviation: u64, now: u64) -> Option<Result<(), Unavailable>> {
        Some(self.answer(now, true, |state, question| {
            state.expected = state.expected.max(Some(deviation));
            state.start(question)?;
            state.worked();
            Ok(())
        }))
    }

    /// Counts to 50,000, which then means that many or more. `None` before first use, and while
    /// another thread uses the file.
    fn spent_count(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        state.database.as_ref().filter(|database| !database.is_inherited())?.count().ok()
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        let clocks = self.boot_clock.with(now);
        let state = self.state.lock().ok()?;
        state.history.opens_at_for(state.expected, clocks)
    }

    fn last_error(&self) -> Option<String> {
        match self.state.lock() {
            Ok(state) => state.last_error.clone(),
            Err(_) => Some(
                "a thread panicked while it changed the ledger: restart the program".to_owned(),
            ),
        }
    }

    /// Locks the ledger and closes its file: a child must not inherit what SQLite knows of it.
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
            let Question { clocks, deadline, .. } = question;
            match database.spend(&mut self.history, spending, clocks, deadline) {
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

    /// Writes to the file what is in it already. Makes no file: the first token does. Returns
    /// whether tokens were lost.
    fn probe(&mut self, question: Question<'_>) -> Result<bool, Error> {
        let missing = self.open(question, false)?;
        match &self.database {
            Some(database) => database.rewrite(question.deadline)?,
            None => Paths::of(question.path)?.try_to_create()?,
        }
        Ok(matches!(missing, Some(Missing::Lost)))
    }

    /// Makes the file if there is none, and writes to it what is in it already.
    fn start(&mut self, question: Question<'_>) -> Result<(), Error> {
        for _ in 0..2 {
            self.open(question, true)?;
            let Some(database) = &self.database else { break };
            match database.refuse_replaced() {
                Err(error @ Error::Replaced) => self.react(&error),
                result => return result.and_then(|()| database.rewrite(question.deadline)),
            }
        }
        Err(Error::Replaced)
    }

    /// Opens the file if it is not open. If something must be made first, and `may_make` is false,
    /// returns what is missing.
    fn open(&mut self, question: Question<'_>, may_make: bool) -> Result<Option<Missing>, Error> {
        if let Some(database) = &self.database {
            return if database.is_inherited() { Err(Error::Forked) } else { Ok(None) };
        }
        let Question { path, boot_clock, clocks, deadline } = question;
        let opener = Opener {
            boot_clock,
            clocks,
            deadline,
            may_make,
            was_open: self.was_open,
            damaged: self.damaged,
        };
        let paths = Paths::of(path)?;
        let found = paths.files()?.database;
        let opened = opener.open(paths, &mut self.history);
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

    /// Closes the database, except in a child of a fork: there the connection must not be used, and
    /// closing it counts as use.
    fn close(&mut self) {
        match self.database.take() {
            Some(database) if database.is_inherited() => mem::forget(database),
            Some(database) => lock_file::close(database),
            None => {}
        }
    }

    fn worked(&mut self) {
        (self.last_error, self.was_busy) = (None, false);
    }

    fn react(&mut self, error: &Error) {
        self.was_busy |= error.is_busy();
        if let Some(database) = self.database.as_ref().filter(|_| error.is_damage()) {
            self.damaged = database.files.database;
        }
        if error.asks_for_another_connection() {
            self.close();
        }
    }
}

impl fmt::Debug for SqliteLedger {
    /// Leaves out the path, because it may be a secret written by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger").finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.close();
    }
}
