//! Dated tokens: compares verifiers of every policy with a model that is the definition, written
//! down a second time.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use xtoken::config::{ConfigError, NoncePolicy};
use xtoken::ledger::MemoryLedger;
use xtoken::nonce::{DATE_DIGITS, MAX_DATE, MIN_DATED_LENGTH};
use xtoken::token::Token;
use xtoken::totp::MAX_DEVIATION;
use xtoken::{Key, Minter, Rejection, Verifier};

const ALICE: &str = "alice@example.com";
const NOW: u64 = 1_700_000_010;
const POLICIES: [NoncePolicy; 3] = [NoncePolicy::Exact, NoncePolicy::Dated, NoncePolicy::Report];

fn key() -> Key {
    Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap()
}

fn otp(step: u64) -> u32 {
    let mac =
        Hmac::<Sha1>::new_from_slice(b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef").unwrap();
    let digest = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(digest[19] & 15);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
    (u32::from_be_bytes(word) & 0x7fff_ffff) % 100_000_000
}

fn signed(otp: u32, nonce: &str, key: &Key) -> String {
    let digits = format!("{otp:08}{nonce}");
    Token::new(digits.as_bytes(), key.sign(digits.as_bytes(), ALICE.as_bytes())).encode()
}

/// Numbers that repeat from run to run (splitmix64).
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

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    /// Returns a moment, often one at which something ends.
    fn moment(&mut self) -> u64 {
        let edge = self.one_of(&[0, NOW, NOW, NOW, MAX_DATE, u64::MAX, 1 << 32, 30 << 32]);
        let distance = self.below(700);
        if self.below(2) == 0 {
            edge.saturating_add(distance)
        } else {
            edge.saturating_sub(distance)
        }
    }
}

/// The options of a verifier, and the token that is presented.
#[derive(Debug)]
struct Case {
    policy: NoncePolicy,
    length: usize,
    deviation: u64,
    otp: u32,
    nonce: String,
    now: u64,
}

impl Case {
    fn draw(random: &mut Random) -> Self {
        let length = random.one_of(&[1, 12, 23, 24, 25, 32, 970]);
        let usual = if length < MIN_DATED_LENGTH { NoncePolicy::Exact } else { NoncePolicy::Dated };
        let now = random.moment();
        let another = random.moment();
        let made = random.one_of(&[now, now, now, another]);
        let made = made.saturating_add(random.below(400)).saturating_sub(random.below(400));
        let later = made.saturating_add(random.below(60));
        let date = random.one_of(&[made, made, later]);
        let own_length = if random.below(4) == 0 { random.one_of(&[1, 24, 33]) } else { length };
        let random_digits = random.digits(own_length);
        let nonce = match random_digits.get(DATE_DIGITS..) {
            Some(rest) if date <= MAX_DATE && random.below(4) > 0 => format!("{date:012}{rest}"),
            _ => random_digits,
        };
        let other = random.below(100_000_000) as u32;
        Self {
            policy: random.one_of(&[NoncePolicy::Exact, NoncePolicy::Report, usual]),
            length,
            deviation: random.below(MAX_DEVIATION + 1),
            otp: random.one_of(&[otp(made / 30), otp(made / 30), otp(date / 30), other]),
            nonce,
            now,
        }
    }

    /// The step offset and the clock skew of an accepted token.
    fn expected(&self) -> Result<(i64, Option<i64>), Rejection> {
        let length = self.nonce.len();
        if self.policy != NoncePolicy::Report && length != self.length {
            return Err(Rejection::Malformed);
        }
        let date: Option<u64> = (length >= 24).then(|| self.nonce[..12].parse().unwrap());
        let date = date.filter(|date| otp(date / 30) == self.otp);
        if self.policy == NoncePolicy::Dated && date.is_none() {
            return Err(Rejection::Undated);
        }
        let is_near = |step: &u64| step.abs_diff(self.now / 30) <= self.deviation;
        let nearby = self.now / 30 - self.deviation.min(self.now / 30)..;
        let step = match date {
            Some(date) => Some(date / 30).filter(is_near),
            None => nearby.take_while(is_near).filter(|step| otp(*step) == self.otp).last(),
        };
        let difference = |a: u64, b: u64| a.wrapping_sub(b) as i64;
        let step = step.ok_or(Rejection::Expired)?;
        Ok((difference(step, self.now / 30), date.map(|date| difference(date, self.now))))
    }

