//! When a token was made: at the date in its nonce if its OTP proves that, else in the step of the
//! window to which its OTP belongs.
//!
//! A token *is dated* if its OTP is the one of the step of its date. So the token proves its date,
//! and a verifier need not know whether its minter dates nonces: random digits are mistaken for a
//! date with a chance of 1 in 10^8. The step of a dated token is the one of its date, even if its
//! OTP matches another by chance.

use std::ops::RangeInclusive;

use crate::nonce::date_of;
use crate::token::Token;
use crate::totp::{Totp, step_at};

/// What is known of a token and the time before the OTPs of a key are compared.
#[derive(Debug)]
pub(crate) struct Dating {
    otp: u32,
    date: Option<u64>,
    window: RangeInclusive<u64>,
}

/// When a token was made, in the order of certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Made {
    /// Its OTP belongs neither to its date nor to the window.
    Unknown,
    /// In this step of the window, by its OTP alone.
    InStep(u64),
    /// At this date, in Unix seconds. The token is dated.
    At(u64),
}

impl Dating {
    /// Takes the steps in which the token may have been made as `window`.
    pub(crate) fn new(token: &Token<'_>, window: RangeInclusive<u64>) -> Self {
        Self { otp: token.otp(), date: date_of(token.nonce()), window }
    }

    /// Returns the step of the window to which the OTP belongs. If there are several, prefers the
    /// one of the date.
    ///
    /// Takes the same time whatever the OTP is, and only reads OTPs of the window. Must be called
    /// for every key, whether or not it has signed.
    pub(crate) fn step_in_window(&self, totp: &Totp) -> Option<u64> {
        let dated = self.date.map(step_at).filter(|step| self.window.contains(step));
        totp.step_of(self.otp, self.window.clone().chain(dated))
    }

    /// Concludes from `step`, the [`step_in_window`](Self::step_in_window) under the same `totp`.
    ///
    /// Must be called only for a key that has signed, because a date outside the window costs an
    /// HMAC-SHA-1. The longer time tells something only to a client that has a token signed for
    /// this JID. The OTP of that date is not cached: such tokens could otherwise drive the OTPs of
    /// the window out of the cache.
    pub(crate) fn conclude(&self, totp: &Totp, step: Option<u64>) -> Made {
        let is_dated = |date: &u64| {
            let dated = step_at(*date);
            if self.window.contains(&dated) {
                step == Some(dated)
            } else {
                totp.is_code_of(self.otp, dated)
            }
        };
        match self.date.filter(is_dated) {
            Some(date) => Made::At(date),
            None => step.map_or(Made::Unknown, Made::InStep),
        }
    }

    /// Calls [`step_in_window`](Self::step_in_window), then [`conclude`](Self::conclude).
    pub(crate) fn made(&self, totp: &Totp) -> Made {
        self.conclude(totp, self.step_in_window(totp))
    }
}

impl Made {
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
    fn dates_do_not_drive_the_window_out_of_the_cache() {
        const NOW: u64 = 1_700_000_010;
        let [minting, verifying] = [0; 2].map(|_| Totp::new(b"12345678901234567890"));
        // More steps than the cache has slots.
        for seconds in (60..60 * 60).step_by(30) {
            let date = NOW - seconds;
            let digits = format!("{:08}{date:012}{:020}", minting.code(step_at(date)), 0);
            let token = Token::new(digits.as_bytes(), [0; 32]);
            let made = Dating::new(&token, window(NOW, 1)).made(&verifying);
            assert_eq!(made, Made::At(date));
            assert!(window(NOW, 1).all(|step| verifying.remembers(step)));
        }
    }
}
