//! What is said of tokens that are refused.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::slice::from_ref;
use std::sync::Arc;

use xtoken::explain::Flaw;
use xtoken::ledger::MemoryLedger;
use xtoken::nonce::MAX_DATE;
use xtoken::setting::NoncePolicy;
use xtoken::{Finding, Key, Minter, Verifier};

const ALICE: &str = "alice@example.com";
const NOW: u64 = 1_700_000_010;
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SECRET: &str = "HUNTER2-new";
const OLD_SECRET: &str = "HUNTER2-old";
const OLD_SEED: &str = "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB";

fn new() -> Key {
    Key::new(SEED, SECRET).unwrap().with_id("2026-11").unwrap()
}

fn old() -> Key {
    let key = Key::new(OLD_SEED, OLD_SECRET).unwrap().with_id("2026-05").unwrap();
    key.with_validity(0..=NOW - 1).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(vec![new(), old()], Arc::new(MemoryLedger::new())).unwrap()
}

fn token_of(key: Key, jid: &str, now: u64) -> String {
    // What no minter of ours would sign has to be signed by hand.
    token_with(key, jid, now, &"7".repeat(32))
}

fn token_with(key: Key, jid: &str, now: u64, nonce: &str) -> String {
    let digits = format!("{:08}{nonce}", key.totp().code(now / 30));
    let signature = key.sign(digits.as_bytes(), jid.as_bytes());
    xtoken::token::Token::new(digits.as_bytes(), signature).encode()
}

fn explained(token: impl AsRef<[u8]>) -> Vec<Finding> {
    verifier().explain(ALICE, token, NOW, &[])
}

fn signed_for(address: &str) -> Finding {
    Finding::OtherAddress { signed: address.into(), expected: ALICE.into() }
}

#[test]
fn a_good_token_stays_good() {
    let (verifier, token) = (verifier(), Minter::new(new()).mint(ALICE, NOW).unwrap());
    let good = |step_offset, clock_skew| {
        [Finding::Good { key: "2026-11".to_owned(), step_offset, clock_skew }]
    };
    for _ in 0..3 {
        assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), good(0, Some(0)));
    }
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), [Finding::Replayed]);
    let next = Minter::new(new()).mint(ALICE, NOW - 7).unwrap();
    assert_eq!(verifier.explain(ALICE, &next, NOW, &[]), good(-1, Some(-7)));
    let undated = token_of(new(), ALICE, NOW + 30);
    assert_eq!(verifier.explain(ALICE, &undated, NOW, &[]), good(1, None));
}

#[test]
fn what_is_no_token_is_said_to_break_somewhere() {
    assert_eq!(explained(""), [Finding::Malformed(Flaw::Empty)]);
    let line = token_of(new(), ALICE, NOW) + "\n";
    assert_eq!(explained(line), [Finding::Malformed(Flaw::WhiteSpace)]);
}

#[test]
fn other_addresses_are_found() {
    for address in ["Alice@example.com", "aLiCe@example.com", "alice@example.com/web", "alice"] {
        assert_eq!(explained(token_of(new(), address, NOW)), [signed_for(address)]);
    }
    let elsewhere = token_of(new(), "alice@chat.example.org", NOW);
    assert_eq!(explained(&elsewhere), [Finding::BadSignature { otp_of: Some("2026-11".into()) }]);
    let found = verifier().explain(ALICE, &elsewhere, NOW, &[b"nowhere", b"chat.example.org"]);
    assert_eq!(found, [signed_for("alice@chat.example.org")]);
}

#[test]
fn other_keys_are_found() {
    let inactive = Finding::InactiveKey { key: "2026-05".to_owned(), validity: 0..=NOW - 1 };
    assert_eq!(explained(token_of(old(), ALICE, NOW)), [inactive]);
    // The secret is new, the seed still the old one.
    let crossed = Key::new(OLD_SEED, SECRET).unwrap();
    let mixed = Finding::MixedKeys { secret_of: "2026-11".into(), seed_of: "2026-05".into() };
    assert_eq!(explained(token_of(crossed, ALICE, NOW)), [mixed]);
    let unknown = Key::new(SEED, "unknown").unwrap();
    let bad = Finding::BadSignature { otp_of: Some("2026-11".to_owned()) };
    assert_eq!(explained(token_of(unknown, ALICE, NOW)), [bad]);
    let unknown = Key::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "unknown").unwrap();
    assert_eq!(explained(token_of(unknown, ALICE, NOW)), [Finding::BadSignature { otp_of: None }]);
}

#[test]
fn a_clock_is_found_up_to_a_day_away() {
    for seconds in [-86_400, -3_600, -60, 60, 90, 3_600, 86_400] {
        let minted = NOW.checked_add_signed(seconds).unwrap();
        let clock = Finding::Clock { key: "2026-11".to_owned(), seconds, dated: false };
        assert_eq!(explained(token_of(new(), ALICE, minted)), [clock]);
    }
    let unknown = Finding::UnknownOtp { key: "2026-11".to_owned(), claimed: None };
    for minted in [0, NOW - 86_430, NOW + 86_430] {
        assert_eq!(explained(token_of(new(), ALICE, minted)), from_ref(&unknown));
    }
    for now in [0, u64::MAX] {
        let found = verifier().explain(ALICE, token_of(new(), ALICE, NOW), now, &[]);
        assert_eq!(found, from_ref(&unknown), "at {now}");
    }
}

