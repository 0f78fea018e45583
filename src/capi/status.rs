//! `xtoken_status`: what a call answers, with a name and a sentence for each.

use std::ffi::{CStr, c_char};

use crate::Rejection;
use crate::key::KeyError;
use crate::mint::MintError;
use crate::setting::SettingError;

/// What a call answers: one of the constants `XTOKEN_*` below, 0 for success.
///
/// 1 to 99 say why a token was refused; from 100 on the call itself could not be carried out.
/// Later versions may add values, so treat one you do not know as a refusal. A value is never
/// used again for something else.
pub type xtoken_status = i32;

/// Done; from `xtoken_verifier_verify`: the token is good and now spent.
pub const XTOKEN_OK: xtoken_status = 0;
/// Refused: the bytes do not have the shape of a token, or its nonce has another length.
pub const XTOKEN_MALFORMED: xtoken_status = 1;
/// Refused: not signed for this JID with one of the keys.
pub const XTOKEN_BAD_SIGNATURE: xtoken_status = 2;
/// Refused: well signed, but too old or too far ahead. A dated token that is too old stays so for
/// ever.
pub const XTOKEN_EXPIRED: xtoken_status = 3;
/// Refused: it was accepted before.
pub const XTOKEN_REPLAYED: xtoken_status = 4;
/// Reserved: no function returns it any more. It belonged to a limit of expired tokens, which dated
/// nonces have replaced.
pub const XTOKEN_THROTTLED: xtoken_status = 5;
/// Refused, although it may be good: the ledger cannot tell whether it was spent, for instance
/// because there is no memory to remember it.
pub const XTOKEN_UNAVAILABLE: xtoken_status = 6;
/// Refused: well signed, but undated, while the policy is `XTOKEN_NONCE_DATED`.
pub const XTOKEN_UNDATED: xtoken_status = 7;

/// A pointer is NULL that must not be.
pub const XTOKEN_NULL_ARGUMENT: xtoken_status = 100;
/// A length is larger than memory can be (`PTRDIFF_MAX`), as a converted -1 is.
pub const XTOKEN_INVALID_LENGTH: xtoken_status = 101;
/// The seed is not base32.
pub const XTOKEN_INVALID_SEED: xtoken_status = 102;
/// The seed has fewer than 80 bits.
pub const XTOKEN_SHORT_SEED: xtoken_status = 103;
/// The secret has no bytes.
pub const XTOKEN_EMPTY_SECRET: xtoken_status = 104;
/// The config has no key.
pub const XTOKEN_NO_KEY: xtoken_status = 105;
/// The length of the nonce is out of range.
pub const XTOKEN_INVALID_NONCE_LENGTH: xtoken_status = 106;
/// The deviation is out of range.
pub const XTOKEN_INVALID_DEVIATION: xtoken_status = 107;
/// No ledger goes by this URL.
pub const XTOKEN_INVALID_LEDGER: xtoken_status = 108;
/// No server would accept a token for this JID.
pub const XTOKEN_INVALID_JID: xtoken_status = 109;
/// The result does not fit into the buffer.
pub const XTOKEN_BUFFER_TOO_SMALL: xtoken_status = 110;
/// The operating system gave no random bytes.
pub const XTOKEN_NO_RANDOM: xtoken_status = 111;
/// A mistake in this library was caught. Please report it.
pub const XTOKEN_INTERNAL_ERROR: xtoken_status = 112;
/// The id of a key is empty, too long, or not printable ASCII without spaces.
pub const XTOKEN_INVALID_KEY_ID: xtoken_status = 113;
/// Another key of the config has this id.
pub const XTOKEN_DUPLICATE_KEY_ID: xtoken_status = 114;
/// The key would become valid only after it has ceased to be.
pub const XTOKEN_INVALID_VALIDITY: xtoken_status = 115;
/// The nonce has another length than the config says, or something other than digits.
pub const XTOKEN_INVALID_NONCE: xtoken_status = 116;
/// No nonce policy has this number.
pub const XTOKEN_INVALID_NONCE_POLICY: xtoken_status = 117;
/// The nonce has fewer than 24 digits, too few for a date.
pub const XTOKEN_SHORT_NONCE: xtoken_status = 118;
/// The time has more than 12 digits: it is not in seconds.
pub const XTOKEN_INVALID_TIME: xtoken_status = 119;

struct Entry(xtoken_status, &'static CStr, &'static CStr);

