//! `xtoken_config`: what verifiers and minters are made from.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::bytes::{bytes, chars};
use super::status::{Failure, xtoken_status};
use crate::key::Key;
use crate::ledger;
use crate::setting::{SettingError, check_deviation, check_nonce_length};
use crate::throttle::EXPIRED_LIMIT;
use crate::token::DEFAULT_NONCE_LENGTH;
use crate::totp::OTP_DEVIATION;

/// Keys and settings, from which verifiers and minters are made.
///
/// Owned by whoever called `xtoken_config_new`, until `xtoken_config_free`. Verifiers and minters
/// keep nothing of it: it may be used for several, changed in between, and freed as soon as they
/// are made. Not to be changed in one thread while another thread uses it.
///
/// A call that fails changes nothing.
pub struct xtoken_config {
    keys: Vec<Pair>,
    pub(super) nonce_length: usize,
    pub(super) deviation: u64,
    pub(super) expired_limit: u64,
    pub(super) ledger: Vec<u8>,
}

/// Not a `Key`, which cannot be copied: one config may serve several verifiers.
struct Pair {
    otp_seed: Zeroizing<Vec<u8>>,
    token_secret: Zeroizing<Vec<u8>>,
}

impl xtoken_config {
    pub(super) fn keys(&self) -> impl Iterator<Item = Result<Key, Failure>> {
        self.keys.iter().map(|pair| Ok(Key::new(&pair.otp_seed, &pair.token_secret)?))
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
            deviation: OTP_DEVIATION,
            expired_limit: EXPIRED_LIMIT,
            ledger: b"memory:".into(),
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
/// the first one.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_SEED`,
/// `XTOKEN_SHORT_SEED` or `XTOKEN_EMPTY_SECRET`.
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
        Key::new(otp_seed, token_secret)?;
        config.keys.push(Pair {
            otp_seed: Zeroizing::new(otp_seed.into()),
            token_secret: Zeroizing::new(token_secret.into()),
        });
        Ok(())
    })
}

/// Sets how many digits the nonce of a token has: 1 to 970, 32 unless set. Minter and verifier
/// must agree; the Lua implementation's minters make 32.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_NONCE_LENGTH`.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_nonce_length(
    config: Option<&mut xtoken_config>,
    digits: u32,
) -> xtoken_status {
    guarded!([config] {
        let digits = usize::try_from(digits).map_err(|_| SettingError::NonceLength)?;
        config.nonce_length = check_nonce_length(digits)?;
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

/// Sets how many expired tokens of one JID are let pass within 30 seconds before its further
/// tokens are `XTOKEN_THROTTLED` for the rest of them; 10 unless set. Minters ignore it.
///
/// `XTOKEN_OK` or `XTOKEN_NULL_ARGUMENT`.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_config_set_expired_limit(
    config: Option<&mut xtoken_config>,
    tokens: u32,
) -> xtoken_status {
    guarded!([config] {
        config.expired_limit = tokens.into();
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
        config.ledger = url.into();
        Ok(())
    })
}

/// Frees a config and wipes its keys. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_config_free(config: Option<Box<xtoken_config>>) {
    guarded!(or (); { drop(config) })
}
