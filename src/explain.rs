//! Why a token is refused, for a person who can do something about it.
//!
//! Where a verifier says `bad-signature`, this tries what else may have been signed, and with which
//! key; where it says `expired`, how far the minter's clock is off. It spends nothing, and what it
//! finds must never reach a client.

mod addresses;
mod finding;
mod flaw;

use crate::dating::{Dating, Made};
use crate::jid::MAX_JID_LENGTH;
use crate::key::Key;
use crate::ledger::{Spending, Spent, Unavailable};
use crate::nonce::date_of;
use crate::setting::NoncePolicy;
use crate::token::Token;
use crate::totp::{OTP_INTERVAL, step_at, window};
use crate::verify::{Accepted, Verifier, equal};
pub use addresses::MAX_OTHERS;
pub use finding::Finding;
pub use flaw::Flaw;

/// How many steps of another clock are tried, in both directions: a day's.
const STEPS_SEARCHED: u64 = 86_400 / OTP_INTERVAL;

/// Seconds, five years: a nonce that begins with a time so near to the present is taken for dated.
/// One in 3,000 random nonces does so by chance.
const NEAR: u64 = 5 * 365 * 86_400;

/// Bytes that are hashed at most to find out what was signed: some milliseconds' worth.
const BYTES_HASHED: usize = 2 << 20;
/// What a MAC hashes beside its message, as if it were bytes of it.
const MAC_OVERHEAD: usize = 128;

/// What can be said of a token without asking a ledger.
#[derive(Clone, Debug)]
pub enum Diagnosis {
    /// It is refused, and this is wrong with it, one thing at least.
    Faulty(Vec<Finding>),
    /// It is accepted if the ledger has not seen it: [`Ledger::peek`](crate::ledger::Ledger::peek)
    /// tells.
    Sound(Accepted, Spending),
}

impl Verifier {
    /// Explains what [`verify`](Verifier::verify) would decide at `now` (Unix seconds), without
    /// spending the token. The result has one finding at least, the one to begin with first.
    ///
    /// Beside `jid` many spellings of it are tried as what may have been signed, and `others`, at
    /// most [`MAX_OTHERS`]: addresses, or hosts for the same user. Takes some milliseconds, and
    /// waits for the ledger as a verification does.
    pub fn explain(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
        others: &[&[u8]],
    ) -> Vec<Finding> {
        match self.diagnose(jid, token, now, others) {
            Diagnosis::Faulty(findings) => findings,
            Diagnosis::Sound(accepted, spending) => {
                vec![self.conclude(accepted, self.ledger().peek(&spending, now), now)]
            }
        }
    }

    /// As [`explain`](Self::explain), but for the ledger.
    pub fn diagnose(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
        others: &[&[u8]],
    ) -> Diagnosis {
        self.diagnose_bytes(jid.as_ref(), token.as_ref(), now, others)
    }

    /// What a sound token comes to by what the ledger has seen.
    pub fn conclude(
        &self,
        accepted: Accepted,
        seen: Result<Spent, Unavailable>,
        now: u64,
    ) -> Finding {
        let key = self.id_of(accepted.key);
        match seen {
            Ok(Spent::First) => {
                let Accepted { step_offset, clock_skew, .. } = accepted;
                Finding::Good { key, step_offset, clock_skew }
            }
            Ok(Spent::Again) => Finding::Replayed,
            Err(Unavailable) => Finding::Unavailable {
                trouble: self.ledger().trouble(),
                opens_at: self.ledger().closed_until(now),
            },
        }
    }

