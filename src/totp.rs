//! Time steps, and the OTPs of a seed (RFC 6238): HMAC-SHA-1, 8 digits, steps of 30 s, T0 = 0.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

use crate::taint::declassify;

/// The seconds of a step.
pub const OTP_INTERVAL: u64 = 30;
/// The default number of steps that the clocks of minter and verifier may be apart.
pub const OTP_DEVIATION: u64 = 1;
/// The largest number of steps that can be configured as deviation.
pub const MAX_DEVIATION: u64 = 10;

/// Later than the step of any Unix time.
const NO_STEP: u64 = u64::MAX;
const MODULUS: u32 = 100_000_000;
/// More than an OTP needs, so that valgrind sees no secret in the step of a slot.
const OTP_BITS: u32 = 32;
/// More than the steps of the widest window, so that no two of them share a slot.
const CACHE_SLOTS: usize = 32;

/// Returns the step of a Unix time in seconds.
pub const fn step_at(unix_time: u64) -> u64 {
    unix_time / OTP_INTERVAL
}

/// Returns the Unix time (seconds) at which a step begins.
pub(crate) const fn start_of(step: u64) -> u64 {
    step.saturating_mul(OTP_INTERVAL)
}

/// Returns the steps whose OTPs are accepted at `unix_time` (seconds): from `deviation` steps back
/// to `deviation` steps ahead.
pub const fn window(unix_time: u64, deviation: u64) -> RangeInclusive<u64> {
    let step = step_at(unix_time);
    step.saturating_sub(deviation)..=step.saturating_add(deviation)
}

/// The OTPs of one seed. Wiped on drop.
///
/// An OTP is computed once per step and then read from a small cache, which threads share without a
/// lock.
pub(crate) struct Totp {
    mac: Hmac<Sha1>,
    /// Slot `step % CACHE_SLOTS` is `(step + 1) << OTP_BITS | otp`, or 0 before its first use.
    cache: [AtomicU64; CACHE_SLOTS],
}

impl Totp {
    /// Computes the MAC state of a decoded seed, which may have any length.
    pub(crate) fn new(seed: &[u8]) -> Self {
        Self { mac: keyed(seed), cache: [const { AtomicU64::new(0) }; CACHE_SLOTS] }
    }

    /// Returns the OTP of a step, below 100,000,000.
    pub(crate) fn otp(&self, step: u64) -> u32 {
        // Steps that a slot has no room for are 4,000 years ahead.
        let cacheable = step < (1 << (u64::BITS - OTP_BITS)) - 1;
        let slot = self.cache.get(step as usize % CACHE_SLOTS).filter(|_| cacheable);
        let Some(slot) = slot else { return self.compute(step) };
        let cached = slot.load(Relaxed);
        if cached >> OTP_BITS == step + 1 {
            return cached as u32;
        }
        let otp = self.compute(step);
        slot.store((step + 1) << OTP_BITS | u64::from(otp), Relaxed);
        otp
    }

    /// Returns the last of `steps` whose OTP is `otp`. Takes the same time for every `otp`.
    pub(crate) fn step_of(&self, otp: u32, steps: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut found = NO_STEP;
        steps.into_iter().for_each(|step| {
            found.conditional_assign(&step, self.otp(step).ct_eq(&otp));
        });
        (found != NO_STEP).then_some(found)
    }

    /// Returns whether `otp` is the OTP of `step`. Computes it, and does not cache it.
    pub(crate) fn is_otp_of(&self, otp: u32, step: u64) -> bool {
        self.compute(step).ct_eq(&otp).into()
    }

    #[cfg(test)]
    pub(crate) fn has_cached(&self, step: u64) -> bool {
        let slot = &self.cache[step as usize % CACHE_SLOTS];
        slot.load(Relaxed) >> OTP_BITS == step + 1
    }

