//! Why a token is refused, for a person who can do something about it.
//!
//! Where a verifier says only `malformed`, `bad-signature` or `expired`, this searches for what the
//! minter did in another way: how it wrote the token, what it signed and with what, how it made the
//! OTP, and by which clock. Each mistake that is found is corrected, and the verifier examines the
//! token again, so that all are told at once. It spends nothing. What it finds must never reach a
//! client.

mod finding;
mod flaw;
mod hash;
mod jids;
mod material;
mod mistake;
mod otp;
mod punycode;
mod signature;
mod work;

use std::borrow::Cow;
use std::time::Duration;

use humantime::format_duration;

use crate::config::NoncePolicy;
use crate::dating::Made;
use crate::jid::{MAX_JID_LENGTH, check_bare};
use crate::key::Key;
use crate::ledger::{Outcome, Spending, Spent, Unavailable};
use crate::token::{OTP_DIGITS, SIGNATURE_LENGTH, Token};
use crate::totp::{OTP_INTERVAL, start_of, step_at, window};
use crate::verify::{Accepted, Fault, Rules, Signer, Verifier};
pub use finding::Finding;
#[doc(hidden)] // Public for the command, whose dates look the same.
pub use finding::moment;
pub use flaw::Flaw;
pub use hash::HashFunction;
pub use jids::{MAX_OTHERS, with_unicode_host};
pub use material::{Form, Material, Value};
pub use mistake::Mistake;
use work::Work;

/// How many steps of another clock are searched in each direction: those of a day.
const STEPS_SEARCHED: u64 = 86_400 / OTP_INTERVAL;

/// Five years, in seconds. If a nonce begins with a time no further than this from the present,
/// that time is taken for a date. One in 3,000 random nonces does so by chance.
const NEAR: u64 = 5 * 365 * 86_400;

/// With more keys than these, only the first are tried for other mistakes than another JID.
const KEYS_SEARCHED: usize = 4;
/// A token with more flaws is not repaired.
const MAX_FLAWS: usize = 4;

/// What can be said of a token without asking a ledger.
#[derive(Clone, Debug)]
pub(crate) enum Diagnosis {
    /// It is refused, for these findings. There is at least one.
    Refused(Vec<Finding>),
    /// It is accepted if it was not spent, which [`Ledger::peek`](crate::ledger::Ledger::peek)
    /// tells.
    Sound(Accepted, Spending),
}

impl Verifier {
    /// Explains what [`verify`](Verifier::verify) would decide at `now` (Unix seconds), without
    /// spending the token. The result has at least one finding, the most important first.
    ///
    /// Besides `jid`, tries many spellings of it as what may have been signed, and `others`, at
    /// most [`MAX_OTHERS`]: JIDs, or hosts for the same user. Takes some milliseconds, and waits
    /// for the ledger as `verify` does. Hashes 13 MB at most, beside what a few calls of `verify`
    /// hash: about 50 ms, or three times as long on a processor without instructions for SHA. What
    /// is not found by then is not found.
    ///
    /// Expects `jid` as a server prepares it, and has [`Finding::InvalidJid`] for any other: then
    /// no finding is [`Finding::Accepted`], even if `verify` would accept the token for this JID.
    pub fn explain(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
        others: &[&[u8]],
    ) -> Vec<Finding> {
        match self.diagnose(jid.as_ref(), token.as_ref(), now, others) {
            Diagnosis::Refused(findings) => findings,
            Diagnosis::Sound(accepted, spending) => {
                vec![self.finding_of_outcome(accepted, self.ledger().peek(&spending, now), now)]
            }
        }
    }

    /// Explains a token as [`explain`](Self::explain), up to the ledger.
    pub(crate) fn diagnose(
        &self,
        jid: &[u8],
        token: &[u8],
        now: u64,
        others: &[&[u8]],
    ) -> Diagnosis {
        self.search(jid, token, now, others).run()
    }