    fn found(&self, explained: bool) -> Result<(i64, Option<i64>), Rejection> {
        let verifier = verifier().with_deviation(self.deviation).unwrap();
        let verifier = verifier.with_nonce_length(self.length).unwrap();
        let verifier = verifier.with_nonce_policy(self.policy).unwrap();
        let token = signed(self.otp, &self.nonce, &key());
        let findings = explained.then(|| verifier.explain(ALICE, &token, self.now, &[]));
        let decision = verifier.verify(ALICE, &token, self.now);
        if let Some(findings) = findings {
            assert_eq!(
                findings[0].name() == "accepted",
                decision.is_ok(),
                "{self:?}: {findings:?}"
            );
        }
        if let Ok(accepted) = &decision {
            assert_eq!(accepted.nonce_length, self.nonce.len());
            assert_eq!(verifier.verify(ALICE, &token, self.now), Err(Rejection::Replayed));
        }
        decision.map(|accepted| (accepted.step_offset, accepted.clock_skew))
    }
}

#[test]
fn decisions_are_those_of_the_definition() {
    let mut random = Random(1);
    let mut outcomes = [0; 5];
    for number in 0..20_000 {
        let case = Case::draw(&mut random);
        let expected = case.expected();
        assert_eq!(case.found(number % 64 == 0), expected, "case {number}: {case:?}");
        outcomes[match expected {
            Ok((_, Some(_))) => 0,
            Ok((_, None)) => 1,
            Err(Rejection::Undated) => 2,
            Err(Rejection::Expired) => 3,
            Err(_) => 4,
        }] += 1;
    }
    assert!(outcomes.iter().all(|count| *count > 1_000), "some outcomes are rare: {outcomes:?}");
}

/// Steps with the OTP of a step near `NOW`: the first that were found by trying all from
/// 40,000,000 on.
const LUCKY_STEPS: [(u64, u64); 3] =
    [(75_039_493, NOW / 30 - 1), (47_570_699, NOW / 30), (40_882_663, NOW / 30 + 1)];
/// The first of two successive steps with the same OTP, found in the same way.
const TWIN: u64 = 55_623_251;
/// A step found in the same way: its OTP is that of `OTHER_SEED` in the step of `NOW`.
const LUCKY_WITH_ANOTHER: u64 = 99_511_275;
const OTHER_SEED: &str = "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB";

#[test]
fn a_date_outside_the_window_is_expired_whatever_the_otp_matches() {
    for (step, twin) in LUCKY_STEPS {
        assert_eq!(otp(step), otp(twin));
        for date in [step * 30, step * 30 + 29] {
            let dated = signed(otp(step), &format!("{date:012}{:020}", 7), &key());
            let undated = signed(otp(step), &format!("{:032}", 7), &key());
            for policy in POLICIES {
                let verifier = verifier().with_nonce_policy(policy).unwrap();
                assert_eq!(verifier.verify(ALICE, &dated, NOW), Err(Rejection::Expired));
                let by_chance = verifier.verify(ALICE, &undated, NOW).map(|ok| ok.clock_skew);
                let is_dated = policy == NoncePolicy::Dated;
                assert_eq!(by_chance, if is_dated { Err(Rejection::Undated) } else { Ok(None) });
                // In its own window it is accepted like any other.
                let accepted = verifier.verify(ALICE, &dated, step * 30).unwrap();
                assert_eq!(accepted.clock_skew, Some((date - step * 30) as i64));
            }
        }
    }
}

