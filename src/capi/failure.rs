//! What makes a call fail, as a status.

use super::status::*;
use crate::Rejection;
use crate::config::ConfigError;
use crate::key::KeyError;
use crate::mint::MintError;

/// A status other than [`XTOKEN_OK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure(pub(super) xtoken_status);

impl Failure {
    pub(super) const NULL: Self = Self(XTOKEN_NULL_ARGUMENT);
    pub(super) const TOO_SMALL: Self = Self(XTOKEN_BUFFER_TOO_SMALL);
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self(match rejection {
            Rejection::Malformed => XTOKEN_MALFORMED,
            Rejection::BadSignature => XTOKEN_BAD_SIGNATURE,
            Rejection::Expired => XTOKEN_EXPIRED,
            Rejection::Replayed => XTOKEN_REPLAYED,
            Rejection::Unavailable => XTOKEN_UNAVAILABLE,
            Rejection::Undated => XTOKEN_UNDATED,
        })
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self(match error {
            KeyError::InvalidSeed => XTOKEN_INVALID_SEED,
            KeyError::ShortSeed => XTOKEN_SHORT_SEED,
            KeyError::EmptySecret => XTOKEN_EMPTY_SECRET,
            KeyError::InvalidId => XTOKEN_INVALID_KEY_ID,
            KeyError::NeverValid => XTOKEN_INVALID_VALIDITY,
        })
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self(match error {
            ConfigError::NoKey => XTOKEN_NO_KEY,
            ConfigError::DuplicateKeyId => XTOKEN_DUPLICATE_KEY_ID,
            ConfigError::NonceLength => XTOKEN_INVALID_NONCE_LENGTH,
            ConfigError::NoncePolicy => XTOKEN_INVALID_NONCE_POLICY,
            ConfigError::ShortNonce => XTOKEN_SHORT_NONCE,
            ConfigError::Deviation => XTOKEN_INVALID_DEVIATION,
            ConfigError::Ledger | ConfigError::LedgerUrl(_) => XTOKEN_INVALID_LEDGER,
        })
    }
}

impl From<MintError> for Failure {
    fn from(error: MintError) -> Self {
        Self(match error {
            MintError::InvalidJid(_) => XTOKEN_INVALID_JID,
            MintError::InvalidTime => XTOKEN_INVALID_TIME,
            MintError::InvalidNonce => XTOKEN_INVALID_NONCE,
            MintError::NoRandom => XTOKEN_NO_RANDOM,
        })
    }
}
