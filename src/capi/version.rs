//! The version of the library that runs, which need not be the one of the header.

use std::ffi::{CStr, c_char};

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The version of the library that runs, such as "1.2.3"; `XTOKEN_VERSION` is the one that your
/// program was compiled for.
///
/// The text is static: never free it. Never NULL. May be called from any thread.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_version() -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        CStr::from_bytes_with_nul(VERSION.as_bytes()).unwrap_or(c"unknown").as_ptr()
    })
}
