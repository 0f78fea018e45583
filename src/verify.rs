//! [`Verifier`]: the order of the checks and nothing else.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::dating::{Dating, Made};
use crate::jid::MAX_JID_LENGTH;
use crate::key::Key;
use crate::ledger::deferred::Ticket;
use crate::ledger::{Fingerprint, Ledger, Spending, Spent, Unavailable};
use crate::rejection::Rejection;
use crate::setting::{NoncePolicy, SettingError, check_deviation, check_nonce_length};
use crate::token::{DEFAULT_NONCE_LENGTH, SIGNATURE_LENGTH, Token};
use crate::totp::{OTP_DEVIATION, step_at, window};

/// Decides about tokens. Shareable between threads.
#[derive(Debug)]
pub struct Verifier {
    pub(crate) keys: Vec<Key>,
    pub(crate) nonce_length: usize,
    pub(crate) nonce_policy: NoncePolicy,
    pub(crate) deviation: u64,
    ledger: Arc<dyn Ledger>,
}

/// What is known about an accepted token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its step less the current step: below zero if the minter's clock is behind.
    pub step_offset: i64,
    /// Which of the verifier's keys made it, counted from 0: see [`Verifier::keys`].
    pub key: usize,
    /// How many digits its nonce has: another number than was set only with
    /// [`NoncePolicy::Report`].
    pub nonce_length: usize,
    /// The date of a dated token less the current time, in seconds: below zero if the minter's
    /// clock is behind, or if time has passed since. `None` if it is undated.
    pub clock_skew: Option<i64>,
}

/// What is known at once about a token that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is accepted.
    Accepted(Accepted),
    /// Only the ledger has not answered: [`Deferred::finished`](crate::ledger::deferred::Deferred)
    /// brings the decision. The token is accepted if that is `Ok(Spent::First)`.
    Pending(Accepted, Ticket),
}

impl Verifier {
    /// A verifier of tokens with nonces of 32 digits, whose clocks may be one step apart.
    ///
    /// Every key that is valid at the time is tried for every token; each needs an id of its own.
    /// Verifiers that share a ledger share what is spent. They should have the same deviation.
    /// Otherwise a step that is over for all verifiers that have asked may still be in the window
    /// of a wider one that has not. Its tokens of this step are then refused as
    /// [`Rejection::Unavailable`].
    pub fn new(keys: Vec<Key>, ledger: Arc<dyn Ledger>) -> Result<Self, SettingError> {
        if keys.is_empty() {
            return Err(SettingError::NoKey);
        }
        let mut ids: Vec<_> = keys.iter().map(Key::id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < keys.len() {
            return Err(SettingError::DuplicateKeyId);
        }
        Ok(Self {
            keys,
            nonce_length: DEFAULT_NONCE_LENGTH,
            nonce_policy: NoncePolicy::Exact,
            deviation: OTP_DEVIATION,
            ledger,
        })
    }

    /// Sets the digits of the nonce to what the minter makes, 1 to
    /// [`MAX_NONCE_LENGTH`](crate::token::MAX_NONCE_LENGTH).
    pub fn with_nonce_length(self, digits: usize) -> Result<Self, SettingError> {
        self.nonce_policy.check(check_nonce_length(digits)?)?;
        Ok(Self { nonce_length: digits, ..self })
    }

    /// Sets which nonces are accepted; unless set, those of the length that was set, dated or not.
    pub fn with_nonce_policy(self, policy: NoncePolicy) -> Result<Self, SettingError> {
        Ok(Self { nonce_policy: policy.check(self.nonce_length)?, ..self })
    }

    /// Sets how many steps the clocks may be apart, 0 to
    /// [`MAX_DEVIATION`](crate::totp::MAX_DEVIATION).
    pub fn with_deviation(self, steps: u64) -> Result<Self, SettingError> {
        Ok(Self { deviation: check_deviation(steps)?, ..self })
    }

    /// Where spent tokens are remembered.
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    /// Its keys, in the order in which they were given.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// How many bits the weakest seed of its keys has: see [`Key::seed_bits`].
    pub fn seed_bits(&self) -> usize {
        self.keys.iter().map(Key::seed_bits).min().unwrap_or(0)
    }

    /// Accepts `token` for the bare JID `jid` at `now` (Unix seconds), once.
    ///
    /// Takes any bytes. The signature is computed and every code of the window compared for each
    /// well-formed token and each valid key, so that neither the time taken nor the reason tells a
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
        let (accepted, spending) = self.check(jid, token, now)?;
        match self.ledger.spend(&spending, now) {
            Ok(Spent::First) => Ok(accepted),
            Ok(Spent::Again) => Err(Rejection::Replayed),
            Err(Unavailable) => Err(Rejection::Unavailable),
        }
    }

