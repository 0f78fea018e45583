//! The ledger in a file while it remembers 10^3 to 10^6 tokens: microseconds per spend, and the
//! longest one while tokens are deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tempfile::TempDir;
use xtoken::ledger::{BootClock, Ledger, Spending, SqliteLedger};

use crate::common::{NOW, sizes, spend, spending, time_spends};

const ROUNDS: usize = 11;
const TIMED: usize = 500;

/// Returns the milliseconds of the longest spend while 100,000 expired tokens are deleted.
fn longest_while_deleting(folder: &TempDir) -> f64 {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = SqliteLedger::with_boot_clock(folder.path().join("expired.sqlite"), boot_clock);
    spend(&ledger, 0..100_000);
    seconds.store(90, Relaxed);
    let later = NOW + 90;
    let spend_later = |n| {
        let spending = Spending { step: later / 30, ..spending(n) };
        let start = Instant::now();
        ledger.spend(&spending, later).unwrap();
        start.elapsed().as_secs_f64() * 1e3
    };
    (200_000..200_400).map(spend_later).fold(0.0, f64::max)
}

pub(crate) fn run(largest: usize) {
    let folder = TempDir::new().unwrap();
    // Both clocks stand still: with one that runs, the ledger would take the other for set back.
    let boot_clock = BootClock::new(|| 0);
    let ledger = SqliteLedger::with_boot_clock(folder.path().join("tokens.sqlite"), boot_clock);
    let mut spent = 0;
    for size in sizes(largest) {
        spend(&ledger, spent..size);
        spent = size;
        let microseconds = time_spends(&ledger, spent, ROUNDS, TIMED);
        spent += ROUNDS * TIMED;
        println!("file/{size} {microseconds:.2}");
    }
    println!("file-longest {:.2}", longest_while_deleting(&folder));
}
