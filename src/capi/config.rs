//! `xtoken_config`: what verifiers and minters are made from.

use std::ffi::c_char;
use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::bytes::{bytes, chars};
use super::failure::Failure;
use super::status::xtoken_status;
use crate::config::{ConfigError, NoncePolicy, check_deviation, check_nonce_length};
use crate::key::{Key, KeyError};
use crate::ledger;
use crate::token::DEFAULT_NONCE_LENGTH;
use crate::totp::OTP_DEVIATION;

/// Which nonces a verifier accepts: one of the constants below.
///
/// A dated nonce has 24 digits or more, and begins with 12 digits of the Unix time in seconds at
/// which the token was minted. A token is dated if its one-time password is that of the same time.
/// Whatever the policy, a dated token is accepted only in its own time window.
pub type xtoken_nonce_policy = i32;

/// Nonces of the configured length, dated or not.
pub const XTOKEN_NONCE_EXACT: xtoken_nonce_policy = 0;
/// Dated nonces of the configured length. Undated ones are `XTOKEN_UNDATED`.
pub const XTOKEN_NONCE_DATED: xtoken_nonce_policy = 1;
/// Nonces of any length, for a migration only: it lets a user log in to every account whose name
/// differs from theirs by leading digits. A token of 7alice is also one of alice.
pub const XTOKEN_NONCE_REPORT: xtoken_nonce_policy = 2;

/// Keys and options, from which verifiers and minters are made.
///
/// Verifiers and minters copy what they need. So one config may serve several of them, be changed
/// in between, and be freed as soon as they are made.
pub struct xtoken_config {
    keys: Vec<Parts>,
    pub(super) nonce_length: usize,
    pub(super) nonce_policy: NoncePolicy,
    pub(super) deviation: u64,
    /// Wiped, since it may hold a password.
    pub(super) ledger: Zeroizing<Vec<u8>>,
}

/// The values of a key. Each verifier and minter makes a `Key` of them, because a `Key` cannot be
/// copied.
struct Parts {
    id: String,
    otp_seed: Zeroizing<Vec<u8>>,
    token_secret: Zeroizing<Vec<u8>>,
    validity: RangeInclusive<u64>,
}

impl Parts {
    fn key(&self) -> Result<Key, KeyError> {
        Key::new(&self.otp_seed, &self.token_secret)?
            .with_id(&self.id)?
            .with_validity(self.validity.clone())
    }
}

impl xtoken_config {
    pub(super) fn keys(&self) -> impl Iterator<Item = Result<Key, Failure>> {
        self.keys.iter().map(|parts| Ok(parts.key()?))
    }

    fn add_key(&mut self, parts: Parts) -> Result<(), Failure> {
        parts.key()?;
        if self.keys.iter().any(|key| key.id == parts.id) {
            return Err(ConfigError::DuplicateKeyId.into());
        }
        self.keys.push(parts);
        Ok(())
    }
}

/// Makes a config without keys, with nonces of 32 digits, the policy `XTOKEN_NONCE_EXACT`, a
/// deviation of 1 step and the ledger "memory:". Free it with `xtoken_config_free`.
///
/// Returns NULL only if the library caught a mistake of its own.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_new() -> Option<Box<xtoken_config>> {
    guarded!(or None; {
        Some(Box::new(xtoken_config {
            keys: Vec::new(),
            nonce_length: DEFAULT_NONCE_LENGTH,
            nonce_policy: NoncePolicy::Exact,
            deviation: OTP_DEVIATION,
            ledger: Zeroizing::new(b"memory:".into()),
        }))
    })
}

/// Adds a key, which the web application and the server share. Copies both values.
///
/// `otp_seed` is base32 (RFC 4648), in upper or lower case, padding optional, of 80 bits or more;
/// 160 bits are recommended. `token_secret` is any bytes, at least one, used as they are, not
/// decoded.
///
/// A verifier accepts the tokens of every key, so that old and new ones work during a change of
/// keys. A minter uses the first key. The key is valid at all times. Its id is its position among
/// the keys, from "1".
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_SEED`,
/// `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET`, or `XTOKEN_DUPLICATE_KEY_ID` if a named key has that
/// id.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_config_add_key(
    config: Option<&mut xtoken_config>,
    otp_seed: *const c_char,
    otp_seed_len: usize,
    token_secret: *const u8,
    token_secret_len: usize,
) -> xtoken_status {
    guarded!([config] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let otp_seed = unsafe { chars(otp_seed, otp_seed_len) }?;
        // SAFETY: as above.
        let token_secret = unsafe { bytes(token_secret, token_secret_len) }?;
        config.add_key(Parts {
            id: (config.keys.len() + 1).to_string(),
            otp_seed: Zeroizing::new(otp_seed.into()),
            token_secret: Zeroizing::new(token_secret.into()),
            validity: 0..=u64::MAX,
        })
    })
}

/// Adds a key as `xtoken_config_add_key` does, with an id and a validity, for keys that overlap
/// during a change.
///
/// `id` names the key in texts and results: 1 to 64 printable ASCII characters without spaces,
/// unique in the config, not a secret.
///
/// A verifier accepts tokens of this key only from `not_before` to `not_after`: Unix times in
/// seconds, both included. 0 and `UINT64_MAX` set no limit. A minter ignores them.
///
/// Returns what `xtoken_config_add_key` returns, `XTOKEN_INVALID_KEY_ID`, or
/// `XTOKEN_INVALID_VALIDITY` if `not_before` is after `not_after`.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_config_add_named_key(
    config: Option<&mut xtoken_config>,
    id: *const c_char,
    id_len: usize,
    otp_seed: *const c_char,
    otp_seed_len: usize,
    token_secret: *const u8,
    token_secret_len: usize,
    not_before: u64,
    not_after: u64,
) -> xtoken_status {
    guarded!([config] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let id = unsafe { chars(id, id_len) }?;
        // SAFETY: as above.
        let otp_seed = unsafe { chars(otp_seed, otp_seed_len) }?;
        // SAFETY: as above.
        let token_secret = unsafe { bytes(token_secret, token_secret_len) }?;
        config.add_key(Parts {
            id: std::str::from_utf8(id).map_err(|_| KeyError::InvalidId)?.to_owned(),
            otp_seed: Zeroizing::new(otp_seed.into()),
            token_secret: Zeroizing::new(token_secret.into()),
            validity: not_before..=not_after,
        })
    })
}

/// Sets the number of digits of a nonce: 1 to 970, by default 32. Minter and verifier must agree.
/// The minters of the Lua implementation use 32. Minters date nonces of 24 digits or more.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_LENGTH`, or
/// `XTOKEN_SHORT_NONCE` for fewer than 24 digits with the policy `XTOKEN_NONCE_DATED`.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_nonce_length(
    config: Option<&mut xtoken_config>,
    digits: u32,
) -> xtoken_status {
    guarded!([config] {
        let digits = usize::try_from(digits).map_err(|_| ConfigError::NonceLength)?;
        config.nonce_policy.check(check_nonce_length(digits)?)?;
        config.nonce_length = digits;
        Ok(())
    })
}

