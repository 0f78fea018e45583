//! [`with_nul`]: texts of the core as texts of C.

/// Appends a NUL to a text of the core, at compile time.
macro_rules! with_nul {
    ($text:expr) => {{
        const TEXT: &[u8] = $text.as_bytes();
        const BYTES: [u8; TEXT.len() + 1] = {
            let mut bytes = [0; TEXT.len() + 1];
            bytes.split_at_mut(TEXT.len()).0.copy_from_slice(TEXT);
            bytes
        };
        // The unit tests compare the texts.
        match ::std::ffi::CStr::from_bytes_with_nul(&BYTES) {
            Ok(text) => text,
            Err(_) => c"",
        }
    }};
}
