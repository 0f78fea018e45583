//! One round: nanoseconds a token through Rust, and the floor. `benches/run` makes many.
//!
//! The floor is one HMAC-SHA-256 with cached key state over as many bytes as a token signs.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Minter, Verifier};

const JID: &str = "alice@localhost";
const NOW: u64 = 1_700_000_000;
const TIMED: usize = 50_000;

fn key() -> Key {
    Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8").unwrap()
}

fn nanoseconds_each(times: usize, mut work: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    start.elapsed().as_nanos() as f64 / times as f64
}

fn floor() -> f64 {
    let mac = Hmac::<Sha256>::new_from_slice(b"JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8").unwrap();
    let message = [b'7'; 8 + 32 + JID.len()];
    nanoseconds_each(10 * TIMED, |_| {
        black_box(mac.clone().chain_update(black_box(&message)).finalize());
    })
}

/// Verifies fresh tokens while `remembered` others are.
fn verify(remembered: usize) -> f64 {
    let minter = Minter::new(key());
    let verifier = Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap();
    let mut nonce = 0;
    let mut fresh = || {
        nonce += 1;
        minter.mint_with_nonce(JID, NOW, format!("{nonce:032}")).unwrap()
    };
    for _ in 0..remembered {
        verifier.verify(JID, fresh(), NOW).unwrap();
    }
    // As few as keep the count near `remembered`, in order to measure what the name says.
    let batch = (remembered / 2).min(TIMED);
    let tokens: Vec<String> = (0..batch).map(|_| fresh()).collect();
    nanoseconds_each(batch, |at| {
        black_box(verifier.verify(black_box(JID), &tokens[at], NOW)).unwrap();
    })
}

fn main() {
    println!("floor {:.1}", floor());
    for remembered in [1_000, 1_000_000] {
        let mut rounds: Vec<f64> =
            (0..if remembered > 1_000 { 1 } else { 201 }).map(|_| verify(remembered)).collect();
        rounds.sort_by(f64::total_cmp);
        println!("rust/{remembered} {:.1}", rounds[rounds.len() / 2]);
    }
}
