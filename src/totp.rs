//! RFC 6238: the codes of the current window.
//!
//! HMAC-SHA-1, 8 digits, steps of 30 seconds, T0 = 0. A code is computed once per step and then
//! read from a small cache that threads share without a lock.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// Seconds of a step.
pub const OTP_INTERVAL: u64 = 30;
/// Steps that the clocks of minter and verifier may be apart, unless a deployment says otherwise.
pub const OTP_DEVIATION: u64 = 1;
/// The largest deviation that may be configured.
pub const MAX_DEVIATION: u64 = 10;

const MODULUS: u32 = 100_000_000;
const CODE_BITS: u32 = 27;
/// More than the steps of the widest window, so that no two of them share a slot.
const CACHE_SLOTS: usize = 32;

/// The step in which a moment lies. `unix_time` is in seconds.
pub const fn step_at(unix_time: u64) -> u64 {
    unix_time / OTP_INTERVAL
}

/// The Unix time (seconds) at which a step begins.
pub(crate) const fn start_of(step: u64) -> u64 {
    step.saturating_mul(OTP_INTERVAL)
}

/// The steps whose codes are good at `unix_time`, from `deviation` back to `deviation` ahead.
pub const fn window(unix_time: u64, deviation: u64) -> RangeInclusive<u64> {
    let step = step_at(unix_time);
    step.saturating_sub(deviation)..=step.saturating_add(deviation)
}

/// The Unix time (seconds) from which on a code of `step` is no longer good.
pub const fn good_until(step: u64, deviation: u64) -> u64 {
    start_of(step.saturating_add(deviation).saturating_add(1))
}

/// The one-time passwords of one seed. Wiped on drop.
pub struct Totp {
    mac: Hmac<Sha1>,
    /// Slot `step % CACHE_SLOTS` holds `(step + 1) << CODE_BITS | code`, or 0 before first use.
    cache: [AtomicU64; CACHE_SLOTS],
}

impl Totp {
    /// Keys the MAC. `seed` is the decoded seed, of any length.
    pub fn new(seed: &[u8]) -> Self {
        Self { mac: keyed(seed), cache: [const { AtomicU64::new(0) }; CACHE_SLOTS] }
    }

    /// The code of one step, below 100,000,000.
    pub fn code(&self, step: u64) -> u32 {
        // Steps beyond the reach of a cached entry lie 130,000 years ahead.
        let cacheable = step < (1 << (u64::BITS - CODE_BITS)) - 1;
        let slot = self.cache.get(step as usize % CACHE_SLOTS).filter(|_| cacheable);
        let Some(slot) = slot else { return self.compute(step) };
        let cached = slot.load(Relaxed);
        if cached >> CODE_BITS == step + 1 {
            return (cached & ((1 << CODE_BITS) - 1)) as u32;
        }
        let code = self.compute(step);
        slot.store((step + 1) << CODE_BITS | u64::from(code), Relaxed);
        code
    }

    /// Returns the last of `steps` whose code is `otp`. Takes the same time for each.
    pub fn step_of(&self, otp: u32, steps: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut found = Choice::from(0);
        let mut found_step = 0;
        steps.into_iter().for_each(|step| {
            let same = self.code(step).ct_eq(&otp);
            found_step = u64::conditional_select(&found_step, &step, same);
            found |= same;
        });
        bool::from(found).then_some(found_step)
    }

    /// Returns whether `otp` is the code of `step`. The code is computed and not cached.
    pub(crate) fn is_code_of(&self, otp: u32, step: u64) -> bool {
        self.compute(step).ct_eq(&otp).into()
    }

    #[cfg(test)]
    pub(crate) fn remembers(&self, step: u64) -> bool {
        let slot = &self.cache[step as usize % CACHE_SLOTS];
        slot.load(Relaxed) >> CODE_BITS == step + 1
    }

    /// RFC 4226 section 5.3, the dynamic truncation, for the moving factor `step`.
    fn compute(&self, step: u64) -> u32 {
        let digest: [u8; 20] =
            self.mac.clone().chain_update(step.to_be_bytes()).finalize().into_bytes().into();
        let offset = usize::from(digest[19] & 0xf);
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

/// A MAC with its key state computed, for a key of any length.
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
            assert_eq!(totp.code(counter) % 1_000_000, six);
        }
    }

    // RFC 6238 appendix B, the SHA-1 rows.
    #[test]
    fn totp_values_of_rfc_6238() {
        let totp = Totp::new(b"12345678901234567890");
        for (time, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(totp.code(step_at(time)), code, "at {time}");
            assert_eq!(totp.code(step_at(time)), code, "at {time}, from the cache");
        }
    }

    #[test]
    fn the_cache_answers_as_the_computation_does() {
        let totp = Totp::new(b"another seed");
        let far = 1 << (u64::BITS - CODE_BITS);
        for step in
            (0..200).chain(far - 40..far + 40).chain([u64::MAX / OTP_INTERVAL, u64::MAX]).rev()
        {
            assert_eq!(totp.code(step), totp.compute(step));
            assert_eq!(totp.code(step), totp.compute(step));
        }
    }

    #[test]
    fn the_window_has_its_edges() {
        assert_eq!(window(0, 1), 0..=1);
        assert_eq!(window(59, 1), 0..=2);
        assert_eq!(window(60, 0), 2..=2);
        let last = u64::MAX / OTP_INTERVAL;
        assert_eq!(window(u64::MAX, MAX_DEVIATION), last - 10..=last + 10);
        assert_eq!(good_until(2, 1), 120);
        assert_eq!(good_until(last, 1), u64::MAX);
    }

    #[test]
    fn a_code_is_found_in_its_step_only() {
        let totp = Totp::new(b"12345678901234567890");
        for step in 10..=14 {
            let found = totp.step_of(totp.code(step), window(12 * OTP_INTERVAL, 1));
            assert_eq!(found, (11..=13).contains(&step).then_some(step));
        }
    }
}
