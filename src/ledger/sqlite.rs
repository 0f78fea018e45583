//! `sqlite:PATH`: spent tokens in a file, shared by the processes of one machine.
//!
//! The file outlives the process, also one that is killed. Nothing is ever synced to the disk:
//! when the machine itself went down, what the file says is not trusted. Then, and whenever the
//! file was damaged or replaced, every step that could have had logins is closed: nothing that may
//! have been spent is accepted, and fresh tokens are again as soon as the window has passed.

mod database;
mod error;
mod file;

use std::borrow::Cow;
use std::path::{self, Path, PathBuf};
use std::sync::Mutex;

use super::{Held, Ledger, Probe, Spending, Spent, Unavailable};
use crate::totp::{start_of, step_at};
use database::{Database, Preparation};
use error::Error;
use file::{Identity, identity};

/// The ledger `sqlite:PATH`.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<(Identity, Database)>,
    /// The file that was last seen damaged, to be replaced unless somebody else has.
    damaged: Option<Identity>,
    /// Where and when this process last spent a token.
    last_spent: Option<(Identity, u64)>,
    /// When this process last spent a token in a file that is no longer there, so that nobody
    /// knows which.
    lost: Option<u64>,
    /// The file is one that we began and could not finish, so it held nothing.
    began: bool,
    /// The file was looked through once in this process.
    checked: bool,
    /// The lock of another process was waited for in vain: not again until it is free.
    is_impatient: bool,
    trouble: Option<String>,
}

impl SqliteLedger {
    /// The ledger in the file `path`, which is made at first use if it does not exist.
    ///
    /// A process that forks after first use must [`hold`](Ledger::hold) it meanwhile, as the C
    /// library does by itself; otherwise the child is told [`Unavailable`].
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path::absolute(&path).unwrap_or_else(|_| path.as_ref().to_owned());
        Self { path, state: Mutex::default() }
    }

    /// The path, unless nothing is there: then it may be a secret that was written in its place.
    fn shown_path(&self) -> Cow<'_, str> {
        match self.path.symlink_metadata() {
            Ok(_) => self.path.to_string_lossy(),
            Err(_) => Cow::Borrowed("the file of the ledger"),
        }
    }

    fn answer<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let mut state = self.state.lock()?;
        work(&mut state).map_err(|error| {
            state.trouble = Some(format!("{}: {error}", self.shown_path()));
            state.react(&error);
            Unavailable
        })
    }
}

impl Ledger for SqliteLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.answer(|state| {
            let spent = state.spend(&self.path, spending, now)?;
            state.worked();
            Ok(spent)
        })
    }

    fn look(&self, spending: &Spending, _now: u64) -> Result<Spent, Unavailable> {
        self.answer(|state| state.look(&self.path, spending))
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        self.answer(|state| {
            state.probe(&self.path)?;
            state.worked();
            Ok(Probe { clock: None })
        })
    }

    /// Counts to 50,000: that many means that many or more. `None` before first use, and while
    /// another thread uses the file.
    fn remembered(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        let (_, database) = state.open.as_ref()?;
        database.count().ok()
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        let state = self.state.lock().ok()?;
        let (_, database) = state.open.as_ref()?;
        let last = database.closed_through(step_at(now)).ok()??;
        Some(start_of(last.saturating_add(1)))
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
            state.open = None;
        }
        Box::new(state)
    }
}

impl State {
    fn spend(&mut self, path: &Path, spending: &Spending, now: u64) -> Result<Spent, Error> {
        self.refuse_after_fork()?;
        let found = identity(path)?;
        let is_patient = !self.is_impatient;
        if self.open.as_ref().is_none_or(|(file, _)| found != Some(*file)) {
            self.reopen(path, found, spending, now)?;
        }
        let (file, database) = self.open.as_mut().ok_or(Error::Replaced)?;
        database.be_patient(is_patient)?;
        let spent = database.spend(spending, now)?;
        // A file that was replaced in between remembers nothing for others.
        if identity(path)? != Some(*file) {
            return Err(Error::Replaced);
        }
        self.last_spent = Some((*file, now));
        Ok(spent)
    }

