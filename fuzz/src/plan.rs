//! What an input of libFuzzer says: which options there are, what is presented, and when. Most of
//! it is close to what is accepted, because bytes that are any bytes never are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use xtoken::config::NoncePolicy;
use xtoken::ledger::Ledger;
use xtoken::nonce::{MAX_DATE, MIN_DATED_LENGTH};
use xtoken::token::{DEFAULT_NONCE_LENGTH, MAX_NONCE_LENGTH};
use xtoken::totp::{MAX_DEVIATION, OTP_INTERVAL, step_at};
use xtoken::{Key, Verifier};

use super::reference;

/// The values of a key.
pub(crate) struct KnownKey {
    pub(crate) id: &'static str,
    pub(crate) otp_seed: &'static str,
    pub(crate) token_secret: &'static str,
}

/// Each key that a token may be made with. Two have the same secret, and two the same seed.
pub(crate) const KEYS: [KnownKey; 4] = [
    KnownKey {
        id: "first",
        otp_seed: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        token_secret: "VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUTBQ",
    },
    KnownKey {
        id: "second",
        otp_seed: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        token_secret: "a secret with spaces, which is no base32",
    },
    KnownKey {
        id: "same-secret",
        otp_seed: "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB",
        token_secret: "VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUTBQ",
    },
    KnownKey {
        id: "same-seed",
        otp_seed: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        token_secret: "c2VjcmV0IHNlY3JldCBzZWNyZXQ=",
    },
];

/// Returns the known key with this number, whatever it is.
pub(crate) fn known_key(number: u8) -> usize {
    usize::from(number) % KEYS.len()
}

static SEEDS: LazyLock<[Vec<u8>; KEYS.len()]> =
    LazyLock::new(|| KEYS.map(|key| reference::base32(key.otp_seed.as_bytes()).unwrap()));

/// Returns the OTP of a key in a step. Remembers it, because hashing is most of the work.
pub(crate) fn otp(key: usize, step: u64) -> u32 {
    thread_local!(static KNOWN: RefCell<HashMap<(usize, u64), u32>> = RefCell::default());
    KNOWN.with_borrow_mut(|known| {
        if known.len() > 100_000 {
            known.clear();
        }
        *known.entry((key, step)).or_insert_with(|| reference::otp(&SEEDS[key], step))
    })
}

/// A moment in Unix seconds.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Moment {
    Usual(u16),
    Early(u16),
    /// So long before the end of time.
    Late(u16),
    Any(u64),
}

impl Moment {
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Self::Usual(seconds) => 1_700_000_010 + u64::from(seconds),
            Self::Early(seconds) => seconds.into(),
            Self::Late(seconds) => u64::MAX - u64::from(seconds),
            Self::Any(seconds) => seconds,
        }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Validity {
    Always,
    From(Moment),
    Until(Moment),
    Between(Moment, Moment),
}

impl Validity {
    /// Returns the first and the last second.
    fn limits(self) -> (u64, u64) {
        match self {
            Self::Always => (0, u64::MAX),
            Self::From(first) => (first.seconds(), u64::MAX),
            Self::Until(last) => (0, last.seconds()),
            Self::Between(one, other) => {
                let (one, other) = (one.seconds(), other.seconds());
                (one.min(other), one.max(other))
            }
        }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Default,
    ShortestDated,
    Longest,
    Digits(u8),
}

impl Length {
    fn digits(self) -> usize {
        match self {
            Self::Default => DEFAULT_NONCE_LENGTH,
            Self::ShortestDated => MIN_DATED_LENGTH,
            Self::Longest => MAX_NONCE_LENGTH,
            Self::Digits(digits) => 1 + usize::from(digits) % 60,
        }
    }
}

/// Options of a verifier.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Those of the known keys that it has. At least the first.
    keys: [Option<Validity>; KEYS.len()],
    policy: u8,
    length: Length,
    deviation: u8,
}

impl Options {
    /// Returns the numbers of the keys with the first and the last second of their validity.
    pub(crate) fn keys(&self) -> Vec<(usize, u64, u64)> {
        let keys = (0..).zip(self.keys);
        let mut keys: Vec<_> = keys
            .filter_map(|(key, validity)| {
                let (first, last) = validity?.limits();
                Some((key, first, last))
            })
            .collect();
        if keys.is_empty() {
            keys.push((0, 0, u64::MAX));
        }
        keys
    }

    pub(crate) fn policy(&self) -> NoncePolicy {
        let (_, policy) = NoncePolicy::NAMES[usize::from(self.policy) % NoncePolicy::NAMES.len()];
        if self.length.digits() < MIN_DATED_LENGTH && policy == NoncePolicy::Dated {
            return NoncePolicy::Exact;
        }
        policy
    }

