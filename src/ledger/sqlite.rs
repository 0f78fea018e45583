//! `sqlite:PATH`: spent tokens in a file, shared by the processes of one machine.
//!
//! The file outlives the process, also one that is killed. Nothing is ever synced to the disk:
//! when the machine itself went down, what the file says is not trusted. Then, and whenever the
//! file was damaged or replaced, every step that could have had logins is closed: nothing that may
//! have been spent is accepted, and fresh tokens are again as soon as the window has passed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, fs, io, mem, process, thread};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::stretches::Stretches;
use super::{Held, Ledger, Spending, Spent, Unavailable};
use crate::totp::{OTP_INTERVAL, step_at};

/// How long a lock of another process is waited for; a server's event loop waits with us.
const PATIENCE: Duration = Duration::from_millis(250);
/// Rows that leave in one transaction: about a millisecond's worth.
const EXPIRED_AT_ONCE: u32 = 300;
/// How far back steps are closed when it is unknown which had logins: a day.
const UNKNOWN_STEPS: u64 = 86_400 / OTP_INTERVAL;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spent (
        fingerprint BLOB NOT NULL PRIMARY KEY,
        step INTEGER NOT NULL,
        good_until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS spent_good_until ON spent (good_until, step);
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
    /// The file was lost or damaged under our hands, so what it held is unknown.
    distrust: bool,
    /// The file is one that we began and could not finish, so it held nothing.
    began: bool,
    trouble: Option<String>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    /// Device and inode, by which a file that was replaced is noticed.
    file: (u64, u64),
    /// A connection does not survive a fork.
    process: u32,
    /// The step in which all expired rows had left.
    tidy_in: Option<u64>,
}

impl SqliteLedger {
    /// The ledger in the file `path`, which is made at first use if it does not exist.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), state: Mutex::default() }
    }
}

impl Ledger for SqliteLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        let mut state = self.state.lock()?;
        let result = state.spend(&self.path, spending, now);
        state.trouble = result.as_ref().err().map(|error| {
            let damaged = state.give_up(&self.path, error, now);
            format!("{}: {error}{damaged}", self.path.display())
        });
        result.map_err(|_| Unavailable)
    }

    fn trouble(&self) -> Option<String> {
        self.state.lock().ok()?.trouble.clone()
    }

    fn hold(&self) -> Box<dyn Held + '_> {
        Box::new(self.state.lock())
    }
}

impl State {
    fn spend(&mut self, path: &Path, spending: &Spending, now: u64) -> Result<Spent, Error> {
        let open = self.open(path, spending, now)?;
        let step = step_at(now);
        let write = TransactionBehavior::Immediate;
        let transaction = Transaction::new(&mut open.connection, write)?;
        if open.tidy_in != Some(step) && remove_expired(&transaction, now)? {
            open.tidy_in = Some(step);
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

    /// The connection, made anew in a new process and for a new file.
    fn open(&mut self, path: &Path, spending: &Spending, now: u64) -> Result<&mut Open, Error> {
        let file = identity(path)?;
        if let Some(open) = self.open.take() {
            if open.process != process::id() {
                // The parent's; closing it here would disturb the parent.
                mem::forget(open);
            } else if file == Some(open.file) {
                return Ok(self.open.insert(open));
            } else {
                self.distrust = true;
            }
        }
        self.began |= file.is_none();
        let mut connection = connect(path)?;
        prepare(&mut connection, !self.began, self.distrust, spending, now)?;
        let file = identity(path)?.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        (self.distrust, self.began) = (false, false);
        Ok(self.open.insert(Open { connection, file, process: process::id(), tidy_in: None }))
    }

    /// After an error: lets go of the file, and moves it aside if it is damaged. Says so.
    fn give_up(&mut self, path: &Path, error: &Error, now: u64) -> String {
        if error.is_busy() {
            return String::new();
        }
        self.open = None;
        if !error.is_damage() {
            return String::new();
        }
        self.distrust = true;
        let aside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        for suffix in ["", "-wal", "-shm"] {
            let to = aside(&format!(".damaged-{now}{suffix}"));
            if let Err(error) = fs::rename(aside(suffix), &to)
                && suffix.is_empty()
            {
                return format!("; it cannot be moved aside: {error}");
            }
        }
        "; it was moved aside, and tokens made before now are refused".to_owned()
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_handler(Some(wait_a_little))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let synchronous = if boot_id().is_some() { "off" } else { "full" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

/// Makes the tables, and closes the steps of which it is unknown what was spent: after
/// `distrust`, in a file that `existed` without our tables, and after the machine was down.
fn prepare(
    connection: &mut Connection,
    existed: bool,
    distrust: bool,
    spending: &Spending,
    now: u64,
) -> Result<(), Error> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let has_tables = "SELECT count(*) = 4 FROM sqlite_schema WHERE name IN \
                      ('spent', 'spent_good_until', 'closed', 'machine')";
    let is_ours: bool = transaction.query_row(has_tables, [], |row| row.get(0))?;
    transaction.execute_batch(SCHEMA)?;
    let check: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(Error::Damaged(check));
    }

    let this_boot = boot_id().unwrap_or_default();
    let boot =
        transaction.query_row("SELECT boot FROM machine", [], |row| row.get(0)).optional()?;
    let same_boot = boot.as_ref().is_none_or(|boot: &String| *boot == this_boot);
    if distrust || existed && !is_ours || !same_boot {
        let ahead = spending.good_until.saturating_sub(spending.step.saturating_mul(OTP_INTERVAL));
        let last = step_at(now).saturating_add((ahead / OTP_INTERVAL).saturating_sub(1));
        let first = step_at(now).saturating_sub(UNKNOWN_STEPS);
        close(&transaction, [(first, last)])?;
    }
    transaction.execute("DELETE FROM machine", [])?;
    transaction.execute("INSERT INTO machine VALUES (?1)", [this_boot])?;
    transaction.commit()?;
    Ok(())
}

/// Removes some rows that are no longer good and closes their steps, since a clock may be set
/// back. `true` when none are left.
fn remove_expired(transaction: &Transaction<'_>, now: u64) -> Result<bool, Error> {
    let expired = "FROM spent WHERE good_until <= ?1 ORDER BY good_until LIMIT ?2";
    let parameters = params![integer(now), EXPIRED_AT_ONCE];
    let steps = transaction
        .prepare_cached(&format!(
            "SELECT step, count(*) FROM (SELECT step {expired}) GROUP BY step"
        ))?
        .query_map(parameters, |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?
        .collect::<Result<Vec<(u64, u32)>, _>>()?;
    if steps.is_empty() {
        return Ok(true);
    }
    close(transaction, steps.iter().map(|(step, _)| (*step, *step)))?;
    transaction
        .prepare_cached(&format!(
            "DELETE FROM spent WHERE fingerprint IN (SELECT fingerprint {expired})"
        ))?
        .execute(parameters)?;
    Ok(steps.iter().map(|(_, rows)| rows).sum::<u32>() < EXPIRED_AT_ONCE)
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

fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
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
    let nap = Duration::from_micros(200);
    thread::sleep(nap);
    nap * tries.unsigned_abs() < PATIENCE
}

#[derive(Debug)]
enum Error {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    Damaged(String),
}

impl Error {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Io(_) | Self::Damaged(_) => None,
        }
    }

    /// Somebody else has the lock: nothing is wrong with the file.
    fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
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
            Self::Damaged(what) => write!(f, "damaged: {what}"),
        }
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
