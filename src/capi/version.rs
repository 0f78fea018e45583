//! The version of the library that runs, which need not be the one of the header.

use std::ffi::{CStr, c_char};

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// Returns the version of the library that runs, such as "1.2.3". `XTOKEN_VERSION` is the one that
/// your program was compiled for.
///
/// Never returns NULL. The text is static. May be called from any thread.
///
/// Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_version() -> *const c_char {
    guarded!(or c"unknown".as_ptr(); {
        CStr::from_bytes_with_nul(VERSION.as_bytes()).unwrap_or(c"unknown").as_ptr()
    })
}

/// Returns the version of the library that runs as a number that can be compared: 0x010203 is
/// 1.2.3. `XTOKEN_VERSION_NUMBER` is the one that your program was compiled for.
///
/// May be called from any thread.
///
/// Since 0.2.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn xtoken_version_number() -> u32 {
    guarded!(or 0; {
        let parts = [
            env!("CARGO_PKG_VERSION_MAJOR"),
            env!("CARGO_PKG_VERSION_MINOR"),
            env!("CARGO_PKG_VERSION_PATCH"),
        ];
        parts.iter().fold(0, |number, part| number << 8 | part.parse().unwrap_or(0))
    })
}
