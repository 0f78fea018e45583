//! What `explain` finds.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::slice::from_ref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xtoken::config::NoncePolicy;
use xtoken::explain::{Flaw, MAX_OTHERS, Mistake};
use xtoken::jid::MAX_JID_LENGTH;
use xtoken::ledger::MemoryLedger;
use xtoken::nonce::MAX_DATE;
use xtoken::token::Token;
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
    token_with(key, jid, now, &"7".repeat(32))
}

fn token_with(key: Key, jid: &str, now: u64, nonce: &str) -> String {
    // Signed by hand, because a minter refuses some of these JIDs.
    signed(&key, jid, &format!("{:08}{nonce}", key.otp(now / 30)))
}

fn signed(key: &Key, jid: &str, digits: &str) -> String {
    Token::new(digits.as_bytes(), key.sign(digits.as_bytes(), jid.as_bytes())).encode()
}

fn explained(token: impl AsRef<[u8]>) -> Vec<Finding> {
    verifier().explain(ALICE, token, NOW, &[])
}

fn signed_for(jid: &str) -> Finding {
    Finding::OtherJid { signed: jid.into(), expected: ALICE.into() }
}

#[test]
fn a_jid_is_not_called_long_because_another_one_was_tried() {
    let longest = format!("{}@example.com", "7".repeat(MAX_JID_LENGTH - "@example.com".len()));
    let token = token_of(new(), &format!("{longest}/web"), NOW);
    let names = |jid: &str| -> Vec<_> {
        verifier().explain(jid, &token, NOW, &[]).iter().map(Finding::name).collect()
    };
    assert_eq!(names(&longest), ["invalid-jid", "bad-signature"]);
    assert_eq!(names(&format!("7{longest}")), ["long-jid"]);
}

#[test]
fn explaining_spends_nothing() {
    let (verifier, token) = (verifier(), Minter::new(new()).mint(ALICE, NOW).unwrap());
    let accepted = |step_offset, clock_skew| {
        [Finding::Accepted { key: "2026-11".to_owned(), step_offset, clock_skew }]
    };
    for _ in 0..3 {
        assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), accepted(0, Some(0)));
    }
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), [Finding::Replayed]);
    let next = Minter::new(new()).mint(ALICE, NOW - 7).unwrap();
    assert_eq!(verifier.explain(ALICE, &next, NOW, &[]), accepted(-1, Some(-7)));
    let undated = token_of(new(), ALICE, NOW + 30);
    assert_eq!(verifier.explain(ALICE, &undated, NOW, &[]), accepted(1, None));
}

#[test]
fn the_flaw_of_a_malformed_token_is_found() {
    assert_eq!(explained(""), [Finding::Malformed(Flaw::Empty)]);
    let line = token_of(new(), ALICE, NOW) + "\n";
    assert_eq!(explained(line), [Finding::Malformed(Flaw::LineBreak)]);
}

#[test]
fn a_token_with_more_than_four_flaws_is_not_repaired() {
    let names = |flaws: usize| -> Vec<_> {
        let (token, quotes) = (token_of(new(), "Alice@example.com", NOW), "'".repeat(flaws));
        explained(format!("{quotes}{token}{quotes}")).iter().map(Finding::name).collect()
    };
    assert_eq!(names(4), [&["malformed"; 4][..], &["other-jid"]].concat());
    assert_eq!(names(5), ["malformed"; 5]);
}

#[test]
fn what_else_is_wrong_with_a_malformed_token_is_found() {
    let jid = "Alice@example.com";
    let mut tokens = (0..).map(|nonce| token_with(new(), jid, NOW, &format!("{nonce:032}")));
    let token = &tokens.find(|token| token.contains('+') && token.contains('/')).unwrap();
    let (digits, signature) = token.split_once(' ').unwrap();
    let bytes = *Token::parse(token.as_bytes()).unwrap().signature();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let last = char::from(signature.as_bytes()[42] + 1);
    for (malformed, flaw) in [
        (format!("\u{feff}{token}"), Flaw::ByteOrderMark),
        (format!("{token}\r\n"), Flaw::LineBreak),
        (format!(" {token}"), Flaw::WhiteSpace),
        (format!("b'{token}'"), Flaw::Quotes),
        (format!("Bearer {token}"), Flaw::Wrapped),
        (STANDARD.encode(format!("\0alice\0{token}")), Flaw::Encoded),
        (token.replace(' ', "%20").replace('=', "%3D"), Flaw::PercentEncoded),
        (token.replace('+', "%2B").replace(' ', "+"), Flaw::PercentEncoded),
        (token.replace('/', "\\/"), Flaw::Escaped),
        (token.replace(' ', ":"), Flaw::Separator(41)),
        (token.replace(' ', ""), Flaw::NoSpace),
        (token.replace(' ', "  "), Flaw::ExtraSpace),
        (token.replace('+', " "), Flaw::PlusLost),
        (format!("{}\r\n{}", &token[..60], &token[60..]), Flaw::Wrap),
        (token.replace('+', "-").replace('/', "_"), Flaw::Base64Url),
        (format!("{digits} {hex}"), Flaw::Hexadecimal),
        (format!("{digits} {}", STANDARD.encode(&hex)), Flaw::EncodedHexadecimal),
        (token.replace('=', ""), Flaw::Padding),
        (format!("{digits} {}{last}=", &signature[..42]), Flaw::UnusedBits),
    ] {
        let expected = [Finding::Malformed(flaw), signed_for(jid)];
        assert_eq!(explained(&malformed), expected, "{malformed:?}");
    }
}