    pub(crate) fn nonce_length(&self) -> usize {
        self.length.digits()
    }

    pub(crate) fn deviation(&self) -> u64 {
        u64::from(self.deviation) % (MAX_DEVIATION + 1)
    }

    pub(crate) fn with_deviation(self, deviation: u8) -> Self {
        Self { deviation, ..self }
    }

    /// Makes the verifier.
    pub(crate) fn verifier(&self, ledger: Arc<dyn Ledger>) -> Verifier {
        let key = |(key, first, last)| {
            let KnownKey { id, otp_seed, token_secret } = KEYS[key];
            let key = Key::new(otp_seed, token_secret).unwrap().with_id(id).unwrap();
            key.with_validity(first..=last).unwrap()
        };
        Verifier::new(self.keys().into_iter().map(key).collect(), ledger)
            .and_then(|verifier| verifier.with_nonce_length(self.nonce_length()))
            .and_then(|verifier| verifier.with_nonce_policy(self.policy()))
            .and_then(|verifier| verifier.with_deviation(self.deviation()))
            .unwrap()
    }
}

/// A JID, or other bytes.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Jid<'a> {
    Known(u8),
    Long(u16),
    Raw(&'a [u8]),
}

impl Jid<'_> {
    pub(crate) fn bytes(self) -> Vec<u8> {
        const KNOWN: [&str; 12] = [
            "alice@example.com",
            "7alice@example.com",
            "77alice@example.com",
            "bob@example.com",
            "alice@chat.example.com",
            "Alice@Example.com",
            "alice@example.com/phone",
            "alice",
            "",
            "a b@example.com",
            "b\u{fc}cher@m\u{fc}nchen.example",
            "b\u{fc}cher@xn--mnchen-3ya.example",
        ];
        match self {
            Self::Known(number) => KNOWN[usize::from(number) % KNOWN.len()].into(),
            // Around the longest JID.
            Self::Long(length) => {
                let length = 1 + usize::from(length) % 1030;
                [vec![b'a'; length], b"@".to_vec(), vec![b'b'; length]].concat()
            }
            Self::Raw(bytes) => bytes.to_vec(),
        }
    }
}

/// A token, made as the protocol says or in another way.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    signer: u8,
    /// Takes the OTP of another key.
    otp_of: Option<u8>,
    jid: Jid<'a>,
    /// Steps after the present one.
    steps: i8,
    date: Date,
    /// Has a nonce of another length.
    length: Option<u8>,
    digit: u8,
    damage: Damage,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Date {
    Right(u8),
    Off(i16),
    None,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Damage {
    None,
    Byte(u16, u8),
    Cut(u16),
    /// Adds a digit to the nonce, or removes it, after signing.
    MoreDigits(u8),
    FewerDigits,
    /// Exchanges two digits.
    Swap(u8, u8),
}

impl Plan<'_> {
    /// Makes the token for a verifier with these options.
    pub(crate) fn make(&self, options: &Options, now: u64) -> Vec<u8> {
        let step = step_at(now).saturating_add_signed(self.steps.into());
        let signer = known_key(self.signer);
        let otp = otp(self.otp_of.map_or(signer, known_key), step);
        let length = self.length.map_or(options.nonce_length(), |digits| 1 + usize::from(digits));
        let start = step.saturating_mul(OTP_INTERVAL);
        let date = match self.date {
            Date::Right(seconds) => Some(start.saturating_add(u64::from(seconds) % OTP_INTERVAL)),
            Date::Off(seconds) => Some(start.saturating_add_signed(seconds.into())),
            Date::None => None,
        };
        let mut digits = format!("{otp:08}").into_bytes();
        if let Some(date) = date.filter(|date| *date <= MAX_DATE && length >= MIN_DATED_LENGTH) {
            digits.extend_from_slice(format!("{date:012}").as_bytes());
        }
        digits.resize(8 + length, b'0' + self.digit % 10);
        let secret = KEYS[signer].token_secret.as_bytes();
        let signature = reference::signature(secret, &digits, &self.jid.bytes());
        match self.damage {
            Damage::MoreDigits(digit) => digits.push(b'0' + digit % 10),
            Damage::FewerDigits => digits.truncate(7 + length),
            Damage::Swap(one, other) => {
                let length = digits.len();
                digits.swap(usize::from(one) % length, usize::from(other) % length);
            }
            _ => {}
        }
        let mut token = reference::token(&digits, signature);
        match self.damage {
            Damage::Byte(at, byte) => {
                let at = usize::from(at) % token.len();
                token[at] = byte;
            }
            Damage::Cut(length) => token.truncate(length.into()),
            _ => {}
        }
        token
    }
}