#[test]
fn what_is_accepted_all_the_same_is_good() {
    let verifier = verifier().with_nonce_policy(NoncePolicy::Report).unwrap();
    let token = Minter::new(new()).with_nonce_length(16).unwrap().mint(ALICE, NOW).unwrap();
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[])[0].name(), "good");
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), [Finding::Replayed]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let minter = Minter::new(old()).with_nonce_length(16).unwrap();
    let token = minter.mint("alice@localhost", NOW - 600).unwrap();
    let names: Vec<_> = explained(token).iter().map(Finding::name).collect();
    assert_eq!(names, ["nonce-length", "other-address", "inactive-key", "clock"]);
}

#[test]
fn the_age_of_a_dated_token_is_told_to_the_second() {
    for (minted, now, seconds) in [
        (NOW - 95, NOW, -95),
        (NOW + 95, NOW, 95),
        (0, NOW, -1_700_000_010),
        (MAX_DATE, NOW, 998_299_999_989),
        (MAX_DATE, 0, 999_999_999_999),
        (MAX_DATE, u64::MAX, MAX_DATE as i64 - i64::MAX),
    ] {
        let token = Minter::new(new()).mint(ALICE, minted).unwrap();
        let clock = Finding::Clock { key: "2026-11".to_owned(), seconds, dated: true };
        assert_eq!(verifier().explain(ALICE, token, now, &[]), [clock]);
    }
}

#[test]
fn what_is_wrong_with_a_date_is_told() {
    let insists = || verifier().with_nonce_policy(NoncePolicy::Dated).unwrap();
    let explained = |token: &str| insists().explain(ALICE, token, NOW, &[]);
    let undated = |claimed| Finding::Undated { key: "2026-11".to_owned(), claimed };
    assert_eq!(explained(&token_of(new(), ALICE, NOW)), [undated(None)]);
    // The clock was read again for the nonce, when the next step had begun.
    let nonce = format!("{NOW:012}{:020}", 7);
    let twice = token_with(new(), ALICE, NOW - 1, &nonce);
    assert_eq!(explained(&twice), [undated(Some(NOW))]);
    assert_eq!(verifier().explain(ALICE, &twice, NOW, &[])[0].name(), "good");
    let names = |token: &str| explained(token).iter().map(Finding::name).collect::<Vec<_>>();
    assert_eq!(names(&token_of(new(), ALICE, NOW - 600)), ["undated", "clock"]);
    let short = Minter::new(new()).with_nonce_length(23).unwrap().mint(ALICE, NOW).unwrap();
    assert_eq!(names(&short), ["nonce-length", "undated"]);

    // With an unknown seed, the date shows that the clock is right.
    let other_seed = Key::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SECRET).unwrap();
    let token = Minter::new(other_seed).mint(ALICE, NOW).unwrap();
    let unknown = Finding::UnknownOtp { key: "2026-11".to_owned(), claimed: Some(NOW) };
    assert_eq!(verifier().explain(ALICE, &token, NOW, &[]), [unknown]);
}

#[test]
fn what_is_said_is_short_clean_and_names_no_secret() {
    let nasty = "alice@example.com\u{1b}[2J\n";
    let tokens = [
        token_of(new(), nasty, NOW),
        token_of(new(), "alice@example.com\n", NOW),
        token_of(old(), "ALICE", NOW - 7_200),
        "12345678 \u{1b}".to_owned(),
    ];
    for token in tokens {
        for finding in verifier().explain(ALICE, &token, NOW, &[nasty.as_bytes()]) {
            let text = finding.to_string();
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(text.len() < 400, "{text}");
            assert!([SEED, OLD_SEED, "HUNTER2"].iter().all(|seed| !text.contains(seed)), "{text}");
            assert!(!text.contains(&token), "{text}");
        }
    }
}

#[test]
fn a_person_can_act_on_it() {
    let says = |token: String, words: &str| {
        let text = explained(token)[0].to_string();
        assert!(text.contains(words), "{text}");
    };
    says(token_of(new(), "Alice@example.com", NOW), "must sign it in lower case");
    says(token_of(new(), "alice@example.com/web", NOW), "without the resource");
    says(token_of(new(), "alice@example.com\n", NOW), "strip the white space");
    says(token_of(new(), "alice@localhost", NOW), "on this host");
    says(token_of(new(), "alice", NOW), "must sign exactly this");
    says(token_of(new(), ALICE, NOW - 30), "made 1 step of 30 s ago");
    says(token_of(old(), ALICE, NOW), "until 2023-11-14T22:13:29Z");
    says(token_of(new(), ALICE, NOW - 3_600), "1h slow");
    says(token_of(new(), ALICE, NOW + 90), "about 1m 30s ahead of this one");
    let dated = |minted| Minter::new(new()).mint(ALICE, minted).unwrap();
    says(dated(NOW), "key 2026-11, made just now");
    says(dated(NOW - 7), "made 7s ago");
    says(dated(NOW + 7), "made by a clock 7s ahead of this one");
    says(dated(NOW - 95), "it was made 1m 35s ago by the minter's clock: make a token");
    says(dated(NOW + 95), "made by a clock at least 1m 35s ahead of this one: make a token");
    says(token_of(new(), ALICE, NOW), "key 2026-11, undated");
    let strange = Key::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SECRET).unwrap();
    let claimed = Minter::new(strange).mint(ALICE, NOW).unwrap();
    says(claimed, "neither that of 2023-11-14T22:13:30Z, with which its nonce begins");
}
