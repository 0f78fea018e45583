//! Time that passes only when a test says so, and a server's clock that the test sets.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tempfile::TempDir;
use xtoken::ledger::{BootClock, RedisLedger};

use super::server::Server;

/// Time for a server and the ledgers that use it. Each question carries the wall clock of its node.
pub(crate) struct Time {
    clock: WallClock,
    passed: Arc<AtomicU64>,
    /// Seconds that the server's clock was set ahead.
    set: AtomicU64,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { clock: WallClock::new(), passed: Arc::default(), set: AtomicU64::new(0) }
    }

    pub(crate) fn server(&self) -> Server {
        Server::start_with(None, &[], self.clock.environment())
    }

    /// A ledger of a process of its own.
    pub(crate) fn ledger(&self, server: &Server) -> RedisLedger {
        let (machine, passed) = (BootClock::of_machine(), Arc::clone(&self.passed));
        let boot_clock = BootClock::new(move || machine.now() + passed.load(Relaxed) * 1_000);
        RedisLedger::with_boot_clock(server.url(), boot_clock).unwrap()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.passed.fetch_add(seconds, Relaxed);
        self.tell();
    }

    /// Sets the server's clock, by so many seconds more than by time.
    pub(crate) fn set_server_ahead(&self, seconds: u64) {
        self.set.store(seconds, Relaxed);
        self.tell();
    }

    fn tell(&self) {
        self.clock.set((self.passed.load(Relaxed) + self.set.load(Relaxed)) as i64);
    }
}

/// A wall clock for a server that is not the machine's: see `tests/clock.c`.
pub(crate) struct WallClock {
    folder: TempDir,
}

impl WallClock {
    pub(crate) fn new() -> Self {
        let clock = Self { folder: TempDir::new().unwrap() };
        let compiled = Command::new("gcc")
            .args(["-std=gnu11", "-O2", "-fPIC", "-shared", "tests/clock.c", "-o"])
            .arg(clock.library())
            .status();
        assert!(compiled.expect("gcc is missing: apt-get install gcc").success());
        clock.set(0);
        clock
    }

    /// For a server to start in.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![("LD_PRELOAD", self.library()), ("CLOCK_AHEAD", self.file())]
    }

    /// Seconds that the server's clock is ahead from now on.
    pub(crate) fn set(&self, ahead: i64) {
        let next = self.folder.path().join("next");
        fs::write(&next, ahead.to_string()).unwrap();
        fs::rename(next, self.file()).unwrap();
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}
