//! How much memory and time a ledger needs, in memory and in a file.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
#[cfg(feature = "sqlite")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use sha2::{Digest, Sha256};
#[cfg(feature = "sqlite")]
use xtoken::ledger::{BootClock, SqliteLedger};
use xtoken::ledger::{Ledger, MemoryLedger, Spending};
use xtoken::{Key, Minter, Verifier};

struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOW: u64 = 1_700_000_010;
const ROUNDS: usize = 5;

fn spending(n: u64) -> Spending {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&Sha256::digest(n.to_be_bytes())[..16]);
    Spending { fingerprint, step: NOW / 30, deviation: 1 }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn verdict(what: &str, figure: f64, unit: &str, met: bool) {
    println!("  {} {what}: {figure:.1} {unit}", if met { "met   " } else { "MISSED" });
}

/// Returns the nanoseconds per spend of `batch` fresh tokens, from number `first`.
fn time_spends(ledger: &dyn Ledger, first: u64, batch: u64) -> f64 {
    let spendings: Vec<_> = (first..first + batch).map(spending).collect();
    let start = Instant::now();
    for spending in &spendings {
        black_box(ledger.spend(spending, NOW)).unwrap();
    }
    start.elapsed().as_nanos() as f64 / batch as f64
}

/// Returns the nanoseconds per verification of `batch` fresh tokens with this ledger.
fn time_verifications(ledger: Arc<dyn Ledger>, batch: u64) -> f64 {
    let key = || Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap();
    let verifier = Verifier::new(vec![key()], ledger).unwrap();
    let minter = Minter::new(key());
    let tokens: Vec<_> = (0..batch).map(|_| minter.mint("alice@localhost", NOW).unwrap()).collect();
    let start = Instant::now();
    for token in &tokens {
        black_box(verifier.verify("alice@localhost", token, NOW)).unwrap();
    }
    start.elapsed().as_nanos() as f64 / batch as f64
}

fn memory() {
    let (mut spends, mut verifications) = (Vec::new(), Vec::new());
    let mut bytes = Vec::new();
    for _ in 0..ROUNDS {
        let with_few = |time: fn(Arc<dyn Ledger>) -> f64| {
            let once = |_| {
                let ledger = Arc::new(MemoryLedger::new());
                time_spends(&*ledger, 0, 1_000);
                time(ledger)
            };
            median((0..101).map(once).collect())
        };
        let few_spends = with_few(|ledger| time_spends(&*ledger, 1_000, 500));
        let few_verifications = with_few(|ledger| time_verifications(ledger, 500));
        let empty = IN_USE.load(Relaxed);
        let ledger = Arc::new(MemoryLedger::new());
        let fixed = IN_USE.load(Relaxed) - empty;
        for n in 0..10_000_000 {
            ledger.spend(&spending(n), NOW).unwrap();
            // Samples each order of magnitude equally often.
            if n >= 1_000 && n % (n / 50).max(1) == 0 {
                let heap = IN_USE.load(Relaxed) - empty - fixed;
                bytes.push(heap as f64 / (n + 1) as f64);
            }
        }
        spends.push(time_spends(&*ledger, 10_000_000, 100_000) / few_spends);
        verifications.push(time_verifications(ledger, 100_000) / few_verifications);
    }
    let average = bytes.iter().sum::<f64>() / bytes.len() as f64;
    verdict("memory, bytes a token over growth, at most 32", average, "bytes", average <= 32.0);
    let ratio = median(verifications);
    verdict(
        "memory, a verification at 10 million against 1,000, at most 3 x",
        ratio,
        "x",
        ratio <= 3.0,
    );
    println!("         of that the spend alone: {:.1} x", median(spends));
}

#[cfg(feature = "sqlite")]
fn sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let ledger = SqliteLedger::new(folder.path().join("tokens.sqlite"));
    time_spends(&ledger, 0, 20_000);
    let rounds = (1..=31).map(|round| time_spends(&ledger, round * 20_000, 2_000)).collect();
    let spend = median(rounds) / 1_000.0;
    verdict("sqlite, a spend, at most 25 us", spend, "us", spend <= 25.0);

    // The longest pause while 100,000 expired rows are deleted.
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let path = folder.path().join("expired.sqlite");
    let expired = SqliteLedger::with_boot_clock(path, boot_clock);
    time_spends(&expired, 0, 100_000);
    seconds.store(90, Relaxed);
    let mut longest = 0.0_f64;
    for n in 0..400 {
        let later = NOW + 90;
        let spending = Spending { step: later / 30, ..spending(n + (1 << 40)) };
        let start = Instant::now();
        expired.spend(&spending, later).unwrap();
        longest = longest.max(start.elapsed().as_secs_f64() * 1e3);
    }
    verdict(
        "sqlite, longest spend while rows are deleted, at most 5 ms",
        longest,
        "ms",
        longest <= 5.0,
    );
}

fn main() {
    println!("\nLedgers, medians of this run:");
    memory();
    #[cfg(feature = "sqlite")]
    sqlite();
}
