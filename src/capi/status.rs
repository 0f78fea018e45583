//! `xtoken_status`: what a call returns, with a name and a sentence for each.

use std::ffi::{CStr, c_char};

use crate::Rejection;
use crate::config::ConfigError;
use crate::key::KeyError;
use crate::mint::MintError;

/// What a call returns: 0 for success, else one of the constants below.
///
/// 1 to 99 say why a token was refused. From 100 on, the call itself failed. Treat a value that you
/// do not know as a refusal, since later versions may add some. A value is never reused.
pub type xtoken_status = i32;

/// Success. From a function that verifies: the token is accepted, and now spent.
pub const XTOKEN_OK: xtoken_status = 0;
/// Refused: the token has another shape, or a nonce of another length.
pub const XTOKEN_MALFORMED: xtoken_status = 1;
/// Refused: not signed for this JID with one of the keys.
pub const XTOKEN_BAD_SIGNATURE: xtoken_status = 2;
/// Refused: well signed, but too old or too new.
pub const XTOKEN_EXPIRED: xtoken_status = 3;
/// Refused: accepted before.
pub const XTOKEN_REPLAYED: xtoken_status = 4;
/// Reserved. No function returns it.
pub const XTOKEN_THROTTLED: xtoken_status = 5;
/// Refused, though it may be valid: the ledger cannot tell whether the token was spent.
pub const XTOKEN_UNAVAILABLE: xtoken_status = 6;
/// Refused: well signed, but undated, and the policy is `XTOKEN_NONCE_DATED`.
pub const XTOKEN_UNDATED: xtoken_status = 7;

/// A pointer that must not be NULL is NULL.
pub const XTOKEN_NULL_ARGUMENT: xtoken_status = 100;
/// A length is above `PTRDIFF_MAX`, such as a converted -1.
pub const XTOKEN_INVALID_LENGTH: xtoken_status = 101;
/// The seed is not base32.
pub const XTOKEN_INVALID_SEED: xtoken_status = 102;
/// The seed has fewer than 80 bits.
pub const XTOKEN_SHORT_SEED: xtoken_status = 103;
/// The secret is empty.
pub const XTOKEN_EMPTY_SECRET: xtoken_status = 104;
/// The config has no key.
pub const XTOKEN_NO_KEY: xtoken_status = 105;
/// The length of the nonce is out of range.
pub const XTOKEN_INVALID_NONCE_LENGTH: xtoken_status = 106;
/// The deviation is out of range.
pub const XTOKEN_INVALID_DEVIATION: xtoken_status = 107;
/// The library has no ledger for this URL.
pub const XTOKEN_INVALID_LEDGER: xtoken_status = 108;
/// No server would accept a token for this JID.
pub const XTOKEN_INVALID_JID: xtoken_status = 109;
/// The result does not fit into the buffer.
pub const XTOKEN_BUFFER_TOO_SMALL: xtoken_status = 110;
/// The operating system gave no random bytes.
pub const XTOKEN_NO_RANDOM: xtoken_status = 111;
/// The library caught a mistake of its own. Please report it.
pub const XTOKEN_INTERNAL_ERROR: xtoken_status = 112;
/// The id of a key is empty, too long, or not printable ASCII without spaces.
pub const XTOKEN_INVALID_KEY_ID: xtoken_status = 113;
/// Another key of the config has this id.
pub const XTOKEN_DUPLICATE_KEY_ID: xtoken_status = 114;
/// The key would be valid at no time: `not_before` is after `not_after`.
pub const XTOKEN_INVALID_VALIDITY: xtoken_status = 115;
/// The nonce has another length than the config says, or is not all digits.
pub const XTOKEN_INVALID_NONCE: xtoken_status = 116;
/// No nonce policy has this number.
pub const XTOKEN_INVALID_NONCE_POLICY: xtoken_status = 117;
/// The nonce has fewer than 24 digits, too few for a date.
pub const XTOKEN_SHORT_NONCE: xtoken_status = 118;
/// The time has more than 12 digits: it is not in seconds.
pub const XTOKEN_INVALID_TIME: xtoken_status = 119;

/// Returns a stable name for logs and metrics, such as "ok", "replayed" or "null-argument", and
/// "unknown" for a number that is no status.
///
/// Never returns NULL. The text is static. May be called from any thread.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_status_name(status: xtoken_status) -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        find(status).map_or(c"unknown", |entry| entry.name).as_ptr()
    })
}

/// Returns a sentence for the operator of the program: what is wrong, and what to do. Do not show
/// it to the client whose token was refused: tell it "not authorized" only.
///
/// Never returns NULL. The text is static. Later versions may word it differently. May be called
/// from any thread.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_status_message(status: xtoken_status) -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        find(status).map_or(c"not a status of this version", |entry| entry.message).as_ptr()
    })
}

struct Entry {
    status: xtoken_status,
    name: &'static CStr,
    message: &'static CStr,
}

fn find(status: xtoken_status) -> Option<&'static Entry> {
    STATUSES.iter().find(|entry| entry.status == status)
}

/// Makes the entry of a rejection of the core.
macro_rules! rejection {
    ($status:ident, $rejection:expr) => {
        entry($status, with_nul!($rejection.name()), with_nul!($rejection.message()))
    };
}

/// Makes the entry of an error of the core.
macro_rules! error {
    ($status:ident, $name:literal, $error:expr) => {
        entry($status, $name, with_nul!($error.message()))
    };
}