    fn search<'a>(
        &'a self,
        jid: &'a [u8],
        token: &'a [u8],
        now: u64,
        others: &'a [&'a [u8]],
    ) -> Search<'a> {
        Search {
            verifier: self,
            rules: self.rules(),
            asked: jid,
            jid: Cow::Borrowed(jid),
            token: Cow::Borrowed(token),
            now,
            others,
            findings: Vec::new(),
            is_otp_searched: false,
            work: Work::new(),
        }
    }

    /// Returns the finding about a sound token, from what the ledger says.
    pub(crate) fn finding_of_outcome(
        &self,
        accepted: Accepted,
        outcome: Outcome,
        now: u64,
    ) -> Finding {
        match outcome {
            Ok(Spent::First) => Finding::Accepted {
                key: accepted.key_id().to_owned(),
                step_offset: accepted.step_offset,
                clock_skew: accepted.clock_skew,
            },
            Ok(Spent::Again) => Finding::Replayed,
            Err(Unavailable) => self.unavailable(now),
        }
    }

    /// Returns why the ledger could not decide at `now` (Unix seconds), and when it can.
    pub fn unavailable(&self, now: u64) -> Finding {
        // Up to this step, a verifier may have accepted tokens. The clocks of those that share a
        // ledger may be a step apart.
        let last = step_at(now).saturating_add(self.rules().deviation + 1);
        Finding::Unavailable {
            error: self.ledger().last_error(),
            opens_at: self.ledger().closed_until(now),
            opens_anew_at: start_of(last.saturating_add(1)),
        }
    }
}

/// Finds everything that is wrong with a token: corrects the first fault that the verifier finds,
/// and lets it examine the token again. Each kind of fault can be corrected once, so this ends.
struct Search<'a> {
    verifier: &'a Verifier,
    rules: Rules,
    /// The JID that it is presented for.
    asked: &'a [u8],
    /// The JID that was signed, as far as is known.
    jid: Cow<'a, [u8]>,
    /// The token as the right minter would have made it, as far as is known.
    token: Cow<'a, [u8]>,
    now: u64,
    others: &'a [&'a [u8]],
    findings: Vec<Finding>,
    /// Whether a right OTP was searched for, to put it in the place of a wrong one.
    is_otp_searched: bool,
    work: Work,
}

/// Who signed a token, and how.
struct Signed<'a> {
    key: &'a Key,
    mistakes: Vec<Mistake>,
    /// The JID that was signed, if it is another one.
    jid: Option<Vec<u8>>,
}

impl<'a> Search<'a> {
    /// Adds a finding about a JID for which no server is asked, and corrects it.
    fn check_jid(&mut self) {
        if self.jid.len() > MAX_JID_LENGTH {
            return; // The verifier says so.
        }
        if let Err(error) = check_bare(&self.jid) {
            self.findings.push(Finding::InvalidJid(error));
            self.jid = Cow::Owned(jids::bare(&self.jid));
        }
    }

    fn run(&mut self) -> Diagnosis {
        self.check_jid();
        loop {
            let token = self.token.clone();
            match self.verifier.examine(self.rules, &self.jid, &token, self.now) {
                Ok((accepted, spending)) if self.findings.is_empty() => {
                    return Diagnosis::Sound(accepted, spending);
                }
                Err(fault) if self.correct(fault) => {}
                _ => return Diagnosis::Refused(std::mem::take(&mut self.findings)),
            }
        }
    }

    /// Adds findings about `fault`. Returns whether it was corrected, so that there may be more.
    fn correct(&mut self, fault: Fault<'_>) -> bool {
        match fault {
            Fault::NotToken => self.repair(),
            Fault::LongJid => self.stop(Finding::LongJid),
            Fault::NonceLength(token) => self.nonce_length(&token),
            Fault::BadSignature(token) => match self.inactive_key(&token, None) {
                Some(finding) => self.go_on(finding),
                None => self.bad_signature(&token),
            },
            Fault::Undated(token, signer) | Fault::Expired(token, signer) => {
                let is_undated = matches!(fault, Fault::Undated(..));
                if let Some(finding) = self.inactive_key(&token, Some(signer)) {
                    return self.go_on(finding);
                }
                if signer.made == Made::Unknown && self.other_otp(&token, signer.key) {
                    return true;
                }
                if is_undated {
                    let finding = self.undated(&token, signer);
                    return self.go_on(finding);
                }
                self.stop(self.expired(&token, signer))
            }
        }
    }

    fn go_on(&mut self, finding: Finding) -> bool {
        self.findings.push(finding);
        true
    }

    fn stop(&mut self, finding: Finding) -> bool {
        self.findings.push(finding);
        false
    }

    /// Repairs the first flaw of bytes that are not a token.
    fn repair(&mut self) -> bool {
        let flaw = Flaw::of(&self.token);
        if let Flaw::SignatureLength(_) = flaw
            && self.other_hash()
        {
            return true;
        }
        let flaws = self.findings.iter().filter(|finding| finding.name() == "malformed").count();
        self.findings.push(Finding::Malformed(flaw));
        let repaired = flaw.repair(&self.token).filter(|_| flaws < MAX_FLAWS);
        let is_repaired = repaired.is_some();
        self.token = repaired.map_or_else(|| self.token.clone(), Cow::Owned);
        is_repaired
    }

