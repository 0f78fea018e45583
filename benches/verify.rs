//! One round of `benches/run`: nanoseconds per token in Rust, and the floor.
//!
//! The floor is one HMAC-SHA-256, with cached key state, of as many bytes as a token signs.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Minter, Rejection, Verifier};

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

fn new_verifier() -> Verifier {
    Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap()
}

/// Verifies fresh tokens with nonces that begin with `date`, while the ledger knows `spent` others.
/// Returns nanoseconds.
fn verify(spent: usize, date: u64) -> f64 {
    let minter = Minter::new(key());
    let verifier = new_verifier();
    let mut nonce = 0;
    let mut fresh = || {
        nonce += 1;
        minter.mint_with_nonce(JID, NOW, format!("{date:012}{nonce:020}")).unwrap()
    };
    for _ in 0..spent {
        verifier.verify(JID, fresh(), NOW).unwrap();
    }
    // So few that the ledger keeps about as many.
    let batch = (spent / 2).min(TIMED);
    let tokens: Vec<String> = (0..batch).map(|_| fresh()).collect();
    nanoseconds_each(batch, |at| {
        black_box(verifier.verify(black_box(JID), &tokens[at], NOW)).unwrap();
    })
}

/// Refuses one token many times. Returns nanoseconds.
fn refuse(token: &str, reason: Rejection) -> f64 {
    let verifier = new_verifier();
    nanoseconds_each(1_000, |_| {
        assert_eq!(black_box(verifier.verify(black_box(JID), token, NOW)), Err(reason));
    })
}

/// Measures each in every round, and prints medians.
fn print_medians<const N: usize>(rounds: usize, measured: [(&str, &dyn Fn() -> f64); N]) {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        times.iter_mut().zip(&measured).for_each(|(times, (_, measure))| times.push(measure()));
    }
    for (mut times, (name, _)) in times.into_iter().zip(measured) {
        times.sort_by(f64::total_cmp);
        println!("{name} {:.1}", times[times.len() / 2]);
    }
}

fn main() {
    println!("floor {:.1}", floor());
    let old = Minter::new(key()).mint(JID, NOW - 3_600).unwrap();
    let undated = Minter::new(key()).mint_with_nonce(JID, NOW - 3_600, "7".repeat(32)).unwrap();
    // Its date is in the window, and its OTP is not.
    let crossed = format!("{NOW:012}{}", "7".repeat(20));
    let crossed = Minter::new(key()).mint_with_nonce(JID, NOW - 3_600, crossed).unwrap();
    let forged = Minter::new(key()).mint("bob@localhost", NOW).unwrap();
    print_medians(
        201,
        [
            ("rust/1000", &|| verify(1_000, NOW)),
            ("undated/1000", &|| verify(1_000, 777_777_777_777)),
            ("bad-signature", &|| refuse(&forged, Rejection::BadSignature)),
            ("wrong-otp", &|| refuse(&crossed, Rejection::Expired)),
            ("old-date", &|| refuse(&old, Rejection::Expired)),
            ("old-undated", &|| refuse(&undated, Rejection::Expired)),
        ],
    );
    print_medians(1, [("rust/1000000", &|| verify(1_000_000, NOW))]);
}
