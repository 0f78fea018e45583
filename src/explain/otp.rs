//! Finds the mistakes with which an OTP was made: two at most.

use super::STEPS_SEARCHED;
use super::hash::{HashFunction, KeyedHash};
use super::material::{Form, Material, Value};
use super::mistake::Mistake;
use super::work::Work;
use crate::key::Key;
use crate::nonce::DATE_DIGITS;
use crate::token::OTP_DIGITS;
use crate::totp::{OTP_INTERVAL, start_of, step_at};

/// More mistakes than these are not searched for.
const MAX_MISTAKES: usize = 2;
/// How old an undated token may be, in seconds, if its OTP was made in another way.
const UNDATED_AGE: u64 = 600;
/// The same if it was made of milliseconds, each 30 of which have an OTP.
const MILLISECONDS_AGE: u64 = 90;
/// The zeros that a nonce loses: two if it is dated, and few at its beginning if it is random.
const MAX_ZEROS_LOST: usize = 3;

/// What the digits of a token may mean.
pub(super) struct Reading {
    otp: u64,
    /// One more than the largest OTP with as many digits.
    modulus: u64,
    nonce: Vec<u8>,
    mistakes: Vec<Mistake>,
}

/// How an OTP was made, and what the right minter would have made at the same time.
pub(super) struct Found {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) step: u64,
    pub(super) nonce: Vec<u8>,
}

/// Returns what `digits` may mean if the nonce has as many digits as it happens to have.
pub(super) fn readings_of_length(digits: &[u8]) -> Vec<Reading> {
    let Some((otp, nonce)) = digits.split_at_checked(OTP_DIGITS) else { return Vec::new() };
    let mut readings = vec![reading(otp, OTP_DIGITS, nonce, 0, Vec::new())];
    let is_short = otp.starts_with(b"00");
    readings.extend(is_short.then(|| reading(otp, 6, nonce, 0, vec![Mistake::OtpDigits(6)])));
    for zeros in 1..=2 {
        if let Some((otp, [b'0', ..])) = otp.split_at_checked(OTP_DIGITS - zeros) {
            readings.push(reading(otp, OTP_DIGITS, nonce, 0, vec![Mistake::OtpPadding]));
            if zeros == 2 {
                let mistakes = vec![Mistake::OtpPadding, Mistake::OtpDigits(6)];
                readings.push(reading(otp, 6, nonce, 0, mistakes));
            }
        }
    }
    readings
}

/// Returns what `digits` may mean if the nonce should have `nonce_length` digits, and has not if
/// the OTP has 8.
pub(super) fn readings_of_other_length(digits: &[u8], nonce_length: usize) -> Vec<Reading> {
    let mut readings = Vec::new();
    for otp_length in (1..=10).rev() {
        let Some((otp, nonce)) = digits.split_at_checked(otp_length) else { continue };
        let Some(lost) = nonce_length.checked_sub(nonce.len()) else { continue };
        if lost > MAX_ZEROS_LOST || nonce.is_empty() {
            continue;
        }
        let nonce_zeros = (lost > 0).then_some(Mistake::NonceZeros);
        let with = |mistake| [mistake].into_iter().chain(nonce_zeros.clone()).collect();
        let mut mistakes = vec![Mistake::OtpZeros, Mistake::OtpDigits(otp_length)];
        if otp_length == 6 {
            // The default of libraries is likelier than two zeros that were lost.
            mistakes.reverse();
        }
        for mistake in mistakes {
            let made_digits = match (&mistake, otp_length) {
                (Mistake::OtpZeros, ..OTP_DIGITS) => OTP_DIGITS,
                (Mistake::OtpDigits(_), 6 | 7 | 9 | 10) => otp_length,
                _ => continue,
            };
            readings.push(reading(otp, made_digits, nonce, lost, with(mistake)));
        }
        if otp_length == OTP_DIGITS {
            let of = |mistake| reading(otp, otp_length, nonce, lost, vec![mistake]);
            readings.extend(nonce_zeros.map(of));
        }
    }
    readings
}

fn reading(
    otp: &[u8],
    otp_digits: usize,
    nonce: &[u8],
    lost: usize,
    mistakes: Vec<Mistake>,
) -> Reading {
    Reading {
        otp: number(otp),
        modulus: 10_u64.pow(otp_digits as u32),
        nonce: [vec![b'0'; lost], nonce.to_vec()].concat(),
        mistakes,
    }
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit & 0xf))
}

/// The forms of a date at the beginning of a nonce, the right one first.
///
/// Returns Unix seconds, and whether the form is the right one. Those that are far from `now` are
/// random digits.
pub(super) fn dates(nonce: &[u8], now: u64) -> impl Iterator<Item = (u64, bool)> {
    const NEAR: u64 = super::NEAR;
    // The second is also that of milliseconds, whose first digits are the seconds.
    let forms = [DATE_DIGITS, 10].into_iter();
    let dates = forms.filter_map(move |length| {
        nonce.get(..length).map(|digits| (number(digits), length == DATE_DIGITS))
    });
    dates.filter(move |(date, _)| date.abs_diff(now) <= NEAR)
}

/// What a minter divided the time by.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Seconds(u64),
    Milliseconds,
}

impl Unit {
    /// The right one, and others that libraries offer or that are usual mistakes.
    const ALL: [Self; 10] = [
        Self::Seconds(OTP_INTERVAL),
        Self::Seconds(60),
        Self::Seconds(1),
        Self::Seconds(10),
        Self::Seconds(15),
        Self::Seconds(20),
        Self::Seconds(90),
        Self::Seconds(120),
        Self::Seconds(300),
        Self::Milliseconds,
    ];

