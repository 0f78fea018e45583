//! Long runs: `make soak`. Not for a debug build.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Minter, Verifier};

const TOKENS: u64 = 50_000_000;
const REMEMBERED: u64 = 20_000;
/// The window of the default deviation is three steps wide.
const PER_STEP: u64 = REMEMBERED / 3;

fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// What this thread has had of a processor, which leaves out what others took of it.
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
    let ledger =
        MemoryLedger::with_monotonic_clock(move || Duration::from_secs(clock.load(Relaxed)));
    let verifier = Verifier::new(vec![key()], Arc::new(ledger)).unwrap();
    let minter = Minter::new(key());

    let (mut after_a_minute, mut most, mut longest) = (0, 0, Duration::ZERO);
    for n in 0..TOKENS {
        let step = n / PER_STEP;
        seconds.store(step * 30, Relaxed);
        let now = 1_700_000_010 + step * 30;
        let token = minter.mint_with_nonce("alice@localhost", now, format!("{n:032}")).unwrap();

        let start = thread_time();
        verifier.verify("alice@localhost", token, now).unwrap();
        longest = longest.max(thread_time() - start);

        if n % PER_STEP == 0 {
            let resident = resident_bytes();
            if step == 4 {
                after_a_minute = resident;
            }
            if step > 4 {
                most = most.max(resident);
            }
        }
    }
    println!("the longest verification took {longest:?}");
    println!("resident {after_a_minute} bytes after two minutes' worth, {most} at most later");
    assert!(most <= after_a_minute + after_a_minute / 20);
    assert!(longest <= Duration::from_millis(1), "{longest:?}");
}
