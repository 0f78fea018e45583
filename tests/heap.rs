//! What the memory ledger costs on the heap, counted by an allocator of this test's own.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use sha2::{Digest, Sha256};
use xtoken::ledger::{BootClock, Ledger, MemoryLedger, Spending, Spent};

struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator and only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(IN_USE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
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

/// One test, since both halves look at the same counters.
#[test]
fn at_most_40_bytes_a_token_at_any_count_and_nothing_afterwards() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = MemoryLedger::with_boot_clock(boot_clock);
    let empty = IN_USE.load(Relaxed);
    PEAK.store(empty, Relaxed);

    for count in 1..=1_000_000 {
        assert_eq!(ledger.spend(&spending(count, 10), 300), Ok(Spent::First));
        // The peak since the last token includes both tables of one that grows.
        let bytes = PEAK.swap(IN_USE.load(Relaxed), Relaxed) - empty;
        assert!(bytes <= 40 * count as usize, "{bytes} bytes for {count} tokens");
    }
    let full = IN_USE.load(Relaxed) - empty;
    assert!(full >= 16 * 1_000_000, "{full} bytes: the counter does not count");

    seconds.fetch_add(60, Relaxed);
    assert_eq!(ledger.spend(&spending(0, 12), 360), Ok(Spent::First));
    let left = IN_USE.load(Relaxed) - empty;
    assert!(left <= 40, "{left} bytes are still in use for one token");
}
