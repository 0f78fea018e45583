//! Nanoseconds per token: accepted, refused for each reason, minted, and the floor.
//!
//! The floor is one HMAC-SHA-256, with cached key state, of as many bytes as a token signs.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use xtoken::config::NoncePolicy;
use xtoken::ledger::{BootClock, MemoryLedger};
use xtoken::{Minter, Rejection, Verifier};

use crate::common::{
    JID, NOW, SECRET, key, median, memory_verifier, mint, nanoseconds_each, time_verifications,
};

const ROUNDS: usize = 101;
const REMEMBERED: usize = 1_000;
const TIMED: usize = 500;

fn floor() -> f64 {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let message = [b'7'; 8 + 32 + JID.len()];
    nanoseconds_each(TIMED, |_| {
        black_box(mac.clone().chain_update(black_box(&message)).finalize());
    })
}

/// Verifies fresh tokens while the ledger knows others.
fn accept(undated: bool) -> f64 {
    let minter = Minter::new(key());
    let tokens: Vec<_> = match undated {
        false => mint(REMEMBERED + TIMED),
        true => (0..REMEMBERED + TIMED)
            .map(|n| minter.mint_with_nonce(JID, NOW, format!("{:032}", n + 7_777)).unwrap())
            .collect(),
    };
    let verifier = memory_verifier();
    time_verifications(&verifier, &tokens[..REMEMBERED]);
    time_verifications(&verifier, &tokens[REMEMBERED..])
}

/// Refuses one token many times.
fn refuse(verifier: &Verifier, token: &str, reason: Rejection) -> f64 {
    nanoseconds_each(TIMED, |_| {
        assert_eq!(black_box(verifier.verify(black_box(JID), token, NOW)), Err(reason));
    })
}

/// Refuses a token of a step that is closed, with a clock that was set back.
fn unavailable(token: &str) -> f64 {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let boot_clock = BootClock::new(move || clock.load(Relaxed) * 1_000);
    let ledger = Arc::new(MemoryLedger::with_boot_clock(boot_clock));
    let verifier = Verifier::new(vec![key()], ledger).unwrap();
    for later in [0, 300] {
        seconds.store(later, Relaxed);
        let other = Minter::new(key()).mint(JID, NOW + later).unwrap();
        verifier.verify(JID, other, NOW + later).unwrap();
    }
    refuse(&verifier, token, Rejection::Unavailable)
}

fn refused() -> Vec<(&'static str, String, Rejection)> {
    let minter = Minter::new(key());
    let with = |nonce: String| minter.mint_with_nonce(JID, NOW - 3_600, nonce).unwrap();
    let forged = minter.mint("bob@localhost", NOW).unwrap();
    let malformed = forged.replace('=', "A");
    vec![
        ("rust/malformed", malformed, Rejection::Malformed),
        ("rust/bad-signature", forged, Rejection::BadSignature),
        ("rust/expired-dated", minter.mint(JID, NOW - 3_600).unwrap(), Rejection::Expired),
        ("rust/expired-undated", with("7".repeat(32)), Rejection::Expired),
        // Its date is in the window, and its OTP is not.
        ("rust/wrong-otp", with(format!("{NOW:012}{}", "7".repeat(20))), Rejection::Expired),
    ]
}

/// A name, and what returns nanoseconds.
type Measured<'a> = (&'a str, Box<dyn Fn() -> f64 + 'a>);

pub(crate) fn run() {
    let minter = Minter::new(key());
    let spent = minter.mint(JID, NOW).unwrap();
    let verifier = memory_verifier();
    verifier.verify(JID, &spent, NOW).unwrap();
    let insisting = memory_verifier().with_nonce_policy(NoncePolicy::Dated).unwrap();
    let undated = minter.mint_with_nonce(JID, NOW, "7".repeat(32)).unwrap();
    let refused = refused();

    let mut measured: Vec<Measured<'_>> = vec![
        ("floor", Box::new(floor)),
        ("rust/accepted", Box::new(|| accept(false))),
        ("rust/accepted-undated", Box::new(|| accept(true))),
        ("rust/replayed", Box::new(|| refuse(&verifier, &spent, Rejection::Replayed))),
        ("rust/unavailable", Box::new(|| unavailable(&spent))),
        ("rust/undated", Box::new(|| refuse(&insisting, &undated, Rejection::Undated))),
    ];
    for (name, token, reason) in &refused {
        let refuse = || refuse(&verifier, token, *reason);
        measured.push((name, Box::new(refuse)));
    }
    measured.push((
        "rust/mint",
        Box::new(|| {
            nanoseconds_each(TIMED, |_| {
                black_box(minter.mint(black_box(JID), NOW)).unwrap();
            })
        }),
    ));

    let mut times = vec![Vec::new(); measured.len()];
    for _ in 0..ROUNDS {
        times.iter_mut().zip(&measured).for_each(|(times, (_, measure))| times.push(measure()));
    }
    for ((name, _), times) in measured.iter().zip(times) {
        println!("{name} {:.1}", median(times));
    }
}