    /// Prepares nothing, as a spending would: whoever looks may do so for any time.
    fn look(&self, path: &Path, spending: &Spending) -> Result<Spent, Error> {
        self.refuse_after_fork()?;
        let found = identity(path)?;
        if let Some((file, database)) = &self.open
            && found == Some(*file)
        {
            return database.look(spending);
        }
        // What a spending would close first.
        if self.lost.max(self.left_behind(found)).is_some() {
            return Ok(Spent::Again);
        }
        if found.is_none() {
            return Ok(Spent::First);
        }
        let database = Database::attach(path, !self.is_impatient)?;
        match database.is_prepared()? {
            true => database.look(spending),
            false => Ok(if self.began { Spent::First } else { Spent::Again }),
        }
    }

    /// When this process last spent a token, if that was in another file than was `found`.
    fn left_behind(&self, found: Option<Identity>) -> Option<u64> {
        let (file, at) = self.last_spent?;
        (found != Some(file)).then_some(at)
    }

    /// Connects to the file that was `found`, or to a new one.
    fn reopen(
        &mut self,
        path: &Path,
        found: Option<Identity>,
        spending: &Spending,
        now: u64,
    ) -> Result<(), Error> {
        self.open = None;
        self.lost = self.lost.max(self.left_behind(found));
        if let Some(damaged) = self.damaged.take()
            && found == Some(damaged)
        {
            file::replace(path, now, |new| {
                let preparation =
                    Preparation { existed: true, check: false, lost_at: Some(now), spending, now };
                Database::connect(new, true)?.prepare(&preparation)
            })?;
        }
        if found.is_none() {
            self.began = true;
            file::create(path)?;
        }
        // Before the connection is made, so that it is certain which file it is made to.
        let file = identity(path)?.ok_or(Error::Replaced)?;
        let preparation = Preparation {
            existed: !self.began,
            check: !self.checked,
            lost_at: self.lost.map(|lost| if found.is_none() { now } else { lost }),
            spending,
            now,
        };
        let database = Database::connect(path, !self.is_impatient).and_then(|mut database| {
            database.prepare(&preparation)?;
            Ok(database)
        });
        if database.as_ref().is_err_and(Error::is_damage) {
            self.damaged = Some(file);
        }
        let database = database?;
        if identity(path)? != Some(file) {
            return Err(Error::Replaced);
        }
        (self.lost, self.began, self.checked) = (None, false, true);
        self.last_spent = self.last_spent.map(|(_, at)| (file, at));
        self.open = Some((file, database));
        Ok(())
    }

    /// Writes to the file what it says already, over a connection of its own. What has to be
    /// prepared in a new file, or after a restart of the machine, is left to the first token: how
    /// long that closes the file depends on its window.
    fn probe(&self, path: &Path) -> Result<(), Error> {
        self.refuse_after_fork()?;
        if identity(path)?.is_none() {
            return Ok(file::try_to_create(path)?);
        }
        Database::connect(path, !self.is_impatient)?.rewrite()
    }

    fn refuse_after_fork(&self) -> Result<(), Error> {
        let is_inherited = self.open.as_ref().is_some_and(|(_, database)| database.is_inherited());
        if is_inherited { Err(Error::Forked) } else { Ok(()) }
    }

    fn worked(&mut self) {
        (self.trouble, self.is_impatient) = (None, false);
    }

    fn react(&mut self, error: &Error) {
        self.is_impatient |= error.is_busy();
        if error.is_damage() {
            self.damaged = self.damaged.or(self.open.as_ref().map(|(file, _)| *file));
            self.lost = self.lost.max(self.last_spent.map(|(_, at)| at));
        }
        if error.asks_for_another_connection() {
            self.open = None;
        }
    }
}
