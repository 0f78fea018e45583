//! [`Verifier`]: decides whether a token is accepted. The order of the checks is written here only;
//! [`explain`](crate::explain) reads at which of them a token failed.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::completions::{Completions, Ticket};
use crate::config::{ConfigError, NoncePolicy, check_deviation, check_nonce_length};
use crate::dating::{Dating, Made};
use crate::jid::MAX_JID_LENGTH;
use crate::key::{Key, KeyId};
use crate::ledger::{Fingerprint, Ledger, Outcome, Question, Spending, Spent, Unavailable};
use crate::rejection::Rejection;
use crate::taint::declassify;
use crate::token::{DEFAULT_NONCE_LENGTH, SIGNATURE_LENGTH, Token};
use crate::totp::{OTP_DEVIATION, step_at, window};

/// Decides about tokens. Threads may share it.
#[derive(Debug)]
pub struct Verifier {
    keys: Vec<Key>,
    rules: Rules,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) completions: Completions<Answered>,
}

/// What the checks compare a token with, beside the keys and the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) nonce_length: usize,
    pub(crate) nonce_policy: NoncePolicy,
    pub(crate) deviation: u64,
    /// Whether keys are tried even when they are not valid.
    pub(crate) ignores_validity: bool,
}

/// What is known about an accepted token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Accepted {
    pub(crate) key_id: KeyId,
    /// Its step less the current step: below zero if the minter's clock is behind.
    pub step_offset: i64,
    /// The number of digits of its nonce. It differs from the configured one only with
    /// [`NoncePolicy::Report`].
    pub nonce_length: usize,
    /// The date of a dated token less the current time, in seconds: below zero if the minter's
    /// clock is behind, or if time has passed since. `None` if the token is undated.
    pub clock_skew: Option<i64>,
}

impl Accepted {
    /// Returns the id of the key that made the token.
    pub fn key_id(&self) -> &str {
        self.key_id.as_str()
    }

    /// Returns the decision about a token that only the ledger could refuse.
    pub(crate) fn unless_spent(self, outcome: Outcome) -> Result<Self, Rejection> {
        match outcome {
            Ok(Spent::First) => Ok(self),
            Ok(Spent::Again) => Err(Rejection::Replayed),
            Err(Unavailable) => Err(Rejection::Unavailable),
        }
    }
}

/// A token that was [submitted](crate::submission), and what the ledger answered.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) ticket: Ticket,
    pub(crate) question: Question,
    /// When it was submitted, in Unix seconds.
    pub(crate) now: u64,
    pub(crate) accepted: Accepted,
    pub(crate) outcome: Outcome,
}

/// The first check that failed, with what is known of the token by then.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault<'a> {
    /// It does not have the shape of a token.
    NotToken,
    /// Its nonce has another length than the rules ask for.
    NonceLength(Token<'a>),
    /// The JID is longer than a JID can be.
    LongJid,
    /// No key that was tried has signed it for the JID.
    BadSignature(Token<'a>),
    /// It is undated, and the rules ask for dated tokens.
    Undated(Token<'a>, Signer<'a>),
    /// It was not made in a step of the window.
    Expired(Token<'a>, Signer<'a>),
}

/// The key that signed a token, and when the token was made under this key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub(crate) key: &'a Key,
    pub(crate) made: Made,
}