    fn mistake(self) -> Option<Mistake> {
        match self {
            Self::Seconds(OTP_INTERVAL) => None,
            Self::Seconds(interval) => Some(Mistake::OtpInterval(interval)),
            Self::Milliseconds => Some(Mistake::OtpMilliseconds),
        }
    }

    /// Returns the counters between two times in Unix seconds, the last one first.
    fn counters(self, first: u64, last: u64) -> impl Iterator<Item = u64> {
        let (per_second, interval) = self.rate();
        let start = first.saturating_mul(per_second) / interval;
        let end = last.saturating_add(1).saturating_mul(per_second).saturating_sub(1) / interval;
        (start..=end).rev()
    }

    /// Returns the time in Unix seconds that is nearest to `time` and has `counter`.
    fn time_near(self, counter: u64, time: u64) -> u64 {
        let (per_second, interval) = self.rate();
        let start = counter.saturating_mul(interval);
        let last = start.saturating_add(interval - 1);
        time.clamp(start / per_second, last / per_second)
    }

    /// Returns how many units a second and a step have.
    fn rate(self) -> (u64, u64) {
        match self {
            Self::Seconds(interval) => (1, interval),
            Self::Milliseconds => (1_000, OTP_INTERVAL),
        }
    }
}

/// Returns how the OTP of one of `readings` was made with `key`, if by two mistakes at most. Tries
/// few mistakes first. Finds none if only the clock is wrong, and no date shows by how much.
pub(super) fn find(key: &Key, readings: Vec<Reading>, now: u64, work: &Work) -> Option<Found> {
    let materials = Material::all(key, Material::OF_OTP);
    let hashes = [HashFunction::Sha1, HashFunction::Sha256, HashFunction::Sha512];
    let keyed: Vec<_> = materials
        .iter()
        .flat_map(|(material, bytes)| {
            hashes.map(|hash| (*material, hash, KeyedHash::new(hash, bytes)))
        })
        .collect();
    (0..=MAX_MISTAKES).find_map(|mistakes| {
        readings.iter().find_map(|reading| {
            keyed.iter().find_map(|(material, hash, keyed)| {
                let mut made = reading.mistakes.clone();
                made.extend((*material != Material::OF_OTP).then_some(Mistake::OtpSeed(*material)));
                made.extend((*hash != HashFunction::Sha1).then_some(Mistake::OtpHash(*hash)));
                let is_otp = |counter| {
                    let otp = keyed.truncated(counter, work);
                    otp.is_some_and(|otp| u64::from(otp) % reading.modulus == reading.otp)
                };
                Unit::ALL.into_iter().find_map(|unit| {
                    let mut made = made.clone();
                    made.extend(unit.mistake());
                    let is_usual = is_usual(&made);
                    let (step, clock) = match mistakes.checked_sub(made.len())? {
                        0 => (step_of(is_otp, unit, made.len(), &reading.nonce, now)?, None),
                        1 if unit == Unit::Seconds(OTP_INTERVAL) && is_usual => {
                            shifted(is_otp, made.len(), &reading.nonce, now)?
                        }
                        _ => return None,
                    };
                    made.extend(clock.map(Mistake::OtpClock));
                    let nonce = reading.nonce.clone();
                    Some(Found { mistakes: made, step, nonce })
                })
            })
        })
    })
}

/// Returns whether a clock that is wrong, too, is searched for: with a seed that is used at all.
fn is_usual(mistakes: &[Mistake]) -> bool {
    let is_strange = |mistake: &Mistake| match mistake {
        Mistake::OtpSeed(Material { value: Value::Seed, form }) => *form != Form::Text,
        Mistake::OtpSeed(_) => true,
        _ => false,
    };
    !mistakes.iter().any(is_strange)
}

/// Returns the step in which the OTP was made: that of the date, or one around the present.
fn step_of(
    is_otp: impl Fn(u64) -> bool,
    unit: Unit,
    mistakes: usize,
    nonce: &[u8],
    now: u64,
) -> Option<u64> {
    let find = |first, last, near| {
        let counter = unit.counters(first, last).find(|counter| is_otp(*counter))?;
        Some(step_at(unit.time_near(counter, near)))
    };
    let of_date = dates(nonce, now).find_map(|(date, _)| find(date, date, date));
    let is_fine = matches!(unit, Unit::Milliseconds | Unit::Seconds(1));
    if of_date.is_some() || (is_fine && mistakes > 1) {
        // Too many counters for more than one mistake.
        return of_date;
    }
    let age = if unit == Unit::Milliseconds { MILLISECONDS_AGE } else { UNDATED_AGE };
    find(now.saturating_sub(age), now.saturating_add(OTP_INTERVAL), now)
}

/// Returns the step in which the OTP was made by a clock that differs from the date, by how many
/// seconds, or from the present. Beside other mistakes, only time zones are tried.
fn shifted(
    is_otp: impl Fn(u64) -> bool,
    mistakes: usize,
    nonce: &[u8],
    now: u64,
) -> Option<(u64, Option<i64>)> {
    const QUARTER: u64 = 15 * 60 / OTP_INTERVAL;
    let find = |time: u64| {
        let step = step_at(time);
        let is_near = |distance: u64| mistakes == 0 || (distance + 1) % QUARTER <= 2;
        let near = |distance: u64| {
            let around = [step.checked_sub(distance), step.checked_add(distance)];
            around.into_iter().flatten().find(|step| is_otp(*step))
        };
        (1..=STEPS_SEARCHED).filter(|distance| is_near(*distance)).find_map(near)
    };
    let of_date = dates(nonce, now).find_map(|(date, _)| {
        let step = find(date)?;
        let seconds = start_of(step).cast_signed() - start_of(step_at(date)).cast_signed();
        Some((step_at(date), Some(seconds)))
    });
    of_date.or_else(|| find(now).map(|step| (step, None)))
}