    fn diagnose_bytes(&self, jid: &[u8], bytes: &[u8], now: u64, others: &[&[u8]]) -> Diagnosis {
        let Some(token) = Token::parse_any(bytes) else {
            return Diagnosis::Faulty(vec![Finding::Malformed(Flaw::of(bytes))]);
        };
        let mut findings = Vec::new();
        let is_exact = self.nonce_policy != NoncePolicy::Report;
        if is_exact && token.nonce_length() != self.nonce_length {
            let (found, expected) = (token.nonce_length(), self.nonce_length);
            findings.push(Finding::NonceLength { found, expected });
        }
        if jid.len() > MAX_JID_LENGTH {
            findings.push(Finding::LongAddress);
            return Diagnosis::Faulty(findings);
        }

        let Some((signer, address)) = self.signer(&token, jid, now, others) else {
            findings.push(Finding::BadSignature { otp_of: self.otp_key(&token, now) });
            return Diagnosis::Faulty(findings);
        };
        if let Some(address) = address {
            findings.push(Finding::OtherAddress { signed: address, expected: jid.into() });
        }
        let Some(key) = self.keys.get(signer) else { return Diagnosis::Faulty(findings) };
        if !key.is_valid_at(now) {
            let (id, validity) = (key.id().to_owned(), key.validity().clone());
            findings.push(Finding::InactiveKey { key: id, validity });
        }
        let made = self.dating(&token, now).made(key.totp());
        if self.nonce_policy == NoncePolicy::Dated && made.date().is_none() {
            let (key, claimed) = (key.id().to_owned(), claimed_date(&token, now));
            findings.push(Finding::Undated { key, claimed });
        }
        let sound = self.sound(&token, signer, made, now);
        if sound.is_none() {
            findings.push(self.why_expired(&token, signer, made, now));
        }
        match sound {
            Some((accepted, spending)) if findings.is_empty() => {
                Diagnosis::Sound(accepted, spending)
            }
            _ => Diagnosis::Faulty(findings),
        }
    }

    fn dating(&self, token: &Token<'_>, now: u64) -> Dating {
        Dating::new(token, window(now, self.deviation))
    }

    /// The key that signed, and for which address if it is not `jid`. Of several keys rather one
    /// that is valid and whose one-time password fits.
    fn signer(
        &self,
        token: &Token<'_>,
        jid: &[u8],
        now: u64,
        others: &[&[u8]],
    ) -> Option<(usize, Option<Vec<u8>>)> {
        let signers = |address: &[u8]| {
            let signed = |(_, key): &(usize, &Key)| {
                equal(&key.sign(token.digits(), address), token.signature())
            };
            let fits = |(_, key): &(usize, &Key)| {
                (self.dating(token, now).made(key.totp()), key.is_valid_at(now))
            };
            // Of equals the first, which is what `rev` is for.
            self.keys.iter().enumerate().filter(signed).rev().max_by_key(fits).map(|(at, _)| at)
        };
        if let Some(signer) = signers(jid) {
            return Some((signer, None));
        }
        let mut left = BYTES_HASHED / self.keys.len().max(1);
        addresses::alternatives(jid, others)
            .take_while(|address| {
                left = left.saturating_sub(address.len() + MAC_OVERHEAD);
                left > 0
            })
            .find_map(|address| Some((signers(&address)?, Some(address))))
    }

    /// A key whose one-time password it is, though not its signature.
    fn otp_key(&self, token: &Token<'_>, now: u64) -> Option<String> {
        let window = window(now, self.deviation);
        let has_it = |key: &&Key| key.totp().step_of(token.otp(), window.clone()).is_some();
        self.keys.iter().find(has_it).map(|key| key.id().to_owned())
    }

    fn why_expired(&self, token: &Token<'_>, signer: usize, made: Made, now: u64) -> Finding {
        let key = self.id_of(signer);
        if let Some(date) = made.date() {
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            return Finding::Clock { key, seconds: date.cast_signed() - now, dated: true };
        }
        if let Some(seed_of) = self.otp_key(token, now) {
            return Finding::MixedKeys { secret_of: key, seed_of };
        }
        let present = step_at(now);
        let found = self.keys.get(signer).map(Key::totp).and_then(|totp| {
            let is_it = |step: &u64| totp.is_code_of(token.otp(), *step);
            (1..=STEPS_SEARCHED).find_map(|distance| {
                let behind = present.checked_sub(distance).filter(is_it);
                behind.or_else(|| present.checked_add(distance).filter(is_it))
            })
        });
        match found {
            Some(step) => {
                let steps = step.wrapping_sub(present).cast_signed();
                Finding::Clock { key, seconds: steps * OTP_INTERVAL.cast_signed(), dated: false }
            }
            None => Finding::UnknownOtp { key, claimed: claimed_date(token, now) },
        }
    }

    fn id_of(&self, key: usize) -> String {
        self.keys.get(key).map(|key| key.id().to_owned()).unwrap_or_default()
    }
}

/// Returns the Unix time with which the nonce of an undated token begins, if it is likely to be
/// meant as a date.
fn claimed_date(token: &Token<'_>, now: u64) -> Option<u64> {
    date_of(token.nonce()).filter(|date| date.abs_diff(now) <= NEAR)
}