// The texts of the core stand here once more because C wants a NUL behind them; a test compares.
static STATUSES: [Entry; 28] = [
    Entry(XTOKEN_OK, c"ok", c"done"),
    Entry(
        XTOKEN_MALFORMED,
        c"malformed",
        c"not a token: check its shape and the length of its nonce",
    ),
    Entry(
        XTOKEN_BAD_SIGNATURE,
        c"bad-signature",
        c"not signed for this address with a known key: compare token_secret and the JID",
    ),
    Entry(
        XTOKEN_EXPIRED,
        c"expired",
        c"well signed but too old or too new: compare otp_seed and the clocks",
    ),
    Entry(XTOKEN_REPLAYED, c"replayed", c"accepted before: mint a token for every login"),
    Entry(
        XTOKEN_THROTTLED,
        c"throttled",
        c"reserved: xtoken has no limit of expired tokens any more",
    ),
    Entry(
        XTOKEN_UNAVAILABLE,
        c"unavailable",
        c"the ledger cannot tell whether this token was spent: look at its last error, or wait until it \
          accepts tokens again",
    ),
    Entry(
        XTOKEN_UNDATED,
        c"undated",
        c"well signed but undated: date the nonces, and compare otp_seed",
    ),
    Entry(XTOKEN_NULL_ARGUMENT, c"null-argument", c"a pointer is NULL that must not be"),
    Entry(
        XTOKEN_INVALID_LENGTH,
        c"invalid-length",
        c"a length is larger than memory: was a negative number passed?",
    ),
    Entry(
        XTOKEN_INVALID_SEED,
        c"invalid-seed",
        c"otp_seed is not base32: use the letters A to Z and the digits 2 to 7, no spaces",
    ),
    Entry(
        XTOKEN_SHORT_SEED,
        c"short-seed",
        c"otp_seed is too short: use at least 16 base32 characters (80 bits), better 32",
    ),
    Entry(
        XTOKEN_EMPTY_SECRET,
        c"empty-secret",
        c"token_secret is empty: set it to a long random string",
    ),
    Entry(XTOKEN_NO_KEY, c"no-key", c"no key: give an otp_seed and a token_secret"),
    Entry(
        XTOKEN_INVALID_NONCE_LENGTH,
        c"invalid-nonce-length",
        c"nonce_length is out of range: use 1 to 970 digits",
    ),
    Entry(
        XTOKEN_INVALID_DEVIATION,
        c"invalid-deviation",
        c"deviation is out of range: use 0 to 10 steps of 30 s",
    ),
    Entry(
        XTOKEN_INVALID_LEDGER,
        c"invalid-ledger",
        c"no such ledger in this build: use \"memory:\", \"sqlite:PATH\" or \"redis://HOST\"",
    ),
    Entry(
        XTOKEN_INVALID_JID,
        c"invalid-jid",
        c"not a prepared bare JID: give user@host in UTF-8 and lower case, without a resource",
    ),
    Entry(
        XTOKEN_BUFFER_TOO_SMALL,
        c"buffer-too-small",
        c"the result does not fit into the buffer: use the size that the header names",
    ),
    Entry(XTOKEN_NO_RANDOM, c"no-random", c"the operating system gave no random bytes"),
    Entry(
        XTOKEN_INTERNAL_ERROR,
        c"internal-error",
        c"a mistake in xtoken was caught: please report it",
    ),
    Entry(
        XTOKEN_INVALID_KEY_ID,
        c"invalid-key-id",
        c"the id of a key is not usable: use 1 to 64 letters, digits and signs, no spaces",
    ),
    Entry(
        XTOKEN_DUPLICATE_KEY_ID,
        c"duplicate-key-id",
        c"two keys have the same id: give each an id of its own",
    ),
    Entry(
        XTOKEN_INVALID_VALIDITY,
        c"invalid-validity",
        c"not_before lies after not_after: the key would never be valid",
    ),
    Entry(
        XTOKEN_INVALID_NONCE,
        c"invalid-nonce",
        c"the nonce has a wrong length or is not all digits",
    ),
    Entry(
        XTOKEN_INVALID_NONCE_POLICY,
        c"invalid-nonce-policy",
        c"no such nonce_policy: use \"exact\", \"dated\" or \"report\"",
    ),
    Entry(
        XTOKEN_SHORT_NONCE,
        c"short-nonce",
        c"nonce_policy \"dated\" needs a nonce_length of 24 digits or more",
    ),
    Entry(
        XTOKEN_INVALID_TIME,
        c"invalid-time",
        c"the time has more than 12 digits: give Unix seconds, not milliseconds",
    ),
];

