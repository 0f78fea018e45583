//! What can be set beside the keys, and what is said about a value that cannot be used.

use std::fmt;

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
    /// The deviation is not in 0 to [`MAX_DEVIATION`].
    Deviation,
    /// No ledger goes by this URL.
    Ledger,
}

/// What is done with a token whose nonce has another length than the one that was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoncePolicy {
    /// It is refused.
    #[default]
    Exact,
    /// It is accepted, and its length reported. For a migration only: while this lasts, a token of
    /// `7alice` is one of `alice` with one more digit, and a token of `alice` whose nonce ends with
    /// 7 is one of `7alice` with one digit less. Whoever has an account can log in to any other
    /// whose name differs by leading digits.
    Report,
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
