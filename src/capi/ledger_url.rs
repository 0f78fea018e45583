//! What is wrong with the URL of a ledger.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::bytes::chars;
use crate::config::{ConfigError, LedgerUrlError};
use crate::ledger;

/// What to say of a URL that names no kind of ledger.
const UNKNOWN: &CStr = with_nul!(ConfigError::Ledger.message());

/// Returns what is wrong with the URL of a ledger, and what to do: a sentence for the operator of
/// the program. Call it when `xtoken_config_set_ledger` returned `XTOKEN_INVALID_LEDGER`, whose
/// message is the same for all URLs.
///
/// `url` has `url_len` bytes, need not end with NUL, and is not kept. If it is NULL or too long,
/// the text is that for a ledger that does not exist.
///
/// Returns NULL if `xtoken_config_set_ledger` would accept the URL. Opens nothing. The text is
/// static: do not free it. It shows no part of the URL. Later versions may word it differently.
/// May be called from any thread.
///
/// Since 0.3.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn xtoken_ledger_url_message(
    url: *const c_char,
    url_len: usize,
) -> *const c_char {
    guarded!(or UNKNOWN.as_ptr(); {
        // SAFETY: the header asks the caller for this many readable bytes.
        let url = unsafe { chars(url, url_len) };
        match url.map(ledger::open) {
            Ok(Ok(_)) => ptr::null(),
            Ok(Err(ConfigError::LedgerUrl(error))) => message(error).as_ptr(),
            _ => UNKNOWN.as_ptr(),
        }
    })
}

fn message(error: LedgerUrlError) -> &'static CStr {
    macro_rules! messages {
        ($($error:ident)*) => {
            match error {
                $(LedgerUrlError::$error => with_nul!(LedgerUrlError::$error.message()),)*
            }
        };
    }
    messages!(
        Form Password TwoPasswords Database Timeout Fragment Parameter RelativePath
        CertificateAndKey NoTls
    )
}
