//! Minters with a mistake: `explain` names it. The model makes tokens without the library.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use xtoken::config::NoncePolicy;
use xtoken::ledger::MemoryLedger;
use xtoken::{Finding, Key, Verifier};

/// A seed and a secret as `generate_key` makes them: both are base32.
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SECRET: &str = "VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUTXA";
const HEX_SECRET: &str = "3d6f9a8e5b0c4d7e1f2a3b4c5d6e7f809182a3b4c5d6e7f8091a2b3c4d5e6f70";
const USER: &str = "alice";
const HOST: &str = "chat.example.com";
const NOW: u64 = 1_700_000_010;

#[derive(Clone, Copy, Debug)]
enum HashKind {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

fn hmac(hash: HashKind, key: &[u8], message: &[u8]) -> Vec<u8> {
    fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    }
    match hash {
        HashKind::Sha1 => mac::<Hmac<Sha1>>(key, message),
        HashKind::Sha256 => mac::<Hmac<Sha256>>(key, message),
        HashKind::Sha384 => mac::<Hmac<Sha384>>(key, message),
        HashKind::Sha512 => mac::<Hmac<Sha512>>(key, message),
    }
}

fn base32(text: &str) -> Vec<u8> {
    base32::decode(base32::Alphabet::Rfc4648 { padding: false }, text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Bytes = Vec<u8>;

/// What a minter does. Each mistake changes one of these.
struct Model {
    secret: Bytes,
    seed: Bytes,
    otp_hash: HashKind,
    /// The counter of a time in milliseconds.
    counter: fn(u64) -> u64,
    /// The clock of the OTP and that of the nonce, in seconds ahead.
    otp_clock: i64,
    nonce_clock: i64,
    otp_text: fn(u64) -> String,
    nonce_text: fn(&str) -> String,
    jid: Bytes,
    /// OTP, nonce and JID to what is signed.
    text: fn(&str, &str, &[u8]) -> Bytes,
    sign: fn(&[u8], &[u8]) -> Bytes,
    encode: fn(&[u8]) -> String,
    wrap: fn(&str) -> Bytes,
}

impl Model {
    fn good(seed: &str, secret: &str) -> Self {
        Self {
            secret: secret.into(),
            seed: base32(seed),
            otp_hash: HashKind::Sha1,
            counter: |milliseconds| milliseconds / 30_000,
            otp_clock: 0,
            nonce_clock: 0,
            otp_text: |otp| format!("{:08}", otp % 100_000_000),
            nonce_text: str::to_owned,
            jid: format!("{USER}@{HOST}").into(),
            text: |otp, nonce, jid| [otp.as_bytes(), nonce.as_bytes(), jid].concat(),
            sign: |key, text| hmac(HashKind::Sha256, key, text),
            encode: |signature| STANDARD.encode(signature),
            wrap: |token| token.into(),
        }
    }

    fn otp(&self, milliseconds: u64) -> u64 {
        let counter = (self.counter)(milliseconds);
        let digest = hmac(self.otp_hash, &self.seed, &counter.to_be_bytes());
        let offset = usize::from(digest[digest.len() - 1] & 15);
        let word: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
        u64::from(u32::from_be_bytes(word) & 0x7fff_ffff)
    }

    fn mint(&self, milliseconds: u64, dated: bool, random: &mut Random) -> Bytes {
        let at = |clock: i64| milliseconds.checked_add_signed(clock * 1_000).unwrap();
        let otp = (self.otp_text)(self.otp(at(self.otp_clock)));
        let nonce = if dated {
            format!("{:012}{}", at(self.nonce_clock) / 1_000, random.digits(20))
        } else {
            // No date near the present.
            format!("{}{}", 5 + random.below(4), random.digits(31))
        };
        let nonce = (self.nonce_text)(&nonce);
        let signature = (self.sign)(&self.secret, &(self.text)(&otp, &nonce, &self.jid));
        (self.wrap)(&format!("{otp}{nonce} {}", (self.encode)(&signature)))
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// A part of the minter that a mistake changes. Two mistakes in one part are not made together.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Seed,
    OtpHash,
    Time,
    OtpText,
    Nonce,
    Jid,
    Text,
    Secret,
    Sign,
    Encode,
    Wrap,
}

/// The name of the finding, words of its sentence, the part, and the change.
struct Mistake(&'static str, &'static str, Part, fn(&mut Model));

fn mistakes() -> Vec<Mistake> {
    use Part::*;
    vec![
        Mistake("otp-seed", "the text of otp_seed", Seed, |m| m.seed = SEED.into()),
        Mistake("otp-seed", "otp_seed in lower case", Seed, |m| {
            m.seed = SEED.to_lowercase().into();
        }),
        Mistake("otp-seed", "decoded as base64", Seed, |m| m.seed = STANDARD.decode(SEED).unwrap()),
        Mistake("otp-seed", "encoded as hexadecimal", Seed, |m| m.seed = hex(&m.seed).into()),
        Mistake("otp-seed", "with a line break", Seed, |m| m.seed = format!("{SEED}\n").into()),
        Mistake("otp-seed", "exchanged", Seed, |m| m.seed = SECRET.into()),
        Mistake("otp-seed", "exchanged", Seed, |m| m.seed = base32(SECRET)),
        Mistake("otp-seed", "an empty otp_seed", Seed, |m| m.seed = Vec::new()),
        Mistake("otp-seed", "a word for no value", Seed, |m| m.seed = b"undefined".into()),
        Mistake("otp-hash", "SHA-256:", OtpHash, |m| m.otp_hash = HashKind::Sha256),
        Mistake("otp-hash", "SHA-512:", OtpHash, |m| m.otp_hash = HashKind::Sha512),
        Mistake("otp-interval", "60 seconds", Time, |m| m.counter = |time| time / 60_000),
        Mistake("otp-interval", "not divided: divide Unix time by 30", Time, |m| {
            m.counter = |time| time / 1_000
        }),
        Mistake("otp-interval", "120 seconds", Time, |m| m.counter = |time| time / 120_000),
        Mistake("otp-milliseconds", "1000 first, and round down", Time, |m| {
            m.counter = |time| time / 30
        }),
        Mistake("otp-clock", "1h before the date", Time, |m| m.otp_clock = -3_600),
        Mistake("otp-clock", "5h 45m after the date", Time, |m| m.otp_clock = 20_700),
        Mistake("otp-digits", "6 digits", OtpText, |m| {
            m.otp_text = |otp| format!("{:06}", otp % 1_000_000);
        }),
        Mistake("otp-digits", "7 digits", OtpText, |m| {
            m.otp_text = |otp| format!("{:07}", otp % 10_000_000);
        }),
        Mistake("otp-digits", "10 digits", OtpText, |m| m.otp_text = |otp| format!("{otp:010}")),
        Mistake("otp-digits", "6 digits", OtpText, |m| {
            m.otp_text = |otp| format!("{:08}", otp % 1_000_000);
        }),
        Mistake("otp-zeros", "lost its leading zeros", OtpText, |m| {
            m.otp_text = |otp| (otp % 100_000_000).to_string();
        }),
        Mistake("otp-padding", "on the right", OtpText, |m| {
            m.otp_text = |otp| format!("{:0<8}", otp % 100_000_000);
        }),
        Mistake("nonce-zeros", "lost its leading zeros", Nonce, |m| {
            m.nonce_text = |nonce| nonce.trim_start_matches('0').to_owned();
        }),
        Mistake("nonce-length", "its nonce has 16 digits", Nonce, |m| {
            m.nonce_text = |nonce| nonce[..16].to_owned();
        }),
        Mistake("nonce-length", "its nonce has 33 digits", Nonce, |m| {
            m.nonce_text = |nonce| format!("{nonce}7");
        }),
        Mistake("other-jid", "in lower case", Jid, |m| m.jid = format!("Alice@{HOST}").into()),
        Mistake("other-jid", "in lower case", Jid, |m| {
            m.jid = format!("{USER}@Chat.Example.Com").into()
        }),
        Mistake("other-jid", "without the resource", Jid, |m| m.jid.extend(b"/web")),
        Mistake("other-jid", "without the resource", Jid, |m| m.jid.extend(b"/")),
        Mistake("other-jid", "exactly the second", Jid, |m| m.jid = USER.into()),
        Mistake("other-jid", "on this host", Jid, |m| m.jid = format!("{USER}@localhost").into()),
        Mistake("other-jid", "strip the white space", Jid, |m| m.jid.push(b'\n')),
        Mistake("other-jid", "undefined", Jid, |m| m.jid = format!("undefined@{HOST}").into()),
        Mistake("signed-text", "without the JID", Text, |m| {
            m.text = |otp, nonce, _| format!("{otp}{nonce}").into();
        }),
        Mistake("signed-text", "JID, OTP and nonce, in this order", Text, |m| {
            m.text = |otp, nonce, jid| [jid, otp.as_bytes(), nonce.as_bytes()].concat();
        }),
        Mistake("signed-text", "separator", Text, |m| {
            m.text = |otp, nonce, jid| [otp.as_bytes(), nonce.as_bytes(), jid].join(&b':');
        }),
        Mistake("signed-text", "separator", Text, |m| {
            m.text = |otp, nonce, jid| [otp.as_bytes(), nonce.as_bytes(), b" ", jid].concat();
        }),
        Mistake("signed-text", "without the OTP", Text, |m| {
            m.text = |_, nonce, jid| [nonce.as_bytes(), jid].concat();
        }),
        Mistake("signed-text", "zeros than the token has: sign OTP and nonce exactly", Text, |m| {
            m.text = |otp, nonce, jid| {
                [otp.trim_start_matches('0').as_bytes(), nonce.as_bytes(), jid].concat()
            };
        }),
        Mistake("signature-secret", "decoded as base32", Secret, |m| m.secret = base32(SECRET)),
        Mistake("signature-secret", "decoded as base64", Secret, |m| {
            m.secret = STANDARD.decode(&m.secret).unwrap();
        }),
        Mistake("signature-secret", "with a line break", Secret, |m| m.secret.push(b'\n')),
        Mistake("signature-secret", "with quotes", Secret, |m| {
            m.secret = format!("\"{SECRET}\"").into();
        }),
        Mistake(
            "signature-secret",
            "in lower case: use the text of token_secret as it is",
            Secret,
            |m| m.secret.make_ascii_lowercase(),
        ),
        Mistake("signature-secret", "exchanged", Secret, |m| m.secret = SEED.into()),
        Mistake("signature-secret", "exchanged", Secret, |m| m.secret = base32(SEED)),
        Mistake("signature-secret", "an empty token_secret", Secret, |m| m.secret.clear()),
        Mistake("signature-secret", "a word for no value", Secret, |m| m.secret = b"null".into()),
        Mistake("signature-hash", "HMAC-SHA-1:", Sign, |m| {
            m.sign = |key, text| hmac(HashKind::Sha1, key, text);
        }),
        Mistake("signature-hash", "HMAC-SHA-384:", Sign, |m| {
            m.sign = |key, text| hmac(HashKind::Sha384, key, text);
        }),
        Mistake("signature-hash", "HMAC-SHA-512:", Sign, |m| {
            m.sign = |key, text| hmac(HashKind::Sha512, key, text);
        }),
        Mistake("hmac-exchanged", "exchange the two arguments", Sign, |m| {
            m.sign = |key, text| hmac(HashKind::Sha256, text, key);
        }),
        Mistake("no-hmac", "use HMAC-SHA-256", Sign, |m| {
            m.sign = |key, text| Sha256::digest([key, text].concat()).to_vec();
        }),
        Mistake("no-hmac", "use HMAC-SHA-256", Sign, |m| {
            m.sign = |key, text| Sha256::digest([text, key].concat()).to_vec();
        }),
        Mistake("malformed", "hash_hmac with true", Encode, |m| m.encode = hex),
        Mistake("malformed", "hexadecimal digits: encode", Encode, |m| {
            m.encode = |signature| hex(signature).to_uppercase();
        }),
        Mistake("malformed", "hexadecimal digits in base64", Encode, |m| {
            m.encode = |signature| STANDARD.encode(hex(signature));
        }),
        Mistake("malformed", "exactly one", Encode, |m| {
            m.encode = |signature| STANDARD_NO_PAD.encode(signature);
        }),
        Mistake("malformed", "base64url", Encode, |m| {
            m.encode = |signature| URL_SAFE.encode(signature);
        }),
        Mistake("malformed", "line break", Encode, |m| {
            m.encode = |signature| STANDARD.encode(signature) + "\n";
        }),
        Mistake("malformed", "line break", Wrap, |m| {
            m.wrap = |token| format!("{token}\r\n").into()
        }),
        Mistake("malformed", "white space", Wrap, |m| m.wrap = |token| format!(" {token}").into()),
        Mistake("malformed", "white space", Wrap, |m| m.wrap = |token| format!("{token}\t").into()),
        Mistake("malformed", "quotes", Wrap, |m| m.wrap = |token| format!("\"{token}\"").into()),
        Mistake("malformed", "quotes", Wrap, |m| m.wrap = |token| format!("b'{token}'").into()),
        Mistake("malformed", "byte order mark", Wrap, |m| {
            m.wrap = |token| format!("\u{feff}{token}").into();
        }),
        Mistake("malformed", "Bearer", Wrap, |m| m.wrap = |token| format!("Bearer {token}").into()),
        Mistake("malformed", "JSON", Wrap, |m| {
            m.wrap = |token| format!("{{\"token\": \"{token}\"}}").into();
        }),
        Mistake("malformed", "SASL", Wrap, |m| {
            m.wrap = |token| format!("\0{USER}\0{token}").into();
        }),
        Mistake("malformed", "in base64", Wrap, |m| {
            m.wrap = |token| STANDARD.encode(format!("\0{USER}\0{token}")).into();
        }),
        Mistake("malformed", "percent-encoded", Wrap, |m| {
            m.wrap = |token| {
                token
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D")
                    .replace(' ', "+")
                    .into()
            };
        }),
        Mistake("malformed", "escapes", Wrap, |m| {
            m.wrap = |token| token.replace('/', "\\/").replace('=', "\\u003d").into();
        }),
        Mistake("malformed", "encodeURIComponent", Wrap, |m| {
            m.wrap = |token| token.replace('+', " ").into()
        }),
        Mistake("malformed", "use one space", Wrap, |m| {
            m.wrap = |token| token.replacen(' ', ".", 1).into();
        }),
        Mistake("malformed", "write one space", Wrap, |m| {
            m.wrap = |token| token.replacen(' ', "", 1).into();
        }),
        Mistake("malformed", "more than one space", Wrap, |m| {
            m.wrap = |token| format!("{} {}", &token[..8], &token[8..]).into();
        }),
    ]
}

fn verifier(secret: &str, policy: NoncePolicy) -> Verifier {
    let key = Key::new(SEED, secret).unwrap();
    let old = Key::new("MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB", "old").unwrap().with_id("old").unwrap();
    let verifier = Verifier::new(vec![old, key], Arc::new(MemoryLedger::new())).unwrap();
    verifier.with_nonce_policy(policy).unwrap()
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {finding}", finding.name())).collect()
}

fn names_it(findings: &[Finding], Mistake(name, words, ..): &Mistake) -> bool {
    let is_it = |finding: &Finding| finding.name() == *name && finding.to_string().contains(words);
    findings.iter().any(is_it)
}

/// Explains what the model mints. Checks that the verifier agrees; returns `None` if it accepts.
fn refused(
    model: &Model,
    verifier: impl Fn() -> Verifier,
    random: &mut Random,
    dated: bool,
) -> Option<Vec<Finding>> {
    let milliseconds = NOW * 1_000 + random.below(1_000_000_000);
    let now = milliseconds / 1_000 + random.below(3);
    let token = model.mint(milliseconds, dated, random);
    let verifier = verifier();
    let jid = format!("{USER}@{HOST}");
    let findings = verifier.explain(&jid, &token, now, &[]);
    let decision = verifier.verify(&jid, &token, now);
    let accepted = matches!(*findings, [Finding::Accepted { .. }]);
    assert_eq!(accepted, decision.is_ok(), "{:?}", texts(&findings));
    for text in texts(&findings) {
        assert!(text.len() < 600 && !text.contains(char::is_control), "{text}");
        let is_secret = |secret: &&str| text.contains(*secret);
        let spelled = [SEED, SECRET, HEX_SECRET, &SEED.to_lowercase(), &hex(&model.seed)];
        assert!(!spelled.iter().any(|secret| !secret.is_empty() && is_secret(secret)), "{text}");
    }
    (!accepted).then_some(findings)
}

#[test]
fn a_good_token_is_good() {
    let mut random = Random(1);
    let model = Model::good(SEED, SECRET);
    for dated in [true, false] {
        let verifier = || verifier(SECRET, NoncePolicy::Exact);
        for _ in 0..300 {
            assert_eq!(refused(&model, verifier, &mut random, dated), None);
        }
    }
}

#[test]
fn each_mistake_is_named_and_nothing_else_is() {
    let mut random = Random(2);
    for mistake in mistakes() {
        let Mistake(name, words, part, change) = &mistake;
        let mut model = Model::good(SEED, SECRET);
        change(&mut model);
        for (dated, policy) in
            [(true, NoncePolicy::Exact), (true, NoncePolicy::Dated), (false, NoncePolicy::Exact)]
        {
            let is_of_date = *name == "otp-clock" || *name == "nonce-zeros";
            if is_of_date && !dated {
                continue;
            }
            let verifier = || verifier(SECRET, policy);
            let mut seen = 0;
            // Some mistakes are rarely seen: an OTP seldom begins with a zero.
            for _ in 0..400 {
                let Some(findings) = refused(&model, verifier, &mut random, dated) else {
                    continue;
                };
                let context = || format!("{words} ({part:?}, {dated}): {:?}", texts(&findings));
                // An OTP that begins with zeros can be explained in several ways.
                if *part == Part::OtpText && !names_it(&findings, &mistake) {
                    assert!(findings[0].name().starts_with("otp-"), "{}", context());
                    continue;
                }
                assert!(names_it(&findings, &mistake), "{}", context());
                // A short nonce has no date.
                let expected = 1 + usize::from(
                    findings[0].name() == "nonce-length" && policy == NoncePolicy::Dated,
                );
                assert!(findings.len() <= expected || *part == Part::OtpText, "{}", context());
                seen += 1;
                if seen == if cfg!(debug_assertions) { 1 } else { 12 } {
                    break;
                }
            }
            assert!(seen > 0, "{words} {dated}");
        }
    }
}

#[test]
fn two_mistakes_are_both_named() {
    let mut random = Random(3);
    let mistakes = mistakes();
    let verifier = || verifier(SECRET, NoncePolicy::Exact);
    let mut unknown = Vec::new();
    let mut count = 0;
    for (index, first) in mistakes.iter().enumerate() {
        for second in &mistakes[..index] {
            let is_left_out = cfg!(debug_assertions) && random.below(60) > 0;
            if first.2 == second.2 || is_left_out {
                continue;
            }
            let mut model = Model::good(SEED, SECRET);
            (first.3)(&mut model);
            (second.3)(&mut model);
            // Some are seen in few tokens: an OTP seldom begins with a zero.
            let mut tries = (0..60).filter_map(|_| refused(&model, verifier, &mut random, true));
            count += 1;
            if !tries.any(|found| names_it(&found, first) && names_it(&found, second)) {
                unknown.push(format!("{} + {}", first.1, second.1));
            }
        }
    }
    assert!(unknown.len() * 10 < count, "{count}\n{}", unknown.join("\n"));
}

/// Returns the names of what is found in the first token that is refused.
fn names(change: fn(&mut Model), otp_clock: i64) -> Vec<&'static str> {
    let mut model = Model::good(SEED, SECRET);
    change(&mut model);
    model.otp_clock = otp_clock;
    let (mut random, verifier) = (Random(5), || verifier(SECRET, NoncePolicy::Exact));
    let mut tries = (0..200).filter_map(|_| refused(&model, verifier, &mut random, true));
    tries.next().unwrap().iter().map(Finding::name).collect()
}

#[test]
fn any_other_clock_is_found_and_a_time_zone_beside_a_mistake() {
    let none: fn(&mut Model) = |_| ();
    let sha256: fn(&mut Model) = |model| model.otp_hash = HashKind::Sha256;
    let text: fn(&mut Model) = |model| model.seed = SEED.into();
    let exchanged: fn(&mut Model) = |model| model.seed = base32(SECRET);
    for (change, otp_clock, expected) in [
        (none, 90, &["otp-clock"][..]),
        (sha256, -3_600, &["otp-hash", "otp-clock"]),
        (sha256, 20_700, &["otp-hash", "otp-clock"]),
        // The clock may be a step off, too.
        (sha256, 3_570, &["otp-hash", "otp-clock"]),
        (sha256, 3_630, &["otp-hash", "otp-clock"]),
        (sha256, 3_660, &["unknown-otp"]),
        (text, 3_600, &["otp-seed", "otp-clock"]),
        // With a seed that is seldom used, only one mistake is searched for.
        (exchanged, 3_600, &["unknown-otp"]),
    ] {
        assert_eq!(names(change, otp_clock), expected, "{otp_clock}");
    }
}

#[test]
fn a_mistake_is_found_beside_another_jid() {
    let sha512 = |model: &mut Model| {
        model.jid = format!("Alice@{HOST}").into();
        model.sign = |key, text| hmac(HashKind::Sha512, key, text);
    };
    let lower = |model: &mut Model| {
        model.jid = format!("Alice@{HOST}").into();
        model.secret.make_ascii_lowercase();
    };
    assert_eq!(names(sha512, 0), ["other-jid", "signature-hash"]);
    assert_eq!(names(lower, 0), ["other-jid", "signature-secret"]);
}

#[test]
fn another_text_is_found_beside_another_otp() {
    let short = |model: &mut Model| {
        model.otp_text = |otp| format!("{:06}", otp % 1_000_000);
        model.text = |otp, nonce, jid| [otp.as_bytes(), jid, nonce.as_bytes()].concat();
    };
    // It signed the zeros, and lost them then.
    let lost = |model: &mut Model| {
        model.otp_text = |otp| (otp % 100_000_000).to_string();
        model.text =
            |otp, nonce, jid| [format!("{otp:0>8}").as_bytes(), nonce.as_bytes(), jid].concat();
    };
    assert_eq!(names(short, 0), ["otp-digits", "signed-text"]);
    assert_eq!(names(lost, 0), ["otp-zeros", "signed-text"]);
}

#[test]
fn a_secret_in_hexadecimal_is_found_decoded() {
    let mut random = Random(4);
    let mut model = Model::good(SEED, HEX_SECRET);
    model.secret = (0..32)
        .map(|at| u8::from_str_radix(&HEX_SECRET[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let verifier = || verifier(HEX_SECRET, NoncePolicy::Exact);
    let findings = refused(&model, verifier, &mut random, true).unwrap();
    assert!(
        texts(&findings)[0].contains("decoded as hexadecimal digits"),
        "{:?}",
        texts(&findings)
    );
}
