//! What can be set beside the keys: the checks of each option, and why a value is refused.

mod ledger_url_error;

use std::fmt;

pub use ledger_url_error::LedgerUrlError;

use crate::nonce::MIN_DATED_LENGTH;
use crate::token::MAX_NONCE_LENGTH;
use crate::totp::MAX_DEVIATION;

/// Why an option cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no key, so nothing could ever be accepted.
    NoKey,
    /// Two keys have the same id.
    DuplicateKeyId,
    /// The length of the nonce is not in 1 to [`MAX_NONCE_LENGTH`].
    NonceLength,
    /// No nonce policy has this name.
    NoncePolicy,
    /// [`NoncePolicy::Dated`] needs nonces of at least [`MIN_DATED_LENGTH`] digits, because shorter
    /// ones have no date.
    ShortNonce,
    /// The deviation is not in 0 to [`MAX_DEVIATION`].
    Deviation,
    /// No ledger has this URL.
    Ledger,
    /// The URL of a ledger in a server has a mistake.
    LedgerUrl(LedgerUrlError),
}

/// Which nonces are accepted. Under each policy a dated token outside its window is expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoncePolicy {
    /// Accepts nonces of the configured length, dated or not.
    #[default]
    Exact,
    /// Accepts dated nonces of the configured length.
    Dated,
    /// Accepts nonces of any length, and reports the length. Use it for a migration only: under
    /// this policy every user can log in as any other whose name differs by leading digits. A token
    /// of `7alice` is also one of `alice` with one more digit, and a token of `alice` whose nonce
    /// ends with 7 is also one of `7alice` with one digit less.
    Report,
}

impl NoncePolicy {
    /// Every policy with its name.
    pub const NAMES: [(&str, Self); 3] =
        [("exact", Self::Exact), ("dated", Self::Dated), ("report", Self::Report)];

    /// Returns the policy of this name.
    pub fn named(name: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let has_name = |(known, _): &&(&str, Self)| known.as_bytes() == name.as_ref();
        Self::NAMES.iter().find(has_name).map(|named| named.1).ok_or(ConfigError::NoncePolicy)
    }

    /// Checks that nonces of this many digits can satisfy the policy.
    pub(crate) fn check(self, nonce_length: usize) -> Result<Self, ConfigError> {
        if self == Self::Dated && nonce_length < MIN_DATED_LENGTH {
            return Err(ConfigError::ShortNonce);
        }
        Ok(self)
    }
}

/// Checks the number of digits of a nonce.
pub(crate) fn check_nonce_length(digits: usize) -> Result<usize, ConfigError> {
    if (1..=MAX_NONCE_LENGTH).contains(&digits) {
        Ok(digits)
    } else {
        Err(ConfigError::NonceLength)
    }
}

/// Checks how many steps the clocks may be apart.
pub(crate) fn check_deviation(steps: u64) -> Result<u64, ConfigError> {
    if steps <= MAX_DEVIATION { Ok(steps) } else { Err(ConfigError::Deviation) }
}

impl ConfigError {
    /// Returns what is wrong, and what to do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::NoKey => "no key: give an otp_seed and a token_secret",
            Self::DuplicateKeyId => "two keys have the same id: give each an id of its own",
            Self::NonceLength => "nonce_length is out of range: use 1 to 970 digits",
            Self::NoncePolicy => "no such nonce_policy: use \"exact\", \"dated\" or \"report\"",
            Self::ShortNonce => "nonce_policy \"dated\" needs a nonce_length of 24 digits or more",
            Self::Deviation => "deviation is out of range: use 0 to 10 steps of 30 s",
            Self::Ledger => {
                "no such ledger in this build: use \"memory:\", \"sqlite:PATH\" (no SQLite URI), \
                 \"redis://HOST\", with TLS \"rediss://HOST\", or \"redis+unix:///PATH\""
            }
            Self::LedgerUrl(error) => error.message(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ConfigError {}

impl From<LedgerUrlError> for ConfigError {
    fn from(error: LedgerUrlError) -> Self {
        Self::LedgerUrl(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_limits() {
        for (error, limit) in [
            (ConfigError::NonceLength, MAX_NONCE_LENGTH as u64),
            (ConfigError::ShortNonce, MIN_DATED_LENGTH as u64),
            (ConfigError::Deviation, MAX_DEVIATION),
        ] {
            assert!(error.message().contains(&format!(" {limit} ")), "{error}");
        }
    }

    #[test]
    fn both_errors_about_a_url_have_the_same_message() {
        let error = LedgerUrlError::Timeout;
        assert!(error.to_string().contains("use 10 to 60000 milliseconds"), "{error}");
        assert_eq!(ConfigError::from(error).to_string(), error.to_string());
    }
}
