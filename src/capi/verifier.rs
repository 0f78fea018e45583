//! `xtoken_verifier`: decides about tokens.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use super::bytes::{chars, write_with_length};
use super::config::xtoken_config;
use super::failure::Failure;
use super::fork::Protected;
use super::status::xtoken_status;
use crate::explain::MAX_OTHERS;
use crate::{Accepted, Key, Verifier, ledger};

/// Decides about tokens and remembers the spent ones in its ledger.
///
/// Keep one verifier for the life of the server: with the ledger "memory:" it forgets the spent
/// tokens when it is freed. Many threads may verify with it at once. A token that several of them
/// present is accepted for exactly one.
///
/// After `fork` both processes may use it. With the ledger "memory:" each remembers for itself from
/// then on, so a token can be accepted once in each.
pub struct xtoken_verifier {
    // Dropped before `_protected`, which must be the last owner of the ledger.
    verifier: Verifier,
    key_ids: Vec<CString>,
    _protected: Protected,
}

impl xtoken_verifier {
    fn tell_key(&self, accepted: &Accepted, key_id: Option<&mut MaybeUninit<*const c_char>>) {
        let is_its = |id: &&CString| id.to_bytes() == accepted.key_id.as_bytes();
        if let (Some(slot), Some(id)) = (key_id, self.key_ids.iter().find(is_its)) {
            slot.write(id.as_ptr());
        }
    }
}

/// Makes a verifier with all keys of `config`. Free it with `xtoken_verifier_free`.
///
/// `*verifier` need not be initialised. After a failure it is NULL.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_NO_KEY`, `XTOKEN_INVALID_LEDGER`, or
/// `XTOKEN_UNAVAILABLE` if `pthread_atfork` failed.
///
/// Since 0.1.
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
        let terminated = |key: &Key| CString::new(key.id()).unwrap_or_default();
        let key_ids = made.keys().iter().map(terminated).collect();
        let made = xtoken_verifier { verifier: made, key_ids, _protected: protected };
        verifier.write(Some(Box::new(made)));
        Ok(())
    })
}

/// Accepts a token, once. Only `XTOKEN_OK` means that the user may log in.
///
/// `jid` is the bare JID that the user claims, `user@host`, after SASLprep and nodeprep of the
/// user, so in lower case. `token` is what the client sent. `unix_time` is the present in seconds
/// since 1970, UTC, as `time(NULL)` returns it.
///
/// Tell the client only whether it succeeded. The reason is for your log.
///
/// Returns `XTOKEN_OK`; the reason of a refusal: `XTOKEN_MALFORMED`, `XTOKEN_BAD_SIGNATURE`,
/// `XTOKEN_EXPIRED`, `XTOKEN_REPLAYED`, `XTOKEN_UNAVAILABLE` or `XTOKEN_UNDATED`; or
/// `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_LENGTH`.
///
/// Since 0.1.
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
        let (jid, token) = unsafe { jid_and_token(jid, jid_len, token, token_len) }?;
        verifier.verifier.verify(jid, token, unix_time)?;
        Ok(())
    })
}

/// Verifies as `xtoken_verifier_verify` does, and reports which key signed an accepted token and
/// how many steps the clock of the minter is off. Use it to see when an old key is no longer used.
///
/// After `XTOKEN_OK`, `*key_id` is the id of the key, which the verifier owns: it is valid until
/// the verifier is freed. `*step_offset` is how many steps of 30 seconds the token is ahead of
/// `unix_time`, and negative if it is behind. After any other status both are unchanged. Each may
/// be NULL.
///
/// Returns what `xtoken_verifier_verify` returns.
///
/// Since 0.1.
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
        let (jid, token) = unsafe { jid_and_token(jid, jid_len, token, token_len) }?;
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
pub const XTOKEN_NO_DATE: i32 = 2147483647;

/// Verifies as `xtoken_verifier_verify` does, and reports on the nonce of an accepted token. Use it
/// to see when `XTOKEN_NONCE_DATED` can be set, and how many seconds the clock of a minter is off.
///
/// After `XTOKEN_OK`, `*key_id` is as for `xtoken_verifier_verify_detailed`, and `*nonce_length` is
/// the number of digits of the nonce. `*clock_skew` is how many seconds the date of the token is
/// ahead of `unix_time`, negative if it is behind, or `XTOKEN_NO_DATE` if the token is undated.
/// After any other status all are unchanged. Each may be NULL.
///
/// Returns what `xtoken_verifier_verify` returns.
///
/// Since 0.2.
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
        let (jid, token) = unsafe { jid_and_token(jid, jid_len, token, token_len) }?;
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

