//! The longest of many verifications: how the time of each is distributed.
//!
//! Time passes meanwhile, so that the ledger drops steps that are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use xtoken::ledger::{BootClock, MemoryLedger};
use xtoken::{Minter, Verifier};

use crate::common::{JID, NOW, key};

/// 3,333 logins a second. Three steps are in the window.
const PER_STEP: usize = 100_000;
/// Above so many nanoseconds, it is looked up how long the thread has run.
const SUSPICIOUS: u64 = 50_000;
/// So often it is looked up in any case. What ran since then counts as part of a suspicious one.
const LOOKED_UP: usize = 64;

/// Returns for how many nanoseconds this thread has run. Other processes do not count, but
/// interrupts and the host of a virtual machine do.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).unsigned_abs()
}

/// Counts times by classes that differ by a sixteenth.
struct Histogram(Vec<u64>);

impl Histogram {
    fn add(&mut self, nanoseconds: u64) {
        let exponent = (nanoseconds | 16).ilog2();
        let class = (exponent << 4 | (nanoseconds >> (exponent - 4)) as u32 & 15) as usize;
        self.0[class] += 1;
    }

    /// Returns the nanoseconds that only this share of the times exceeds.
    fn exceeded_by(&self, share: f64) -> u64 {
        let total: u64 = self.0.iter().sum();
        let mut left = (total as f64 * share) as u64;
        let largest = self.0.iter().enumerate().rev().find(|(_, count)| {
            let is_it = **count > left;
            left = left.saturating_sub(**count);
            is_it
        });
        let class = largest.unwrap().0 as u64;
        let (exponent, sixteenths) = (class >> 4, class & 15);
        (16 + sixteenths + 1) << (exponent - 4)
    }
}

pub(crate) fn run(count: usize) {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = Arc::new(MemoryLedger::with_boot_clock(boot_clock));
    let verifier = Verifier::new(vec![key()], ledger).unwrap();
    let minter = Minter::new(key());
    let mut times = Histogram(vec![0; 64 << 4]);
    let (mut longest, mut longest_on_clock, mut above) = (0, 0, 0_u64);
    let mut ran_before = thread_time();
    for n in 0..count {
        let step = (n / PER_STEP) as u64;
        seconds.store(step * 30, Relaxed);
        let now = NOW + step * 30;
        // Not a random nonce, which would take longer than the verification.
        let token = minter.mint_with_nonce(JID, now, format!("{now:012}{n:020}")).unwrap();
        if n % LOOKED_UP == 0 {
            ran_before = thread_time();
        }
        let start = Instant::now();
        let accepted = verifier.verify(JID, &token, now);
        let took = start.elapsed().as_nanos() as u64;
        assert!(accepted.is_ok());
        let ran = if took > SUSPICIOUS { took.min(thread_time() - ran_before) } else { took };
        times.add(ran);
        longest = longest.max(ran);
        longest_on_clock = longest_on_clock.max(took);
        above += u64::from(ran > 1_000_000);
    }
    println!("tail/count {count}");
    for (name, share) in [("50", 0.5), ("99", 1e-2), ("99.9", 1e-3), ("99.99", 1e-4)] {
        println!("tail/{name} {}", times.exceeded_by(share));
    }
    println!("tail/99.999 {}", times.exceeded_by(1e-5));
    println!("tail/longest {longest}");
    println!("tail/longest-on-clock {longest_on_clock}");
    println!("tail/above-1ms {above}");
}
