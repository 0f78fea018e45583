//! [`Opener`]: opens the file before the first question. It finds out whether other processes share
//! the file, and whether the file is still the same. It begins the horizon anew if tokens may have
//! been lost.

use std::fs;
use std::sync::Arc;

use super::database::{self, Database, Stored};
use super::deadline::Deadline;
use super::error::Error;
use super::files::{Files, Identity, Paths};
use super::lock_file::{self, LockFile, Record};
use crate::ledger::clock::{BootClock, Clocks};
use crate::ledger::history::History;

/// Opens a file, with what the ledger knew before.
pub(super) struct Opener<'a> {
    pub(super) boot_clock: &'a BootClock,
    pub(super) clocks: Clocks,
    pub(super) deadline: Deadline,
    /// Files that are missing may be made.
    pub(super) may_make: bool,
    /// This ledger had it open before.
    pub(super) was_open: bool,
    /// A damaged file, to be moved aside unless another process has done so.
    pub(super) damaged: Option<Identity>,
}

/// Why a file is not open: it must be made first.
pub(super) enum Missing {
    /// There was none before: nothing was spent.
    FromTheStart,
    /// There was one before: tokens may be lost.
    Lost,
}

impl Opener<'_> {
    /// Opens the file that `paths` name, and updates `history`.
    pub(super) fn open(
        &self,
        paths: Paths,
        history: &mut History,
    ) -> Result<Result<Database, Missing>, Error> {
        paths.refuse_mount()?;
        let files = paths.files()?;
        let Some(lock) = lock_file::open(&paths, &files, self.may_make)? else {
            let is_lost = self.was_open || files.database.is_some();
            return Ok(Err(if is_lost { Missing::Lost } else { Missing::FromTheStart }));
        };
        let opened = self.open_with(&lock, paths, history);
        lock_file::close(lock);
        opened
    }

    fn open_with(
        &self,
        lock: &Arc<LockFile>,
        paths: Paths,
        history: &mut History,
    ) -> Result<Result<Database, Missing>, Error> {
        let (mut is_shared, is_alone) = lock.enter(self.deadline)?;
        let mut files = paths.files()?;
        if files.lock != Some(lock.identity()?) {
            return Err(Error::Replaced);
        }
        let record = lock.read()?;
        let is_ours = record.is_some_and(|record| record.names(&files));
        if files.database.is_some() && !is_ours && !paths.may_be_ledger()? {
            return Err(Error::Foreign);
        }
        let is_damaged = files.database.is_some() && files.database == self.damaged;
        let is_begun = match record {
            Some(record) => record == Record::BEGUN,
            None => files.database.is_none(),
        };
        let is_first = is_begun && is_alone && !self.was_open;
        let has_lost = !is_first && record.is_none_or(|record| record.inodes != files.inodes());
        if !self.may_make && (is_first || has_lost || is_damaged) {
            return Ok(Err(if is_first { Missing::FromTheStart } else { Missing::Lost }));
        }
        if record.is_none() {
            // If this process dies now, the record shows what is known.
            lock.write(if is_first { &Record::BEGUN } else { &Record::UNKNOWN }, &paths)?;
        }
        // Files beside a database that is gone must not become part of a new one.
        if is_damaged || files.database.is_none() {
            paths.set_aside(self.clocks.wall)?;
            files = paths.files()?;
        }
        let record = record.filter(|record| *record != Record::BEGUN);
        let joining = Joining { paths, lock, record, files, is_alone, is_first, has_lost };
        let database = joining.join(self, history)?;
        lock.share(database.files.database, &mut is_shared, self.deadline)?;
        Ok(Ok(database))
    }
}

/// A database whose lock file is open.
struct Joining<'a> {
    paths: Paths,
    lock: &'a Arc<LockFile>,
    record: Option<Record>,
    /// The files before SQLite opened any.
    files: Files,
    /// No other process has it open.
    is_alone: bool,
    /// Nothing was ever spent in it.
    is_first: bool,
    has_lost: bool,
}

impl Joining<'_> {
    /// Connects, makes the tables, decides whether there is a gap, and stores that.
    fn join(self, opener: &Opener<'_>, history: &mut History) -> Result<Database, Error> {
        if self.files.database.is_none() {
            self.paths.create()?;
        }
        let connection = opener.deadline.retry(|| database::connect(&self.paths))?;
        let transaction = database::begin(&connection, opener.deadline)?;
        database::make_tables(&transaction)?;
        let stored = database::load(&transaction)?;
        let mut has_lost = self.has_lost || stored.is_none() && !self.is_first;
        // Whether the deviations in use are known, from the lock file or from a history.
        let mut is_known = self.record.is_some() || opener.was_open;
        let (machine, mut now) = (machine(), history.clone());
        if let Some(Stored { machine: theirs, history: mut stored }) = stored {
            // A boot clock without a name is known to be the same one only while another process
            // has the file open.
            let is_same_clock =
                machine.as_ref().map_or(!self.is_alone, |machine| *machine == theirs);
            match (is_same_clock, self.is_alone) {
                (true, _) => is_known = true,
                (false, true) => {
                    stored.change_steady_clock(opener.boot_clock.with(opener.clocks.wall));
                    has_lost = true;
                }
                (false, false) => return Err(Error::OtherMachine),
            }
            stored.merge(&now);
            now = stored;
        }
        if has_lost || !opener.was_open {
            database::check(&transaction)?;
        }
        // The clocks are read now: what others have accepted until now must be before the horizon.
        let clocks = opener.boot_clock.with(opener.clocks.wall);
        if has_lost {
            let otherwise = if is_known { Record::BEGUN } else { Record::UNKNOWN };
            now.note(self.record.unwrap_or(otherwise).widest, clocks);
            now.lose(clocks);
        }
        let machine = machine.unwrap_or_default();
        database::store(&transaction, &machine, &now)?;
        transaction.commit()?;
        let files = self.paths.files()?;
        if self.files.database.is_some() && !files.include(&self.files) {
            return Err(Error::Replaced);
        }
        // This is written last. Otherwise the next process would take for known what was not
        // stored.
        let record = Record { widest: now.widest(clocks), inodes: files.inodes() };
        if self.record != Some(record) {
            self.lock.write(&record, &self.paths)?;
        }
        *history = now;
        let lock = Arc::clone(self.lock);
        Ok(Database::new(connection, lock, self.paths, files, record, machine))
    }
}

/// Returns a name of the boot clock: the run of the kernel and the offset of the time namespace;
/// `None` if the kernel gives no name.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    // A new namespace may get the number of one that is gone.
    let offsets = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
    let words = [&boot, &*namespace.to_string_lossy(), &offsets]
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(words.join(" "))
}