/// Writes why a token is refused, or that it would be accepted, for a person. Spends nothing.
///
/// The text has a line for each finding, the most important first: a stable name, ": " and a
/// sentence. "accepted: ..." means that the token would be accepted. Other names say why not:
/// "malformed", "nonce-length", "long-jid", "invalid-jid", "other-jid", "bad-signature",
/// "inactive-key", "mixed-keys", "undated", "clock", "unknown-otp", "replayed" and "unavailable";
/// or what the minter did in another way: "otp-zeros", "otp-padding", "otp-digits", "nonce-zeros",
/// "otp-hash", "otp-interval", "otp-milliseconds", "otp-seed", "otp-clock", "nonce-date",
/// "signature-hash", "no-hmac", "hmac-exchanged", "signature-secret" and "signed-text". Later
/// versions may add some. Do not show the text to the client.
///
/// If `jid` is not as a server prepares it, the text has "invalid-jid" and never "accepted", even
/// if verifying would accept a token that was signed for it.
///
/// `jid`, `token` and `unix_time` are as for `xtoken_verifier_verify`. `others` has lines, each
/// with a JID, or a host for the same user, that the token may have been signed for by mistake.
/// Only the first 256 are tried. `buffer` and `*length` are as for `xtoken_minter_mint`, but no
/// size is always enough: try 4096 bytes, or ask for the size.
///
/// Takes some milliseconds, and waits for the ledger as verifying does. Hashes 13 MB at most,
/// beside what a few calls of `xtoken_verifier_verify` hash: about 50 ms, or three times as long
/// on a processor without instructions for SHA.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or
/// `XTOKEN_BUFFER_TOO_SMALL`.
///
/// Since 0.1.
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
        let (jid, token) = unsafe { jid_and_token(jid, jid_len, token, token_len) }?;
        // SAFETY: as above.
        let others = unsafe { chars(others, others_len) }?;
        let lines = others.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let others: Vec<_> = lines.take(MAX_OTHERS).collect();
        let findings = verifier.verifier.explain(jid, token, unix_time, &others);
        let lines: Vec<_> =
            findings.iter().map(|finding| format!("{}: {finding}", finding.name())).collect();
        // SAFETY: the header asks for this many writable bytes, and the text is elsewhere.
        unsafe { write_with_length(&lines.join("\n"), buffer, length) }
    })
}

/// Returns the JID that a client claims, and its token.
///
/// # Safety
///
/// As for [`chars`], for both.
unsafe fn jid_and_token<'a>(
    jid: *const c_char,
    jid_len: usize,
    token: *const c_char,
    token_len: usize,
) -> Result<(&'a [u8], &'a [u8]), Failure> {
    // SAFETY: the caller promises it.
    unsafe { Ok((chars(jid, jid_len)?, chars(token, token_len)?)) }
}

/// The size of a buffer that holds every last error and its NUL.
pub const XTOKEN_LAST_ERROR_SIZE_MAX: usize = 4096;

/// Writes the last error of the ledger, for your log: why it could not answer. Writes an empty text
/// if the ledger answered the last time. The text can be empty after an `XTOKEN_UNAVAILABLE`, too:
/// a ledger that lost tokens answers, but refuses those that it may have known.
///
/// The error is that of the ledger of this verifier, not of the calling thread: any thread may have
/// met it, and a later answer to any thread removes it. To log it beside a refusal, call this right
/// after.
///
/// `buffer` and `*length` are as for `xtoken_minter_mint`. `XTOKEN_LAST_ERROR_SIZE_MAX` bytes are
/// always enough: a longer text is cut off.
///
/// Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_BUFFER_TOO_SMALL`.
///
/// Since 0.2.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_verifier_last_error(
    verifier: Option<&xtoken_verifier>,
    buffer: *mut c_char,
    length: Option<&mut usize>,
) -> xtoken_status {
    guarded!([verifier, length] {
        let text = verifier.verifier.ledger().last_error().unwrap_or_default();
        let text = cut(&text, XTOKEN_LAST_ERROR_SIZE_MAX - 1);
        // SAFETY: the header asks for this many writable bytes, and the text is elsewhere.
        unsafe { write_with_length(text, buffer, length) }
    })
}

/// Returns how many bits the shortest seed of the verifier has. Below 128, tell the operator to use
/// a longer one. Returns 0 if `verifier` is NULL.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_verifier_seed_bits(verifier: Option<&xtoken_verifier>) -> usize {
    guarded!(or 0; {
        verifier.map_or(0, |verifier| verifier.verifier.seed_bits())
    })
}

/// Frees a verifier, wipes its keys and closes its ledger. NULL is ignored.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_verifier_free(verifier: Option<Box<xtoken_verifier>>) {
    guarded!(or (); { drop(verifier) })
}

/// Returns as much of the text as fits into this many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (bytes, expected) in [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (4, "aéz"), (5, "aéz")]
        {
            assert_eq!(cut("aéz", bytes), expected);
        }
    }

    #[test]
    fn no_date_is_no_clock_skew() {
        assert_eq!(XTOKEN_NO_DATE, i32::MAX);
    }
}
