//! The wire format: bytes -> [`Token`] -> bytes. No secrets, no clock.
//!
//! ```text
//! token = otp nonce SP base64(signature)
//! otp   = 8 digits          nonce = N digits          signature = 32 bytes
//! ```
//!
//! Exactly `^[0-9]{8}[0-9]{N} [A-Za-z0-9+/]{43}=$`, the base64 canonical (RFC 4648 section 3.5:
//! unused bits are zero). Nothing before it, nothing behind it. N is fixed by the verifier:
//! nothing separates the nonce from the JID in what is signed, so a nonce of free length would
//! let the token of `7alice` pass as one of `alice`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Digits of the one-time password.
pub const OTP_DIGITS: usize = 8;
/// Bytes of the signature, HMAC-SHA-256.
pub const SIGNATURE_LENGTH: usize = 32;
/// Digits of the nonce unless a deployment says otherwise.
pub const DEFAULT_NONCE_LENGTH: usize = 32;
/// No token is longer than this many bytes (the limit of RFC 4616 for what stands in its place).
pub const MAX_TOKEN_LENGTH: usize = 1023;
/// The longest nonce with which a token still fits.
pub const MAX_NONCE_LENGTH: usize = MAX_TOKEN_LENGTH - OTP_DIGITS - 1 - ENCODED_SIGNATURE_LENGTH;

pub(crate) const ENCODED_SIGNATURE_LENGTH: usize = 44;

/// The parts of a token whose shape is right. Says nothing about whether it is genuine.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    digits: &'a [u8],
    signature: [u8; SIGNATURE_LENGTH],
}

impl<'a> Token<'a> {
    /// Takes a token apart; `None` if it is not one with a nonce of `nonce_length` digits.
    ///
    /// Looks at the length first and then at each byte once.
    pub fn parse(bytes: &'a [u8], nonce_length: usize) -> Option<Self> {
        if nonce_length > MAX_NONCE_LENGTH || bytes.len() != encoded_length(nonce_length) {
            return None;
        }
        let (digits, rest) = bytes.split_at_checked(OTP_DIGITS + nonce_length)?;
        let encoded = rest.strip_prefix(b" ")?;
        // All of them, since a loop that could end early is not made of vector instructions.
        if !digits.iter().fold(true, |all, digit| all & digit.is_ascii_digit()) {
            return None;
        }
        let mut signature = [0; SIGNATURE_LENGTH];
        let decoded = STANDARD.decode_slice(encoded, &mut signature).ok()?;
        (decoded == SIGNATURE_LENGTH).then_some(Self { digits, signature })
    }

    /// As [`parse`](Self::parse) for a nonce of any length from 1 to [`MAX_NONCE_LENGTH`].
    pub fn parse_any(bytes: &'a [u8]) -> Option<Self> {
        let nonce_length = bytes.len().checked_sub(encoded_length(0))?;
        if nonce_length == 0 { None } else { Self::parse(bytes, nonce_length) }
    }

    /// Puts a token together from `otp || nonce`, both decimal digits, and its signature.
    pub fn new(digits: &'a [u8], signature: [u8; SIGNATURE_LENGTH]) -> Self {
        Self { digits, signature }
    }

    /// The one-time password as a number.
    pub fn otp(&self) -> u32 {
        self.digits.iter().take(OTP_DIGITS).fold(0, |otp, d| otp * 10 + u32::from(d & 0xf))
    }

    /// The digits of the nonce.
    pub fn nonce(&self) -> &'a [u8] {
        self.digits.get(OTP_DIGITS..).unwrap_or_default()
    }

    /// How many digits the nonce has.
    pub fn nonce_length(&self) -> usize {
        self.nonce().len()
    }

    /// `otp || nonce`: what is signed, before the JID.
    pub fn digits(&self) -> &'a [u8] {
        self.digits
    }

    /// The signature it carries.
    pub fn signature(&self) -> &[u8; SIGNATURE_LENGTH] {
        &self.signature
    }

    /// The token as it goes over the wire.
    pub fn encode(&self) -> String {
        let mut text: String = self.digits.iter().copied().map(char::from).collect();
        text.push(' ');
        STANDARD.encode_string(self.signature, &mut text);
        text
    }
}

/// Bytes of a token whose nonce has `nonce_length` digits, at most [`MAX_NONCE_LENGTH`].
pub const fn encoded_length(nonce_length: usize) -> usize {
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
        let token = Token::parse(&bytes, 32).unwrap();
        assert_eq!(token.otp(), 1_234_567);
        assert_eq!(token.signature(), &[0xfb; 32]);
        assert_eq!(token.encode().as_bytes(), bytes);
        assert_eq!(bytes.len(), encoded_length(32));
    }

    #[test]
    fn the_nonce_length_is_exact() {
        let bytes = good();
        assert!(Token::parse(&bytes, 31).is_none());
        assert!(Token::parse(&bytes, 33).is_none());
        assert!(Token::parse(&bytes, usize::MAX).is_none());
    }

    #[test]
    fn any_length_is_one_from_1_on() {
        for length in [1, 16, 32, MAX_NONCE_LENGTH] {
            let digits = vec![b'7'; OTP_DIGITS + length];
            let token = Token::new(&digits, [1; 32]).encode();
            assert_eq!(Token::parse_any(token.as_bytes()).unwrap().nonce_length(), length);
        }
        for length in [0, MAX_NONCE_LENGTH + 1] {
            let digits = vec![b'7'; OTP_DIGITS + length];
            let token = Token::new(&digits, [1; 32]).encode();
            assert!(Token::parse_any(token.as_bytes()).is_none(), "{length}");
        }
        assert!(Token::parse_any(b"").is_none());
    }

    #[test]
    fn the_longest_nonce_makes_the_longest_token() {
        let digits = vec![b'7'; OTP_DIGITS + MAX_NONCE_LENGTH];
        let token = Token::new(&digits, [1; 32]).encode();
        assert_eq!(token.len(), MAX_TOKEN_LENGTH);
        assert!(Token::parse(token.as_bytes(), MAX_NONCE_LENGTH).is_some());
    }

    #[test]
    fn every_byte_matters() {
        let bytes = good();
        for at in 0..bytes.len() {
            for replacement in [0, b' ', b'=', b'-', b'_', b':', b'/' - 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                if damaged[at] == replacement {
                    continue;
                }
                damaged[at] = replacement;
                assert!(Token::parse(&damaged, 32).is_none(), "byte {at} := {replacement:#x}");
            }
        }
    }

    #[test]
    fn unused_bits_must_be_zero() {
        let mut bytes = good();
        let last = bytes.len() - 2;
        assert_eq!(bytes[last], b's');
        bytes[last] = b't';
        assert!(Token::parse(&bytes, 32).is_none());
    }

    #[test]
    fn nothing_before_or_behind() {
        let bytes = good();
        assert!(Token::parse(&bytes[1..], 32).is_none());
        assert!(Token::parse(&bytes[..bytes.len() - 1], 32).is_none());
        assert!(Token::parse(&[&b"x"[..], &bytes].concat(), 32).is_none());
        assert!(Token::parse(&[&bytes, &b"\0"[..]].concat(), 32).is_none());
        assert!(Token::parse(b"", 32).is_none());
    }
}
