//! [`Finding`]: one thing that is wrong with a token, or that it is accepted, in words.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, UNIX_EPOCH};

use humantime::format_rfc3339_seconds;

use super::duration;
use super::flaw::Flaw;
use super::jids::with_unicode_host;
use super::mistake::{Mistake, is_time_zone};
use crate::jid::JidError;
use crate::totp::OTP_INTERVAL;

/// One thing that can be said of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// It would be accepted.
    Accepted {
        /// The id of the key that made it.
        key: String,
        /// Its step less the current step.
        step_offset: i64,
        /// Its date less the current time, in seconds; `None` if it is undated.
        clock_skew: Option<i64>,
    },
    /// It was accepted before.
    Replayed,
    /// The ledger cannot tell whether it was accepted before.
    Unavailable {
        /// What kept the ledger from answering.
        error: Option<String>,
        /// The Unix time (seconds) from which on new tokens are accepted, if that is known.
        opens_at: Option<u64>,
        /// The same if the ledger must begin anew, because it was lost or replaced, and a login
        /// finds that out now.
        opens_anew_at: u64,
    },
    /// It is not a token at all.
    Malformed(Flaw),
    /// Its nonce has another length than the configured one.
    NonceLength {
        /// The number of digits it has.
        found: usize,
        /// The number of digits that is configured.
        expected: usize,
    },
    /// The JID that it is presented for is longer than a JID can be.
    LongJid,
    /// No user of a server has the JID that it is presented for.
    InvalidJid(JidError),
    /// The minter did something in another way than the protocol asks.
    Mistake {
        /// The id of the key that made the token.
        key: String,
        /// What it did.
        mistake: Mistake,
    },
    /// It was signed for another JID.
    OtherJid {
        /// What was signed.
        signed: Vec<u8>,
        /// What it is presented for.
        expected: Vec<u8>,
    },
    /// No known key signed it for any JID that was tried.
    BadSignature {
        /// The id of a key whose OTP it has.
        otp_of: Option<String>,
    },
    /// The key that signed it is not valid now.
    InactiveKey {
        /// The id of the key.
        key: String,
        /// When the key is valid, in Unix seconds.
        validity: RangeInclusive<u64>,
    },
    /// It was signed with the secret of one key, and has an OTP of the seed of another.
    MixedKeys {
        /// The id of the key with the secret.
        secret_of: String,
        /// The id of the key with the seed.
        seed_of: String,
    },
    /// It is undated, and only dated tokens are accepted.
    Undated {
        /// The id of the key that signed it.
        key: String,
        /// The Unix time with which its nonce begins, if that is likely to be meant as its date.
        claimed: Option<u64>,
    },
    /// It was made at another time: at its date, or within a day, in the step that has its OTP.
    Clock {
        /// The id of the key that made it.
        key: String,
        /// That time less the current time, in seconds. Exact to a step if the token is undated.
        seconds: i64,
        /// Whether it is dated.
        dated: bool,
    },
    /// It is undated, and its OTP is not that of any step within a day.
    UnknownOtp {
        /// The id of the key that signed it.
        key: String,
        /// The Unix time with which its nonce begins, if that is likely to be meant as its date.
        claimed: Option<u64>,
    },
}

