//! `xtoken_verifier`: decides about tokens.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use super::bytes::{chars, give};
use super::config::xtoken_config;
use super::fork::Protected;
use super::status::{Failure, xtoken_status};
use crate::explain::MAX_OTHERS;
use crate::{Accepted, Key, Verifier, ledger};

/// Decides about tokens and remembers which it has accepted.
///
/// Owned by whoever called `xtoken_verifier_new`, until `xtoken_verifier_free`. Any number of
/// threads may verify with one verifier at once: a token that several present together is
/// accepted for exactly one of them. Keep one verifier for the life of the server, since what it
/// has accepted is forgotten with it.
///
/// After `fork` both processes may go on using it, whatever other threads were doing. With the
/// ledger "memory:" each process then remembers for itself, so a token can be accepted once in
/// each.
pub struct xtoken_verifier {
    // Dropped before `_protected`, which must be the last owner of the ledger.
    verifier: Verifier,
    key_ids: Vec<CString>,
    _protected: Protected,
}

impl xtoken_verifier {
    fn tell_key(&self, accepted: &Accepted, key_id: Option<&mut MaybeUninit<*const c_char>>) {
        if let (Some(slot), Some(id)) = (key_id, self.key_ids.get(accepted.key)) {
            slot.write(id.as_ptr());
        }
    }
}

/// Makes a verifier with all keys of `config` and opens its ledger.
///
/// `*verifier` need not be initialised; on failure it is NULL.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_NO_KEY`, `XTOKEN_INVALID_LEDGER` or, if `fork`
/// cannot be made safe (`pthread_atfork` failed), `XTOKEN_UNAVAILABLE`.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_verifier_new(
    config: Option<&xtoken_config>,
    verifier: Option<&mut MaybeUninit<Option<Box<xtoken_verifier>>>>,
) -> xtoken_status {
    guarded!([verifier] {
        verifier.write(None);
        let config = config.ok_or(Failure::NULL)?;
        let ledger = ledger::open(&config.ledger)?;
        let protected = Protected::new(&ledger)?;
        let made = Verifier::new(config.keys().collect::<Result<_, _>>()?, ledger)?
            .with_nonce_length(config.nonce_length)?
            .with_nonce_policy(config.nonce_policy)?
            .with_deviation(config.deviation)?;
        // No id has a NUL in it.
        let key_ids =
            made.keys().iter().map(Key::id).map(|id| CString::new(id).unwrap_or_default()).collect();
        let made = xtoken_verifier { verifier: made, key_ids, _protected: protected };
        verifier.write(Some(Box::new(made)));
        Ok(())
    })
}

/// Accepts a token, once. Only `XTOKEN_OK` means that the user may log in.
///
/// `jid` is the bare JID that the user claims, `user@host`, prepared (SASLprep and nodeprep for
/// the user, so lower case); `token` is what the client sent. Both may hold any bytes, must not
/// be NULL (an empty one is a valid pointer and length 0) and need no NUL at their ends.
/// `unix_time` is the present in seconds since 1970, UTC, as `time(NULL)` gives it.
///
/// Tell a client nothing but success or failure; the reason is for your logs.
///
/// `XTOKEN_OK`, or why not: `XTOKEN_MALFORMED`, `XTOKEN_BAD_SIGNATURE`, `XTOKEN_EXPIRED`,
/// `XTOKEN_REPLAYED`, `XTOKEN_UNAVAILABLE`, `XTOKEN_UNDATED`; `XTOKEN_NULL_ARGUMENT` or
/// `XTOKEN_INVALID_LENGTH`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_verify(
    verifier: Option<&xtoken_verifier>,
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
    unix_time: u64,
) -> xtoken_status {
    guarded!([verifier] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let (jid, token) = unsafe { presented(jid, jid_len, token, token_len) }?;
        verifier.verifier.verify(jid, token, unix_time)?;
        Ok(())
    })
}

/// As `xtoken_verifier_verify`, and tells which key made a token that is accepted, so that you see
/// when an old one is no longer in use, and how far the minter's clock is off.
///
/// After `XTOKEN_OK`, `*key_id` is the id of the key, with a NUL behind it, valid as long as the
/// verifier; `*step_offset` is how many steps of 30 seconds the token is ahead of `unix_time`,
/// below zero if it is behind. Else both are as before. Either may be NULL.
///
/// Statuses as for `xtoken_verifier_verify`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_verify_detailed(
    verifier: Option<&xtoken_verifier>,
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
    unix_time: u64,
    key_id: Option<&mut MaybeUninit<*const c_char>>,
    step_offset: Option<&mut MaybeUninit<i32>>,
) -> xtoken_status {
    guarded!([verifier] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let (jid, token) = unsafe { presented(jid, jid_len, token, token_len) }?;
        let accepted = verifier.verifier.verify(jid, token, unix_time)?;
        verifier.tell_key(&accepted, key_id);
        if let Some(slot) = step_offset {
            // Never more than the deviation.
            slot.write(i32::try_from(accepted.step_offset).unwrap_or_default());
        }
        Ok(())
    })
}

/// The clock skew of an undated token.
pub const XTOKEN_NO_DATE: i32 = i32::MAX;

