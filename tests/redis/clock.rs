//! A wall clock for a server that is not the machine's: see `tests/clock.c`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

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
    pub(crate) fn set(&self, ahead: u64) {
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