/// Sets which nonces a verifier accepts, by default `XTOKEN_NONCE_EXACT`. A minter ignores it.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_POLICY` for a number that is
/// no policy, or `XTOKEN_SHORT_NONCE` for `XTOKEN_NONCE_DATED` with nonces of fewer than 24 digits.
///
/// Since 0.2.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_nonce_policy(
    config: Option<&mut xtoken_config>,
    policy: xtoken_nonce_policy,
) -> xtoken_status {
    guarded!([config] {
        let policy = match policy {
            XTOKEN_NONCE_EXACT => NoncePolicy::Exact,
            XTOKEN_NONCE_DATED => NoncePolicy::Dated,
            XTOKEN_NONCE_REPORT => NoncePolicy::Report,
            _ => return Err(ConfigError::NoncePolicy.into()),
        };
        config.nonce_policy = policy.check(config.nonce_length)?;
        Ok(())
    })
}

/// Sets how many steps of 30 seconds the clocks of minter and verifier may be apart: 0 to 10, by
/// default 1. A minter ignores it.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_DEVIATION`.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_deviation(
    config: Option<&mut xtoken_config>,
    steps: u32,
) -> xtoken_status {
    guarded!([config] {
        config.deviation = check_deviation(steps.into())?;
        Ok(())
    })
}

/// Sets the ledger, which remembers the spent tokens. Copies the URL. A minter ignores it.
///
/// - "memory:", the default: in the memory of each verifier. It is lost when the verifier is freed.
/// - "sqlite:PATH": in a file that the processes of this machine share. Verifying may wait up to
///   250 ms for another process. A relative PATH counts from the working directory at this call; a
///   later chdir changes nothing. PATH is no SQLite URI: "sqlite::memory:" and "sqlite:file:..."
///   are refused. To name a file that begins with ":" or "file:", write "./" before it.
/// - "redis://[user][:password@]host[:port][/database]", "rediss://..." with TLS, or
///   "redis+unix:///path": in a Redis or Valkey server that machines share. Verifying waits for the
///   server for 2 seconds at most. After the server was started or emptied, tokens are
///   `XTOKEN_UNAVAILABLE` for 60 to 90 seconds, because it may have forgotten some.
///
/// The URL of a server may end with "?" and parameters, with "&" in between. Percent-encode a
/// character in a password or a parameter that has a meaning in a URL.
///
/// - timeout=MILLISECONDS: the limit, 10 to 60000.
/// - prefix=TEXT: begins the names of all keys, "xtoken:" if left out.
/// - password_file=/PATH: a file with the password, in place of one in the URL. One line break at
///   its end does not count.
/// - ca_file=/PATH, for "rediss:": certificates in PEM of the CAs that may have signed the one of
///   the server.
/// - cert_file=/PATH and key_file=/PATH, for "rediss:": certificate and key in PEM, for a server
///   that asks for one.
///
/// These files are read at each connection. Others must not have permission to write them.
///
/// A library can be built without the ledgers "sqlite:" and "redis:".
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_INVALID_LEDGER`,
/// about which `xtoken_ledger_url_message` says more.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_config_set_ledger(
    config: Option<&mut xtoken_config>,
    url: *const c_char,
    url_len: usize,
) -> xtoken_status {
    guarded!([config] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let url = unsafe { chars(url, url_len) }?;
        // Only for the error, which belongs to this call.
        ledger::open(url)?;
        config.ledger = ledger::absolute(url);
        Ok(())
    })
}

/// Frees a config and wipes its keys. NULL is ignored.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_config_free(config: Option<Box<xtoken_config>>) {
    guarded!(or (); { drop(config) })
}