/// A stable name for logs and metrics: "ok", "replayed", "null-argument", ...; "unknown" for a
/// number that is no status.
///
/// The text is static: never free it. Never NULL. May be called from any thread.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_status_name(status: xtoken_status) -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        find(status).map_or(c"unknown", |Entry(_, name, _)| name).as_ptr()
    })
}

/// A sentence for the person who operates the program: what is wrong and what to do about it.
/// Do not show it to somebody whose token was refused; to them say "not authorized" only.
///
/// The text is static: never free it. Never NULL. May be called from any thread. Later versions
/// may word it differently.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_status_message(status: xtoken_status) -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        find(status).map_or(c"not a status of this version", |Entry(_, _, text)| text).as_ptr()
    })
}

fn find(status: xtoken_status) -> Option<&'static Entry> {
    STATUSES.iter().find(|entry| entry.0 == status)
}

/// A status other than [`XTOKEN_OK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure(pub(super) xtoken_status);

impl Failure {
    pub(super) const NULL: Self = Self(XTOKEN_NULL_ARGUMENT);
    pub(super) const TOO_SMALL: Self = Self(XTOKEN_BUFFER_TOO_SMALL);
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self(match rejection {
            Rejection::Malformed => XTOKEN_MALFORMED,
            Rejection::BadSignature => XTOKEN_BAD_SIGNATURE,
            Rejection::Expired => XTOKEN_EXPIRED,
            Rejection::Replayed => XTOKEN_REPLAYED,
            Rejection::Unavailable => XTOKEN_UNAVAILABLE,
            Rejection::Undated => XTOKEN_UNDATED,
        })
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self(match error {
            KeyError::InvalidSeed => XTOKEN_INVALID_SEED,
            KeyError::ShortSeed => XTOKEN_SHORT_SEED,
            KeyError::EmptySecret => XTOKEN_EMPTY_SECRET,
            KeyError::InvalidId => XTOKEN_INVALID_KEY_ID,
            KeyError::NeverValid => XTOKEN_INVALID_VALIDITY,
        })
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self(match error {
            SettingError::NoKey => XTOKEN_NO_KEY,
            SettingError::DuplicateKeyId => XTOKEN_DUPLICATE_KEY_ID,
            SettingError::NonceLength => XTOKEN_INVALID_NONCE_LENGTH,
            SettingError::NoncePolicy => XTOKEN_INVALID_NONCE_POLICY,
            SettingError::ShortNonce => XTOKEN_SHORT_NONCE,
            SettingError::Deviation => XTOKEN_INVALID_DEVIATION,
            SettingError::Ledger => XTOKEN_INVALID_LEDGER,
        })
    }
}

impl From<MintError> for Failure {
    fn from(error: MintError) -> Self {
        Self(match error {
            MintError::InvalidJid(_) => XTOKEN_INVALID_JID,
            MintError::InvalidTime => XTOKEN_INVALID_TIME,
            MintError::InvalidNonce => XTOKEN_INVALID_NONCE,
            MintError::NoRandom => XTOKEN_NO_RANDOM,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use super::*;

    fn name(Failure(status): Failure) -> &'static str {
        find(status).unwrap().1.to_str().unwrap()
    }

    fn message(Failure(status): Failure) -> &'static str {
        find(status).unwrap().2.to_str().unwrap()
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
        same(SettingError::NoKey);
        same(SettingError::DuplicateKeyId);
        same(SettingError::NonceLength);
        same(SettingError::NoncePolicy);
        same(SettingError::ShortNonce);
        same(SettingError::Deviation);
        same(SettingError::Ledger);
        same(MintError::InvalidTime);
        same(MintError::InvalidNonce);
        same(MintError::NoRandom);
    }

    #[test]
    fn every_status_is_one_entry() {
        for (index, entry) in STATUSES.iter().enumerate() {
            let others = || STATUSES.iter().skip(index + 1);
            assert!(others().all(|other| other.0 != entry.0 && other.1 != entry.1), "{}", entry.0);
        }
        let constants = include_str!("status.rs").matches(": xtoken_status = ").count();
        // The pattern above is found too.
        assert_eq!(STATUSES.len(), constants - 1);
    }
}
