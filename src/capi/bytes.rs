//! Byte ranges that a C caller hands over, to read and to fill.

use std::ffi::c_char;
use std::ptr::copy_nonoverlapping;
use std::slice;

use super::status::{Failure, XTOKEN_INVALID_LENGTH};

/// The `length` bytes at `pointer`.
///
/// # Safety
///
/// Unless NULL, `pointer` is readable for `length` bytes for as long as `'a` lasts.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, length: usize) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return Err(Failure::NULL);
    }
    // No memory is that long: a negative number was converted. A slice of it would be undefined.
    if length > isize::MAX as usize {
        return Err(Failure(XTOKEN_INVALID_LENGTH));
    }
    // SAFETY: not NULL, not too long, readable as the caller promises; bytes need no alignment.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// As [`bytes`], for what C calls `char`.
///
/// # Safety
///
/// As for [`bytes`].
pub(super) unsafe fn chars<'a>(pointer: *const c_char, length: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: the caller makes the promise that `bytes` asks for.
    unsafe { bytes(pointer.cast(), length) }
}

/// Writes `text` and a NUL to a buffer of `size` bytes.
///
/// # Safety
///
/// Unless NULL, `buffer` is writable for `size` bytes and does not overlap `text`.
pub(super) unsafe fn write(buffer: *mut c_char, size: usize, text: &[u8]) -> Result<(), Failure> {
    check_size(buffer, size, text.len() + 1)?;
    let buffer: *mut u8 = buffer.cast();
    // SAFETY: `text` and the NUL behind it fit, as was just checked, and nothing overlaps.
    unsafe { copy_nonoverlapping(text.as_ptr(), buffer, text.len()) };
    // SAFETY: as above.
    unsafe { buffer.add(text.len()).write(0) };
    Ok(())
}

/// Writes `text` and a NUL to a buffer of `*length` bytes; `*length` becomes what was written,
/// without the NUL, or what is needed.
///
/// # Safety
///
/// Unless NULL, `buffer` is writable for `*length` bytes and does not overlap `text`.
pub(super) unsafe fn give(
    text: &str,
    buffer: *mut c_char,
    length: &mut usize,
) -> Result<(), Failure> {
    fits(buffer, length, text.len())?;
    // SAFETY: the caller makes the promise that `write` asks for.
    unsafe { write(buffer, *length, text.as_bytes()) }?;
    *length = text.len();
    Ok(())
}

/// Whether a text of `text_length` bytes and its NUL fit into a buffer of `*length`; if not,
/// `*length` becomes what they need.
pub(super) fn fits(
    buffer: *mut c_char,
    length: &mut usize,
    text_length: usize,
) -> Result<(), Failure> {
    let fits = check_size(buffer, *length, text_length + 1);
    if fits == Err(Failure::TOO_SMALL) {
        *length = text_length + 1;
    }
    fits
}

/// Whether `needed` bytes fit. Without a buffer none do; NULL with a size is a mistake.
pub(super) fn check_size(buffer: *mut c_char, size: usize, needed: usize) -> Result<(), Failure> {
    if buffer.is_null() && size > 0 {
        return Err(Failure::NULL);
    }
    if size < needed {
        return Err(Failure::TOO_SMALL);
    }
    Ok(())
}
