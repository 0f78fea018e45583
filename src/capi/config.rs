//! `xtoken_config`: what verifiers and minters are made from.

use std::ffi::c_char;
use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::bytes::{bytes, chars};
use super::status::{Failure, xtoken_status};
use crate::key::{Key, KeyError};
use crate::ledger;
use crate::setting::{NoncePolicy, SettingError, check_deviation, check_nonce_length};
use crate::token::DEFAULT_NONCE_LENGTH;
use crate::totp::OTP_DEVIATION;

/// Which nonces a verifier accepts: one of the constants `XTOKEN_NONCE_*`.
///
/// A dated nonce has 24 digits or more. The first 12 are the Unix time in seconds at which the
/// token was made. A token is dated if its one-time password is that of the same time. A dated
/// token is accepted in its own window only, under each policy.
pub type xtoken_nonce_policy = i32;

/// Those of the length that is set, dated or not.
pub const XTOKEN_NONCE_EXACT: xtoken_nonce_policy = 0;
/// Dated ones of the length that is set; others are `XTOKEN_UNDATED`.
pub const XTOKEN_NONCE_DATED: xtoken_nonce_policy = 1;
/// Those of any length, for a migration only. Until another policy is set, a user can log in to
/// every account whose name differs by leading digits: a token of 7alice is one of alice, too.
pub const XTOKEN_NONCE_REPORT: xtoken_nonce_policy = 2;

/// Keys and settings, from which verifiers and minters are made.
///
/// Owned by whoever called `xtoken_config_new`, until `xtoken_config_free`. Verifiers and minters
/// keep nothing of it: it may be used for several, changed in between, and freed as soon as they
/// are made. Not to be changed in one thread while another thread uses it.
///
/// A call that fails changes nothing.
pub struct xtoken_config {
    keys: Vec<Parts>,
    pub(super) nonce_length: usize,
    pub(super) nonce_policy: NoncePolicy,
    pub(super) deviation: u64,
    /// Wiped, since it may hold a password.
    pub(super) ledger: Zeroizing<Vec<u8>>,
}

/// Not a `Key`, which cannot be copied: one config may serve several verifiers.
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
            return Err(SettingError::DuplicateKeyId.into());
        }
        self.keys.push(parts);
        Ok(())
    }
}

/// A config without keys, with nonces of 32 digits, a deviation of 1 step and the ledger
/// "memory:". NULL only if a mistake in this library was caught.
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

/// Adds a key: what the web application and the server share. Copies both values.
///
/// `otp_seed`: base32 (RFC 4648), upper or lower case, padding optional, 80 bits or more; 160 are
/// recommended. `token_secret`: any bytes, at least one, used as they are and not decoded. Neither
/// may be NULL, neither needs a NUL at its end.
///
/// A verifier accepts tokens of every key (old and new while keys are changed over); a minter uses
/// the first one. The key is always valid and its id is its position among the keys, from "1" on.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_SEED`,
/// `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET` or, if another key was given that id,
/// `XTOKEN_DUPLICATE_KEY_ID`.
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

/// Adds a key with a name and a time, for keys that overlap while they are changed over. As
/// `xtoken_config_add_key`, and:
///
/// `id` names the key in what is said of it: 1 to 64 printable ASCII characters, no spaces; not a
/// secret; must not be NULL and needs no NUL at its end. No two keys of a config have the same.
///
/// A verifier accepts nothing signed with the key before the Unix time `not_before`, nor after
/// `not_after` (both in seconds, both still valid); 0 and `UINT64_MAX` set no limit. A minter does
/// not look at them.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_KEY_ID`,
/// `XTOKEN_DUPLICATE_KEY_ID`, `XTOKEN_INVALID_SEED`, `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET` or,
/// if `not_before` lies after `not_after`, `XTOKEN_INVALID_VALIDITY`.
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

/// Sets how many digits the nonce of a token has: 1 to 970, 32 unless set. Minter and verifier
/// must agree; the Lua implementation's minters make 32. Minters make dated nonces if they have 24
/// digits or more.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_LENGTH` or, for fewer than 24 digits
/// with `XTOKEN_NONCE_DATED`, `XTOKEN_SHORT_NONCE`.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_nonce_length(
    config: Option<&mut xtoken_config>,
    digits: u32,
) -> xtoken_status {
    guarded!([config] {
        let digits = usize::try_from(digits).map_err(|_| SettingError::NonceLength)?;
        config.nonce_policy.check(check_nonce_length(digits)?)?;
        config.nonce_length = digits;
        Ok(())
    })
}

/// Sets which nonces are accepted: `XTOKEN_NONCE_EXACT` unless set. Minters ignore it.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_POLICY` for a number that is none of
/// the constants, or `XTOKEN_SHORT_NONCE` for `XTOKEN_NONCE_DATED` if the nonce has fewer than 24
/// digits.
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
            _ => return Err(SettingError::NoncePolicy.into()),
        };
        config.nonce_policy = policy.check(config.nonce_length)?;
        Ok(())
    })
}

/// Sets how many steps of 30 seconds the clocks of minter and verifier may be apart: 0 to 10, 1
/// unless set. Minters ignore it.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_DEVIATION`.
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

/// Sets where spent tokens are remembered. Minters ignore it. `url` must not be NULL, needs no
/// NUL at its end and is copied. Files and connections are opened when the first token is
/// verified.
///
/// - "memory:", unless set: in the verifier, for itself, and lost with it.
/// - "sqlite:PATH", if the library was built with it: in a file, shared by the processes of this
///   machine, as long as the file is there. Verifying may then wait up to a quarter of a second
///   for another process.
/// - "redis://[user][:password@]host[:port][/database]", "rediss://..." with TLS, or
///   "redis+unix:///path", if the library was built with it: in a Redis or Valkey server, shared
///   by machines. Verifying then waits for it, at most 2 seconds ("?timeout=" milliseconds at the
///   end of the URL), and answers `XTOKEN_UNAVAILABLE` for the first 60 to 90 seconds after a
///   server was started or emptied, since it may have forgotten tokens.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_INVALID_LEDGER`.
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
        // Opened for the error alone, so that it comes at the call that is at fault.
        ledger::open(url)?;
        config.ledger = Zeroizing::new(url.into());
        Ok(())
    })
}

/// Frees a config and wipes its keys. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_config_free(config: Option<Box<xtoken_config>>) {
    guarded!(or (); { drop(config) })
}
