//! [`Mistake`]: what a minter did in another way than the protocol asks.

use std::fmt;

use super::duration;
use super::hash::HashFunction;
use super::material::{Form, Material, Value};
use crate::token::OTP_DIGITS;
use crate::totp::OTP_INTERVAL;

/// What a minter did in another way than the protocol asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mistake {
    /// The OTP lost its leading zeros.
    OtpZeros,
    /// The OTP was filled with zeros at its end.
    OtpPadding,
    /// The OTP has this many digits.
    OtpDigits(usize),
    /// The nonce lost its leading zeros.
    NonceZeros,
    /// The OTP was made with this hash function.
    OtpHash(HashFunction),
    /// The OTP was made for steps of this many seconds.
    OtpInterval(u64),
    /// The OTP was made of milliseconds.
    OtpMilliseconds,
    /// The OTP was made of this, not of the decoded `otp_seed`.
    OtpSeed(Material),
    /// The OTP is that of another time than the date in the nonce: by this many seconds.
    OtpClock(i64),
    /// The nonce begins with a date that is written in another way.
    NonceDate,
    /// It was signed with HMAC and this hash function.
    SignatureHash(HashFunction),
    /// It was signed with a hash, without HMAC.
    NoHmac,
    /// It was signed with HMAC, but key and message were exchanged.
    HmacExchanged,
    /// It was signed with this, not with `token_secret` as it is.
    SignatureSecret(Material),
    /// Something else was signed than OTP, nonce and JID: for instance "JID, OTP, nonce".
    SignedText(&'static str),
}

impl Mistake {
    /// Returns the stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OtpZeros => "otp-zeros",
            Self::OtpPadding => "otp-padding",
            Self::OtpDigits(_) => "otp-digits",
            Self::NonceZeros => "nonce-zeros",
            Self::OtpHash(_) => "otp-hash",
            Self::OtpInterval(_) => "otp-interval",
            Self::OtpMilliseconds => "otp-milliseconds",
            Self::OtpSeed(_) => "otp-seed",
            Self::OtpClock(_) => "otp-clock",
            Self::NonceDate => "nonce-date",
            Self::SignatureHash(_) => "signature-hash",
            Self::NoHmac => "no-hmac",
            Self::HmacExchanged => "hmac-exchanged",
            Self::SignatureSecret(_) => "signature-secret",
            Self::SignedText(_) => "signed-text",
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtpZeros => write!(
                f,
                "its OTP lost its leading zeros: keep it as text, and fill it with zeros on the \
                 left to {OTP_DIGITS} digits before you sign"
            ),
            Self::OtpPadding => write!(
                f,
                "its OTP was filled with zeros on the right: fill it on the left, to {OTP_DIGITS} \
                 digits"
            ),
            Self::OtpDigits(digits) => write!(
                f,
                "its OTP has {digits} digits: set the library to {OTP_DIGITS} digits (6 is the \
                 default of most)"
            ),
            Self::NonceZeros => f.write_str(
                "its nonce lost its leading zeros: keep it as text, and write the time at its \
                 beginning with 12 digits",
            ),
            Self::OtpHash(hash) => write!(
                f,
                "its OTP is made with {hash}: set the library to SHA-1 for the OTP; SHA-256 is \
                 for the signature only"
            ),
            Self::OtpInterval(1) => write!(
                f,
                "its OTP is made of seconds that were not divided: divide Unix time by \
                 {OTP_INTERVAL}, and round down"
            ),
            Self::OtpInterval(interval) => write!(
                f,
                "its OTP is made for steps of {interval} seconds: set the interval to \
                 {OTP_INTERVAL}"
            ),
            Self::OtpMilliseconds => f.write_str(
                "its OTP is made of milliseconds, as Date.now() of JavaScript returns them: divide \
                 them by 1000 first, and round down",
            ),
            Self::OtpSeed(material) => {
                write!(f, "its OTP is made of {material}: ")?;
                match (material.value, material.form) {
                    (_, Form::Empty | Form::NoValue) => f.write_str(NOT_SET),
                    (Value::Secret, _) => f.write_str(EXCHANGED),
                    (Value::Seed, Form::LineBreak | Form::Quoted) => {
                        f.write_str("remove what is around otp_seed, and decode it as base32")
                    }
                    (Value::Seed, _) => {
                        f.write_str("decode otp_seed as base32, and pass the bytes to the library")
                    }
                }
            }
            Self::OtpClock(seconds) => {
                let amount = duration(*seconds);
                let order = if seconds.is_negative() { "before" } else { "after" };
                write!(f, "its OTP is that of a time {amount} {order} the date in its nonce: ")?;
                f.write_str(if is_time_zone(*seconds) {
                    "use Unix time for both, not the local time"
                } else {
                    "read the clock once for both"
                })
            }
            Self::NonceDate => f.write_str(
                "its nonce begins with a date, but not in the right way: write Unix seconds with \
                 12 digits, filled with zeros on the left",
            ),
            Self::SignatureHash(hash) => {
                write!(f, "it is signed with HMAC-{hash}: sign it with HMAC-SHA-256")
            }
            Self::NoHmac => f.write_str(
                "it is signed with a plain hash of token_secret and text: use HMAC-SHA-256, with \
                 token_secret as the key (hash_hmac of PHP, createHmac of Node.js)",
            ),
            Self::HmacExchanged => f.write_str(
                "it is signed with the text as the key and token_secret as the message: exchange \
                 the two arguments of HMAC",
            ),
            Self::SignatureSecret(material) => {
                write!(f, "it is signed with {material}: ")?;
                match (material.value, material.form) {
                    (_, Form::Empty | Form::NoValue) => f.write_str(NOT_SET),
                    (Value::Seed, _) => f.write_str(EXCHANGED),
                    (Value::Secret, Form::LineBreak | Form::Quoted) => {
                        f.write_str("remove what is around the value of token_secret")
                    }
                    (Value::Secret, _) => f.write_str(
                        "use the text of token_secret as it is, and do not decode or change it",
                    ),
                }
            }
            Self::SignedText(text) => {
                write!(
                    f,
                    "what it signs is {text}: sign OTP and nonce exactly as they are in the token, \
                     then the JID, with nothing between them"
                )
            }
        }
    }
}

const NOT_SET: &str = "set the value where the web application reads it";
const EXCHANGED: &str =
    "make the OTP of otp_seed and sign with token_secret: they seem to be exchanged";

/// Returns whether clocks that are this many seconds apart may be set to different time zones: a
/// multiple of 15 minutes, from half an hour to 14 hours.
pub(super) fn is_time_zone(seconds: i64) -> bool {
    const QUARTER: u64 = 15 * 60;
    const TOLERANCE: u64 = 2 * 60;
    let seconds = seconds.unsigned_abs();
    let rest = (seconds + TOLERANCE) % QUARTER;
    (1_800 - TOLERANCE..=14 * 3_600 + TOLERANCE).contains(&seconds) && rest <= 2 * TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_multiples_of_a_quarter() {
        for seconds in [3_600, -3_600, 7_230, -20_700, 1_680, 1_920, 3_480, 3_720, 50_400, 50_520] {
            assert!(is_time_zone(seconds), "{seconds}");
        }
        for seconds in [0, 30, 900, 1_679, 1_921, 3_479, 3_721, 4_000, 50_521, 86_400, i64::MIN] {
            assert!(!is_time_zone(seconds), "{seconds}");
        }
    }
}