    /// Looks for a key that signed with another hash function, whose signature has another length.
    fn other_hash(&mut self) -> bool {
        let token = self.token.clone();
        let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let Some((digits, signature)) = token.split_at_checked(digits) else { return false };
        let signature = signature.strip_prefix(b" ").and_then(material::decode_base64);
        let Some(signed) = signature.and_then(|signature| self.signed(digits, &signature)) else {
            return false;
        };
        self.take(signed, digits);
        true
    }

    /// Looks for a meaning of digits that are too few or too many.
    fn nonce_length(&mut self, token: &Token<'_>) -> bool {
        let (found, expected) = (token.nonce_length(), self.rules.nonce_length);
        let finding = Finding::NonceLength { found, expected };
        self.rules.nonce_length = found;
        let other_jid = || self.other_jid(token);
        let signed = self.signed_rightly(&self.jid, token).or_else(other_jid);
        let signed = signed.or_else(|| self.signed(token.digits(), token.signature()));
        let Some(signed) = signed else {
            self.findings.push(finding);
            return self.stop(self.unsigned(token));
        };
        let key = signed.key;
        let readings = otp::readings_of_other_length(token.digits(), expected);
        match otp::find(key, readings, self.now, &self.work) {
            Some(made) => {
                self.rules.nonce_length = expected;
                self.is_otp_searched = true;
                self.add_mistakes(key, made.mistakes);
                let digits = digits(key, made.step, &made.nonce);
                self.take(signed, &digits);
            }
            None => {
                self.findings.push(finding);
                self.take(signed, token.digits());
            }
        }
        true
    }

    fn bad_signature(&mut self, token: &Token<'_>) -> bool {
        let signed = self.other_jid(token);
        match signed.or_else(|| self.signed(token.digits(), token.signature())) {
            Some(signed) => {
                self.take(signed, token.digits());
                true
            }
            None => self.stop(self.unsigned(token)),
        }
    }

    fn unsigned(&self, token: &Token<'_>) -> Finding {
        Finding::BadSignature { otp_of: self.key_of_otp(token).map(|key| key.id().to_owned()) }
    }

    /// Adds findings about how a token was signed, and signs `digits` as the right minter does.
    fn take(&mut self, Signed { key, mistakes, jid }: Signed<'_>, digits: &[u8]) {
        if let Some(signed) = jid {
            let expected = std::mem::replace(&mut self.jid, Cow::Owned(signed.clone()));
            self.findings.push(Finding::OtherJid { signed, expected: expected.into_owned() });
        }
        self.add_mistakes(key, mistakes);
        let signature = key.sign(digits, &self.jid);
        self.token = Cow::Owned(Token::new(digits, signature).encode().into_bytes());
    }

    fn add_mistakes(&mut self, key: &Key, mistakes: Vec<Mistake>) {
        let of_key = |mistake| Finding::Mistake { key: key.id().to_owned(), mistake };
        self.findings.extend(mistakes.into_iter().map(of_key));
    }

    /// Returns the key that signed `token` for `jid` as it should, valid or not.
    fn signed_rightly(&self, jid: &[u8], token: &Token<'_>) -> Option<Signed<'a>> {
        let every_key = Rules { ignores_validity: true, ..self.rules };
        let signer = self.verifier.signer(every_key, jid, token, self.now)?;
        Some(Signed { key: signer.key, mistakes: Vec::new(), jid: None })
    }

    /// Looks for a key that signed in another way.
    fn signed(&self, digits: &[u8], signature: &[u8]) -> Option<Signed<'a>> {
        let nonce_length = self.verifier.rules().nonce_length;
        let work = &self.work;
        let token = signature::Signed { digits, nonce_length, signature, work };
        let likely: Vec<_> = self.other_jids().take(signature::JIDS_SEARCHED).collect();
        // An empty secret is that of every key. The OTP may tell which one was meant.
        let of_otp = Token::new(digits, [0; SIGNATURE_LENGTH]);
        let of_otp = self.key_of_otp(&of_otp).map(Key::id);
        let mut keys: Vec<&Key> = self.verifier.keys().iter().collect();
        keys.sort_by_key(|key| (Some(key.id()) != of_otp, !key.is_valid_at(self.now)));
        keys.into_iter().take(KEYS_SEARCHED).find_map(|key| {
            let signature::Found { mistakes, jid } = token.find(key, &self.jid, &likely)?;
            Some(Signed { key, mistakes, jid })
        })
    }

