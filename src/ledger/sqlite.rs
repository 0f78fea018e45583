//! `sqlite:PATH`: spent tokens in a file, shared by the processes of one machine.
//!
//! The file outlives the process, also one that is killed. Nothing is ever synced to the disk:
//! when the machine itself went down, what the file says is not trusted. Then, and whenever the
//! file was damaged or replaced, every step that could have had logins is closed: nothing that may
//! have been spent is accepted, and fresh tokens are again as soon as the window has passed.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, fs, io, mem, path, process, thread};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::stretches::Stretches;
use super::{Held, Ledger, Probe, Spending, Spent, Unavailable};
use crate::totp::{OTP_INTERVAL, step_at};

/// How often a lock of another process is tried for, a millisecond apart; a server's event loop
/// waits with us.
const TRIES: i32 = 200;
/// Rows that leave in one transaction: about a millisecond's worth.
const EXPIRED_AT_ONCE: u32 = 300;
/// Where counting what is remembered ends: a few milliseconds' worth.
const COUNTED_AT_MOST: u32 = 50_000;
/// How far back steps are closed when it is unknown which had logins: a day.
const UNKNOWN_STEPS: u64 = 86_400 / OTP_INTERVAL;
/// `PRAGMA application_id`: "xtok".
const APPLICATION_ID: i32 = 0x7874_6f6b;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spent (
        fingerprint BLOB NOT NULL PRIMARY KEY,
        step INTEGER NOT NULL,
        good_until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS spent_good_until ON spent (good_until);
    CREATE TABLE IF NOT EXISTS closed (first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS machine (boot TEXT NOT NULL) STRICT;
";

/// The ledger `sqlite:PATH`.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// The file that was last seen damaged, to be replaced unless somebody else has.
    damaged: Option<FileIdentity>,
    /// When this process last spent a token in a file that is no longer there, so that nobody
    /// knows which.
    lost: Option<u64>,
    /// When this process last spent a token.
    last_spent: Option<u64>,
    /// The file is one that we began and could not finish, so it held nothing.
    began: bool,
    /// The file was looked through once in this process.
    checked: bool,
    trouble: Option<String>,
}

/// Device and inode, by which a file that was replaced is noticed.
type FileIdentity = (u64, u64);

#[derive(Debug)]
struct Open {
    /// `None` only while it is dropped.
    connection: Option<Connection>,
    file: FileIdentity,
    process: u32,
    /// Whether the lock of another process is waited for: not again after it was in vain.
    is_patient: bool,
    /// The step in which all expired rows had left.
    tidy_in: Option<u64>,
}

/// SQLite must not be used across a fork, and closing counts as use.
impl Drop for Open {
    fn drop(&mut self) {
        if self.process != process::id() {
            mem::forget(self.connection.take());
        }
    }
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

    fn answer<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let mut state = self.state.lock()?;
        let result = work(&mut state);
        state.trouble =
            result.as_ref().err().map(|error| format!("{}: {error}", self.path.display()));
        result.map_err(|error| {
            state.react(&error);
            Unavailable
        })
    }
}

