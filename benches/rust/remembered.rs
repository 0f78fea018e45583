//! The ledger `memory:` while it remembers 10^3 to 10^7 tokens: nanoseconds per verification, and
//! bytes per token.

use std::sync::Arc;

use xtoken::Verifier;
use xtoken::ledger::{Ledger, MemoryLedger};

use crate::common::{NOW, key, median, mint, sizes, spend, spending, time_verifications};

/// At most so many verifications are timed at once, and about so many for each size.
const BATCH: usize = 50_000;

/// Returns the bytes that this process has allocated.
fn allocated() -> usize {
    // SAFETY: has no preconditions.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

fn time_with(remembered: usize, tokens: &[String]) -> f64 {
    let ledger = Arc::new(MemoryLedger::new());
    spend(&*ledger, 0..remembered);
    time_verifications(&Verifier::new(vec![key()], ledger).unwrap(), tokens)
}

/// Grows a ledger. Returns the bytes per token, at 50 moments of each order of magnitude.
fn grow(largest: usize) -> Vec<f64> {
    let ledger = MemoryLedger::new();
    let empty = allocated();
    let mut bytes = Vec::new();
    for n in 0..largest {
        ledger.spend(&spending(n), NOW).unwrap();
        if n >= 1_000 && n % (n / 50).max(1) == 0 {
            bytes.push((allocated() - empty) as f64 / (n + 1) as f64);
        }
    }
    bytes
}

pub(crate) fn run(largest: usize) {
    let tokens = mint(BATCH);
    for size in sizes(largest) {
        // So few that the ledger keeps about as many.
        let batch = (size / 2).min(BATCH);
        let rounds = (2 * BATCH / size).clamp(1, 101);
        let times = (0..rounds).map(|_| time_with(size, &tokens[..batch])).collect();
        println!("remembered/{size} {:.1}", median(times));
    }
    let bytes = grow(largest);
    println!("bytes/average {:.2}", bytes.iter().sum::<f64>() / bytes.len() as f64);
    println!("bytes/most {:.2}", bytes.into_iter().fold(0.0, f64::max));
}
