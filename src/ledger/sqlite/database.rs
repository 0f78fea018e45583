//! The connection to the database, and what is in it: the spent tokens and the [`History`].

use std::process;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{
    Connection, FileControl, MAIN_DB, OpenFlags, OptionalExtension, Transaction,
    TransactionBehavior, params,
};

use super::deadline::Deadline;
use super::error::Error;
use super::files::{Files, Paths};
use super::lock_file::{LockFile, Record};
use crate::ledger::clock::Clocks;
use crate::ledger::history::History;
use crate::ledger::{Fingerprint, Outcome, Spending, Spent, Unavailable};
use crate::totp::step_at;

/// Rows that one transaction checks for tokens that may be forgotten. It takes about a millisecond
/// if all may.
const SWEPT_AT_ONCE: u32 = 500;
/// The most spent tokens that are counted. This takes a few milliseconds.
const COUNTED_AT_MOST: u32 = 50_000;
/// About twice the bytes that `-wal` has before a checkpoint: 1000 pages of 4 KiB.
const LARGEST_WAL: u32 = 8 << 20;
/// `PRAGMA application_id`: "xtkn". Version 0.1 had "xtok", and takes this for the file of another
/// program.
const APPLICATION_ID: i32 = 0x7874_6b6e;
const APPLICATION_ID_0_1: i32 = 0x7874_6f6b;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spent (
        fingerprint BLOB NOT NULL PRIMARY KEY,
        step INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ledger (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        machine TEXT NOT NULL,
        history TEXT NOT NULL
    ) STRICT;
";

/// A database that is open, with its lock file.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    /// Must be closed after the connection.
    pub(super) lock: Arc<LockFile>,
    pub(super) paths: Paths,
    pub(super) files: Files,
    /// What the lock file says.
    pub(super) record: Record,
    /// Names the boot clock of the history.
    machine: String,
    process: u32,
    /// The history as it is stored. `None` if the one in memory may be longer.
    stored: Option<String>,
    sweep: Sweep,
}

/// How far the rows were checked for tokens that may be forgotten, in the order of their
/// fingerprints. There is no index by step, because each spending would have to write to it too.
#[derive(Debug)]
enum Sweep {
    /// Not yet. The first sweep begins at the token that is spent. That is a random place, so
    /// processes that spend one token each check all rows together.
    Nothing,
    /// To this fingerprint.
    To(Fingerprint),
    /// To the last, in this step.
    Through(u64),
}

/// What is stored beside the tokens.
pub(super) struct Stored {
    pub(super) machine: String,
    pub(super) history: History,
}

/// Connects to a database of xtoken, or to an empty one.
pub(super) fn connect(paths: &Paths) -> Result<Connection, Error> {
    // Without URIs, every path names a file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&paths.database, flags)?;
    // `Deadline` waits for locks.
    connection.busy_timeout(Duration::ZERO)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match connection.pragma_query_value(None, "application_id", |row| row.get(0))? {
        APPLICATION_ID => {}
        APPLICATION_ID_0_1 => return Err(Error::Damaged("a file of xtoken 0.1".to_owned())),
        _ if tables == 0 => {}
        _ => return Err(Error::Foreign),
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "off")?;
    // Keeps `-wal` and `-shm` when the last process closes the database.
    connection.file_control(Some(MAIN_DB), FileControl::PersistWal(&mut 1))?;
    // With a limit, the last process to close the database empties `-wal`. This one is larger than
    // `-wal` becomes, because making it shorter after each checkpoint costs as much as a spending.
    connection.pragma_update(None, "journal_size_limit", LARGEST_WAL)?;
    Ok(connection)
}

/// Begins a transaction that writes.
pub(super) fn begin(connection: &Connection, deadline: Deadline) -> Result<Transaction<'_>, Error> {
    let behavior = TransactionBehavior::Immediate;
    deadline.retry(|| Ok(Transaction::new_unchecked(connection, behavior)?))
}

/// Makes the tables where there are none.
pub(super) fn make_tables(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.execute_batch(SCHEMA)?;
    Ok(transaction.pragma_update(None, "application_id", APPLICATION_ID)?)
}

/// Checks the whole file for damage.
pub(super) fn check(transaction: &Transaction<'_>) -> Result<(), Error> {
    let found: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::Damaged(found)) }
}

