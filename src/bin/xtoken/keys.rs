//! Where the keys come from: a file, Prosody's configuration, or the environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use xtoken::Key;
use xtoken::key::RECOMMENDED_SEED_BITS;
use xtoken::setting::NoncePolicy;
use zeroize::Zeroizing;

use crate::arguments::{KeySource, User};
use crate::{Failure, key_file, output, prosody};

/// The keys, one at least, and what else was found beside them.
pub(crate) struct Known {
    pub(crate) keys: Vec<Key>,
    pub(crate) nonce_length: Option<usize>,
    pub(crate) nonce_policy: Option<NoncePolicy>,
    pub(crate) deviation: Option<u64>,
    /// The URL of the ledger, which may have a password in it.
    pub(crate) ledger: Option<Zeroizing<Vec<u8>>>,
}

impl From<Key> for Known {
    fn from(key: Key) -> Self {
        Self {
            keys: vec![key],
            nonce_length: None,
            nonce_policy: None,
            deviation: None,
            ledger: None,
        }
    }
}

pub(crate) fn read(source: &KeySource, user: &User) -> Result<Known, Failure> {
    let known = if let Some(file) = &source.key {
        key_file::read(file)?.into()
    } else if let Some(config) = &source.prosody_config {
        let host = source.host.as_deref().or_else(|| host_of(&user.jid));
        let host = host.ok_or("JID has no host: write user@host, or say --host")?;
        prosody::read(&source.prosodyctl, config, host)?
    } else {
        from_environment()?.into()
    };
    for key in &known.keys {
        if key.seed_bits() < RECOMMENDED_SEED_BITS {
            output::warn(&format!(
                "the otp_seed of key {} has only {} bits: make one of 32 base32 characters",
                key.id(),
                key.seed_bits()
            ))?;
        }
    }
    Ok(known)
}

fn from_environment() -> Result<Key, Failure> {
    match (variable("XTOKEN_OTP_SEED"), variable("XTOKEN_TOKEN_SECRET")) {
        (Some(otp_seed), Some(token_secret)) => Ok(Key::new(&*otp_seed, &*token_secret)?),
        (Some(_), None) => Err("XTOKEN_OTP_SEED is set, but XTOKEN_TOKEN_SECRET is not".into()),
        (None, Some(_)) => Err("XTOKEN_TOKEN_SECRET is set, but XTOKEN_OTP_SEED is not".into()),
        (None, None) => Err("no secrets: say --key FILE or --prosody-config FILE, or set \
                             XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET"
            .into()),
    }
}

fn variable(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    env::var_os(name).map(OsString::into_vec).map(Zeroizing::new)
}

fn host_of(jid: &OsStr) -> Option<&OsStr> {
    let jid = jid.as_bytes();
    let at = jid.iter().position(|byte| *byte == b'@')?;
    // A resource is a mistake that is said later, with more words.
    let host = jid.get(at + 1..)?.split(|byte| *byte == b'/').next()?;
    Some(OsStr::from_bytes(host))
}
