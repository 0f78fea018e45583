//! `xtoken_minter`: makes tokens.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use zeroize::Zeroizing;

use super::bytes::{chars, fits, give};
use super::config::xtoken_config;
use super::status::{Failure, xtoken_status};
use crate::Minter;
use crate::mint::MintError;
use crate::setting::SettingError;
use crate::token::{MAX_TOKEN_LENGTH, encoded_length};

/// A buffer of this many bytes holds every token and the NUL behind it.
pub const XTOKEN_TOKEN_SIZE_MAX: usize = 1024;

const _: () = assert!(XTOKEN_TOKEN_SIZE_MAX == MAX_TOKEN_LENGTH + 1);

/// Makes tokens.
///
/// Owned by whoever called `xtoken_minter_new`, until `xtoken_minter_free`. Any number of threads
/// may mint with one minter at once, also after `fork`.
pub struct xtoken_minter(Minter);

/// Makes a minter with the first key of `config`.
///
/// `*minter` need not be initialised; on failure it is NULL.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_NO_KEY`.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_minter_new(
    config: Option<&xtoken_config>,
    minter: Option<&mut MaybeUninit<Option<Box<xtoken_minter>>>>,
) -> xtoken_status {
    guarded!([minter] {
        minter.write(None);
        let config = config.ok_or(Failure::NULL)?;
        let key = config.keys().next().ok_or(SettingError::NoKey)??;
        let made = Minter::new(key).with_nonce_length(config.nonce_length)?;
        minter.write(Some(Box::new(xtoken_minter(made))));
        Ok(())
    })
}

/// Writes a fresh token for a bare JID into `buffer`, with a NUL behind it.
///
/// `jid` is `user@host`, prepared (SASLprep and nodeprep for the user, so lower case), in UTF-8;
/// it must not be NULL and needs no NUL at its end. `unix_time` is the present in seconds since
/// 1970, UTC; the token is good around that time. If the nonce has 24 digits or more, it begins
/// with the time: the token is dated.
///
/// `*length` is the size of `buffer` before the call and the length of the token, without the
/// NUL, after it. If the buffer is too small, nothing is written, `*length` becomes the size
/// needed, with the NUL, and the answer is `XTOKEN_BUFFER_TOO_SMALL`; NULL and size 0 ask for
/// just that. `XTOKEN_TOKEN_SIZE_MAX` is always enough. `length` must not be NULL, nor `buffer`
/// with another size than 0. After any other failure `buffer` and `*length` are as before.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_BUFFER_TOO_SMALL`,
/// `XTOKEN_INVALID_JID`, `XTOKEN_NO_RANDOM` or, for a time of more than 12 digits, such as
/// milliseconds, `XTOKEN_INVALID_TIME`.
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
        unsafe { answer(&minter.0, buffer, length, |minter| minter.mint(jid, unix_time)) }
    })
}

/// As `xtoken_minter_mint`, with the nonce of a test: as many decimal digits as the config says.
///
/// An application lets `xtoken_minter_mint` choose one: a nonce that is used twice for a JID
/// within 30 seconds makes the same token twice, and the second is refused.
///
/// What `xtoken_minter_mint` answers, or `XTOKEN_INVALID_NONCE`.
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
        unsafe { answer(&minter.0, buffer, length, mint) }
    })
}

/// Mints into a caller's buffer.
///
/// # Safety
///
/// Unless NULL, `buffer` is writable for `*length` bytes.
unsafe fn answer(
    minter: &Minter,
    buffer: *mut c_char,
    length: &mut usize,
    mint: impl FnOnce(&Minter) -> Result<String, MintError>,
) -> Result<(), Failure> {
    fits(buffer, length, encoded_length(minter.nonce_length()))?;
    let token = Zeroizing::new(mint(minter)?);
    // SAFETY: writable as the caller promises; the token is ours.
    unsafe { give(&token, buffer, length) }
}

/// Frees a minter and wipes its key. No other thread may be using it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_minter_free(minter: Option<Box<xtoken_minter>>) {
    guarded!(or (); { drop(minter) })
}