impl Ledger for SqliteLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.answer(|state| {
            let spent = state.ask(&self.path, spending, now, |open| open.spend(spending, now))?;
            state.last_spent = Some(now);
            Ok(spent)
        })
    }

    fn look(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.answer(|state| state.ask(&self.path, spending, now, |open| open.look(spending)))
    }

    fn probe(&self, _now: u64) -> Result<Probe, Unavailable> {
        self.answer(|state| state.probe(&self.path))?;
        Ok(Probe { clock: None })
    }

    /// Counts to 50,000: that many means that many or more. `None` before first use, and while
    /// another thread uses the file.
    fn remembered(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        let open = state.open.as_ref().filter(|open| open.process == process::id())?;
        let count = "SELECT count(*) FROM (SELECT 1 FROM spent LIMIT ?1)";
        let mut count = open.connection.as_ref()?.prepare_cached(count).ok()?;
        count.query_row([COUNTED_AT_MOST], |row| row.get::<_, u32>(0)).ok().map(u64::from)
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
    fn ask(
        &mut self,
        path: &Path,
        spending: &Spending,
        now: u64,
        question: impl FnOnce(&mut Open) -> Result<Spent, Error>,
    ) -> Result<Spent, Error> {
        let open = self.open(path, spending, now)?;
        let file = open.file;
        let spent = question(open)?;
        // A file that was replaced in between remembers nothing for others.
        if identity(path)? != Some(file) {
            return Err(Error::Replaced);
        }
        Ok(spent)
    }

    /// Writes to the file what it says already, over a connection of its own. What has to be
    /// prepared in a new file, or after a restart of the machine, is left to the first token: how
    /// long it has to wait depends on its window.
    fn probe(&self, path: &Path) -> Result<(), Error> {
        if self.open.as_ref().is_some_and(|open| open.process != process::id()) {
            return Err(Error::Forked);
        }
        if identity(path)?.is_none() {
            // A file that we left would be taken for one that was emptied.
            let trial = beside(path, &format!(".probe-{}", process::id()));
            create(&trial)?;
            fs::remove_file(trial)?;
            return Ok(());
        }
        let connection = connect(path)?;
        let version: i32 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
        connection.pragma_update(None, "user_version", version)?;
        Ok(())
    }

    /// The connection, made anew for a new file.
    fn open(&mut self, path: &Path, spending: &Spending, now: u64) -> Result<&mut Open, Error> {
        let found = identity(path)?;
        if let Some(open) = self.open.take() {
            if open.process != process::id() {
                self.open = Some(open);
                return Err(Error::Forked);
            }
            if found == Some(open.file) {
                return Ok(self.open.insert(open));
            }
            self.lost = self.lost.max(self.last_spent);
        }
        if let Some(damaged) = self.damaged.take()
            && found == Some(damaged)
        {
            replace(path, spending, now)?;
        }

        if found.is_none() {
            self.began = true;
            create(path)?;
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
        let connection = connect(path).and_then(|mut connection| {
            prepare(&mut connection, &preparation)?;
            Ok(connection)
        });
        if connection.as_ref().is_err_and(Error::is_damage) {
            self.damaged = Some(file);
        }
        let connection = connection?;
        if identity(path)? != Some(file) {
            return Err(Error::Replaced);
        }
        (self.lost, self.began, self.checked) = (None, false, true);
        let connection = Some(connection);
        let process = process::id();
        Ok(self.open.insert(Open { connection, file, process, is_patient: true, tidy_in: None }))
    }

    fn react(&mut self, error: &Error) {
        if error.is_damage() {
            self.damaged = self.damaged.or(self.open.as_ref().map(|open| open.file));
            self.lost = self.lost.max(self.last_spent);
        }
        if error.asks_for_another_connection() {
            self.open = None;
        }
    }
}

impl Open {
    fn spend(&mut self, spending: &Spending, now: u64) -> Result<Spent, Error> {
        let connection = self.connection.as_mut().ok_or(Error::Forked)?;
        let step = step_at(now);
        let write = match Transaction::new(connection, TransactionBehavior::Immediate) {
            Ok(transaction) => spend(transaction, &mut self.tidy_in, spending, step, now),
            Err(error) => Err(error.into()),
        };
        let is_busy = write.as_ref().is_err_and(Error::is_busy);
        if is_busy == self.is_patient {
            self.is_patient = !is_busy;
            connection.busy_handler(self.is_patient.then_some(wait_a_little))?;
        }
        write
    }

    fn look(&self, spending: &Spending) -> Result<Spent, Error> {
        let connection = self.connection.as_ref().ok_or(Error::Forked)?;
        let is_spent = connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM spent WHERE fingerprint = ?1)
                 OR EXISTS (SELECT 1 FROM closed WHERE ?2 BETWEEN first AND last)",
            )?
            .query_row(params![spending.fingerprint, integer(spending.step)], |row| row.get(0))?;
        Ok(if is_spent { Spent::Again } else { Spent::First })
    }
}

fn spend(
    transaction: Transaction<'_>,
    tidy_in: &mut Option<u64>,
    spending: &Spending,
    step: u64,
    now: u64,
) -> Result<Spent, Error> {
    if *tidy_in != Some(step) && remove_expired(&transaction, now)? {
        *tidy_in = Some(step);
    }
    let added = transaction
        .prepare_cached(
            "INSERT INTO spent SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM closed WHERE ?2 BETWEEN first AND last)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            spending.fingerprint,
            integer(spending.step),
            integer(spending.good_until)
        ])?;
    transaction.commit()?;
    Ok(if added == 1 { Spent::First } else { Spent::Again })
}