    /// Computes an OTP by the dynamic truncation of RFC 4226 section 5.3; its counter is `step`.
    /// Does not cache it.
    pub(crate) fn compute(&self, step: u64) -> u32 {
        let digest: [u8; 20] =
            self.mac.clone().chain_update(step.to_be_bytes()).finalize().into_bytes().into();
        // It decides which bytes are read. They are never those that it comes from itself, so it
        // says nothing about the OTP.
        let offset = declassify(usize::from(digest[19] & 0xf));
        let mut word = [0; 4];
        word.iter_mut().zip(digest.iter().skip(offset)).for_each(|(to, from)| *to = *from);
        (u32::from_be_bytes(word) & 0x7fff_ffff) % MODULUS
    }
}

impl Drop for Totp {
    fn drop(&mut self) {
        self.cache.iter_mut().for_each(|slot| slot.get_mut().zeroize());
    }
}

/// Returns a MAC with its state computed for a key of any length.
pub(crate) fn keyed<M: KeyInit>(key: &[u8]) -> M {
    match M::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4226 appendix D, whose six digits are the last six of our eight.
    #[test]
    fn hotp_values_of_rfc_4226() {
        let totp = Totp::new(b"12345678901234567890");
        let expected = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871,
            520_489,
        ];
        for (counter, six) in (0..).zip(expected) {
            assert_eq!(totp.otp(counter) % 1_000_000, six);
        }
    }

    // RFC 6238 appendix B, the SHA-1 rows.
    #[test]
    fn totp_values_of_rfc_6238() {
        let totp = Totp::new(b"12345678901234567890");
        for (time, otp) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(totp.otp(step_at(time)), otp, "at {time}");
            assert_eq!(totp.otp(step_at(time)), otp, "at {time}, from the cache");
        }
    }

    #[test]
    fn the_cache_answers_as_the_computation_does() {
        let totp = Totp::new(b"another seed");
        let far = 1 << (u64::BITS - OTP_BITS);
        for step in
            (0..200).chain(far - 40..far + 40).chain([u64::MAX / OTP_INTERVAL, u64::MAX]).rev()
        {
            assert_eq!(totp.otp(step), totp.compute(step));
            assert_eq!(totp.otp(step), totp.compute(step));
        }
    }

    #[test]
    fn a_step_without_room_in_the_cache_is_taken_for_no_other() {
        let totp = Totp::new(b"another seed");
        for far in [(1 << (u64::BITS - OTP_BITS)) - 1, 1 << (u64::BITS - OTP_BITS), u64::MAX] {
            totp.otp(far);
            for step in (0..CACHE_SLOTS as u64).chain([far]) {
                assert_eq!(totp.otp(step), totp.compute(step), "{step} after {far}");
            }
        }
    }

    #[test]
    fn a_cached_otp_is_not_computed_again() {
        let totp = Totp::new(b"another seed");
        for step in [0, 1, 12, 56_666_667] {
            let slot = &totp.cache[step as usize % CACHE_SLOTS];
            slot.store((step + 1) << OTP_BITS | 99_999_999, Relaxed);
            assert_eq!(totp.otp(step), 99_999_999);
            assert!(totp.has_cached(step) && !totp.has_cached(step + CACHE_SLOTS as u64));
        }
    }

    #[test]
    fn the_window_has_its_edges() {
        assert_eq!(window(0, 1), 0..=1);
        assert_eq!(window(59, 1), 0..=2);
        assert_eq!(window(60, 0), 2..=2);
        let last = u64::MAX / OTP_INTERVAL;
        assert_eq!(window(u64::MAX, MAX_DEVIATION), last - 10..=last + 10);
    }

    #[test]
    fn an_otp_is_found_in_its_step_only() {
        let totp = Totp::new(b"12345678901234567890");
        for step in 10..=14 {
            let found = totp.step_of(totp.otp(step), window(12 * OTP_INTERVAL, 1));
            assert_eq!(found, (11..=13).contains(&step).then_some(step));
        }
    }
}
