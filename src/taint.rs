//! Marks secrets for valgrind, which checks that no branch and no address depends on one:
//! `make trust-constant-time`, with `--cfg memcheck`.
//!
//! There, a secret is undefined memory, and so is whatever is computed from it. What becomes known
//! anyway is declassified, and each place says why that is right. In every other build, both
//! functions do nothing, and the compiler leaves nothing of them.

/// Marks bytes as secret.
#[inline(always)]
pub(crate) fn secret(bytes: &mut [u8]) {
    #[cfg(memcheck)]
    memcheck::make_undefined(bytes);
    #[cfg(not(memcheck))]
    let _ = bytes;
}

/// Returns a value that was computed from secrets and is none itself.
#[inline(always)]
pub(crate) fn declassify<T: Copy>(value: T) -> T {
    #[cfg(memcheck)]
    let value = memcheck::defined(value);
    value
}

#[cfg(memcheck)]
#[allow(unsafe_code)]
mod memcheck {
    use std::ffi::c_void;

    // tests/constant_time/marks.c defines them by the macros of valgrind.
    unsafe extern "C" {
        fn xtoken_make_undefined(address: *mut c_void, length: usize);
        fn xtoken_make_defined(address: *mut c_void, length: usize);
    }

    pub(super) fn make_undefined(bytes: &mut [u8]) {
        // SAFETY: valgrind only notes the range, and changes no byte.
        unsafe { xtoken_make_undefined(bytes.as_mut_ptr().cast(), bytes.len()) }
    }

    pub(super) fn defined<T: Copy>(mut value: T) -> T {
        // SAFETY: as above.
        unsafe { xtoken_make_defined((&raw mut value).cast(), size_of::<T>()) }
        value
    }
}