const fn entry(status: xtoken_status, name: &'static CStr, message: &'static CStr) -> Entry {
    Entry { status, name, message }
}

static STATUSES: [Entry; 28] = [
    entry(XTOKEN_OK, c"ok", c"done"),
    rejection!(XTOKEN_MALFORMED, Rejection::Malformed),
    rejection!(XTOKEN_BAD_SIGNATURE, Rejection::BadSignature),
    rejection!(XTOKEN_EXPIRED, Rejection::Expired),
    rejection!(XTOKEN_REPLAYED, Rejection::Replayed),
    entry(XTOKEN_THROTTLED, c"throttled", c"reserved: no function returns it"),
    rejection!(XTOKEN_UNAVAILABLE, Rejection::Unavailable),
    rejection!(XTOKEN_UNDATED, Rejection::Undated),
    entry(XTOKEN_NULL_ARGUMENT, c"null-argument", c"a pointer that must not be NULL is NULL"),
    entry(
        XTOKEN_INVALID_LENGTH,
        c"invalid-length",
        c"a length is larger than memory: was a negative number passed?",
    ),
    error!(XTOKEN_INVALID_SEED, c"invalid-seed", KeyError::InvalidSeed),
    error!(XTOKEN_SHORT_SEED, c"short-seed", KeyError::ShortSeed),
    error!(XTOKEN_EMPTY_SECRET, c"empty-secret", KeyError::EmptySecret),
    error!(XTOKEN_NO_KEY, c"no-key", ConfigError::NoKey),
    error!(XTOKEN_INVALID_NONCE_LENGTH, c"invalid-nonce-length", ConfigError::NonceLength),
    error!(XTOKEN_INVALID_DEVIATION, c"invalid-deviation", ConfigError::Deviation),
    error!(XTOKEN_INVALID_LEDGER, c"invalid-ledger", ConfigError::Ledger),
    entry(
        XTOKEN_INVALID_JID,
        c"invalid-jid",
        c"not a prepared bare JID: give user@host in UTF-8 and lower case, without white space, a \
          resource, or one of \"&'/:<> in the user",
    ),
    entry(
        XTOKEN_BUFFER_TOO_SMALL,
        c"buffer-too-small",
        c"the result does not fit into the buffer: use the size that the header names",
    ),
    error!(XTOKEN_NO_RANDOM, c"no-random", MintError::NoRandom),
    entry(
        XTOKEN_INTERNAL_ERROR,
        c"internal-error",
        c"the library caught a mistake of its own: please report it",
    ),
    error!(XTOKEN_INVALID_KEY_ID, c"invalid-key-id", KeyError::InvalidId),
    error!(XTOKEN_DUPLICATE_KEY_ID, c"duplicate-key-id", ConfigError::DuplicateKeyId),
    error!(XTOKEN_INVALID_VALIDITY, c"invalid-validity", KeyError::NeverValid),
    error!(XTOKEN_INVALID_NONCE, c"invalid-nonce", MintError::InvalidNonce),
    error!(XTOKEN_INVALID_NONCE_POLICY, c"invalid-nonce-policy", ConfigError::NoncePolicy),
    error!(XTOKEN_SHORT_NONCE, c"short-nonce", ConfigError::ShortNonce),
    error!(XTOKEN_INVALID_TIME, c"invalid-time", MintError::InvalidTime),
];

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use super::*;
    use crate::capi::failure::Failure;

    fn name(Failure(status): Failure) -> &'static str {
        find(status).unwrap().name.to_str().unwrap()
    }

    fn message(Failure(status): Failure) -> &'static str {
        find(status).unwrap().message.to_str().unwrap()
    }

    #[test]
    fn rejections_keep_their_names_and_texts() {
        for rejection in Rejection::ALL {
            assert_eq!(name(rejection.into()), rejection.name());
            assert_eq!(message(rejection.into()), rejection.to_string());
        }
    }

    #[test]
    fn errors_keep_their_texts() {
        fn same<E: Display + Copy + Into<Failure>>(error: E) {
            assert_eq!(message(error.into()), error.to_string());
        }
        same(KeyError::InvalidSeed);
        same(KeyError::ShortSeed);
        same(KeyError::EmptySecret);
        same(KeyError::InvalidId);
        same(KeyError::NeverValid);
        same(ConfigError::NoKey);
        same(ConfigError::DuplicateKeyId);
        same(ConfigError::NonceLength);
        same(ConfigError::NoncePolicy);
        same(ConfigError::ShortNonce);
        same(ConfigError::Deviation);
        same(ConfigError::Ledger);
        same(MintError::InvalidTime);
        same(MintError::InvalidNonce);
        same(MintError::NoRandom);
    }

    #[test]
    fn every_status_is_one_entry() {
        for (index, entry) in STATUSES.iter().enumerate() {
            let mut others = STATUSES.iter().skip(index + 1);
            let is_alone = |other: &Entry| other.status != entry.status && other.name != entry.name;
            assert!(others.all(is_alone), "{}", entry.status);
            assert!(!entry.name.is_empty() && !entry.message.is_empty(), "{}", entry.status);
        }
        let constants = include_str!("status.rs").matches(": xtoken_status = ").count();
        // The pattern above is found too.
        assert_eq!(STATUSES.len(), constants - 1);
    }
}
