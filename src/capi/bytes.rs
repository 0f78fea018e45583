//! The byte ranges of a C caller: input to read, buffers to fill.

use std::ffi::c_char;
use std::ptr::copy_nonoverlapping;
use std::slice;

use super::failure::Failure;
use super::status::XTOKEN_INVALID_LENGTH;

/// Returns the `length` bytes at `pointer`; none for NULL with length 0.
///
/// # Safety
///
/// Unless NULL, `pointer` is readable for `length` bytes for as long as `'a` lasts.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, length: usize) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return if length == 0 { Ok(&[]) } else { Err(Failure::NULL) };
    }
    // A converted negative number: Rust has no slices of that length.
    if length > isize::MAX as usize {
        return Err(Failure(XTOKEN_INVALID_LENGTH));
    }
    // SAFETY: not NULL, not too long, readable as the caller promises; bytes need no alignment.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// Does the same as [`bytes`] for what C calls `char`.
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
    // SAFETY: `text` and its NUL fit, as was just checked, and nothing overlaps.
    unsafe { copy_nonoverlapping(text.as_ptr(), buffer, text.len()) };
    // SAFETY: as above.
    unsafe { buffer.add(text.len()).write(0) };
    Ok(())
}

/// Writes `text` and a NUL to a buffer of `*length` bytes. Sets `*length` to the length of the
/// text, without the NUL, or to the size that is needed, with it.
///
/// # Safety
///
/// Unless NULL, `buffer` is writable for `*length` bytes and does not overlap `text`.
pub(super) unsafe fn write_with_length(
    text: &str,
    buffer: *mut c_char,
    length: &mut usize,
) -> Result<(), Failure> {
    check_fits(buffer, length, text.len())?;
    // SAFETY: the caller makes the promise that `write` asks for.
    unsafe { write(buffer, *length, text.as_bytes()) }?;
    *length = text.len();
    Ok(())
}

/// Checks that a text of `text_length` bytes and its NUL fit into a buffer of `*length` bytes. If
/// not, sets `*length` to the size that is needed.
pub(super) fn check_fits(
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

/// Checks that `needed` bytes fit. NULL is a buffer of size 0; with another size it is an error.
pub(super) fn check_size(buffer: *mut c_char, size: usize, needed: usize) -> Result<(), Failure> {
    if buffer.is_null() && size > 0 {
        return Err(Failure::NULL);
    }
    if size < needed {
        return Err(Failure::TOO_SMALL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_only_with_its_nul() {
        for size in 0..=5 {
            let mut buffer = [0x55; 5];
            // SAFETY: the size is not larger than that of the buffer.
            let written = unsafe { write(buffer.as_mut_ptr().cast(), size, b"abc") };
            if size < 4 {
                assert_eq!((written, buffer), (Err(Failure::TOO_SMALL), [0x55; 5]));
            } else {
                assert_eq!((written, &buffer), (Ok(()), b"abc\0\x55"));
            }
        }
    }
}
