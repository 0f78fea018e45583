//! What is wrong with a token, or right, in words.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, UNIX_EPOCH};

use humantime::{format_duration, format_rfc3339_seconds};

use super::flaw::Flaw;
use crate::totp::OTP_INTERVAL;

/// One thing that can be said of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It would be accepted.
    Good {
        /// Whose key made it.
        key: String,
        /// Its step less the present one.
        step_offset: i64,
        /// Its date less the present, in seconds; `None` if it is undated.
        clock_skew: Option<i64>,
    },
    /// It was accepted before.
    Replayed,
    /// The ledger cannot tell whether it was accepted before.
    Unavailable {
        /// What the ledger says of itself.
        trouble: Option<String>,
        /// The Unix time (seconds) from which on new tokens are accepted, if that is known.
        opens_at: Option<u64>,
    },
    /// It is not a token at all.
    Malformed(Flaw),
    /// Its nonce has another length than the one set.
    NonceLength {
        /// Its digits.
        found: usize,
        /// Those that were set.
        expected: usize,
    },
    /// The address it is presented for is longer than any.
    LongAddress,
    /// It was signed for another address.
    OtherAddress {
        /// What was signed.
        signed: Vec<u8>,
        /// What it is presented for.
        expected: Vec<u8>,
    },
    /// No known key signed it for any address that was tried.
    BadSignature {
        /// The key whose one-time password it has all the same.
        otp_of: Option<String>,
    },
    /// The key that signed it is not valid now.
    InactiveKey {
        /// Which.
        key: String,
        /// When it is valid, in Unix seconds.
        validity: RangeInclusive<u64>,
    },
    /// Signed with the secret of one key, but with a one-time password of another's seed.
    MixedKeys {
        /// Whose secret.
        secret_of: String,
        /// Whose seed.
        seed_of: String,
    },
    /// It is undated, and only dated ones are accepted.
    Undated {
        /// Whose key signed it.
        key: String,
        /// The Unix time with which its nonce begins, if that is likely to be meant as its date.
        claimed: Option<u64>,
    },
    /// It was made at another time: at its date, or at a time within a day that its one-time
    /// password tells.
    Clock {
        /// Whose key made it.
        key: String,
        /// That time less the present, in seconds, give or take a step if it is undated.
        seconds: i64,
        /// Whether it is dated.
        dated: bool,
    },
    /// Its one-time password is not that of any time within a day, and it is undated.
    UnknownOtp {
        /// Whose key signed it.
        key: String,
        /// The Unix time with which its nonce begins, if that is likely to be meant as its date.
        claimed: Option<u64>,
    },
}

impl Finding {
    /// A stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Good { .. } => "good",
            Self::Replayed => "replayed",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed(_) => "malformed",
            Self::NonceLength { .. } => "nonce-length",
            Self::LongAddress => "long-address",
            Self::OtherAddress { .. } => "other-address",
            Self::BadSignature { .. } => "bad-signature",
            Self::InactiveKey { .. } => "inactive-key",
            Self::MixedKeys { .. } => "mixed-keys",
            Self::Undated { .. } => "undated",
            Self::Clock { .. } => "clock",
            Self::UnknownOtp { .. } => "unknown-otp",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { key, step_offset, clock_skew } => {
                write!(f, "good: it would be accepted, key {key}")?;
                let (offset, amount) = match *clock_skew {
                    Some(0) => return f.write_str(", made just now"),
                    Some(seconds) => (seconds, duration(seconds)),
                    None => {
                        f.write_str(", undated")?;
                        (*step_offset, steps(*step_offset))
                    }
                };
                match offset {
                    0 => Ok(()),
                    ..0 => write!(f, ", made {amount} ago"),
                    1.. => write!(f, ", made by a clock {amount} ahead of this one"),
                }
            }
            Self::Replayed => f.write_str("it was accepted before: make a token for every login"),
            Self::Unavailable { trouble: Some(trouble), .. } => {
                write!(f, "the ledger of spent tokens gave no answer: {trouble}")
            }
            Self::Unavailable { opens_at: Some(opens_at), .. } => write!(
                f,
                "the ledger cannot know whether it was spent: it accepts tokens that are minted \
                 from {} on",
                moment(*opens_at)
            ),
            Self::Unavailable { .. } => f.write_str(
                "the ledger cannot know whether it was spent: mint a fresh token and try again",
            ),
            Self::Malformed(flaw) => write!(f, "this is not a token: {flaw}"),
            Self::NonceLength { found, expected } => write!(
                f,
                "its nonce has {found} digits where {expected} are configured: the application \
                 must make {expected}, or, if all its tokens have {found}, the server must be set \
                 to that; a single one may be a token of another account, cut or stretched"
            ),
            Self::LongAddress => f.write_str("the address is longer than any can be"),
            Self::OtherAddress { signed, expected } => write!(
                f,
                "it was signed for {}, not for {}{}",
                quoted(signed),
                quoted(expected),
                advice(signed, expected)
            ),
            Self::BadSignature { otp_of: Some(key) } => write!(
                f,
                "no key has signed it for this address or one like it; its one-time password is \
                 that of key {key}, so otp_seed and clock fit that one: compare token_secret, and \
                 the address that the application signs"
            ),
            Self::BadSignature { otp_of: None } => f.write_str(
                "no key has signed it for this address or one like it: compare token_secret, and \
                 the address that the application signs",
            ),
            Self::InactiveKey { key, validity } => {
                write!(f, "it was signed with key {key}, which is valid ")?;
                valid(f, validity)?;
                f.write_str(" only")
            }
            Self::MixedKeys { secret_of, seed_of } => write!(
                f,
                "it has the token_secret of key {secret_of} and the otp_seed of key {seed_of}: \
                 the application must take both from one key"
            ),
            Self::Undated { key, claimed: None } => write!(
                f,
                "its signature is right, key {key}, but it is undated: its nonce must begin with \
                 the time of its one-time password, as 12 digits of Unix seconds"
            ),
            Self::Undated { key, claimed: Some(date) } => write!(
                f,
                "its signature is right, key {key}, but it is undated: its nonce begins with {}, \
                 and its one-time password is not that of this time: read the clock once for \
                 both, and compare otp_seed",
                moment(*date)
            ),
            Self::Clock { key, seconds, dated } => {
                let amount = duration(*seconds);
                write!(f, "its signature is right, key {key}, but it was made ")?;
                match (*seconds < 0, dated) {
                    (true, true) => write!(f, "{amount} ago by the minter's clock")?,
                    (true, false) => write!(f, "about {amount} ago, or by a clock {amount} slow")?,
                    (false, true) => write!(f, "by a clock at least {amount} ahead of this one")?,
                    (false, false) => write!(f, "by a clock about {amount} ahead of this one")?,
                }
                f.write_str(": make a token for every login, and let NTP set both clocks")
            }
            Self::UnknownOtp { key, claimed: None } => write!(
                f,
                "its signature is right, key {key}, but its one-time password is not that of any \
                 time within a day: compare otp_seed, or it is older than that"
            ),
            Self::UnknownOtp { key, claimed: Some(date) } => write!(
                f,
                "its signature is right, key {key}, but its one-time password is neither that of \
                 {}, with which its nonce begins, nor that of any time within a day: compare \
                 otp_seed",
                moment(*date)
            ),
        }
    }
}

