//! What a verifier decides, as far as `vectors.rs` has no vector for it.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use xtoken::config::{ConfigError, NoncePolicy};
use xtoken::key::{DEFAULT_KEY_ID, KeyError};
use xtoken::ledger::{Ledger, MemoryLedger, Probe, Spending, Spent, Unavailable};
use xtoken::nonce::MAX_DATE;
use xtoken::token::{MAX_NONCE_LENGTH, Token};
use xtoken::{Key, Minter, Rejection, Verifier};

const ALICE: &str = "alice@example.com";
const NOW: u64 = 1_700_000_010;

fn key(secret: &str) -> Key {
    Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", secret).unwrap()
}

fn minter() -> Minter {
    Minter::new(key("secret"))
}

fn verifier() -> Verifier {
    Verifier::new(vec![key("secret")], Arc::new(MemoryLedger::new())).unwrap()
}

#[test]
fn the_window_is_as_wide_as_configured() {
    for deviation in [0, 1, 10] {
        for offset in -12..=12_i64 {
            let verifier = verifier().with_deviation(deviation).unwrap();
            let minted = NOW.checked_add_signed(30 * offset).unwrap();
            let decision = verifier.verify(ALICE, minter().mint(ALICE, minted).unwrap(), NOW);
            let expected = if offset.unsigned_abs() <= deviation {
                Ok(offset)
            } else {
                Err(Rejection::Expired)
            };
            assert_eq!(decision.map(|accepted| accepted.step_offset), expected);
        }
    }
}

#[test]
fn every_key_is_tried_with_its_own_seed() {
    let seed = "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB";
    let other = || Key::new(seed, "other").unwrap().with_id("other").unwrap();
    let keys = vec![key("secret"), other()];
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    let tokens = [minter(), Minter::new(other())].map(|minter| minter.mint(ALICE, NOW).unwrap());
    for (id, token) in [DEFAULT_KEY_ID, "other"].iter().zip(&tokens) {
        assert_eq!(verifier.verify(ALICE, token, NOW).unwrap().key_id(), *id);
        assert_eq!(verifier.verify(ALICE, token, NOW), Err(Rejection::Replayed));
    }
    // Two keys with the same secret.
    let same_secret = || Key::new(seed, "secret").unwrap().with_id("new").unwrap();
    for keys in [vec![key("secret"), same_secret()], vec![same_secret(), key("secret")]] {
        let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
        for minter in [minter(), Minter::new(same_secret())] {
            let token = minter.mint(ALICE, NOW).unwrap();
            assert!(verifier.verify(ALICE, token, NOW).is_ok());
        }
    }
    // The secret of one with the seed of the other is not a key.
    let crossed = Key::new(seed, "secret").unwrap();
    let token = Minter::new(crossed).mint(ALICE, NOW).unwrap();
    assert_eq!(verifier.verify(ALICE, token, NOW), Err(Rejection::Expired));
}

#[test]
fn a_key_is_tried_while_it_is_valid() {
    let seed = "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB";
    let old = || Key::new(seed, "old").unwrap().with_id("old").unwrap();
    let keys = vec![
        key("secret").with_validity(NOW..=u64::MAX).unwrap(),
        old().with_validity(0..=NOW + 60).unwrap(),
    ];
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    let decide = |minter: &Minter, now| {
        let decision = verifier.verify(ALICE, minter.mint(ALICE, now).unwrap(), now);
        decision.map(|accepted| accepted.key_id().to_owned())
    };
    let (minter, old) = (minter(), Minter::new(old()));
    assert_eq!(decide(&minter, NOW - 1), Err(Rejection::BadSignature));
    assert_eq!(decide(&minter, NOW).as_deref(), Ok(DEFAULT_KEY_ID));
    assert_eq!(decide(&minter, MAX_DATE).as_deref(), Ok(DEFAULT_KEY_ID));
    assert_eq!(decide(&old, 0).as_deref(), Ok("old"));
    assert_eq!(decide(&old, NOW + 60).as_deref(), Ok("old"));
    assert_eq!(decide(&old, NOW + 61), Err(Rejection::BadSignature));
}

