//! Explanations: what is refused is never called good, what is accepted always is, no secret and no
//! token is shown, and every answer is short. libFuzzer watches the time.

use std::fmt::Write as _;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use xtoken::jid::check_bare;
use xtoken::ledger::MemoryLedger;
use xtoken::{Finding, Rejection};

use super::plan::{Jid, KEYS, Moment, Options, Plan, known_key, otp};
use super::reference;
use super::verify::expected;

/// More findings than a token can have.
const MAX_FINDINGS: usize = 24;
/// More bytes than a finding has.
const MAX_LENGTH: usize = 2_000;
/// So many bytes of a secret or a token are not part of a text by chance.
const TELLING: usize = 16;

#[derive(Arbitrary, Debug)]
struct Question<'a> {
    options: Options,
    now: Moment,
    jid: Jid<'a>,
    token: Token<'a>,
    wrapping: Wrapping,
    others: [Option<Jid<'a>>; 2],
    /// It is presented before, so that it is replayed.
    is_spent: bool,
}

#[derive(Arbitrary, Debug)]
enum Token<'a> {
    Planned(Plan<'a>),
    Mistaken { mistake: Mistake, key: u8, jid: Jid<'a> },
    Bytes(&'a [u8]),
}

/// What a minter does in another way.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Mistake {
    UpperSecret,
    LowerSecret,
    DecodedSecret,
    NoSecret,
    SecretAndLineBreak,
    JidFirst,
    Separated,
    NonceFirst,
    ShortOtp,
    Minutes,
    Milliseconds,
}

/// What happens to a token on its way.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Wrapping {
    None,
    LineBreak,
    Space,
    Quotes,
    Bearer,
    Message,
    Percent,
    Url,
    Hexadecimal,
    NoPadding,
    Utf16,
}

impl Mistake {
    fn make(self, key: usize, jid: &[u8], length: usize, now: u64) -> Vec<u8> {
        let time = match self {
            Self::Minutes => now / 2,
            Self::Milliseconds => now.saturating_mul(1_000),
            _ => now,
        };
        let mut digits = format!("{:08}", otp(key, time / 30)).into_bytes();
        if let Self::ShortOtp = self {
            digits.drain(..2);
        }
        digits.resize(digits.len() + length, b'7');
        let secret = KEYS[key].token_secret;
        let secret = match self {
            Self::UpperSecret => secret.to_uppercase().into(),
            Self::LowerSecret => secret.to_lowercase().into(),
            Self::DecodedSecret => reference::base32(secret.as_bytes()).unwrap_or_default(),
            Self::NoSecret => Vec::new(),
            Self::SecretAndLineBreak => format!("{secret}\n").into(),
            _ => secret.into(),
        };
        let signature = match self {
            Self::JidFirst => reference::signature(&secret, jid, &digits),
            Self::Separated => reference::signature(&secret, &[&digits, &b":"[..]].concat(), jid),
            Self::NonceFirst => {
                let (otp, nonce) = digits.split_at(8.min(digits.len()));
                reference::signature(&secret, &[nonce, otp].concat(), jid)
            }
            _ => reference::signature(&secret, &digits, jid),
        };
        reference::token(&digits, signature)
    }
}

impl Wrapping {
    fn around(self, token: Vec<u8>) -> Vec<u8> {
        let around =
            |before: &str, after: &str| [before.as_bytes(), &token, after.as_bytes()].concat();
        let text = || String::from_utf8_lossy(&token).into_owned();
        match self {
            Self::None => token,
            Self::LineBreak => around("", "\r\n"),
            Self::Space => around(" ", ""),
            Self::Quotes => around("b'", "'"),
            Self::Bearer => around("Bearer ", ""),
            Self::Message => around("\0alice\0", ""),
            Self::Percent => text().replace(' ', "+").replace('=', "%3D").into(),
            Self::Url => text().replace('+', "-").replace('/', "_").into(),
            Self::Hexadecimal => match reference::parts(&token) {
                Some((digits, signature)) => {
                    let hex = signature.map(|byte| format!("{byte:02x}")).concat();
                    [digits, b" ", hex.as_bytes()].concat()
                }
                None => token,
            },
            Self::NoPadding => text().trim_end_matches('=').into(),
            Self::Utf16 => token.iter().flat_map(|byte| [*byte, 0]).collect(),
        }
    }
}

/// Asks a question.
pub fn run(bytes: &[u8]) {
    let Ok(question) = Question::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let Question { options, now, jid, token, wrapping, others, is_spent } = question;
    let (now, jid) = (now.seconds(), jid.bytes());
    let token = wrapping.around(match token {
        Token::Planned(plan) => plan.make(&options, now),
        Token::Mistaken { mistake, key, jid } => {
            mistake.make(known_key(key), &jid.bytes(), options.nonce_length(), now)
        }
        Token::Bytes(bytes) => bytes.to_vec(),
    });
    let others: Vec<Vec<u8>> = others.into_iter().flatten().map(Jid::bytes).collect();
    let others: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    let verifier = options.verifier(Arc::new(MemoryLedger::new()));
    if is_spent {
        let _ = verifier.verify(&jid, &token, now);
    }

    let findings = verifier.explain(&jid, &token, now, &others);
    // Explaining spent nothing, or this would be `Replayed`.
    let decision = verifier.verify(&jid, &token, now);
    if !is_spent {
        let expected = expected(&options, &jid, &token, now).map(drop);
        assert_eq!(decision.map(drop), expected);
    }

    let is_called_good = |finding: &Finding| matches!(finding, Finding::Accepted { .. });
    assert!(!findings.is_empty() && findings.len() <= MAX_FINDINGS);
    if findings.iter().any(is_called_good) {
        assert!(findings.len() == 1 && decision.is_ok(), "a refused token is called good");
    }
    // A JID for which no server asks has a finding of its own.
    if check_bare(&jid).is_ok() {
        match decision {
            Ok(_) => assert!(is_called_good(&findings[0]), "an accepted token is called bad"),
            Err(Rejection::Replayed) => assert_eq!(findings, [Finding::Replayed]),
            Err(_) => {}
        }
    }
    check_texts(&findings, &token, &[&others[..], &[&jid]].concat());
}

/// Checks that the findings are short and show no secret. What was asked may come again.
fn check_texts(findings: &[Finding], token: &[u8], asked: &[&[u8]]) {
    let mut texts = String::new();
    for finding in findings {
        let text = finding.to_string();
        assert!(text.len() <= MAX_LENGTH, "{} bytes: {text}", text.len());
        assert!(!text.contains(char::is_control), "{text:?} may upset a terminal");
        let _ = writeln!(texts, "{text}\n{finding:?}");
    }
    let shows = |secret: &[u8]| {
        let is_asked = asked.iter().any(|asked| contains(asked, secret));
        secret.len() >= TELLING && !is_asked && contains(texts.as_bytes(), secret)
    };
    for key in &KEYS {
        let (seed, secret) = (key.otp_seed, key.token_secret);
        for value in [seed, secret, &seed.to_lowercase(), &secret.to_lowercase()] {
            assert!(!shows(&value.as_bytes()[..TELLING]), "a secret is shown: {texts}");
        }
    }
    for part in token.chunks(TELLING) {
        assert!(!shows(part), "a part of the token is shown: {texts}");
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
