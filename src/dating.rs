//! When a token was made: at the date in its nonce if its OTP proves that, else in the step of the
//! window to which its OTP belongs.
//!
//! A token *is dated* if its OTP is the one of the step of its date. So the token proves its date,
//! and a verifier need not know whether its minter dates nonces. Random digits are mistaken for a
//! date with a chance of 1 in 10^8. The step of a dated token is that of its date, even if its OTP
//! is by chance also that of another step.

use std::ops::RangeInclusive;

use crate::nonce::date_of;
use crate::taint::declassify;
use crate::token::Token;
use crate::totp::{Totp, step_at};

/// What decides, with the OTPs of a key, when a token was made.
#[derive(Debug)]
pub(crate) struct Dating {
    otp: u32,
    date: Option<u64>,
    window: RangeInclusive<u64>,
}

/// When a token was made under some key, in the order of certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Made {
    /// Its OTP belongs neither to its date nor to the window.
    Unknown,
    /// In this step of the window, which only its OTP shows. The token is undated.
    InStep(u64),
    /// At this date, in Unix seconds. The token is dated.
    At(u64),
}

impl Dating {
    /// Prepares `token` for a verifier that accepts the steps of `window`.
    pub(crate) fn new(token: &Token<'_>, window: RangeInclusive<u64>) -> Self {
        Self { otp: token.otp(), date: date_of(token.nonce()), window }
    }

    /// Returns the step of the window to which the OTP belongs. Of several, prefers that of the
    /// date.
    ///
    /// Takes the same time for every OTP, and only reads OTPs of the window. Must be called for
    /// every key, whether or not the key has signed.
    pub(crate) fn step_in_window(&self, totp: &Totp) -> Option<u64> {
        let dated = self.date.map(step_at).filter(|step| self.window.contains(step));
        totp.step_of(self.otp, self.window.clone().chain(dated))
    }

    /// Returns when the token was made, if `step` is the [`step_in_window`](Self::step_in_window)
    /// under the same `totp`.
    ///
    /// Must be called only for a key that has signed, because a date outside the window costs an
    /// HMAC-SHA-1. So the longer time tells something only to a client that has a token signed for
    /// this JID. The OTP of that date is not cached. Otherwise such tokens could displace the OTPs
    /// of the window from the cache.
    pub(crate) fn made(&self, totp: &Totp, step: Option<u64>) -> Made {
        let is_dated = |date: &u64| {
            let dated = step_at(*date);
            if self.window.contains(&dated) {
                step == Some(dated)
            } else {
                // The decision whether the token is dated.
                declassify(totp.is_otp_of(self.otp, dated))
            }
        };
        match self.date.filter(is_dated) {
            Some(date) => Made::At(date),
            None => step.map_or(Made::Unknown, Made::InStep),
        }
    }
}

impl Made {
    /// Returns the step, that of the date if the token is dated; `None` if it is unknown.
    pub(crate) fn step(self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::InStep(step) => Some(step),
            Self::At(date) => Some(step_at(date)),
        }
    }

    /// Returns the date in Unix seconds; `None` if the token is undated.
    pub(crate) fn date(self) -> Option<u64> {
        match self {
            Self::At(date) => Some(date),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totp::window;

    #[test]
    fn dates_do_not_displace_the_window_from_the_cache() {
        const NOW: u64 = 1_700_000_010;
        let [minting, verifying] = [0; 2].map(|_| Totp::new(b"12345678901234567890"));
        // More steps than the cache has slots.
        for seconds in (60..60 * 60).step_by(30) {
            let date = NOW - seconds;
            let digits = format!("{:08}{date:012}{:020}", minting.otp(step_at(date)), 0);
            let token = Token::new(digits.as_bytes(), [0; 32]);
            let dating = Dating::new(&token, window(NOW, 1));
            let step = dating.step_in_window(&verifying);
            assert_eq!(dating.made(&verifying, step), Made::At(date));
            assert!(window(NOW, 1).all(|step| verifying.has_cached(step)));
        }
    }
}
