//! The wire format: bytes -> [`Token`] -> bytes. No secrets, no clock.
//!
//! ```text
//! token = otp nonce SP base64(signature)
//! otp   = 8 digits          nonce = N digits          signature = 32 bytes
//! ```
//!
//! Exactly `^[0-9]{8}[0-9]{N} [A-Za-z0-9+/]{43}=$`, with canonical base64 (RFC 4648 section 3.5:
//! unused bits are zero), nothing before and nothing after it. The verifier fixes N: in what is
//! signed, nothing separates the nonce from the JID. If the length were free, a token of `7alice`
//! would also be one of `alice`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The number of digits of the OTP.
pub const OTP_DIGITS: usize = 8;
/// The number of bytes of the signature, an HMAC-SHA-256.
pub const SIGNATURE_LENGTH: usize = 32;
/// The default number of digits of the nonce.
pub const DEFAULT_NONCE_LENGTH: usize = 32;
/// The largest number of bytes of a token: the limit of RFC 4616 for a password.
pub const MAX_TOKEN_LENGTH: usize = 1023;
/// The number of digits of the longest nonce, with which a token has [`MAX_TOKEN_LENGTH`] bytes.
pub const MAX_NONCE_LENGTH: usize = MAX_TOKEN_LENGTH - OTP_DIGITS - 1 - ENCODED_SIGNATURE_LENGTH;

pub(crate) const ENCODED_SIGNATURE_LENGTH: usize = 44;

/// The parts of a token whose shape is right. Whether the token is genuine is another question.
///
/// Tokens cannot be compared with `==`, because that would not take constant time.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    digits: &'a [u8],
    signature: [u8; SIGNATURE_LENGTH],
}

impl<'a> Token<'a> {
    /// Takes a token apart; `None` if the bytes are not a token with a nonce of 1 to
    /// [`MAX_NONCE_LENGTH`] digits. Checks the length first and then each byte once.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if !(encoded_length(1)..=MAX_TOKEN_LENGTH).contains(&bytes.len()) {
            return None;
        }
        let (digits, rest) = bytes.split_at_checked(bytes.len() - 1 - ENCODED_SIGNATURE_LENGTH)?;
        let encoded = rest.strip_prefix(b" ")?;
        // Without an early end, so that the compiler can use vector instructions.
        if !digits.iter().fold(true, |all, digit| all & digit.is_ascii_digit()) {
            return None;
        }
        let mut signature = [0; SIGNATURE_LENGTH];
        let decoded = STANDARD.decode_slice(encoded, &mut signature).ok()?;
        (decoded == SIGNATURE_LENGTH).then_some(Self { digits, signature })
    }

    /// Makes a token of `otp || nonce`, which must be decimal digits, and its signature.
    pub fn new(digits: &'a [u8], signature: [u8; SIGNATURE_LENGTH]) -> Self {
        Self { digits, signature }
    }

    /// Returns the OTP as a number.
    pub(crate) fn otp(&self) -> u32 {
        self.digits.iter().take(OTP_DIGITS).fold(0, |otp, d| otp * 10 + u32::from(d & 0xf))
    }

    /// Returns the digits of the nonce.
    pub(crate) fn nonce(&self) -> &'a [u8] {
        self.digits.get(OTP_DIGITS..).unwrap_or_default()
    }

    /// Returns the number of digits of the nonce.
    pub fn nonce_length(&self) -> usize {
        self.nonce().len()
    }

    /// Returns `otp || nonce`, the digits that are signed before the JID.
    pub fn digits(&self) -> &'a [u8] {
        self.digits
    }

    /// Returns the signature.
    pub fn signature(&self) -> &[u8; SIGNATURE_LENGTH] {
        &self.signature
    }

    /// Returns the token as it is sent.
    pub fn encode(&self) -> String {
        let mut text: String = self.digits.iter().copied().map(char::from).collect();
        text.push(' ');
        STANDARD.encode_string(self.signature, &mut text);
        text
    }
}

/// Returns the number of bytes of a token whose nonce has `nonce_length` digits.
pub(crate) const fn encoded_length(nonce_length: usize) -> usize {
    OTP_DIGITS + nonce_length + 1 + ENCODED_SIGNATURE_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648 section 10.
    #[test]
    fn base64_is_the_one_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(STANDARD.encode(plain), encoded);
            assert_eq!(STANDARD.decode(encoded).unwrap(), plain.as_bytes());
        }
    }

    fn good() -> Vec<u8> {
        Token::new(b"0123456700000000000000000000000000000042", [0xfb; 32]).encode().into()
    }

    #[test]
    fn encode_and_parse_are_inverse() {
        let bytes = good();
        let token = Token::parse(&bytes).unwrap();
        assert_eq!(token.otp(), 1_234_567);
        assert_eq!(token.signature(), &[0xfb; 32]);
        assert_eq!(token.encode().as_bytes(), bytes);
    }

    #[test]
    fn a_nonce_has_1_to_970_digits() {
        for length in [1, 16, 32, MAX_NONCE_LENGTH] {
            let digits = vec![b'7'; OTP_DIGITS + length];
            let token = Token::new(&digits, [1; 32]).encode();
            assert_eq!(token.len(), encoded_length(length));
            assert_eq!(Token::parse(token.as_bytes()).unwrap().nonce_length(), length);
        }
        assert_eq!(encoded_length(MAX_NONCE_LENGTH), MAX_TOKEN_LENGTH);
        for length in [0, MAX_NONCE_LENGTH + 1] {
            let digits = vec![b'7'; OTP_DIGITS + length];
            let token = Token::new(&digits, [1; 32]).encode();
            assert!(Token::parse(token.as_bytes()).is_none(), "{length}");
        }
        assert!(Token::parse(b"").is_none());
    }

    #[test]
    fn no_byte_may_be_replaced() {
        let bytes = good();
        for at in 0..bytes.len() {
            for replacement in [0, b' ', b'=', b'-', b'_', b':', b'/' - 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                if damaged[at] == replacement {
                    continue;
                }
                damaged[at] = replacement;
                assert!(Token::parse(&damaged).is_none(), "byte {at} := {replacement:#x}");
            }
        }
    }
}