impl Verifier {
    /// Makes a verifier of tokens with nonces of 32 digits, for clocks that are up to one step
    /// apart.
    ///
    /// Each key needs an id of its own. Every key that is valid at the time is tried for every
    /// token.
    ///
    /// Verifiers with the same ledger share what is spent. They should have the same deviation.
    /// Otherwise the ledger may close a step that only the verifier with the larger deviation still
    /// accepts. That verifier then refuses tokens of the step as [`Rejection::Unavailable`].
    pub fn new(keys: Vec<Key>, ledger: Arc<dyn Ledger>) -> Result<Self, ConfigError> {
        if keys.is_empty() {
            return Err(ConfigError::NoKey);
        }
        let mut ids: Vec<_> = keys.iter().map(Key::id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < keys.len() {
            return Err(ConfigError::DuplicateKeyId);
        }
        let rules = Rules {
            nonce_length: DEFAULT_NONCE_LENGTH,
            nonce_policy: NoncePolicy::Exact,
            deviation: OTP_DEVIATION,
            ignores_validity: false,
        };
        Ok(Self { keys, rules, ledger, completions: Completions::new() })
    }

    /// Sets the number of digits of a nonce, which must be that of the minter: 1 to
    /// [`MAX_NONCE_LENGTH`](crate::token::MAX_NONCE_LENGTH).
    pub fn with_nonce_length(mut self, digits: usize) -> Result<Self, ConfigError> {
        self.rules.nonce_policy.check(check_nonce_length(digits)?)?;
        self.rules.nonce_length = digits;
        Ok(self)
    }

    /// Sets which nonces are accepted. The default is [`NoncePolicy::Exact`].
    pub fn with_nonce_policy(mut self, policy: NoncePolicy) -> Result<Self, ConfigError> {
        self.rules.nonce_policy = policy.check(self.rules.nonce_length)?;
        Ok(self)
    }

    /// Sets how many steps the clocks may be apart: 0 to
    /// [`MAX_DEVIATION`](crate::totp::MAX_DEVIATION).
    pub fn with_deviation(mut self, steps: u64) -> Result<Self, ConfigError> {
        self.rules.deviation = check_deviation(steps)?;
        Ok(self)
    }

    /// Returns the ledger, which remembers spent tokens.
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    /// Returns the keys in the order in which they were given.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Returns the number of bits of the weakest seed: see [`Key::seed_bits`].
    pub fn seed_bits(&self) -> usize {
        self.keys.iter().map(Key::seed_bits).min().unwrap_or(0)
    }

    /// Accepts `token` for the bare JID `jid` at `now` (Unix seconds), once.
    ///
    /// Both may be any bytes. For each well-formed token and each valid key, the signature is
    /// computed and every OTP of the window is compared. So neither the time nor the reason tells a
    /// client which half of a guess was right. A dated token outside its window is
    /// [`Rejection::Expired`], even if its OTP matches by chance.
    pub fn verify(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
    ) -> Result<Accepted, Rejection> {
        self.verify_bytes(jid.as_ref(), token.as_ref(), now)
    }

    fn verify_bytes(&self, jid: &[u8], token: &[u8], now: u64) -> Result<Accepted, Rejection> {
        let (accepted, spending) = self.check_without_ledger(jid, token, now)?;
        accepted.unless_spent(self.ledger.spend(&spending, now))
    }

    /// Makes every check but the last one, which is the ledger's.
    pub(crate) fn check_without_ledger(
        &self,
        jid: &[u8],
        token: &[u8],
        now: u64,
    ) -> Result<(Accepted, Spending), Rejection> {
        self.examine(self.rules, jid, token, now).map_err(Fault::rejection)
    }

    /// Returns the rules that [`verify`](Self::verify) applies.
    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Makes every check but the ledger's, in their order, and stops at the first that fails.
    // Inline in `check_without_ledger`, which drops what a fault carries, so that every fault costs
    // it the same.
    #[inline(always)]
    pub(crate) fn examine<'a>(
        &'a self,
        rules: Rules,
        jid: &[u8],
        token: &'a [u8],
        now: u64,
    ) -> Result<(Accepted, Spending), Fault<'a>> {
        let token = Token::parse(token).ok_or(Fault::NotToken)?;
        let has_length = token.nonce_length() == rules.nonce_length;
        if !has_length && rules.nonce_policy != NoncePolicy::Report {
            return Err(Fault::NonceLength(token));
        }
        if jid.len() > MAX_JID_LENGTH {
            return Err(Fault::LongJid);
        }
        let signer = self.signer(rules, jid, &token, now).ok_or(Fault::BadSignature(token))?;
        let Signer { key, made } = signer;
        if made.date().is_none() && rules.nonce_policy == NoncePolicy::Dated {
            return Err(Fault::Undated(token, signer));
        }
        let in_window = |step: &u64| window(now, rules.deviation).contains(step);
        let step = made.step().filter(in_window).ok_or(Fault::Expired(token, signer))?;
        let accepted = Accepted {
            key_id: key.key_id(),
            step_offset: step.wrapping_sub(step_at(now)).cast_signed(),
            nonce_length: token.nonce_length(),
            clock_skew: made.date().map(|date| date.wrapping_sub(now).cast_signed()),
        };
        let fingerprint = fingerprint(token.signature());
        Ok((accepted, Spending { fingerprint, step, deviation: rules.deviation }))
    }

    /// Returns the key that signed `token` for `jid`. Of several keys with the same secret, returns
    /// the one whose OTP proves most about when the token was made, or else the first.
    pub(crate) fn signer(
        &self,
        rules: Rules,
        jid: &[u8],
        token: &Token<'_>,
        now: u64,
    ) -> Option<Signer<'_>> {
        let dating = Dating::new(token, window(now, rules.deviation));
        let counts = |key: &&Key| rules.ignores_validity || key.is_valid_at(now);
        let mut signer: Option<Signer<'_>> = None;
        for key in self.keys.iter().filter(counts) {
            let signature = key.sign(token.digits(), jid);
            let step = dating.step_in_window(key.totp());
            // The decision about the signature. Only after it, that about the OTP.
            if declassify(equal(&signature, token.signature())) {
                let made = dating.made(key.totp(), declassify(step));
                if signer.is_none_or(|best| made > best.made) {
                    signer = Some(Signer { key, made });
                }
            }
        }
        signer
    }
}

impl Fault<'_> {
    fn rejection(self) -> Rejection {
        match self {
            Self::NotToken | Self::NonceLength(_) | Self::LongJid => Rejection::Malformed,
            Self::BadSignature(_) => Rejection::BadSignature,
            Self::Undated(..) => Rejection::Undated,
            Self::Expired(..) => Rejection::Expired,
        }
    }
}

/// Compares in constant time, by words: a comparison by bytes costs more than the MAC itself.
fn equal(a: &[u8; SIGNATURE_LENGTH], b: &[u8; SIGNATURE_LENGTH]) -> bool {
    let (a, b) = (a.as_chunks().0, b.as_chunks().0);
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| {
        difference | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b))
    });
    difference.ct_eq(&0).into()
}

fn fingerprint(signature: &[u8; SIGNATURE_LENGTH]) -> Fingerprint {
    signature.first_chunk().copied().unwrap_or_default()
}
