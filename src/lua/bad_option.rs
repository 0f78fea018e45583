//! [`BadOption`]: an option that cannot be used.

use mlua::{AnyUserData, IntoLuaMulti, Lua, MultiValue, Result, Value};

use crate::config::ConfigError;
use crate::key::KeyError;

/// An option that cannot be used: what to do about it, and its name.
pub(super) struct BadOption {
    pub(super) message: String,
    pub(super) option: Option<&'static str>,
    /// In which of `keys` it is, counted from 1.
    pub(super) key: Option<usize>,
}

impl BadOption {
    pub(super) fn new(option: impl Into<Option<&'static str>>, message: impl Into<String>) -> Self {
        Self { message: message.into(), option: option.into(), key: None }
    }
}

/// Returns the object to Lua, or nil, message, option [, which of `keys`].
pub(super) fn or_message<T>(
    lua: &Lua,
    result: std::result::Result<T, BadOption>,
    wrap: impl FnOnce(T) -> Result<AnyUserData>,
) -> Result<MultiValue> {
    #[cfg(planted_panics)]
    crate::planted::panic();
    match result {
        Ok(object) => wrap(object)?.into_lua_multi(lua),
        Err(bad) => (Value::Nil, bad.message, bad.option, bad.key).into_lua_multi(lua),
    }
}

impl From<KeyError> for BadOption {
    fn from(error: KeyError) -> Self {
        let option = match error {
            KeyError::InvalidSeed | KeyError::ShortSeed => "otp_seed",
            KeyError::EmptySecret => "token_secret",
            KeyError::InvalidId => "id",
            KeyError::NeverValid => "not_after",
        };
        Self::new(option, error.to_string())
    }
}

impl From<ConfigError> for BadOption {
    fn from(error: ConfigError) -> Self {
        let option = match error {
            ConfigError::NoKey | ConfigError::DuplicateKeyId => "keys",
            ConfigError::NonceLength | ConfigError::ShortNonce => "nonce_length",
            ConfigError::NoncePolicy => "nonce_policy",
            ConfigError::Deviation => "deviation",
            ConfigError::Ledger | ConfigError::LedgerUrl(_) => "ledger",
        };
        Self::new(option, error.to_string())
    }
}
