//! The protocol, written once more: base32, base64, the shape of a token, OTPs and signatures.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the bytes that base32 stands for, as RFC 4648 section 6 has it, in upper or lower case.
/// Padding may be left out as a whole.
pub(crate) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (characters, padding) = text.split_at(end);
    if characters.is_empty() || padding.iter().any(|byte| *byte != b'=') {
        return None;
    }
    // The characters of the last group of eight, and the padding that fills it.
    let right = match characters.len() % 8 {
        0 => 0,
        2 => 6,
        4 => 4,
        5 => 3,
        7 => 1,
        _ => return None,
    };
    if !padding.is_empty() && padding.len() != right {
        return None;
    }
    bytes_of(characters, 5, |byte| {
        BASE32.iter().position(|known| *known == byte.to_ascii_uppercase())
    })
}

/// Returns the 32 bytes that base64 stands for, if it is canonical.
fn base64_of_32_bytes(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 44 || text[43] != b'=' {
        return None;
    }
    let value = |byte| BASE64.iter().position(|known| *known == byte);
    // 43 characters have 258 bits: the last two must be zero.
    let has_rest = value(text[42])? & 3 != 0;
    let bytes = bytes_of(&text[..43], 6, value)?;
    if has_rest { None } else { bytes.try_into().ok() }
}

/// Joins the bits that characters stand for. Drops those that do not fill a byte.
fn bytes_of(text: &[u8], bits: usize, value: impl Fn(u8) -> Option<usize>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() * bits / 8];
    for (index, byte) in text.iter().enumerate() {
        let value = value(*byte)?;
        for bit in 0..bits {
            let at = index * bits + bit;
            if value >> (bits - 1 - bit) & 1 == 1 && at / 8 < bytes.len() {
                bytes[at / 8] |= 0x80 >> (at % 8);
            }
        }
    }
    Some(bytes)
}

/// Returns `otp || nonce` and the signature of a token; `None` if the bytes are no token.
pub(crate) fn parts(bytes: &[u8]) -> Option<(&[u8], [u8; 32])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let (digits, signature) = (&bytes[..space], &bytes[space + 1..]);
    // An OTP of 8 digits and a nonce of 1 to 970.
    if !(9..=978).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((digits, base64_of_32_bytes(signature)?))
}

/// Returns the number that decimal digits stand for.
pub(crate) fn number(digits: &[u8]) -> u64 {
    String::from_utf8_lossy(digits).parse().unwrap()
}

/// Returns the OTP of a step (RFC 4226 section 5.3, with 8 digits).
pub(crate) fn otp(seed: &[u8], step: u64) -> u32 {
    let mac = Hmac::<Sha1>::new_from_slice(seed).unwrap().chain_update(step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] % 16);
    let word = &digest[offset..offset + 4];
    let number = word.iter().fold(0_u64, |number, byte| number * 256 + u64::from(*byte));
    (number % (1 << 31) % 100_000_000) as u32
}

/// Returns the HMAC-SHA-256 of `digits || jid`.
pub(crate) fn signature(secret: &[u8], digits: &[u8], jid: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.chain_update(digits).chain_update(jid).finalize().into_bytes().into()
}

/// Returns a token as it is sent.
pub(crate) fn token(digits: &[u8], signature: [u8; 32]) -> Vec<u8> {
    let mut token = [digits, b" "].concat();
    let bit = |at: usize| signature.get(at / 8).is_some_and(|byte| byte << (at % 8) & 0x80 != 0);
    for first in (0..258).step_by(6) {
        let value = (0..6).fold(0, |value, at| value * 2 + usize::from(bit(first + at)));
        token.push(BASE64[value]);
    }
    token.push(b'=');
    token
}