#[test]
fn of_keys_that_are_alike_the_first_counts() {
    let named = |id| key("secret").with_id(id).unwrap();
    let keys = vec![named("first"), named("second"), named("third")];
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    for token in [
        minter().mint(ALICE, NOW).unwrap(),
        minter().mint_with_nonce(ALICE, NOW, "7".repeat(32)).unwrap(),
    ] {
        assert_eq!(verifier.verify(ALICE, token, NOW).unwrap().key_id(), "first");
    }
}

#[test]
fn every_bit_of_a_signature_counts() {
    let verifier = verifier();
    let token = minter().mint(ALICE, NOW).unwrap();
    let parsed = Token::parse(token.as_bytes()).unwrap();
    // Two bits, too, since the signature is compared by words.
    for one in 0..256 {
        for other in (one..256).filter(|other| (other - one) % 8 == 0) {
            let mut signature = *parsed.signature();
            signature[one / 8] ^= 1 << (one % 8);
            if other > one {
                signature[other / 8] ^= 1 << (other % 8);
            }
            let forged = Token::new(parsed.digits(), signature).encode();
            let decision = verifier.verify(ALICE, forged, NOW);
            assert_eq!(decision, Err(Rejection::BadSignature), "{one} {other}");
        }
    }
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
}

#[test]
fn keys_have_ids_of_their_own() {
    let keys = vec![key("secret"), key("other")];
    let refused = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap_err();
    assert_eq!(refused, ConfigError::DuplicateKeyId);
}

#[test]
fn other_nonce_lengths_can_be_reported() {
    let verifier = verifier().with_nonce_policy(NoncePolicy::Report).unwrap();
    for digits in [1, 32, MAX_NONCE_LENGTH] {
        let token = minter().with_nonce_length(digits).unwrap().mint(ALICE, NOW).unwrap();
        assert_eq!(verifier.verify(ALICE, &token, NOW).unwrap().nonce_length, digits);
        assert_eq!(verifier.verify(ALICE, &token, NOW), Err(Rejection::Replayed));
    }
    for bytes in ["", "01234567 ", "x"] {
        assert_eq!(verifier.verify(ALICE, bytes, NOW), Err(Rejection::Malformed));
    }
    // That is why it is for migrations only.
    let token = minter().mint("7alice@example.com", NOW).unwrap();
    let (digits, signature) = token.split_once(' ').unwrap();
    assert!(verifier.verify(ALICE, format!("{digits}7 {signature}"), NOW).is_ok());
}

#[test]
fn the_configured_nonce_length_is_the_only_one() {
    for digits in [1, 16, MAX_NONCE_LENGTH] {
        let verifier = verifier().with_nonce_length(digits).unwrap();
        let token = minter().with_nonce_length(digits).unwrap().mint(ALICE, NOW).unwrap();
        assert!(verifier.verify(ALICE, token, NOW).is_ok());
        let usual = minter().mint(ALICE, NOW).unwrap();
        assert_eq!(verifier.verify(ALICE, usual, NOW), Err(Rejection::Malformed));
    }
}

#[test]
fn any_time_is_ordinary() {
    for now in [0, 29, 30, MAX_DATE, MAX_DATE + 1, u64::MAX - 30, u64::MAX] {
        let token = minter().mint_with_nonce(ALICE, now, "7".repeat(32)).unwrap();
        let verifier = verifier();
        assert!(verifier.verify(ALICE, &token, now).is_ok(), "at {now}");
        assert_eq!(verifier.verify(ALICE, &token, now), Err(Rejection::Replayed), "at {now}");
    }
}

#[test]
fn any_bytes_have_a_decision() {
    let verifier = verifier();
    let megabytes = vec![b'7'; 10_000_000];
    let token = minter().mint(ALICE, NOW).unwrap();
    for bytes in [&b""[..], b"\0", b"\xff\xfe", &megabytes] {
        assert_eq!(verifier.verify(ALICE, bytes, NOW), Err(Rejection::Malformed));
    }
    for jid in [&b""[..], b"\0", b"\xff\xfe"] {
        assert_eq!(verifier.verify(jid, &token, NOW), Err(Rejection::BadSignature));
    }
    assert_eq!(verifier.verify(&megabytes, &token, NOW), Err(Rejection::Malformed));
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
}

