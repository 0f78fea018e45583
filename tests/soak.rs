//! Long runs: `make soak`. They need a release build.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use xtoken::ledger::{BootClock, MemoryLedger};
use xtoken::{Key, Minter, Verifier};

const TOKENS: u64 = 50_000_000;
/// Spent tokens that the ledger knows at a time.
const KNOWN: u64 = 20_000;
/// The window of the default deviation has three steps.
const PER_STEP: u64 = KNOWN / 3;
const LIMIT: Duration = Duration::from_millis(1);

fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// How often something took longer than `LIMIT`, which no verification should.
#[derive(Debug, Default)]
struct Slow {
    times: u64,
    longest: Duration,
}

impl Slow {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = thread_time();
        let result = work();
        let took = thread_time() - start;
        self.times += u64::from(took > LIMIT);
        self.longest = self.longest.max(took);
        result
    }
}

/// Returns how long this thread has run. Other processes do not count, but interrupts and the host
/// of a virtual machine do.
#[allow(unsafe_code)]
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable for the length of the call.
    let error = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(error, 0);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap())
}

#[test]
#[ignore = "takes a minute in a release build"]
fn fifty_million_tokens_through_memory() {
    let key = || Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap();
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = MemoryLedger::with_boot_clock(boot_clock);
    let verifier = Verifier::new(vec![key()], Arc::new(ledger)).unwrap();
    let minter = Minter::new(key());

    let (mut after_two_minutes, mut most) = (0, 0);
    // Minting takes about as long, and has no ledger: if it is slow, the machine is slow.
    let (mut verifying, mut minting) = (Slow::default(), Slow::default());
    for n in 0..TOKENS {
        let step = n / PER_STEP;
        seconds.store(step * 30, Relaxed);
        let now = 1_700_000_010 + step * 30;
        let nonce = format!("{n:032}");
        let mint = || minter.mint_with_nonce("alice@localhost", now, nonce).unwrap();
        let token = minting.measure(mint);
        verifying.measure(|| verifier.verify("alice@localhost", token, now).unwrap());

        if n % PER_STEP == 0 {
            let resident = resident_bytes();
            if step == 4 {
                after_two_minutes = resident;
            }
            if step > 4 {
                most = most.max(resident);
            }
        }
    }
    println!("above {LIMIT:?}: verifying {verifying:?}, minting {minting:?}");
    println!("resident {after_two_minutes} bytes after two minutes, later at most {most}");
    assert!(most <= after_two_minutes + after_two_minutes / 20);
    // A pause that the ledger makes would come with every step, 7,500 times.
    assert!(verifying.times <= minting.times + 100, "{verifying:?}, minting {minting:?}");
}
