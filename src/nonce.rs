//! The date in a nonce: 12 digits of Unix seconds, then random digits. No secrets, no clock.
//!
//! ```text
//! nonce = date random      date = 12 digits, zero-padded      random = N - 12 digits, N >= 24
//! ```
//!
//! Shorter nonces have no date, because too few of their digits would be random. The first digits
//! of a nonce prove nothing by themselves: a token is dated only if its OTP is that of the step of
//! this date.

/// The number of digits of a date.
pub const DATE_DIGITS: usize = 12;
/// The number of digits of the shortest nonce that has a date.
pub const MIN_DATED_LENGTH: usize = 24;
/// The last Unix second that can be written as a date. It is in the year 33658.
pub const MAX_DATE: u64 = 10_u64.pow(DATE_DIGITS as u32) - 1;

/// Returns the first digits of a nonce as Unix seconds; `None` if it is too short for a date. The
/// nonce must be decimal digits. Whether they are a date, only the OTP shows.
pub fn date_of(nonce: &[u8]) -> Option<u64> {
    if nonce.len() < MIN_DATED_LENGTH {
        return None;
    }
    let digits: &[u8; DATE_DIGITS] = nonce.first_chunk()?;
    // In groups of digits, which a processor handles in parallel.
    let number = |group: &[u8; 4]| group.iter().fold(0, |n, digit| n * 10 + u64::from(digit & 0xf));
    Some(digits.as_chunks().0.iter().map(number).fold(0, |date, group| date * 10_000 + group))
}

/// Returns the first digits of a nonce that has `length` digits and is made at `date` (Unix
/// seconds): none if it is too short for a date. Returns `None` if `date` is beyond [`MAX_DATE`].
pub(crate) fn first_digits(length: usize, date: u64) -> Option<Vec<u8>> {
    if date > MAX_DATE {
        return None;
    }
    let digits = || format!("{date:0DATE_DIGITS$}").into_bytes();
    Some(if length < MIN_DATED_LENGTH { Vec::new() } else { digits() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (date, digits) in
            [(0, "000000000000"), (1_700_000_010, "001700000010"), (MAX_DATE, "999999999999")]
        {
            for length in [MIN_DATED_LENGTH, 32, 970] {
                let mut nonce = first_digits(length, date).unwrap();
                assert_eq!(nonce, digits.as_bytes());
                nonce.resize(length, b'7');
                assert_eq!(date_of(&nonce), Some(date));
            }
        }
        assert_eq!(first_digits(32, MAX_DATE + 1), None);
    }

    #[test]
    fn short_nonces_have_no_date() {
        for length in [0, 1, 12, MIN_DATED_LENGTH - 1] {
            assert_eq!(first_digits(length, 1_700_000_010), Some(vec![]));
            assert_eq!(date_of(&b"001700000010000000000000"[..length]), None);
        }
    }
}
