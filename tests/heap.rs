//! How much heap the memory ledger needs. The allocator of this test counts for each thread,
//! because the test harness may allocate on other threads at any time.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sha2::{Digest, Sha256};
use xtoken::ledger::{BootClock, Ledger, MemoryLedger, Spending, Spent};

struct Counting;

// Counters of an allocator must have no destructor, and must not allocate.
thread_local! {
    /// Below zero if a thread frees what another thread allocated.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator and only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.set(IN_USE.get() + layout.size().cast_signed());
        PEAK.set(PEAK.get().max(IN_USE.get()));
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.set(IN_USE.get() - layout.size().cast_signed());
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn spending(n: u64, step: u64) -> Spending {
    let digest = Sha256::digest(n.to_be_bytes());
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&digest[..16]);
    Spending { fingerprint, step, deviation: 1 }
}

/// One test, because both halves use the same counters.
#[test]
fn tokens_need_at_most_24_bytes_each_and_nothing_when_they_are_over() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = MemoryLedger::with_boot_clock(boot_clock);
    let empty = IN_USE.get();
    PEAK.set(empty);

    for count in 1..=1_000_000 {
        assert_eq!(ledger.spend(&spending(count, 10), 300), Ok(Spent::First));
        // While a table grows, the peak includes the old and the new one.
        let bytes = PEAK.replace(IN_USE.get()) - empty;
        assert!(bytes <= 24 * count as isize, "{bytes} bytes for {count} tokens");
    }
    let full = IN_USE.get() - empty;
    assert!(full >= 8 * 1_000_000, "{full} bytes: the counter does not count");

    seconds.fetch_add(60, Relaxed);
    assert_eq!(ledger.spend(&spending(0, 12), 360), Ok(Spent::First));
    let left = IN_USE.get() - empty;
    assert!(left <= 24, "{left} bytes are still in use for one token");
}
