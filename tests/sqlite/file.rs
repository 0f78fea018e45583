//! A ledger's file in a folder of its own, and the clocks of the machine that it is on.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::{Connection, FileControl, MAIN_DB};
use tempfile::TempDir;
use xtoken::ledger::{BootClock, Ledger, Spending, Spent, SqliteLedger, Unavailable};

/// The first second of a step.
pub(crate) const NOW: u64 = 1_700_000_010;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const YEAR: u64 = 365 * 24 * HOUR;

pub(crate) fn spending(n: u64, step: u64) -> Spending {
    let mut fingerprint = [0; 16];
    fingerprint[8..].copy_from_slice(&n.to_be_bytes());
    Spending { fingerprint, step, deviation: 1 }
}

pub(crate) struct File {
    pub(crate) folder: TempDir,
    wall: AtomicU64,
    /// Milliseconds.
    boot: Arc<AtomicU64>,
}

impl File {
    pub(crate) fn new() -> Self {
        let boot = Arc::new(AtomicU64::new(5_000_000));
        Self { folder: TempDir::new().unwrap(), wall: AtomicU64::new(NOW), boot }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("")
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("tokens.sqlite{suffix}"))
    }

    pub(crate) fn open(&self) -> SqliteLedger {
        self.open_at(self.path())
    }

    pub(crate) fn open_at(&self, path: PathBuf) -> SqliteLedger {
        let boot = Arc::clone(&self.boot);
        SqliteLedger::with_boot_clock(path, BootClock::new(move || boot.load(Relaxed)))
    }

    pub(crate) fn now(&self) -> u64 {
        self.wall.load(Relaxed)
    }

    pub(crate) fn step(&self) -> u64 {
        self.now() / 30
    }

    pub(crate) fn set_wall(&self, now: u64) {
        self.wall.store(now, Relaxed);
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Relaxed);
        self.boot.fetch_add(seconds * 1_000, Relaxed);
    }

    /// The machine is started again: what SQLite wrote is there, and the boot clock begins anew.
    pub(crate) fn boot_again(&self) {
        self.boot.store(20_000, Relaxed);
        self.sql("UPDATE ledger SET machine = 'another'");
    }

    /// Spends token `n` of the present step.
    pub(crate) fn spend(&self, ledger: &SqliteLedger, n: u64) -> Result<Spent, Unavailable> {
        self.spend_of(ledger, &spending(n, self.step()))
    }

    /// Peeks before it spends, and checks that the answer is the same.
    pub(crate) fn spend_of(
        &self,
        ledger: &SqliteLedger,
        spending: &Spending,
    ) -> Result<Spent, Unavailable> {
        let foreseen = ledger.peek(spending, self.now());
        let spent = ledger.spend(spending, self.now());
        if ledger.last_error().is_none() {
            let is_first = Ok(Spent::First);
            assert_eq!(foreseen == is_first, spent == is_first, "{foreseen:?}, {spent:?}");
        }
        spent
    }

    pub(crate) fn spend_a_hundred(&self, ledger: &SqliteLedger) {
        for n in 0..100 {
            assert_eq!(self.spend(ledger, n), Ok(Spent::First), "{:?}", ledger.last_error());
            assert_eq!(self.spend(ledger, n), Ok(Spent::Again));
        }
    }

    /// Nothing that may have been spent is accepted, and fresh tokens are once the window of
    /// `steps` has passed.
    pub(crate) fn assert_closed_for(&self, ledger: &SqliteLedger, steps: u64) {
        let (now, step) = (self.now(), self.step());
        for n in 0..100 {
            assert_ne!(self.spend(ledger, n), Ok(Spent::First));
        }
        for step in step - 1..=step + 1 {
            assert_ne!(self.spend_of(ledger, &spending(1_000 + step, step)), Ok(Spent::First));
        }
        assert_eq!(ledger.last_error(), None);
        let opens = now + (now.next_multiple_of(30) - now) + 30 * steps;
        assert_eq!(ledger.closed_until(now), Some(opens));
        self.pass(opens - now - 1);
        assert_eq!(self.spend(ledger, 2_001), Err(Unavailable));
        self.pass(1);
        assert_eq!(self.spend(ledger, 2_000), Ok(Spent::First), "{:?}", ledger.last_error());
        assert_eq!(ledger.closed_until(self.now()), None);
        self.pass(HOUR);
    }

    /// Checks that what happened is a gap for the default deviation.
    pub(crate) fn assert_closed_for_the_window(&self, ledger: &SqliteLedger) {
        self.set_wall(self.now() / 30 * 30);
        self.assert_closed_for(ledger, 2);
    }

    /// Opens a connection that keeps the files when it is closed.
    pub(crate) fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.file_control(Some(MAIN_DB), FileControl::PersistWal(&mut 1)).unwrap();
        connection
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.connection().execute_batch(statements).unwrap();
    }

    /// As another process does in the middle of a transaction.
    pub(crate) fn lock(&self) -> Connection {
        let connection = self.connection();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    pub(crate) fn count(&self, what: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {what}");
        self.connection().query_row(&count, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(crate) fn damaged_copies(&self) -> usize {
        let is_one = |name: &&String| {
            name.starts_with("tokens.sqlite.damaged-")
                && !name.ends_with("-wal")
                && !name.ends_with("-shm")
        };
        self.names().iter().filter(is_one).count()
    }

    pub(crate) fn remove(&self, suffixes: &[&str]) {
        for suffix in suffixes {
            let _ = fs::remove_file(self.beside(suffix));
        }
    }
}
