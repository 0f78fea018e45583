//! What the measurements share: one key, one user, and fingerprints for ledgers.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use xtoken::ledger::{Ledger, MemoryLedger, Spending};
use xtoken::{Key, Minter, Verifier};

pub(crate) const JID: &str = "alice@localhost";
pub(crate) const NOW: u64 = 1_700_000_010;
pub(crate) const SECRET: &str = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";

pub(crate) fn key() -> Key {
    Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", SECRET).unwrap()
}

pub(crate) fn memory_verifier() -> Verifier {
    Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap()
}

pub(crate) fn mint(count: usize) -> Vec<String> {
    let minter = Minter::new(key());
    (0..count).map(|_| minter.mint(JID, NOW).unwrap()).collect()
}

/// Returns what a spend of the `n`th token is called with. These are spread evenly, as signatures
/// are.
pub(crate) fn spending(n: usize) -> Spending {
    // splitmix64, twice.
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let low = mix((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let fingerprint = u128::from(low) | u128::from(mix(!low)) << 64;
    Spending { fingerprint: fingerprint.to_le_bytes(), step: NOW / 30, deviation: 1 }
}

/// Spends the tokens of these numbers.
pub(crate) fn spend(ledger: &dyn Ledger, numbers: std::ops::Range<usize>) {
    for n in numbers {
        ledger.spend(&spending(n), NOW).unwrap();
    }
}

/// Spends the tokens from number `first` on, so many in each round. Returns the median of the
/// microseconds that each took.
pub(crate) fn time_spends(ledger: &dyn Ledger, first: usize, rounds: usize, each: usize) -> f64 {
    let round = |at| {
        let first = first + at * each;
        nanoseconds_each(each, |at| {
            ledger.spend(&spending(first + at), NOW).unwrap();
        })
    };
    median((0..rounds).map(round).collect()) / 1e3
}

/// Verifies tokens that are accepted. Returns the nanoseconds that each took.
pub(crate) fn time_verifications(verifier: &Verifier, tokens: &[String]) -> f64 {
    nanoseconds_each(tokens.len(), |at| {
        black_box(verifier.verify(black_box(JID), &tokens[at], NOW)).unwrap();
    })
}

pub(crate) fn nanoseconds_each(times: usize, mut work: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    start.elapsed().as_nanos() as f64 / times as f64
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns 10^3, 10^4 … up to the largest.
pub(crate) fn sizes(largest: usize) -> impl Iterator<Item = usize> {
    (3..).map(|exponent| 10_usize.pow(exponent)).take_while(move |size| *size <= largest)
}