impl Finding {
    /// Returns the stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Replayed => "replayed",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed(_) => "malformed",
            Self::NonceLength { .. } => "nonce-length",
            Self::LongJid => "long-jid",
            Self::InvalidJid(_) => "invalid-jid",
            Self::Mistake { mistake, .. } => mistake.name(),
            Self::OtherJid { .. } => "other-jid",
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
            Self::Accepted { key, step_offset, clock_skew } => {
                write!(f, "it would be accepted: key {key}")?;
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
            Self::Replayed => f.write_str("it was accepted before: mint a token for every login"),
            Self::Unavailable { error: Some(error), .. } => {
                write!(f, "the ledger of spent tokens gave no answer: {error}")
            }
            Self::Unavailable { opens_at: Some(opens_at), .. } => write!(
                f,
                "the ledger cannot know whether it was spent: it accepts tokens that are minted \
                 from {} on; mint one then",
                moment(*opens_at)
            ),
            Self::Unavailable { opens_anew_at, .. } => write!(
                f,
                "the ledger cannot know whether it was spent: mint a fresh token; if that is \
                 refused, too, the ledger was lost or replaced: log in now, so that it begins \
                 anew, and it accepts tokens that are minted from {} on",
                moment(*opens_anew_at)
            ),
            Self::Malformed(flaw) => write!(f, "this is not a token: {flaw}"),
            Self::NonceLength { found, expected } => write!(
                f,
                "its nonce has {found} digits, but {expected} are configured: the web application \
                 must make {expected}, or, if all its tokens have {found}, the server must expect \
                 {found}; if it is the only one, it may be an altered token of another account"
            ),
            Self::LongJid => write!(f, "{}", Self::InvalidJid(JidError::TooLong)),
            Self::InvalidJid(error) => {
                write!(f, "no user of a server has this JID: {error}")
            }
            Self::Mistake { key, mistake } => write!(f, "{mistake} (key {key})"),
            Self::OtherJid { signed, expected } => write!(
                f,
                "it was signed for {}, not for {}{}",
                quoted(signed),
                quoted(expected),
                advice(signed, expected)
            ),
            Self::BadSignature { otp_of: Some(key) } => write!(
                f,
                "no key has signed it for this JID or one like it; its OTP is that of key {key}, \
                 so otp_seed and clock are right: compare token_secret, and the JID that the web \
                 application signs"
            ),
            Self::BadSignature { otp_of: None } => f.write_str(
                "no key has signed it for this JID or one like it: compare token_secret, and the \
                 JID that the web application signs",
            ),
            Self::InactiveKey { key, validity } => {
                write!(f, "it was signed with key {key}, which is valid only ")?;
                valid(f, validity)?;
                f.write_str(": let the web application use a key that is valid now")
            }
            Self::MixedKeys { secret_of, seed_of } => write!(
                f,
                "it has the token_secret of key {secret_of} and the otp_seed of key {seed_of}: \
                 the web application must take both from one key"
            ),
            Self::Undated { key, claimed: None } => write!(
                f,
                "its signature is right, key {key}, but it is undated: its nonce must begin with \
                 the time of its OTP, as 12 digits of Unix seconds"
            ),
            Self::Undated { key, claimed: Some(date) } => write!(
                f,
                "its signature is right, key {key}, but it is undated: its nonce begins with {}, \
                 and its OTP is not that of this time: read the clock once for both, and compare \
                 otp_seed",
                moment(*date)
            ),
            Self::Clock { key, seconds, dated } => {
                let amount = duration(*seconds);
                write!(f, "its signature is right, key {key}, but it was made ")?;
                match (seconds.is_negative(), dated) {
                    (true, true) => write!(f, "{amount} ago by the minter's clock")?,
                    (true, false) => write!(f, "about {amount} ago, or by a clock {amount} slow")?,
                    (false, true) => write!(f, "by a clock at least {amount} ahead of this one")?,
                    (false, false) => write!(f, "by a clock about {amount} ahead of this one")?,
                }
                f.write_str(if is_time_zone(*seconds) {
                    ": this is a time zone, so use Unix time and not the local time; or the token \
                     is old"
                } else {
                    ": mint a token for every login, and let NTP set both clocks"
                })
            }
            Self::UnknownOtp { key, claimed: None } => write!(
                f,
                "its signature is right, key {key}, but its OTP is not that of any time within a \
                 day: compare otp_seed, or it is older than that"
            ),
            Self::UnknownOtp { key, claimed: Some(date) } => write!(
                f,
                "its signature is right, key {key}, but its OTP is neither that of {}, with which \
                 its nonce begins, nor that of any time within a day: compare otp_seed",
                moment(*date)
            ),
        }
    }
}

/// Returns the beginning of a JID in quotes, with everything escaped that could upset a terminal or
/// a log.
fn quoted(jid: &[u8]) -> String {
    const SHOWN: usize = 100;
    let text = String::from_utf8_lossy(jid);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Returns what to do about a JID that was signed in place of the expected one.
fn advice(signed: &[u8], expected: &[u8]) -> &'static str {
    let host = |jid: &[u8]| jid.split(|byte| *byte == b'@').nth(1).map(<[u8]>::to_vec);
    let in_unicode = with_unicode_host(signed);
    if signed.trim_ascii() == expected {
        ": strip the white space before signing"
    } else if signed.eq_ignore_ascii_case(expected) {
        ": the web application must sign it in lower case"
    } else if signed.strip_prefix(expected).is_some_and(|rest| rest.starts_with(b"/")) {
        ": the web application must sign it without the resource"
    } else if in_unicode.is_some_and(|jid| jid.as_bytes() == expected) {
        ": the web application must write the host in Unicode before signing"
    } else if host(signed).is_some() && host(signed) != host(expected) {
        ": the web application must sign the JID on this host"
    } else {
        ": the web application must sign exactly the second of these"
    }
}

/// Returns an offset within the window as "1 step of 30 s".
fn steps(offset: i64) -> String {
    let steps = offset.unsigned_abs();
    let plural = if steps == 1 { "" } else { "s" };
    format!("{steps} step{plural} of {OTP_INTERVAL} s")
}

/// Writes when a key is valid.
fn valid(f: &mut fmt::Formatter<'_>, validity: &RangeInclusive<u64>) -> fmt::Result {
    let (first, last) = (moment(*validity.start()), moment(*validity.end()));
    match (*validity.start(), *validity.end()) {
        (0, _) => write!(f, "until {last}"),
        (_, u64::MAX) => write!(f, "from {first}"),
        _ => write!(f, "from {first} to {last}"),
    }
}

/// Returns a Unix time as UTC in the format of RFC 3339, which has no years of five digits.
pub fn moment(unix_time: u64) -> String {
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
        assert!(told(0..=1_700_000_000).contains("valid only until 2023-11-14T22:13:20Z"));
        assert!(told(1_700_000_000..=u64::MAX).contains("valid only from 2023-11-14T22:13:20Z: "));
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
