//! Fresh keys for C programs.

use std::ffi::c_char;

use super::bytes::{check_size, write};
use super::failure::Failure;
use super::status::{XTOKEN_NO_RANDOM, xtoken_status};
use crate::key;

/// The size of a generated seed and its NUL.
pub const XTOKEN_OTP_SEED_SIZE: usize = 33;
/// The size of a generated secret and its NUL.
pub const XTOKEN_TOKEN_SECRET_SIZE: usize = 53;

/// Writes a fresh `otp_seed` of 160 bits and a fresh `token_secret` of 256 bits, both as base32
/// text and a NUL. They consist of letters and digits, and are for the configuration of the web
/// application and of the server. Wipe the buffers after use.
///
/// `otp_seed_size` is at least `XTOKEN_OTP_SEED_SIZE` bytes, `token_secret_size` at least
/// `XTOKEN_TOKEN_SECRET_SIZE`.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_BUFFER_TOO_SMALL` or `XTOKEN_NO_RANDOM`.
/// May be called from any thread.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_generate_key(
    otp_seed: *mut c_char,
    otp_seed_size: usize,
    token_secret: *mut c_char,
    token_secret_size: usize,
) -> xtoken_status {
    guarded!([] {
        if otp_seed.is_null() || token_secret.is_null() {
            return Err(Failure::NULL);
        }
        check_size(otp_seed, otp_seed_size, XTOKEN_OTP_SEED_SIZE)?;
        check_size(token_secret, token_secret_size, XTOKEN_TOKEN_SECRET_SIZE)?;
        let (seed, secret) = key::generate().map_err(|_| Failure(XTOKEN_NO_RANDOM))?;
        // SAFETY: the header asks for this many writable bytes, and the text is elsewhere.
        unsafe { write(otp_seed, otp_seed_size, seed.as_bytes()) }?;
        // SAFETY: as above.
        unsafe { write(token_secret, token_secret_size, secret.as_bytes()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_what_is_generated() {
        let (seed, secret) = key::generate().unwrap();
        assert_eq!(XTOKEN_OTP_SEED_SIZE, seed.len() + 1);
        assert_eq!(XTOKEN_TOKEN_SECRET_SIZE, secret.len() + 1);
    }
}