#[test]
fn a_token_in_utf_16_is_read_in_each_byte_order() {
    let jid = "Alice@example.com";
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{}", token_of(new(), jid, NOW));
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            let expected = [Finding::Malformed(Flaw::ByteOrderMark), signed_for(jid)];
            assert_eq!(explained(&bytes), expected, "{bytes:?}");
        }
    }
}

#[test]
fn a_jid_that_no_server_asks_about_is_never_good() {
    let names = |asked: &str, signed: &str| -> Vec<_> {
        let token = token_of(new(), signed, NOW);
        verifier().explain(asked, &token, NOW, &[]).iter().map(Finding::name).collect()
    };
    for jid in ["alice smith@example.com", "alice@mail@example.com", "alice", "al:ice@example.com"]
    {
        assert_eq!(names(jid, jid), ["invalid-jid"], "{jid}");
    }
    // It is corrected where that is possible.
    for jid in ["Alice@example.com", "alice@EXAMPLE.com", "alice@example.com/web"] {
        assert_eq!(names(jid, ALICE), ["invalid-jid"], "{jid}");
        assert_eq!(names(jid, jid), ["invalid-jid", "other-jid"], "{jid}");
    }
}

#[test]
fn a_time_zone_is_recognised() {
    for (minted, expected) in [
        (NOW - 7_200, "about 2h ago, or by a clock 2h slow: this is a time zone"),
        (NOW + 19_800, "by a clock about 5h 30m ahead of this one: this is a time zone"),
        (NOW - 5_000, "mint a token for every login"),
    ] {
        let text = explained(token_of(new(), ALICE, minted))[0].to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn other_jids_are_found() {
    for jid in ["Alice@example.com", "aLiCe@example.com", "alice@example.com/web", "alice"] {
        assert_eq!(explained(token_of(new(), jid, NOW)), [signed_for(jid)]);
    }
    let elsewhere = token_of(new(), "alice@chat.example.org", NOW);
    assert_eq!(explained(&elsewhere), [Finding::BadSignature { otp_of: Some("2026-11".into()) }]);
    let found = verifier().explain(ALICE, &elsewhere, NOW, &[b"nowhere", b"chat.example.org"]);
    assert_eq!(found, [signed_for("alice@chat.example.org")]);
}

#[test]
fn all_12_letters_of_a_user_are_tried_in_upper_and_lower_case() {
    let (signed, expected) = ("aBCDEFGHIJKL@example.com", "abcdefghijkl@example.com");
    let found = verifier().explain(expected, token_of(new(), signed, NOW), NOW, &[]);
    assert_eq!(found, [Finding::OtherJid { signed: signed.into(), expected: expected.into() }]);
}

#[test]
fn few_capital_letters_are_tried_first_so_that_many_keys_do_not_hide_them() {
    let key = |index| Key::new(SEED, format!("secret-{index:02}")).unwrap();
    let key = |index| key(index).with_id(format!("{index}")).unwrap();
    let verifier = Verifier::new((0..50).map(key).collect(), Arc::new(MemoryLedger::new()));
    let (signed, expected) = ("McGregor@example.com", "mcgregor@example.com");
    let found = verifier.unwrap().explain(expected, token_of(key(7), signed, NOW), NOW, &[]);
    assert_eq!(found, [Finding::OtherJid { signed: signed.into(), expected: expected.into() }]);
}

#[test]
fn only_the_first_256_other_jids_are_tried() {
    let elsewhere = token_of(new(), "alice@chat.example.org", NOW);
    let name_after = |count| {
        let others = [&vec![&b"nowhere"[..]; count][..], &[b"chat.example.org"]].concat();
        verifier().explain(ALICE, &elsewhere, NOW, &others)[0].name()
    };
    assert_eq!((MAX_OTHERS, name_after(255), name_after(256)), (256, "other-jid", "bad-signature"));
}

#[test]
fn other_jids_may_be_as_long_as_a_jid() {
    let signed = format!("{}@{}", "u".repeat(1023), "h".repeat(1023));
    let token = token_of(new(), &signed, NOW);
    let found = verifier().explain(ALICE, &token, NOW, &[signed.as_bytes()]);
    assert_eq!(found, [signed_for(&signed)]);
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
fn other_mistakes_are_found_with_the_valid_one_of_many_keys() {
    let inactive = |id| Key::new(OLD_SEED, id).unwrap().with_id(id).unwrap();
    let inactive = |id| inactive(id).with_validity(0..=NOW - 1).unwrap();
    let mut keys: Vec<_> = ["a", "b", "c", "d"].map(inactive).into();
    keys.push(new());
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    // The OTP is old, so it does not tell the key.
    let upper = Key::new(SEED, SECRET.to_uppercase()).unwrap();
    let found = verifier.explain(ALICE, token_of(upper, ALICE, NOW - 600), NOW, &[]);
    let names: Vec<_> = found.iter().map(Finding::name).collect();
    assert_eq!(names, ["signature-secret", "clock"]);
}

/// A step with the OTP of `OLD_SEED` in the step of `NOW`.
const LUCKY_STEP: u64 = 99_511_275;

#[test]
fn keys_with_one_secret_are_told_apart() {
    let key = |seed, id| Key::new(seed, SECRET).unwrap().with_id(id).unwrap();
    let inactive = || key(SEED, "inactive").with_validity(0..=NOW - 1).unwrap();
    let keys = vec![inactive(), key(OLD_SEED, "valid")];
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
    let found = |token: &str| verifier.explain(ALICE, token, NOW, &[]);
    let finding = Finding::InactiveKey {
        key: "inactive".to_owned(),
        validity: inactive().validity().clone(),
    };
    assert_eq!(found(&token_of(inactive(), ALICE, NOW)), [finding]);
    // The inactive key proves a date, but the valid one has the OTP, so the token is accepted.
    let lucky = Minter::new(inactive()).mint(ALICE, LUCKY_STEP * 30).unwrap();
    assert_eq!(found(&lucky)[0].name(), "accepted");
    assert_eq!(verifier.verify(ALICE, &lucky, NOW).unwrap().key_id(), "valid");
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
fn another_nonce_length_is_no_fault_if_it_is_only_reported() {
    let verifier = verifier().with_nonce_policy(NoncePolicy::Report).unwrap();
    let token = Minter::new(new()).with_nonce_length(16).unwrap().mint(ALICE, NOW).unwrap();
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[])[0].name(), "accepted");
    assert!(verifier.verify(ALICE, &token, NOW).is_ok());
    assert_eq!(verifier.explain(ALICE, &token, NOW, &[]), [Finding::Replayed]);
}

#[test]
fn a_short_otp_is_found_under_each_nonce_policy() {
    let digits = format!("{:06}{}", new().otp(NOW / 30) % 1_000_000, "7".repeat(32));
    let token = signed(&new(), ALICE, &digits);
    for policy in [NoncePolicy::Exact, NoncePolicy::Report] {
        let found = verifier().with_nonce_policy(policy).unwrap().explain(ALICE, &token, NOW, &[]);
        let names: Vec<_> = found.iter().map(Finding::name).collect();
        assert_eq!(names, ["otp-digits"], "{policy:?}");
    }
}

#[test]
fn a_short_otp_is_found_with_zeros_at_its_end() {
    let digits = format!("{:06}00{}", new().otp(NOW / 30) % 1_000_000, "7".repeat(32));
    let found = explained(signed(&new(), ALICE, &digits));
    let names: Vec<_> = found.iter().map(Finding::name).collect();
    assert_eq!(names, ["otp-padding", "otp-digits"]);
}

#[test]
fn up_to_three_zeros_of_a_nonce_are_found_if_they_are_lost() {
    for (length, name) in [(31, "nonce-zeros"), (29, "nonce-zeros"), (28, "nonce-length")] {
        let token = token_with(new(), ALICE, NOW, &"7".repeat(length));
        assert_eq!(explained(token)[0].name(), name, "{length} digits");
    }
}

#[test]
fn a_zero_too_many_is_not_called_one_too_few() {
    let token = signed(&new(), ALICE, &format!("0{:08}{}", new().otp(NOW / 30), "7".repeat(32)));
    assert_eq!(explained(token)[0].name(), "nonce-length");
}

#[test]
fn a_clock_is_found_besides_another_interval() {
    for (counter, mistake, clock) in [
        (NOW / 60, Mistake::OtpInterval(60), None),
        (NOW / 60 + 1, Mistake::OtpInterval(60), Some(30)),
        (NOW / 60 - 5, Mistake::OtpInterval(60), Some(-300)),
        (NOW * 1_000 / 30, Mistake::OtpMilliseconds, None),
        ((NOW - 60) * 1_000 / 30, Mistake::OtpMilliseconds, Some(-60)),
    ] {
        let key = || "2026-11".to_owned();
        let token = signed(&new(), ALICE, &format!("{:08}{}", new().otp(counter), "7".repeat(32)));
        let found = verifier().with_deviation(0).unwrap().explain(ALICE, token, NOW, &[]);
        let clock = clock.map(|seconds| Finding::Clock { key: key(), seconds, dated: false });
        let mistake = Finding::Mistake { key: key(), mistake };
        assert_eq!(found, [Some(mistake), clock].into_iter().flatten().collect::<Vec<_>>());
    }
}

#[test]
fn every_fault_is_found_at_once() {
    let minter = Minter::new(old()).with_nonce_length(16).unwrap();
    let token = minter.mint("alice@localhost", NOW - 600).unwrap();
    let names: Vec<_> = explained(token).iter().map(Finding::name).collect();
    assert_eq!(names, ["nonce-length", "other-jid", "inactive-key", "clock"]);
}

#[test]
fn the_age_of_a_dated_token_is_exact() {
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
fn a_wrong_date_is_found() {
    let dated_only = || verifier().with_nonce_policy(NoncePolicy::Dated).unwrap();
    let explained = |token: &str| dated_only().explain(ALICE, token, NOW, &[]);
    let undated = |claimed| Finding::Undated { key: "2026-11".to_owned(), claimed };
    assert_eq!(explained(&token_of(new(), ALICE, NOW)), [undated(None)]);
    // The clock was read again for the nonce, when the next step had begun.
    let nonce = format!("{NOW:012}{:020}", 7);
    let twice = token_with(new(), ALICE, NOW - 1, &nonce);
    assert_eq!(explained(&twice), [undated(Some(NOW))]);
    assert_eq!(verifier().explain(ALICE, &twice, NOW, &[])[0].name(), "accepted");
    let names = |token: &str| explained(token).iter().map(Finding::name).collect::<Vec<_>>();
    assert_eq!(names(&token_of(new(), ALICE, NOW - 600)), ["undated", "clock"]);
    for date in [format!("{NOW}"), format!("{NOW}000")] {
        let token = token_with(new(), ALICE, NOW, &format!("{date:7<32}"));
        assert_eq!(names(&token), ["nonce-date"]);
    }
    let short = Minter::new(new()).with_nonce_length(23).unwrap().mint(ALICE, NOW).unwrap();
    assert_eq!(names(&short), ["nonce-length", "undated"]);

    // With an unknown seed, the date shows that the clock is right.
    let other_seed = Key::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SECRET).unwrap();
    let token = Minter::new(other_seed).mint(ALICE, NOW).unwrap();
    let unknown = Finding::UnknownOtp { key: "2026-11".to_owned(), claimed: Some(NOW) };
    assert_eq!(verifier().explain(ALICE, &token, NOW, &[]), [unknown]);
}

#[test]
fn messages_are_short_and_printable_and_have_no_secrets() {
    let hostile = "alice@example.com\u{1b}[2J\n";
    let tokens = [
        token_of(new(), hostile, NOW),
        token_of(new(), "alice@example.com\n", NOW),
        token_of(old(), "ALICE", NOW - 7_200),
        "12345678 \u{1b}".to_owned(),
    ];
    for token in tokens {
        for finding in verifier().explain(ALICE, &token, NOW, &[hostile.as_bytes()]) {
            let text = finding.to_string();
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(text.len() < 400, "{text}");
            assert!([SEED, OLD_SEED, "HUNTER2"].iter().all(|seed| !text.contains(seed)), "{text}");
            assert!(!text.contains(&token), "{text}");
        }
    }
}

#[test]
fn messages_say_what_to_do() {
    let says = |token: String, words: &str| {
        let text = explained(token)[0].to_string();
        assert!(text.contains(words), "{text}");
    };
    says(token_of(new(), "Alice@example.com", NOW), "must sign it in lower case");
    says(token_of(new(), "alice@example.com/web", NOW), "without the resource");
    says(token_of(new(), "alice@example.com\n", NOW), "strip the white space");
    says(token_of(new(), "alice@localhost", NOW), "on this host");
    says(token_of(new(), "alice", NOW), "must sign exactly the second of these");
    says(token_of(new(), ALICE, NOW - 30), "made 1 step of 30 s ago");
    says(token_of(old(), ALICE, NOW), "until 2023-11-14T22:13:29Z");
    says(token_of(new(), ALICE, NOW - 3_600), "1h slow: this is a time zone");
    says(token_of(new(), ALICE, NOW + 90), "about 1m 30s ahead of this one");
    let dated = |minted| Minter::new(new()).mint(ALICE, minted).unwrap();
    says(dated(NOW), "key 2026-11, made just now");
    says(dated(NOW - 7), "made 7s ago");
    says(dated(NOW + 7), "made by a clock 7s ahead of this one");
    says(dated(NOW - 95), "it was made 1m 35s ago by the minter's clock: mint a token");
    says(dated(NOW + 95), "made by a clock at least 1m 35s ahead of this one: mint a token");
    says(token_of(new(), ALICE, NOW), "it would be accepted: key 2026-11, undated");
    let strange = Key::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SECRET).unwrap();
    let claimed = Minter::new(strange).mint(ALICE, NOW).unwrap();
    says(claimed, "neither that of 2023-11-14T22:13:30Z, with which its nonce begins");
}

#[test]
fn a_host_for_dns_is_told_from_another_host() {
    let token = token_of(new(), "alice@xn--mnchen-3ya.example", NOW);
    for (jid, words) in [
        ("alice@m\u{fc}nchen.example", "must write the host in Unicode"),
        (ALICE, "must sign the JID on this host"),
    ] {
        let found = verifier().explain(jid, &token, NOW, &[b"xn--mnchen-3ya.example"]);
        assert!(found[0].to_string().contains(words), "{}", found[0]);
    }
}

/// That step is ahead of the present one by the deviation, and by one more for clocks of verifiers
/// that are apart.
#[test]
fn a_ledger_that_begins_anew_opens_after_the_last_step_that_was_accepted() {
    for (deviation, now, opens) in
        [(0, 300, 360), (1, 300, 390), (1, 329, 390), (1, 330, 420), (3, 300, 450), (10, 300, 660)]
    {
        let finding = verifier().with_deviation(deviation).unwrap().unavailable(now);
        let expected = Finding::Unavailable { error: None, opens_at: None, opens_anew_at: opens };
        assert_eq!(finding, expected, "deviation {deviation}");
    }
}

#[test]
fn hostile_input_is_explained_as_it_is_decided() {
    let mut state = 1_u64;
    let mut random = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % limit
    };
    let signs = b"\0\x7f\xc3\xbc\xff@/ =+-_%{\"'\\\r\n;&.0Az";
    let jids = [ALICE, "alice@m\u{fc}nchen.example", "alice@xn--mnchen-3ya.example", "@", ""];
    for round in 0..150 {
        let jid = jids[random(jids.len())];
        let mut token = match random(3) {
            0 => Minter::new(new()).mint(ALICE, NOW - 30 * random(3) as u64).unwrap().into_bytes(),
            1 => token_of(new(), jid, NOW - 30 * random(3) as u64).into_bytes(),
            _ => vec![signs[random(signs.len())]; random(5) * 100],
        };
        let mut jid = jid.as_bytes().to_vec();
        for bytes in [&mut jid, &mut token] {
            for _ in 0..random(3) {
                let (at, sign) = (random(bytes.len() + 1), signs[random(signs.len())]);
                match random(4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, sign),
                    2 => drop(bytes.splice(at.., vec![sign; random(4_000)])),
                    _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = sign),
                }
            }
        }
        let policies = [NoncePolicy::Exact, NoncePolicy::Report, NoncePolicy::Dated];
        let now = [NOW, 0, u64::MAX][if round % 8 == 0 { random(3) } else { 0 }];
        let verifier = verifier().with_nonce_policy(policies[random(3)]).unwrap();
        let findings = verifier.explain(&jid, &token, now, &[b"\xff", b"", b"@"]);
        let is_accepted = verifier.verify(&jid, &token, now).is_ok();
        let names: Vec<_> = findings.iter().map(Finding::name).collect();
        let is_agreed = match *names {
            ["accepted"] => is_accepted,
            ["invalid-jid"] => true,
            _ => !is_accepted || names[0] == "invalid-jid",
        };
        assert!(is_agreed && !names.is_empty(), "{jid:?} {token:?} {now}: {names:?}");
        for finding in &findings {
            let text = finding.to_string();
            assert!(text.len() < 3_000 && !text.contains(char::is_control), "{text}");
        }
    }
}
