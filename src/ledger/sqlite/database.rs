//! The connection to the file, and what is in it.

use std::path::Path;
use std::time::Duration;
use std::{fs, mem, process, thread};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::error::Error;
use crate::ledger::stretches::Stretches;
use crate::ledger::{Fingerprint, Spending, Spent};
use crate::totp::{OTP_INTERVAL, step_at};

/// How often a lock of another process is tried for, a millisecond apart; a server's event loop
/// waits with us.
const TRIES: i32 = 200;
/// Rows looked at in one transaction for those that are to leave: about a millisecond's worth if
/// all are.
const SWEPT_AT_ONCE: u32 = 500;
/// Of all fingerprints.
const GREATEST: Fingerprint = [u8::MAX; 16];
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
    CREATE TABLE IF NOT EXISTS closed (first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS machine (boot TEXT NOT NULL) STRICT;
";

/// A connection of the process that made it.
#[derive(Debug)]
pub(super) struct Database {
    /// `None` only while it is dropped.
    connection: Option<Connection>,
    process: u32,
    swept: Swept,
}

/// How far the rows were looked through for those that expired, in the order of their fingerprints.
/// There is no index of what expires: each spending would have to write to it too.
#[derive(Debug)]
enum Swept {
    /// Not yet. The first sweep begins at the token that is spent, which is anywhere, so that
    /// processes that spend one each get round together.
    Nothing,
    /// To this fingerprint.
    To(Vec<u8>),
    /// To the last, in this step.
    Through(u64),
}

/// SQLite must not be used across a fork, and closing counts as use.
impl Drop for Database {
    fn drop(&mut self) {
        if self.is_inherited() {
            mem::forget(self.connection.take());
        }
    }
}

pub(super) struct Preparation<'a> {
    /// The file was there before us.
    pub(super) existed: bool,
    /// Look through the whole file.
    pub(super) check: bool,
    /// Until when tokens were spent that the file knows nothing of.
    pub(super) lost_at: Option<u64>,
    pub(super) spending: &'a Spending,
    pub(super) now: u64,
}

impl Database {
    /// As [`attach`](Self::attach), to write.
    pub(super) fn connect(path: &Path, is_patient: bool) -> Result<Self, Error> {
        let database = Self::attach(path, is_patient)?;
        let connection = database.connection()?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = if boot_id().is_some() { "off" } else { "full" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        Ok(database)
    }

    /// Connects to a file of ours, or to one with nothing in it.
    pub(super) fn attach(path: &Path, is_patient: bool) -> Result<Self, Error> {
        // No URIs: a path is a path.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Some(Connection::open_with_flags(path, flags)?);
        let mut database = Self { connection, process: process::id(), swept: Swept::Nothing };
        database.be_patient(is_patient)?;
        let connection = database.connection()?;
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let application: i32 =
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if tables > 0 && application != APPLICATION_ID {
            return Err(Error::Foreign);
        }
        Ok(database)
    }

    /// The process was forked since.
    pub(super) fn is_inherited(&self) -> bool {
        self.process != process::id()
    }

    fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().filter(|_| !self.is_inherited()).ok_or(Error::Forked)
    }

    fn connection_mut(&mut self) -> Result<&mut Connection, Error> {
        self.connection()?;
        self.connection.as_mut().ok_or(Error::Forked)
    }

    fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction::new(self.connection_mut()?, TransactionBehavior::Immediate)?)
    }

    /// Whether to wait when another process has the lock.
    pub(super) fn be_patient(&mut self, is_patient: bool) -> Result<(), Error> {
        Ok(self.connection_mut()?.busy_handler(is_patient.then_some(wait_a_little))?)
    }

    /// Makes the tables and closes the steps of which it is unknown what was spent: of a file that
    /// existed without them, of one that was lost, and after the machine was down.
    pub(super) fn prepare(&mut self, preparation: &Preparation<'_>) -> Result<(), Error> {
        let Preparation { existed, check, lost_at, spending, now } = *preparation;
        let transaction = self.transaction()?;
        let is_ours = has_tables(&transaction)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;

        let same_boot = is_of_this_boot(&transaction)?;
        if check || !same_boot {
            let found: String =
                transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(Error::Damaged(found));
            }
        }
        let unknown_until = if existed && !is_ours || !same_boot { Some(now) } else { lost_at };
        if let Some(until) = unknown_until {
            let reach =
                spending.good_until.saturating_sub(spending.step.saturating_mul(OTP_INTERVAL));
            let ahead = (reach / OTP_INTERVAL).saturating_sub(1);
            let first = step_at(until).saturating_sub(UNKNOWN_STEPS);
            close(&transaction, [(first, step_at(until).saturating_add(ahead))])?;
        }
        transaction.execute("DELETE FROM machine", [])?;
        transaction.execute("INSERT INTO machine VALUES (?1)", [boot_id().unwrap_or_default()])?;
        transaction.commit()?;
        Ok(())
    }

    /// Whether there is nothing for [`prepare`](Self::prepare) to close.
    pub(super) fn is_prepared(&self) -> Result<bool, Error> {
        let connection = self.connection()?;
        Ok(has_tables(connection)? && is_of_this_boot(connection)?)
    }

    pub(super) fn spend(&mut self, spending: &Spending, now: u64) -> Result<Spent, Error> {
        let step = step_at(now);
        let from = match &self.swept {
            Swept::Nothing => Some(spending.fingerprint.to_vec()),
            Swept::To(fingerprint) => Some(fingerprint.clone()),
            Swept::Through(last) => (*last != step).then(Vec::new),
        };
        let transaction = self.transaction()?;
        let swept_to = match from {
            Some(from) => sweep(&transaction, &from, now)?,
            None => None,
        };
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
        self.swept = swept_to.map_or(Swept::Through(step), Swept::To);
        Ok(if added == 1 { Spent::First } else { Spent::Again })
    }

    pub(super) fn look(&self, spending: &Spending) -> Result<Spent, Error> {
        let is_spent = self
            .connection()?
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM spent WHERE fingerprint = ?1)
                 OR EXISTS (SELECT 1 FROM closed WHERE ?2 BETWEEN first AND last)",
            )?
            .query_row(params![spending.fingerprint, integer(spending.step)], |row| row.get(0))?;
        Ok(if is_spent { Spent::Again } else { Spent::First })
    }

    /// The last of the consecutive closed steps of which `step` is one.
    pub(super) fn closed_through(&self, step: u64) -> Result<Option<u64>, Error> {
        let last: Option<i64> = self
            .connection()?
            .prepare_cached("SELECT max(last) FROM closed WHERE ?1 BETWEEN first AND last")?
            .query_row([integer(step)], |row| row.get(0))?;
        Ok(last.map(i64::unsigned_abs))
    }

    /// Tokens remembered, or [`COUNTED_AT_MOST`].
    pub(super) fn count(&self) -> Result<u64, Error> {
        let count: u32 = self
            .connection()?
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM spent LIMIT ?1)")?
            .query_row([COUNTED_AT_MOST], |row| row.get(0))?;
        Ok(count.into())
    }

    /// Writes what is there already.
    pub(super) fn rewrite(&self) -> Result<(), Error> {
        let connection = self.connection()?;
        let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(connection.pragma_update(None, "user_version", version)?)
    }
}

fn has_tables(connection: &Connection) -> Result<bool, Error> {
    let count = "SELECT count(*) = 3 FROM sqlite_schema WHERE name IN \
                 ('spent', 'closed', 'machine')";
    Ok(connection.query_row(count, [], |row| row.get(0))?)
}

fn is_of_this_boot(connection: &Connection) -> Result<bool, Error> {
    let boot: Option<String> =
        connection.query_row("SELECT boot FROM machine", [], |row| row.get(0)).optional()?;
    Ok(boot.is_none_or(|boot| boot == boot_id().unwrap_or_default()))
}

/// Of the rows after the fingerprint `from`, looks at some, removes those that are no longer good
/// and closes their steps, since a clock may be set back. Answers where the next sweep is to begin,
/// or `None` behind the last row.
fn sweep(transaction: &Transaction<'_>, from: &[u8], now: u64) -> Result<Option<Vec<u8>>, Error> {
    let to: Option<Vec<u8>> = transaction
        .prepare_cached(
            "SELECT fingerprint FROM spent WHERE fingerprint > ?1
             ORDER BY fingerprint LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![from, SWEPT_AT_ONCE - 1], |row| row.get(0))
        .optional()?;
    let steps = transaction
        .prepare_cached(
            "DELETE FROM spent WHERE fingerprint > ?1 AND fingerprint <= ?2
             AND good_until <= ?3 RETURNING step",
        )?
        .query_map(params![from, to.as_deref().unwrap_or(&GREATEST), integer(now)], |row| {
            row.get(0)
        })?
        .collect::<Result<Vec<i64>, _>>()?;
    if !steps.is_empty() {
        close(transaction, steps.iter().map(|step| (step.unsigned_abs(), step.unsigned_abs())))?;
    }
    Ok(to)
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
