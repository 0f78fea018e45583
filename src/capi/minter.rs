//! `xtoken_minter`: mints tokens.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use zeroize::Zeroizing;

use super::bytes::{chars, check_fits, write_with_length};
use super::config::xtoken_config;
use super::failure::Failure;
use super::status::xtoken_status;
use crate::Minter;
use crate::config::ConfigError;
use crate::mint::MintError;
use crate::token::{MAX_TOKEN_LENGTH, encoded_length};

/// The size of a buffer that holds every token and its NUL.
pub const XTOKEN_TOKEN_SIZE_MAX: usize = 1024;

const _: () = assert!(XTOKEN_TOKEN_SIZE_MAX == MAX_TOKEN_LENGTH + 1);

/// Mints tokens. Many threads may mint with one minter at once, also after `fork`.
pub struct xtoken_minter(Minter);

/// Makes a minter with the first key of `config`. Free it with `xtoken_minter_free`.
///
/// `*minter` need not be initialised. After a failure it is NULL.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_NO_KEY`.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_minter_new(
    config: Option<&xtoken_config>,
    minter: Option<&mut MaybeUninit<Option<Box<xtoken_minter>>>>,
) -> xtoken_status {
    guarded!([minter] {
        minter.write(None);
        let config = config.ok_or(Failure::NULL)?;
        let key = config.keys().next().ok_or(ConfigError::NoKey)??;
        let made = Minter::new(key).with_nonce_length(config.nonce_length)?;
        minter.write(Some(Box::new(xtoken_minter(made))));
        Ok(())
    })
}

/// Writes a fresh token for a bare JID, and a NUL, into `buffer`.
///
/// `jid` is `user@host` in UTF-8, after SASLprep and nodeprep of the user, so in lower case. Text
/// that is no such JID, such as `Alice@example.com`, `alice` or `a b@example.com`, is
/// `XTOKEN_INVALID_JID`. This does not find every spelling that a server never asks for.
///
/// `unix_time` is the present in seconds since 1970, UTC: the token is valid around that time. If
/// the nonce has 24 digits or more, it begins with the time, so the token is dated.
///
/// Before the call, `*length` is the size of `buffer` in bytes. After success it is the length of
/// the token without the NUL. If the buffer is too small, nothing is written, and `*length` becomes
/// the size that is needed, with the NUL. To ask only for the size, pass NULL for `buffer` and a
/// `*length` of 0. `XTOKEN_TOKEN_SIZE_MAX` bytes are always enough.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_BUFFER_TOO_SMALL`,
/// `XTOKEN_INVALID_JID`, `XTOKEN_NO_RANDOM`, or `XTOKEN_INVALID_TIME` for a time of more than 12
/// digits, such as milliseconds.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_minter_mint(
    minter: Option<&xtoken_minter>,
    jid: *const c_char,
    jid_len: usize,
    unix_time: u64,
    buffer: *mut c_char,
    length: Option<&mut usize>,
) -> xtoken_status {
    guarded!([minter, length] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let jid = unsafe { chars(jid, jid_len) }?;
        // SAFETY: the header asks the caller for this many writable bytes.
        unsafe { mint_into(&minter.0, buffer, length, |minter| minter.mint(jid, unix_time)) }
    })
}

/// Mints as `xtoken_minter_mint` does, with a given nonce, for tests. The nonce has as many decimal
/// digits as the config says.
///
/// Do not use it in an application: the same nonce for the same JID within the same 30 seconds
/// makes the same token, which is refused the second time.
///
/// Returns what `xtoken_minter_mint` returns, or `XTOKEN_INVALID_NONCE`.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_minter_mint_with_nonce(
    minter: Option<&xtoken_minter>,
    jid: *const c_char,
    jid_len: usize,
    unix_time: u64,
    nonce: *const c_char,
    nonce_len: usize,
    buffer: *mut c_char,
    length: Option<&mut usize>,
) -> xtoken_status {
    guarded!([minter, length] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let jid = unsafe { chars(jid, jid_len) }?;
        // SAFETY: as above.
        let nonce = unsafe { chars(nonce, nonce_len) }?;
        let mint = |minter: &Minter| minter.mint_with_nonce(jid, unix_time, nonce);
        // SAFETY: the header asks the caller for this many writable bytes.
        unsafe { mint_into(&minter.0, buffer, length, mint) }
    })
}

/// Mints into the buffer of a caller.
///
/// # Safety
///
/// Unless NULL, `buffer` is writable for `*length` bytes.
unsafe fn mint_into(
    minter: &Minter,
    buffer: *mut c_char,
    length: &mut usize,
    mint: impl FnOnce(&Minter) -> Result<String, MintError>,
) -> Result<(), Failure> {
    check_fits(buffer, length, encoded_length(minter.nonce_length()))?;
    let token = Zeroizing::new(mint(minter)?);
    // SAFETY: writable as the caller promises; the token is elsewhere.
    unsafe { write_with_length(&token, buffer, length) }
}

/// Frees a minter and wipes its key. NULL is ignored.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_minter_free(minter: Option<Box<xtoken_minter>>) {
    guarded!(or (); { drop(minter) })
}
