//! What can be set beside the keys, and what is said about a value that cannot be used.

use std::fmt;

use crate::nonce::MIN_DATED_LENGTH;
use crate::token::MAX_NONCE_LENGTH;
use crate::totp::MAX_DEVIATION;

/// Why a setting cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// No key at all: nothing could ever be accepted.
    NoKey,
    /// Two keys go by the same id.
    DuplicateKeyId,
    /// The length of the nonce is not in 1 to [`MAX_NONCE_LENGTH`].
    NonceLength,
    /// No nonce policy has this name.
    NoncePolicy,
    /// [`NoncePolicy::Dated`] needs nonces of at least [`MIN_DATED_LENGTH`] digits: shorter ones
    /// have no date.
    ShortNonce,
    /// The deviation is not in 0 to [`MAX_DEVIATION`].
    Deviation,
    /// No ledger goes by this URL.
    Ledger,
}

/// Which nonces are accepted. A dated token outside its window is expired under each policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoncePolicy {
    /// Those of the length that was set, dated or not.
    #[default]
    Exact,
    /// Dated ones of the length that was set.
    Dated,
    /// Those of any length, which is reported. For a migration only: while this lasts, a token of
    /// `7alice` is one of `alice` with one more digit, and a token of `alice` whose nonce ends with
    /// 7 is one of `7alice` with one digit less. Whoever has an account can log in to any other
    /// whose name differs by leading digits.
    Report,
}

impl NoncePolicy {
    /// The name of each.
    pub const NAMES: [(&str, Self); 3] =
        [("exact", Self::Exact), ("dated", Self::Dated), ("report", Self::Report)];

    /// Returns the policy of this name.
    pub fn named(name: impl AsRef<[u8]>) -> Result<Self, SettingError> {
        let is_it = |(known, _): &&(&str, Self)| known.as_bytes() == name.as_ref();
        Self::NAMES.iter().find(is_it).map(|named| named.1).ok_or(SettingError::NoncePolicy)
    }

    /// Checks that nonces of this many digits can satisfy the policy.
    pub(crate) fn check(self, nonce_length: usize) -> Result<Self, SettingError> {
        if self == Self::Dated && nonce_length < MIN_DATED_LENGTH {
            return Err(SettingError::ShortNonce);
        }
        Ok(self)
    }
}

pub(crate) fn check_nonce_length(digits: usize) -> Result<usize, SettingError> {
    if (1..=MAX_NONCE_LENGTH).contains(&digits) {
        Ok(digits)
    } else {
        Err(SettingError::NonceLength)
    }
}

pub(crate) fn check_deviation(steps: u64) -> Result<u64, SettingError> {
    if steps <= MAX_DEVIATION { Ok(steps) } else { Err(SettingError::Deviation) }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("no key: give an otp_seed and a token_secret"),
            Self::DuplicateKeyId => {
                f.write_str("two keys have the same id: give each an id of its own")
            }
            Self::NonceLength => {
                write!(f, "nonce_length is out of range: use 1 to {MAX_NONCE_LENGTH} digits")
            }
            Self::NoncePolicy => {
                f.write_str("no such nonce_policy: use \"exact\", \"dated\" or \"report\"")
            }
            Self::ShortNonce => write!(
                f,
                "nonce_policy \"dated\" needs a nonce_length of {MIN_DATED_LENGTH} digits or more"
            ),
            Self::Deviation => {
                write!(f, "deviation is out of range: use 0 to {MAX_DEVIATION} steps of 30 s")
            }
            Self::Ledger => f.write_str(
                "no such ledger in this build: use \"memory:\", \"sqlite:PATH\" or \"redis://HOST\"",
            ),
        }
    }
}

impl std::error::Error for SettingError {}