/// As `xtoken_verifier_verify`, and tells about the nonce of an accepted token. So you see when
/// `XTOKEN_NONCE_DATED` can be set, and how many seconds the minter's clock is off.
///
/// After `XTOKEN_OK`, `*key_id` is as for `xtoken_verifier_verify_detailed`; `*nonce_length` is the
/// number of digits of the nonce; `*clock_skew` is how many seconds the date of the token is ahead
/// of `unix_time`, below zero if it is behind, or `XTOKEN_NO_DATE` if the token is undated. After
/// any other status all are unchanged. Each may be NULL.
///
/// Statuses as for `xtoken_verifier_verify`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_verify_nonce(
    verifier: Option<&xtoken_verifier>,
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
    unix_time: u64,
    key_id: Option<&mut MaybeUninit<*const c_char>>,
    nonce_length: Option<&mut MaybeUninit<u32>>,
    clock_skew: Option<&mut MaybeUninit<i32>>,
) -> xtoken_status {
    guarded!([verifier] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let (jid, token) = unsafe { presented(jid, jid_len, token, token_len) }?;
        let accepted = verifier.verifier.verify(jid, token, unix_time)?;
        verifier.tell_key(&accepted, key_id);
        if let Some(slot) = nonce_length {
            // Never more than 970 digits.
            slot.write(u32::try_from(accepted.nonce_length).unwrap_or_default());
        }
        if let Some(slot) = clock_skew {
            // Never more than 330 seconds.
            let seconds = accepted.clock_skew.map(i32::try_from);
            slot.write(seconds.and_then(Result::ok).unwrap_or(XTOKEN_NO_DATE));
        }
        Ok(())
    })
}

/// Writes why a token is refused, or that it is not, for a person: a line for each thing found,
/// the one to begin with first, each a stable name, ": " and a sentence, with a NUL behind the
/// last. "good: ..." means that it would be accepted; other names are "malformed", "nonce-length",
/// "long-address", "other-address", "bad-signature", "inactive-key", "mixed-keys", "undated",
/// "clock", "unknown-otp", "replayed" and "unavailable". Later versions may add some.
///
/// Spends nothing; takes some milliseconds, and waits for the ledger as a verification does. Never
/// show it to the client.
///
/// `jid`, `token` and `unix_time` are as for `xtoken_verifier_verify`. `others` may be NULL; else it
/// has an address, or a host for the same user, in each line, that may have been signed by mistake;
/// more than 256 are not looked at. `buffer`, `*length` and a buffer that is too small are as for
/// `xtoken_minter_mint`, but for what is always enough: ask for the size, or try 4096 bytes.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_explain(
    verifier: Option<&xtoken_verifier>,
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
    unix_time: u64,
    others: *const c_char,
    others_len: usize,
    buffer: *mut c_char,
    length: Option<&mut usize>,
) -> xtoken_status {
    guarded!([verifier, length] {
        // SAFETY: the header asks the caller for this many readable bytes.
        let (jid, token) = unsafe { presented(jid, jid_len, token, token_len) }?;
        let others = match others.is_null() {
            true => &[],
            // SAFETY: as above.
            false => unsafe { chars(others, others_len) }?,
        };
        let lines = others.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let others: Vec<_> = lines.take(MAX_OTHERS).collect();
        let findings = verifier.verifier.explain(jid, token, unix_time, &others);
        let lines: Vec<_> =
            findings.iter().map(|finding| format!("{}: {finding}", finding.name())).collect();
        // SAFETY: the header asks the caller for this many writable bytes; the text is ours.
        unsafe { give(&lines.join("\n"), buffer, length) }
    })
}

/// The JID that a client claims, and its token.
///
/// # Safety
///
/// As for [`chars`], for both.
unsafe fn presented<'a>(
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
) -> Result<(&'a [u8], &'a [u8]), Failure> {
    // SAFETY: the caller promises it.
    unsafe { Ok((chars(jid, jid_len)?, chars(token, token_len)?)) }
}

/// Writes what kept the ledger from answering, for the log of the program: after
/// `XTOKEN_UNAVAILABLE` a text with a NUL behind it, else an empty one.
///
/// `buffer`, `*length` and a buffer that is too small are as for `xtoken_minter_mint`.
///
/// `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_trouble(
    verifier: Option<&xtoken_verifier>,
    buffer: *mut c_char,
    length: Option<&mut usize>,
) -> xtoken_status {
    guarded!([verifier, length] {
        let text = verifier.verifier.ledger().trouble().unwrap_or_default();
        // SAFETY: the header asks the caller for this many writable bytes; the text is ours.
        unsafe { give(&text, buffer, length) }
    })
}

/// How many bits the weakest seed of the verifier has. Below 128 the operator should be told to
/// make a longer one. 0 if `verifier` is NULL.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_verifier_seed_bits(verifier: Option<&xtoken_verifier>) -> usize {
    guarded!(or 0; {
        verifier.map_or(0, |verifier| verifier.verifier.seed_bits())
    })
}

/// Frees a verifier, wipes its keys and forgets what it has accepted. No other thread may be
/// using it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_verifier_free(verifier: Option<Box<xtoken_verifier>>) {
    guarded!(or (); { drop(verifier) })
}