    /// Looks for a key that is not valid now and explains the token better than `signer`. If there
    /// is one, takes every key for valid.
    fn inactive_key(&mut self, token: &Token<'_>, signer: Option<Signer<'_>>) -> Option<Finding> {
        if self.rules.ignores_validity {
            return None;
        }
        let every_key = Rules { ignores_validity: true, ..self.rules };
        let found = self.verifier.signer(every_key, &self.jid, token, self.now)?;
        if signer.is_some_and(|signer| found.made <= signer.made) {
            return None;
        }
        self.rules = every_key;
        let (key, validity) = (found.key.id().to_owned(), found.key.validity().clone());
        Some(Finding::InactiveKey { key, validity })
    }

    /// Looks for another JID that was signed.
    fn other_jid(&self, token: &Token<'_>) -> Option<Signed<'a>> {
        let last = self.work.done() + Work::LIMIT / 6;
        self.other_jids()
            .take_while(|jid| {
                let length = token.digits().len() + jid.len();
                let is_allowed = |_: &Key| self.work.allows_mac(length);
                self.work.done() < last && self.verifier.keys().iter().all(is_allowed)
            })
            .find_map(|jid| {
                let signed = self.signed_rightly(&jid, token)?;
                Some(Signed { jid: Some(jid), ..signed })
            })
    }

    fn other_jids(&self) -> impl Iterator<Item = Vec<u8>> {
        let asked = (*self.jid != *self.asked).then(|| self.asked.to_vec());
        // The verifier refuses a longer one, even if it was signed.
        let alternatives = asked.into_iter().chain(jids::alternatives(&self.jid, self.others));
        alternatives.filter(|jid| jid.len() <= MAX_JID_LENGTH)
    }

    /// Looks for another way in which the OTP was made with `key`. If there is one, puts the right
    /// OTP in its place.
    fn other_otp(&mut self, token: &Token<'_>, key: &Key) -> bool {
        if std::mem::replace(&mut self.is_otp_searched, true) {
            return false;
        }
        let mut readings = otp::readings_of_length(token.digits());
        if self.rules.nonce_policy == NoncePolicy::Report {
            let length = self.rules.nonce_length;
            readings.extend(otp::readings_of_other_length(token.digits(), length));
        }
        let made = otp::find(key, readings, self.now, &self.work);
        let Some(made) = made.filter(|made| !made.mistakes.is_empty()) else { return false };
        self.add_mistakes(key, made.mistakes);
        let digits = digits(key, made.step, &made.nonce);
        self.take(Signed { key, mistakes: Vec::new(), jid: None }, &digits);
        true
    }

    fn undated(&mut self, token: &Token<'_>, signer: Signer<'_>) -> Finding {
        self.rules.nonce_policy = NoncePolicy::Exact;
        let key = signer.key.id().to_owned();
        let other_form = otp::dates(token.nonce(), self.now).find(|(_, is_right)| !is_right);
        match (self.claimed_date(token), other_form) {
            (None, Some(_)) => Finding::Mistake { key, mistake: Mistake::NonceDate },
            (claimed, _) => Finding::Undated { key, claimed },
        }
    }

    fn expired(&self, token: &Token<'_>, Signer { key, made }: Signer<'_>) -> Finding {
        let id = key.id().to_owned();
        if let Made::At(date) = made {
            let now = i64::try_from(self.now).unwrap_or(i64::MAX);
            return Finding::Clock { key: id, seconds: date.cast_signed() - now, dated: true };
        }
        if let Some(other) = self.key_of_otp(token) {
            return Finding::MixedKeys { secret_of: id, seed_of: other.id().to_owned() };
        }
        let present = step_at(self.now);
        let is_allowed = || self.work.allows_mac(size_of::<u64>());
        let has_otp = |step: &u64| is_allowed() && key.totp().is_otp_of(token.otp(), *step);
        let found = (1..=STEPS_SEARCHED).find_map(|distance| {
            let behind = present.checked_sub(distance).filter(has_otp);
            behind.or_else(|| present.checked_add(distance).filter(has_otp))
        });
        match found {
            Some(step) => {
                let steps = step.wrapping_sub(present).cast_signed();
                let seconds = steps * OTP_INTERVAL.cast_signed();
                Finding::Clock { key: id, seconds, dated: false }
            }
            None => Finding::UnknownOtp { key: id, claimed: self.claimed_date(token) },
        }
    }

    /// Returns a key whose OTP the token has.
    fn key_of_otp(&self, token: &Token<'_>) -> Option<&'a Key> {
        let window = window(self.now, self.rules.deviation);
        let has_otp = |key: &&Key| key.totp().step_of(token.otp(), window.clone()).is_some();
        self.verifier.keys().iter().find(has_otp)
    }

    /// Returns the Unix time with which the nonce of an undated token begins, if it is likely to be
    /// meant as a date.
    fn claimed_date(&self, token: &Token<'_>) -> Option<u64> {
        otp::dates(token.nonce(), self.now).find(|(_, is_right)| *is_right).map(|(date, _)| date)
    }
}

/// Returns OTP and nonce as the right minter makes them.
fn digits(key: &Key, step: u64, nonce: &[u8]) -> Vec<u8> {
    let otp = format!("{:0OTP_DIGITS$}", key.totp().compute(step));
    [otp.as_bytes(), nonce].concat()
}

/// Returns a duration as "1m 35s", without its sign.
fn duration(seconds: i64) -> String {
    format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::MemoryLedger;

    const NOW: u64 = 1_700_000_010;
    const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

    fn verifier(keys: usize) -> Verifier {
        let key = |index| {
            let secret = format!("VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUT{index}");
            Key::new(SEED, secret).unwrap().with_id(format!("key-{index}")).unwrap()
        };
        Verifier::new((0..keys).map(key).collect(), Arc::new(MemoryLedger::new())).unwrap()
    }

    /// Returns tokens for which everything is searched: what signed them and how their OTPs were
    /// made is unknown, or only one of the two.
    fn hard_tokens(key: &Key, jid: &[u8]) -> Vec<Vec<u8>> {
        let mut tokens = Vec::new();
        // Both begin with what may be a date.
        for nonce in ["0017000000100000".repeat(2), "1700000010000000".repeat(2)] {
            // The first may have lost zeros, or have some at its end; the second is short.
            for otp in ["00765400", "7654321"] {
                let digits = [otp, &nonce].concat();
                let signatures = [key.sign(digits.as_bytes(), jid), [7; SIGNATURE_LENGTH]];
                tokens.extend(
                    signatures.map(|signature| Token::new(digits.as_bytes(), signature).encode()),
                );
                // As long as that of another hash function.
                tokens.push(format!("{digits} {}", "Bw".repeat(43)));
            }
        }
        tokens.into_iter().map(String::into_bytes).collect()
    }

    /// Returns the blocks that are hashed to explain the worst of these tokens.
    fn most_work(keys: usize, jid: &str, others: &[&[u8]]) -> usize {
        let verifier = verifier(keys);
        let tokens = hard_tokens(&verifier.keys()[keys - 1], jid.as_bytes());
        let work = tokens.iter().map(|token| {
            let mut search = verifier.search(jid.as_bytes(), token, NOW, others);
            assert!(matches!(search.run(), Diagnosis::Refused(findings) if !findings.is_empty()));
            search.work.done()
        });
        work.max().unwrap()
    }

    #[test]
    fn the_work_is_bounded() {
        for keys in [1, 2, 10, 100] {
            let work = most_work(keys, "abcdefghijkl@chat.example.com", &[b"example.com"]);
            assert!(work < Work::LIMIT * 3 / 4, "{keys} keys: {work}");
        }
        let longest = format!("{}@{}", "a".repeat(1023), "b".repeat(1023));
        let other = [b'c'; 2000];
        let work = most_work(10, &longest, &[other.as_slice(); MAX_OTHERS]);
        // Little is left, not enough for one more long text.
        assert!((Work::LIMIT - 100..=Work::LIMIT).contains(&work), "{work}");
    }

    #[test]
    fn a_search_for_another_jid_takes_a_sixth_of_the_work() {
        // Each JID takes 3 blocks for each key, so 271 JIDs take exactly a sixth.
        let (verifier, jid) = (verifier(41), "abcdefghijkl.2026@chat.example.com");
        let search = verifier.search(jid.as_bytes(), b"", NOW, &[]);
        let token = Token::new(&[b'7'; 40], [7; SIGNATURE_LENGTH]);
        assert!(search.other_jid(&token).is_none());
        assert_eq!(search.work.done(), Work::LIMIT / 6);
    }
}
