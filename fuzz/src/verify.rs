//! The whole decision about tokens, in sequences: each is what the protocol says, a token is
//! accepted at most once whatever the clocks do, and while they are right every good one is.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arbitrary::{Arbitrary, Unstructured};
use xtoken::config::NoncePolicy;
use xtoken::ledger::{BootClock, MemoryLedger};
use xtoken::{Accepted, Rejection, Submission, Verifier};

use super::plan::{Jid, KEYS, Moment, Options, Plan, otp};
use super::reference;

/// The most that happens in one sequence.
const MAX_EVENTS: usize = 24;
/// Up to this time, the clocks of a ledger count without a limit.
const LATE: u64 = 1 << 50;

#[derive(Arbitrary, Debug)]
struct Sequence<'a> {
    options: Options,
    /// The deviation of a second verifier with the same ledger. Without, it is the same.
    other_deviation: Option<u8>,
    start: Moment,
    events: Vec<Event<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Event<'a> {
    Present {
        plan: Plan<'a>,
        to: Jid<'a>,
        by_other: bool,
    },
    /// Presents a token of this sequence once more.
    PresentAgain {
        which: u8,
        to: Jid<'a>,
        by_other: bool,
    },
    PresentBytes {
        bytes: &'a [u8],
        to: Jid<'a>,
    },
    /// Both clocks go on.
    Wait(u16),
    /// Somebody sets the clock.
    Set(i16),
}

/// What is right about a token, so that only the ledger can refuse it.
#[derive(Debug)]
pub(crate) struct Expected {
    key: &'static str,
    step: u64,
    date: Option<u64>,
    nonce_length: usize,
    pub(crate) signature: [u8; 32],
}

/// Returns what a verifier with these options must decide, but for what the ledger says.
pub(crate) fn expected(
    options: &Options,
    jid: &[u8],
    token: &[u8],
    now: u64,
) -> Result<Expected, Rejection> {
    let (digits, signature) = reference::parts(token).ok_or(Rejection::Malformed)?;
    let (otp_digits, nonce) = digits.split_at(8);
    let has_length = nonce.len() == options.nonce_length();
    if jid.len() > 2047 || !(has_length || options.policy() == NoncePolicy::Report) {
        return Err(Rejection::Malformed);
    }
    let presented = reference::number(otp_digits);
    let has_otp = |key, step| u64::from(otp(key, step)) == presented;
    let (present, deviation) = (now / 30, options.deviation());
    let first = present.saturating_sub(deviation);
    let date = (nonce.len() >= 24).then(|| reference::number(&nonce[..12]));

    // How certain it is when the token was made, and when; the more certain one wins.
    let mut best: Option<(u8, u64, Expected)> = None;
    for (key, valid_from, valid_to) in options.keys() {
        let secret = KEYS[key].token_secret.as_bytes();
        let is_valid = valid_from <= now && now <= valid_to;
        if !is_valid || reference::signature(secret, digits, jid) != signature {
            continue;
        }
        let dated = date.filter(|date| has_otp(key, date / 30));
        let in_window = || (first..=present + deviation).rev().find(|step| has_otp(key, *step));
        let (certainty, time, step) = match dated {
            Some(date) => (2, date, date / 30),
            None => match in_window() {
                Some(step) => (1, step, step),
                None => (0, 0, u64::MAX),
            },
        };
        if best.as_ref().is_none_or(|best| (certainty, time) > (best.0, best.1)) {
            let (id, nonce_length) = (KEYS[key].id, nonce.len());
            let found = Expected { key: id, step, date: dated, nonce_length, signature };
            best = Some((certainty, time, found));
        }
    }
    let (_, _, found) = best.ok_or(Rejection::BadSignature)?;
    if found.date.is_none() && options.policy() == NoncePolicy::Dated {
        return Err(Rejection::Undated);
    }
    if found.step < first || found.step > present + deviation {
        return Err(Rejection::Expired);
    }
    Ok(found)
}

impl Expected {
    /// Checks what is said of an accepted token.
    pub(crate) fn check(&self, accepted: &Accepted, now: u64) {
        let offset = i128::from(self.step) - i128::from(now / 30);
        let skew = self.date.map(|date| i128::from(date) - i128::from(now));
        assert_eq!(accepted.key_id(), self.key);
        assert_eq!(i128::from(accepted.step_offset), offset);
        assert_eq!(accepted.nonce_length, self.nonce_length);
        assert_eq!(accepted.clock_skew.map(i128::from), skew);
    }
}

/// Runs a sequence.
pub fn run(bytes: &[u8]) {
    let Ok(sequence) = Sequence::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let options = sequence.options;
    let other = sequence.other_deviation.map_or(options, |steps| options.with_deviation(steps));
    let steady = Arc::new(AtomicU64::new(1_000_000));
    let clock = steady.clone();
    let boot_clock = BootClock::new(move || clock.load(Relaxed));
    let ledger = Arc::new(MemoryLedger::with_boot_clock(boot_clock));
    let verifiers = [(options, options.verifier(ledger.clone())), (other, other.verifier(ledger))];

    let mut now = sequence.start.seconds();
    let mut is_right = options.deviation() == other.deviation();
    let mut presented: Vec<Vec<u8>> = Vec::new();
    let mut spent = HashSet::new();
    for event in sequence.events.into_iter().take(MAX_EVENTS) {
        let (token, to, by_other) = match event {
            Event::Present { plan, to, by_other } => (plan.make(&options, now), to, by_other),
            Event::PresentAgain { which, to, by_other } => {
                let which = usize::from(which) % presented.len().max(1);
                (presented.get(which).cloned().unwrap_or_default(), to, by_other)
            }
            Event::PresentBytes { bytes, to } => (bytes.to_vec(), to, false),
            Event::Wait(seconds) => {
                now = now.saturating_add(seconds.into());
                steady.fetch_add(u64::from(seconds) * 1_000, Relaxed);
                continue;
            }
            Event::Set(seconds) => {
                now = now.saturating_add_signed(seconds.into());
                is_right = false;
                continue;
            }
        };
        let (options, verifier) = &verifiers[usize::from(by_other)];
        let jid = to.bytes();
        let decision = decide(verifier, &jid, &token, now);
        match expected(options, &jid, &token, now) {
            Err(rejection) => assert_eq!(decision, Err(rejection)),
            Ok(expected) => {
                let is_first = !spent.contains(&expected.signature);
                match decision {
                    Ok(accepted) => {
                        assert!(is_first, "a token was accepted twice");
                        expected.check(&accepted, now);
                        spent.insert(expected.signature);
                    }
                    Err(Rejection::Replayed) => assert!(!is_first, "a fresh token is replayed"),
                    Err(Rejection::Unavailable) => {
                        assert!(!is_right || now > LATE, "a good token was refused");
                    }
                    Err(rejection) => panic!("{rejection:?} for a good token"),
                }
            }
        }
        presented.push(token);
    }
}

/// Asks in both ways, which are the same for a ledger that answers immediately.
fn decide(verifier: &Verifier, jid: &[u8], token: &[u8], now: u64) -> Result<Accepted, Rejection> {
    if now.is_multiple_of(2) {
        return verifier.verify(jid, token, now);
    }
    match verifier.submit(jid, token, now)? {
        Submission::Accepted(accepted) => Ok(accepted),
        Submission::Pending(ticket) => panic!("{ticket:?} from a ledger that answers immediately"),
    }
}