#[test]
fn options_out_of_range_are_named() {
    let no_key = Verifier::new(vec![], Arc::new(MemoryLedger::new())).unwrap_err();
    assert_eq!(no_key, ConfigError::NoKey);
    for digits in [0, MAX_NONCE_LENGTH + 1] {
        let refused = verifier().with_nonce_length(digits).unwrap_err();
        assert_eq!(refused, ConfigError::NonceLength);
    }
    assert_eq!(verifier().with_deviation(11).unwrap_err(), ConfigError::Deviation);
    assert_eq!(Key::new("", "secret").unwrap_err(), KeyError::InvalidSeed);
}

#[derive(Debug)]
struct Broken;

impl Ledger for Broken {
    fn spend(&self, _: &Spending, _: u64) -> Result<Spent, Unavailable> {
        Err(Unavailable)
    }

    fn peek(&self, _: &Spending, _: u64) -> Result<Spent, Unavailable> {
        Err(Unavailable)
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        Err(Unavailable)
    }
}

#[test]
fn a_ledger_that_does_not_answer_is_asked_last_and_refuses() {
    let verifier = Verifier::new(vec![key("secret")], Arc::new(Broken)).unwrap();
    let token = minter().mint(ALICE, NOW).unwrap();
    assert_eq!(verifier.verify(ALICE, &token, NOW), Err(Rejection::Unavailable));
    assert_eq!(verifier.verify("bob@example.com", &token, NOW), Err(Rejection::BadSignature));
    assert_eq!(verifier.verify(ALICE, &token, NOW + 60), Err(Rejection::Expired));
}

#[test]
fn each_token_is_accepted_once_whatever_threads_present_it() {
    let (verifier, minter) = (verifier(), minter());
    let tokens: Vec<_> = (0..20_000).map(|_| minter.mint(ALICE, NOW).unwrap()).collect();
    let successes: Vec<_> = tokens.iter().map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (token, successes) in tokens.iter().zip(&successes) {
                    if verifier.verify(ALICE, token, NOW).is_ok() {
                        successes.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert!(successes.iter().all(|count| count.load(Relaxed) == 1));
}

#[test]
fn debug_prints_nothing_secret() {
    let expected = "Verifier { keys: [Key { id: \"default\", validity: 0..=18446744073709551615, \
         seed_bits: 160, .. }], rules: Rules { nonce_length: 32, nonce_policy: Exact, \
         deviation: 1, ignores_validity: false }, ledger: MemoryLedger, \
         completions: Completions { .. } }";
    assert_eq!(format!("{:?}", verifier()), expected);
}

#[test]
fn the_weakest_seed_counts() {
    let short = Key::new("MZXW6YTBMZXW6YTB", "short").unwrap().with_id("short").unwrap();
    let keys = vec![key("secret"), short];
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    assert_eq!(verifier.seed_bits(), 80);
    assert_eq!(verifier.keys().iter().map(Key::id).collect::<Vec<_>>(), [DEFAULT_KEY_ID, "short"]);
}

#[test]
fn names_are_stable_and_say_what_to_do() {
    let names: Vec<_> = Rejection::ALL.iter().map(|rejection| rejection.name()).collect();
    assert_eq!(
        names,
        ["malformed", "bad-signature", "expired", "replayed", "unavailable", "undated"]
    );
    assert!(Rejection::ALL.iter().all(|rejection| rejection.to_string().contains(": ")));
    for (error, words) in [
        (KeyError::InvalidSeed, "otp_seed is not base32: "),
        (KeyError::ShortSeed, "otp_seed is too short: "),
        (KeyError::EmptySecret, "token_secret is empty: "),
        (KeyError::InvalidId, "the id of a key is not usable: "),
        (KeyError::NeverValid, "not_before is after not_after: "),
    ] {
        assert!(error.to_string().starts_with(words), "{error}");
    }
}