/// Puts a new file, with the steps of the present closed, in the place of a damaged one, which is
/// kept beside it. There is a file at every moment.
fn replace(path: &Path, spending: &Spending, now: u64) -> Result<(), Error> {
    let me = process::id();
    let new = beside(path, &format!(".new-{me}"));
    let _ = fs::remove_file(&new);
    create(&new)?;
    let mut connection = Connection::open_with_flags(&new, flags())?;
    let preparation =
        Preparation { existed: true, check: false, lost_at: Some(now), spending, now };
    prepare(&mut connection, &preparation)?;
    drop(connection);

    let aside = |suffix: &str| beside(path, &format!(".damaged-{now}-{me}{suffix}"));
    // Not every file system knows hard links.
    fs::hard_link(path, aside("")).or_else(|_| fs::copy(path, aside("")).map(drop))?;
    for suffix in ["-wal", "-shm"] {
        // Often there is none.
        let _ = fs::rename(beside(path, suffix), aside(suffix));
    }
    fs::rename(new, path)?;
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes an empty file that is private. One that exists is not opened: closing it again would
/// release the locks that other connections of this process have on it.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// No URIs: a path is a path.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open_with_flags(path, flags())?;
    connection.busy_handler(Some(wait_a_little))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(Error::Foreign);
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    let synchronous = if boot_id().is_some() { "off" } else { "full" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

struct Preparation<'a> {
    /// The file was there before us.
    existed: bool,
    /// Look through the whole file.
    check: bool,
    /// Until when tokens were spent that the file knows nothing of.
    lost_at: Option<u64>,
    spending: &'a Spending,
    now: u64,
}

/// Makes the tables and closes the steps of which it is unknown what was spent: of a file that
/// existed without them, of one that was lost, and after the machine was down.
fn prepare(connection: &mut Connection, preparation: &Preparation<'_>) -> Result<(), Error> {
    let Preparation { existed, check, lost_at, spending, now } = *preparation;
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let has_tables = "SELECT count(*) = 4 FROM sqlite_schema WHERE name IN \
                      ('spent', 'spent_good_until', 'closed', 'machine')";
    let is_ours: bool = transaction.query_row(has_tables, [], |row| row.get(0))?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;

    let this_boot = boot_id().unwrap_or_default();
    let boot =
        transaction.query_row("SELECT boot FROM machine", [], |row| row.get(0)).optional()?;
    let same_boot = boot.as_ref().is_none_or(|boot: &String| *boot == this_boot);
    if check || !same_boot {
        let found: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(Error::Damaged(found));
        }
    }
    let unknown_until = if existed && !is_ours || !same_boot { Some(now) } else { lost_at };
    if let Some(until) = unknown_until {
        let reach = spending.good_until.saturating_sub(spending.step.saturating_mul(OTP_INTERVAL));
        let ahead = (reach / OTP_INTERVAL).saturating_sub(1);
        let first = step_at(until).saturating_sub(UNKNOWN_STEPS);
        close(&transaction, [(first, step_at(until).saturating_add(ahead))])?;
    }
    transaction.execute("DELETE FROM machine", [])?;
    transaction.execute("INSERT INTO machine VALUES (?1)", [this_boot])?;
    transaction.commit()?;
    Ok(())
}

/// Removes some rows that are no longer good and closes their steps, since a clock may be set
/// back. `true` when none are left.
fn remove_expired(transaction: &Transaction<'_>, now: u64) -> Result<bool, Error> {
    let steps = transaction
        .prepare_cached(
            "DELETE FROM spent WHERE fingerprint IN
             (SELECT fingerprint FROM spent WHERE good_until <= ?1 ORDER BY good_until LIMIT ?2)
             RETURNING step",
        )?
        .query_map(params![integer(now), EXPIRED_AT_ONCE], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    if !steps.is_empty() {
        close(transaction, steps.iter().map(|step| (step.unsigned_abs(), step.unsigned_abs())))?;
    }
    Ok(steps.len() < EXPIRED_AT_ONCE as usize)
}

fn close(
    transaction: &Transaction<'_>,
    more: impl IntoIterator<Item = (u64, u64)>,
) -> Result<(), Error> {
    let mut stretches = Stretches::new();
    let known = transaction
        .prepare_cached("SELECT first, last FROM closed")?
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?
        .map(|row| row.map(|(first, last)| (first.unsigned_abs(), last.unsigned_abs())))
        .collect::<Result<Vec<_>, _>>()?;
    known.into_iter().chain(more).for_each(|(first, last)| stretches.add(first, last));
    transaction.execute("DELETE FROM closed", [])?;
    let mut insert = transaction.prepare_cached("INSERT INTO closed VALUES (?1, ?2)")?;
    for (first, last) in stretches.iter() {
        insert.execute([integer(first), integer(last)])?;
    }
    Ok(())
}

/// SQLite counts to 2^63 - 1, far beyond any step.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn identity(path: &Path) -> io::Result<Option<FileIdentity>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name for this run of the kernel, where it gives one.
fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// Called by SQLite while another process has the lock, which lasts microseconds unless something
/// is wrong. `tries` counts from 0.
fn wait_a_little(tries: i32) -> bool {
    thread::sleep(Duration::from_millis(1));
    tries < TRIES
}

#[derive(Debug)]
enum Error {
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
    fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    fn asks_for_another_connection(&self) -> bool {
        let keeps = [
            ErrorCode::DatabaseBusy,
            ErrorCode::DatabaseLocked,
            ErrorCode::DiskFull,
            ErrorCode::ReadOnly,
        ];
        !matches!(self, Self::Forked) && self.code().is_none_or(|code| !keeps.contains(&code))
    }

    fn is_damage(&self) -> bool {
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
        if self.is_damage() {
            f.write_str("; it will be moved aside, and tokens of the last minute refused")?;
        }
        Ok(())
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