/// Reads what is stored beside the tokens; `None` in a database that was only begun.
pub(super) fn load(transaction: &Transaction<'_>) -> Result<Option<Stored>, Error> {
    let row = transaction
        .prepare_cached("SELECT machine, history FROM ledger")?
        .query_row([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((machine, history)) = row else { return Ok(None) };
    let history = History::decode(&history, 0);
    let history = history.ok_or_else(|| Error::Damaged("unreadable history".to_owned()))?;
    Ok(Some(Stored { machine, history }))
}

pub(super) fn store(
    transaction: &Transaction<'_>,
    machine: &str,
    history: &History,
) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO ledger VALUES (1, ?1, ?2)")?
        .execute(params![machine, history.encode()])?;
    Ok(())
}

impl Database {
    pub(super) fn new(
        connection: Connection,
        lock: Arc<LockFile>,
        paths: Paths,
        files: Files,
        record: Record,
        machine: String,
    ) -> Self {
        let (process, stored, sweep) = (process::id(), None, Sweep::Nothing);
        Self { connection, lock, paths, files, record, machine, process, stored, sweep }
    }

    /// Returns whether this process was forked since the database was opened.
    pub(super) fn is_inherited(&self) -> bool {
        self.process != process::id()
    }

    /// Refuses files that were replaced, because other processes may use the new ones already.
    pub(super) fn refuse_replaced(&self) -> Result<(), Error> {
        if self.paths.files()? == self.files { Ok(()) } else { Err(Error::Replaced) }
    }

    pub(super) fn spend(
        &mut self,
        history: &mut History,
        spending: &Spending,
        clocks: Clocks,
        deadline: Deadline,
    ) -> Result<Outcome, Error> {
        let outcome = if self.spend_at_once(history, spending, clocks, deadline)? {
            Ok(Spent::First)
        } else {
            self.spend_in_transaction(history, spending, clocks, deadline)?
        };
        // Other processes do not know what was written to files that were replaced.
        let Err(error) = self.refuse_replaced() else { return Ok(outcome) };
        if outcome == Ok(Spent::First) {
            // If this fails, a token is refused that nobody has used.
            let _ = deadline.retry(|| remove(&self.connection, &spending.fingerprint));
        }
        Err(error)
    }

    /// Spends a token in one statement, which costs half of a transaction. Returns whether it was
    /// the first time. If not, or if there is more to do than that, the transaction must decide.
    fn spend_at_once(
        &mut self,
        history: &mut History,
        spending: &Spending,
        clocks: Clocks,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        let Some(stored) = self.stored.take() else { return Ok(false) };
        if history.advance(spending.deviation, clocks)
            || history.widest(clocks) != self.record.widest
            || !history.knows(spending.step, clocks)
            || !self.sweep.is_through(clocks)
        {
            return Ok(false);
        }
        let added = deadline.retry(|| {
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO spent SELECT ?1, ?2 FROM ledger WHERE history = ?3 AND machine = ?4
                 ON CONFLICT DO NOTHING",
            )?;
            let step = integer(spending.step);
            Ok(insert.execute(params![spending.fingerprint, step, stored, self.machine])?)
        })?;
        self.stored = Some(stored);
        Ok(added == 1)
    }

    fn spend_in_transaction(
        &mut self,
        history: &mut History,
        spending: &Spending,
        clocks: Clocks,
        deadline: Deadline,
    ) -> Result<Outcome, Error> {
        let transaction = begin(&self.connection, deadline)?;
        self.refuse_replaced()?;
        self.stored = None;
        *history = load_of(&transaction, &self.machine)?;
        if history.advance(spending.deviation, clocks) {
            store(&transaction, &self.machine, history)?;
        }
        let widest = history.widest(clocks);
        if widest != self.record.widest {
            let record = Record { widest, ..self.record };
            self.lock.write(&record, &self.paths)?;
            self.record = record;
        }
        let outcome = match find(&transaction, history, spending)? {
            Some(step) if step >= spending.step => Ok(Spent::Again),
            // By chance two steps can have the same OTP. Then the token is spent in the later one.
            Some(_) => add(&transaction, spending).map(|()| Ok(Spent::Again))?,
            None if history.knows(spending.step, clocks) => {
                add(&transaction, spending).map(|()| Ok(Spent::First))?
            }
            None => Err(Unavailable),
        };
        self.sweep.advance(&transaction, history, spending, clocks)?;
        transaction.commit()?;
        self.stored = Some(history.encode());
        Ok(outcome)
    }

    pub(super) fn peek(&self, spending: &Spending, clocks: Clocks) -> Result<Outcome, Error> {
        self.refuse_replaced()?;
        let transaction =
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
        let mut history = load_of(&transaction, &self.machine)?;
        history.advance(spending.deviation, clocks);
        Ok(match find(&transaction, &history, spending)? {
            Some(_) => Ok(Spent::Again),
            None if history.knows(spending.step, clocks) => Ok(Spent::First),
            None => Err(Unavailable),
        })
    }

    /// Returns the number of spent tokens, up to [`COUNTED_AT_MOST`].
    pub(super) fn count(&self) -> Result<u64, Error> {
        let count: u32 = self
            .connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM spent LIMIT ?1)")?
            .query_row([COUNTED_AT_MOST], |row| row.get(0))?;
        Ok(count.into())
    }

    /// Writes a value that is there already.
    pub(super) fn rewrite(&self, deadline: Deadline) -> Result<(), Error> {
        let transaction = begin(&self.connection, deadline)?;
        let version: i32 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        transaction.pragma_update(None, "user_version", version)?;
        Ok(transaction.commit()?)
    }
}

