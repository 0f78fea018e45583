//! Where something stops being a token.

use std::fmt;

use crate::token::{ENCODED_SIGNATURE_LENGTH, MAX_TOKEN_LENGTH, OTP_DIGITS};

/// What keeps bytes from being a token; positions are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// No bytes at all.
    Empty,
    /// More than [`MAX_TOKEN_LENGTH`] bytes.
    TooLong(usize),
    /// White space before or behind it, as of a line that was read with its end.
    WhiteSpace,
    /// A byte among the digits that is none.
    NoDigit(usize),
    /// Nothing but digits.
    NoSignature,
    /// Fewer digits than a one-time password and a nonce need.
    FewDigits(usize),
    /// A space within the signature, where a URL had turned `+` into one.
    PlusLost,
    /// `-` or `_` in the signature: base64url (RFC 4648 section 5).
    Base64Url,
    /// The signature does not end with the one `=` that 32 bytes have.
    Padding,
    /// The signature has another number of characters than 44.
    SignatureLength(usize),
    /// A byte in the signature that is not of the base64 alphabet.
    NoBase64(usize),
    /// Bits of the last character are set that carry nothing (RFC 4648 section 3.5).
    UnusedBits,
}

impl Flaw {
    /// The first flaw of bytes that are not a token.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if bytes.len() > MAX_TOKEN_LENGTH {
            return Self::TooLong(bytes.len());
        }
        if bytes.trim_ascii().len() < bytes.len() {
            return Self::WhiteSpace;
        }
        let Some(digits) = bytes.iter().position(|byte| !byte.is_ascii_digit()) else {
            return Self::NoSignature;
        };
        let signature = match bytes.split_at_checked(digits) {
            Some((_, [b' ', signature @ ..])) => signature,
            _ => return Self::NoDigit(digits + 1),
        };
        if digits <= OTP_DIGITS {
            return Self::FewDigits(digits);
        }
        Self::of_signature(signature, digits + 2)
    }

    fn of_signature(signature: &[u8], first: usize) -> Self {
        if signature.contains(&b' ') {
            return Self::PlusLost;
        }
        if signature.iter().any(|byte| matches!(byte, b'-' | b'_')) {
            return Self::Base64Url;
        }
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let body = signature.iter().take_while(|byte| is_base64(byte)).count();
        if signature.get(body..).is_some_and(|rest| rest.iter().any(|byte| *byte != b'=')) {
            return Self::NoBase64(first + body);
        }
        match (body, signature.len()) {
            (43, ENCODED_SIGNATURE_LENGTH) => Self::UnusedBits,
            (43, _) | (_, ENCODED_SIGNATURE_LENGTH) => Self::Padding,
            (_, length) => Self::SignatureLength(length),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong(length) => {
                write!(f, "it has {length} bytes, more than {MAX_TOKEN_LENGTH}")
            }
            Self::WhiteSpace => {
                f.write_str("it has white space before or behind it: strip the line break")
            }
            Self::NoDigit(at) => write!(f, "byte {at} should be a digit or the one space"),
            Self::NoSignature => f.write_str("it has no space and signature behind the digits"),
            Self::FewDigits(digits) => write!(
                f,
                "it begins with {digits} digits, too few for an {OTP_DIGITS}-digit one-time \
                 password and a nonce"
            ),
            Self::PlusLost => f.write_str(
                "there is a second space: a \"+\" became one on its way, encode it for the URL",
            ),
            Self::Base64Url => f.write_str(
                "its signature is base64url: use the standard alphabet, \"+\" and \"/\"",
            ),
            Self::Padding => f.write_str("its signature must end with exactly one \"=\""),
            Self::SignatureLength(length) => write!(
                f,
                "its signature has {length} characters, not the {ENCODED_SIGNATURE_LENGTH} of 32 \
                 bytes in base64: encode the bytes, not a hexadecimal text"
            ),
            Self::NoBase64(at) => write!(f, "byte {at} is not of the base64 alphabet"),
            Self::UnusedBits => f.write_str(
                "the last character of its signature has bits set that base64 leaves zero",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn good() -> String {
        Token::new(b"0123456700000000000000000000000000000042", [0xfb; 32]).encode()
    }

    #[test]
    fn each_flaw_is_found() {
        let token = good();
        let (digits, signature) = token.split_once(' ').unwrap();
        for (bytes, flaw) in [
            (String::new(), Flaw::Empty),
            ("7".repeat(1024), Flaw::TooLong(1024)),
            (format!("{token}\n"), Flaw::WhiteSpace),
            (format!(" {token}"), Flaw::WhiteSpace),
            (token.replacen('3', "x", 1), Flaw::NoDigit(4)),
            ("alice".to_owned(), Flaw::NoDigit(1)),
            (digits.to_owned(), Flaw::NoSignature),
            (format!("01234567 {signature}"), Flaw::FewDigits(8)),
            (token.replace('+', " "), Flaw::PlusLost),
            (token.replace('+', "-"), Flaw::Base64Url),
            (token.trim_end_matches('=').to_owned(), Flaw::Padding),
            (format!("{token}="), Flaw::Padding),
            (format!("{digits} {}==", &signature[..42]), Flaw::Padding),
            (format!("{digits} {}AA", &signature[..42]), Flaw::Padding),
            (format!("{digits} {}", "0".repeat(64)), Flaw::SignatureLength(64)),
            (format!("{digits} AAAA"), Flaw::SignatureLength(4)),
            (token.replacen('+', "*", 1), Flaw::NoBase64(42)),
            (format!("{digits} {}t=", &signature[..42]), Flaw::UnusedBits),
        ] {
            assert!(Token::parse_any(bytes.as_bytes()).is_none(), "{bytes:?}");
            assert_eq!(Flaw::of(bytes.as_bytes()), flaw, "{bytes:?}");
        }
    }

    #[test]
    fn any_bytes_have_one() {
        for bytes in [&b"\0"[..], b"\xff\xfe", b"12345678\x00", b"123456789 ", b"123456789 \xff"] {
            assert_ne!(Flaw::of(bytes).to_string(), "");
        }
    }
}
