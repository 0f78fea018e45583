//! The key: from a file or from the environment.

use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use xtoken::Key;
use xtoken::key::RECOMMENDED_SEED_BITS;
use zeroize::Zeroizing;

use crate::arguments::KeySource;
use crate::failure::Failure;
use crate::key_file;
use crate::output;

/// Returns the key, and warns if its seed is short.
pub(crate) fn read(source: &KeySource) -> Result<Key, Failure> {
    let key = match &source.key {
        Some(file) => key_file::read(file)?,
        None => from_environment()?,
    };
    if key.seed_bits() < RECOMMENDED_SEED_BITS {
        output::warn(&format!(
            "the otp_seed has only {} bits: use one of 32 base32 characters",
            key.seed_bits()
        ))?;
    }
    Ok(key)
}

fn from_environment() -> Result<Key, Failure> {
    match (variable("XTOKEN_OTP_SEED"), variable("XTOKEN_TOKEN_SECRET")) {
        (Some(otp_seed), Some(token_secret)) => Ok(Key::new(&*otp_seed, &*token_secret)?),
        (Some(_), None) => Err("XTOKEN_OTP_SEED is set, but XTOKEN_TOKEN_SECRET is not".into()),
        (None, Some(_)) => Err("XTOKEN_TOKEN_SECRET is set, but XTOKEN_OTP_SEED is not".into()),
        (None, None) => {
            Err("no key: use --key FILE, or set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET".into())
        }
    }
}

fn variable(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    env::var_os(name).map(OsString::into_vec).map(Zeroizing::new)
}