#[test]
fn the_step_of_a_dated_token_is_that_of_its_date() {
    assert_eq!(otp(TWIN), otp(TWIN + 1));
    for (date, now, expected) in [
        (TWIN * 30, TWIN * 30, Ok(0)),
        (TWIN * 30 + 29, TWIN * 30 + 30, Ok(-1)),
        (TWIN * 30 + 30, TWIN * 30, Ok(1)),
        (TWIN * 30 + 29, TWIN * 30 + 60, Err(Rejection::Expired)),
    ] {
        let token = Minter::new(key()).mint(ALICE, date).unwrap();
        let decision = verifier().verify(ALICE, &token, now);
        assert_eq!(decision.map(|accepted| accepted.step_offset), expected);
    }
}

/// The ledger then remembers it for as long as any verifier accepts it.
#[test]
fn an_undated_token_that_two_steps_have_made_counts_as_made_in_the_later_one() {
    let token = signed(otp(TWIN), &"7".repeat(32), &key());
    for (now, expected) in [
        (TWIN * 30 - 31, Err(Rejection::Expired)),
        (TWIN * 30 - 30, Ok(1)),
        (TWIN * 30, Ok(1)),
        (TWIN * 30 + 30, Ok(0)),
        (TWIN * 30 + 60, Ok(-1)),
        (TWIN * 30 + 90, Err(Rejection::Expired)),
    ] {
        let decision = verifier().verify(ALICE, &token, now);
        assert_eq!(decision.map(|accepted| accepted.step_offset), expected, "at {now}");
    }
}

#[test]
fn of_keys_with_one_secret_the_one_that_proves_the_date_counts() {
    let other = || {
        let key = Key::new(OTHER_SEED, "secret").unwrap();
        key.with_id("other").unwrap()
    };
    assert_eq!(otp(LUCKY_WITH_ANOTHER), other().otp(NOW / 30));
    let old = Minter::new(key()).mint(ALICE, LUCKY_WITH_ANOTHER * 30).unwrap();
    for keys in [vec![key(), other()], vec![other(), key()]] {
        let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new())).unwrap();
        assert_eq!(verifier.verify(ALICE, &old, NOW), Err(Rejection::Expired));
        for key in [key(), other()] {
            let id = key.id().to_owned();
            let token = Minter::new(key).mint(ALICE, NOW - 7).unwrap();
            let accepted = verifier.verify(ALICE, token, NOW).unwrap();
            assert_eq!((accepted.key_id(), accepted.clock_skew), (id.as_str(), Some(-7)));
        }
    }
}

#[test]
fn the_policy_dated_needs_room_for_a_date_whichever_is_set_first() {
    let short = MIN_DATED_LENGTH - 1;
    let first = verifier().with_nonce_policy(NoncePolicy::Dated).unwrap();
    assert_eq!(first.with_nonce_length(short).unwrap_err(), ConfigError::ShortNonce);
    let last = verifier().with_nonce_length(short).unwrap();
    assert_eq!(last.with_nonce_policy(NoncePolicy::Dated).unwrap_err(), ConfigError::ShortNonce);
    for policy in [NoncePolicy::Exact, NoncePolicy::Report] {
        assert!(verifier().with_nonce_length(short).unwrap().with_nonce_policy(policy).is_ok());
    }
    let exactly = verifier().with_nonce_policy(NoncePolicy::Dated).unwrap();
    let exactly = exactly.with_nonce_length(MIN_DATED_LENGTH).unwrap();
    let minter = Minter::new(key()).with_nonce_length(MIN_DATED_LENGTH).unwrap();
    assert!(exactly.verify(ALICE, minter.mint(ALICE, NOW).unwrap(), NOW).is_ok());
}

#[test]
fn policies_have_names() {
    for (name, policy) in NoncePolicy::NAMES {
        assert_eq!(NoncePolicy::named(name), Ok(policy));
    }
    for name in ["", "Dated", "dated ", "undated"] {
        assert_eq!(NoncePolicy::named(name), Err(ConfigError::NoncePolicy));
    }
}