/// As text in quotes, short, with everything escaped that could upset a terminal or a log.
fn quoted(address: &[u8]) -> String {
    const SHOWN: usize = 100;
    let text = String::from_utf8_lossy(address);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("{shown:?}")
}

fn advice(signed: &[u8], expected: &[u8]) -> &'static str {
    let host = |address: &[u8]| address.split(|byte| *byte == b'@').nth(1).map(<[u8]>::to_vec);
    let is_prepared = !expected.iter().any(|byte| byte.is_ascii_uppercase() || *byte == b'/');
    if !is_prepared {
        ": ask about the address as the server has it, in lower case and without a resource"
    } else if signed.trim_ascii() == expected {
        ": strip the white space before signing"
    } else if signed.eq_ignore_ascii_case(expected) {
        ": the application must sign it in lower case"
    } else if signed.strip_prefix(expected).is_some_and(|rest| rest.starts_with(b"/")) {
        ": the application must sign it without the resource"
    } else if host(signed).is_some() && host(signed) != host(expected) {
        ": the application must sign the address on this host"
    } else {
        ": the application must sign exactly this"
    }
}

/// An offset within the window, as "1 step of 30 s".
fn steps(offset: i64) -> String {
    let steps = offset.unsigned_abs();
    let plural = if steps == 1 { "" } else { "s" };
    format!("{steps} step{plural} of {OTP_INTERVAL} s")
}

/// As "1m 35s", whatever the sign.
fn duration(seconds: i64) -> String {
    format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string()
}

fn valid(f: &mut fmt::Formatter<'_>, validity: &RangeInclusive<u64>) -> fmt::Result {
    let (first, last) = (moment(*validity.start()), moment(*validity.end()));
    match (*validity.start(), *validity.end()) {
        (0, _) => write!(f, "until {last}"),
        (_, u64::MAX) => write!(f, "from {first}"),
        _ => write!(f, "from {first} to {last}"),
    }
}

/// UTC, as in RFC 3339, which has no years of five digits.
fn moment(unix_time: u64) -> String {
    const YEAR_10000: u64 = 253_402_300_800;
    if unix_time >= YEAR_10000 {
        return format!("Unix time {unix_time}");
    }
    format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(unix_time)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validity_is_told_in_dates() {
        let told = |validity| Finding::InactiveKey { key: "k".to_owned(), validity }.to_string();
        assert!(told(0..=1_700_000_000).contains("valid until 2023-11-14T22:13:20Z only"));
        assert!(told(1_700_000_000..=u64::MAX).contains("valid from 2023-11-14T22:13:20Z only"));
        let both = told(0x7fff_ffff..=253_402_300_799);
        assert!(both.contains("from 2038-01-19T03:14:07Z to 9999-12-31T23:59:59Z"), "{both}");
        assert!(told(0..=253_402_300_800).contains("until Unix time 253402300800"));
    }

    #[test]
    fn what_is_quoted_is_short() {
        assert_eq!(quoted(b"a@b\x1b"), r#""a@b\u{1b}""#);
        assert!(quoted(&[0; 10_000]).len() < 600);
        assert!(quoted("\u{202e}".repeat(101).as_bytes()).ends_with("…\""));
    }
}