impl Sweep {
    /// Returns whether all rows were checked in this step.
    fn is_through(&self, clocks: Clocks) -> bool {
        matches!(self, Self::Through(last) if *last == step_at(clocks.wall))
    }

    /// Checks some more rows and forgets tokens that no process will accept any more.
    fn advance(
        &mut self,
        transaction: &Transaction<'_>,
        history: &History,
        spending: &Spending,
        clocks: Clocks,
    ) -> Result<(), Error> {
        if self.is_through(clocks) {
            return Ok(());
        }
        let step = step_at(clocks.wall);
        let from = match self {
            Self::Nothing => spending.fingerprint,
            Self::To(fingerprint) => *fingerprint,
            Self::Through(_) => Fingerprint::default(),
        };
        let rows = transaction
            .prepare_cached(
                "SELECT fingerprint, step FROM spent WHERE fingerprint >= ?1
                 ORDER BY fingerprint LIMIT ?2",
            )?
            .query_map(params![from, SWEPT_AT_ONCE], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?))
            })?
            .collect::<Result<Vec<(Fingerprint, _)>, _>>()?;
        for (fingerprint, step) in &rows {
            if history.may_forget(step.unsigned_abs(), clocks) {
                remove(transaction, fingerprint)?;
            }
        }
        let last = rows.last().filter(|_| rows.len() == SWEPT_AT_ONCE as usize);
        *self = last.map_or(Self::Through(step), |(fingerprint, _)| Self::To(*fingerprint));
        Ok(())
    }
}

/// Reads the history; an error if it goes by the clock of another machine.
fn load_of(transaction: &Transaction<'_>, machine: &str) -> Result<History, Error> {
    let stored = load(transaction)?.ok_or(Error::Replaced)?;
    if stored.machine == machine { Ok(stored.history) } else { Err(Error::OtherMachine) }
}

/// Returns the step in which a token was spent; `None` if it was not spent, or if that step is
/// closed.
fn find(
    transaction: &Transaction<'_>,
    history: &History,
    spending: &Spending,
) -> Result<Option<u64>, Error> {
    let step: Option<i64> = transaction
        .prepare_cached("SELECT step FROM spent WHERE fingerprint = ?1")?
        .query_row([spending.fingerprint], |row| row.get(0))
        .optional()?;
    Ok(step.map(i64::unsigned_abs).filter(|step| !history.is_closed(*step)))
}

fn add(transaction: &Transaction<'_>, spending: &Spending) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO spent VALUES (?1, ?2)")?
        .execute(params![spending.fingerprint, integer(spending.step)])?;
    Ok(())
}

fn remove(connection: &Connection, fingerprint: &Fingerprint) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM spent WHERE fingerprint = ?1")?
        .execute([fingerprint])?;
    Ok(())
}

/// Converts a step for SQLite, which counts to 2^63 - 1, far beyond any step.
fn integer(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