    /// As [`verify`](Self::verify), for callers that must not wait: the answer of a ledger that
    /// needs time comes later.
    pub fn begin(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
    ) -> Result<Begun, Rejection> {
        let (jid, token) = (jid.as_ref(), token.as_ref());
        let Some(ledger) = self.ledger.deferred() else {
            return self.verify_bytes(jid, token, now).map(Begun::Accepted);
        };
        let (accepted, spending) = self.check(jid, token, now)?;
        let ticket = ledger.begin(&spending, now).map_err(|_| Rejection::Unavailable)?;
        Ok(Begun::Pending(accepted, ticket))
    }

    /// Everything but asking the ledger, which has the last word.
    fn check(&self, jid: &[u8], token: &[u8], now: u64) -> Result<(Accepted, Spending), Rejection> {
        let token = match self.nonce_policy {
            NoncePolicy::Exact | NoncePolicy::Dated => Token::parse(token, self.nonce_length),
            NoncePolicy::Report => Token::parse_any(token),
        };
        let token = token.ok_or(Rejection::Malformed)?;
        if jid.len() > MAX_JID_LENGTH {
            return Err(Rejection::Malformed);
        }

        // The first key whose signature fits, but rather one whose one-time password fits too: a
        // new seed may keep company with the old secret.
        let dating = Dating::new(&token, window(now, self.deviation));
        let mut signed_by: Option<(usize, Made)> = None;
        let valid = |(_, key): &(usize, &Key)| key.is_valid_at(now);
        for (index, key) in self.keys.iter().enumerate().filter(valid) {
            let signature = key.sign(token.digits(), jid);
            let step = dating.step_in_window(key.totp());
            if equal(&signature, token.signature()) {
                let made = dating.conclude(key.totp(), step);
                if signed_by.is_none_or(|(_, best)| made > best) {
                    signed_by = Some((index, made));
                }
            }
        }
        let (key, made) = signed_by.ok_or(Rejection::BadSignature)?;
        if self.nonce_policy == NoncePolicy::Dated && made.date().is_none() {
            return Err(Rejection::Undated);
        }
        self.sound(&token, key, made, now).ok_or(Rejection::Expired)
    }

    /// Returns what is left to do for a token that only the ledger could refuse; `None` if it was
    /// not made in the window.
    pub(crate) fn sound(
        &self,
        token: &Token<'_>,
        key: usize,
        made: Made,
        now: u64,
    ) -> Option<(Accepted, Spending)> {
        let step = made.step().filter(|step| window(now, self.deviation).contains(step))?;
        let accepted = Accepted {
            step_offset: step.wrapping_sub(step_at(now)).cast_signed(),
            key,
            nonce_length: token.nonce_length(),
            clock_skew: made.date().map(|date| date.wrapping_sub(now).cast_signed()),
        };
        let fingerprint = fingerprint(token.signature());
        Some((accepted, Spending { fingerprint, step, deviation: self.deviation }))
    }
}

/// In constant time, by words: a comparison by bytes costs more than the MAC itself.
pub(crate) fn equal(a: &[u8; SIGNATURE_LENGTH], b: &[u8; SIGNATURE_LENGTH]) -> bool {
    let difference = words(a).zip(words(b)).fold(0, |difference, (a, b)| difference | (a ^ b));
    difference.ct_eq(&0).into()
}

fn words(signature: &[u8; SIGNATURE_LENGTH]) -> impl Iterator<Item = u64> {
    signature.as_chunks().0.iter().copied().map(u64::from_ne_bytes)
}

fn fingerprint(signature: &[u8; SIGNATURE_LENGTH]) -> Fingerprint {
    signature.first_chunk().copied().unwrap_or_default()
}
