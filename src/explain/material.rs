//! [`Material`]: what a minter may have made of `otp_seed` and `token_secret`.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::key::{Key, decode_seed};

/// One of the two values of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// `otp_seed`
    Seed,
    /// `token_secret`
    Secret,
}

/// What was made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// The bytes of its text.
    Text,
    /// Decoded as base32.
    Base32,
    /// Decoded as base64.
    Base64,
    /// Decoded as hexadecimal digits.
    Hex,
    /// Encoded as hexadecimal digits.
    HexText,
    /// Encoded as base64.
    Base64Text,
    /// Its text and a line break.
    LineBreak,
    /// Its text in quotes.
    Quoted,
    /// Its text in upper case.
    Upper,
    /// Its text in lower case.
    Lower,
    /// No bytes: a variable that is not set.
    Empty,
    /// The word that stands for no value in JavaScript, Python and others, as text.
    NoValue,
}

/// The bytes that a minter may have taken for a seed or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Material {
    /// Of which value it was made.
    pub value: Value,
    /// What was made of it.
    pub form: Form,
}

impl Material {
    /// That of which an OTP is made.
    pub(super) const OF_OTP: Self = Self { value: Value::Seed, form: Form::Base32 };
    /// That with which a token is signed.
    pub(super) const OF_SIGNATURE: Self = Self { value: Value::Secret, form: Form::Text };

    /// Returns what can be made of the values of `key`, `right` first and then its value. No bytes
    /// come twice. They are wiped on drop.
    pub(super) fn all(key: &Key, right: Self) -> Vec<(Self, Zeroizing<Vec<u8>>)> {
        let mut all = of_value(Value::Seed, key.otp_seed());
        all.extend(of_value(Value::Secret, key.token_secret()));
        all.sort_by_key(|(material, _)| (*material != right, material.value != right.value));
        let mut distinct: Vec<(Self, Zeroizing<Vec<u8>>)> = Vec::with_capacity(all.len());
        for (material, bytes) in all {
            if distinct.iter().all(|(_, other)| **other != *bytes) {
                distinct.push((material, bytes));
            }
        }
        distinct
    }
}

fn of_value(value: Value, text: &[u8]) -> Vec<(Material, Zeroizing<Vec<u8>>)> {
    let decoded = decode_seed(text);
    let binary = match (value, &decoded) {
        (Value::Seed, Some(decoded)) => decoded,
        _ => text,
    };
    let hex_text = || binary.iter().flat_map(|byte| hex_digits(*byte)).collect();
    let mut forms = vec![
        (Form::Text, text.to_vec()),
        (Form::Upper, text.to_ascii_uppercase()),
        (Form::Lower, text.to_ascii_lowercase()),
        (Form::LineBreak, [text, b"\n"].concat()),
        (Form::LineBreak, [text, b"\r\n"].concat()),
        (Form::Quoted, [b"\"", text, b"\""].concat()),
        (Form::HexText, hex_text()),
        (Form::Base64Text, BASE64.encode(binary).into_bytes()),
        (Form::Empty, Vec::new()),
    ];
    forms.extend(["undefined", "null", "None", "nil"].map(|word| (Form::NoValue, word.into())));
    forms.extend(decode_base64(text).map(|bytes| (Form::Base64, bytes)));
    forms.extend(decode_hex(text).map(|bytes| (Form::Hex, bytes)));
    let wiped = forms.into_iter().map(|(form, bytes)| (form, Zeroizing::new(bytes)));
    let decoded = decoded.map(|bytes| (Form::Base32, bytes));
    wiped.chain(decoded).map(|(form, bytes)| (Material { value, form }, bytes)).collect()
}

/// Base64 as lenient languages read it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64 or base64url, with or without padding.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    let standard = Zeroizing::new(text.iter().map(standard).collect::<Vec<_>>());
    BASE64.decode(&*standard).ok()
}

pub(super) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_chunks();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}

pub(super) fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xf].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seed => "otp_seed",
            Self::Secret => "token_secret",
        })
    }
}

impl fmt::Display for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match self.form {
            Form::Text => write!(f, "the text of {value}"),
            Form::Base32 => write!(f, "{value} decoded as base32"),
            Form::Base64 => write!(f, "{value} decoded as base64"),
            Form::Hex => write!(f, "{value} decoded as hexadecimal digits"),
            Form::HexText => write!(f, "{value} encoded as hexadecimal digits"),
            Form::Base64Text => write!(f, "{value} encoded as base64"),
            Form::LineBreak => write!(f, "{value} with a line break at its end"),
            Form::Quoted => write!(f, "{value} with quotes around it"),
            Form::Upper => write!(f, "{value} in upper case"),
            Form::Lower => write!(f, "{value} in lower case"),
            Form::Empty => write!(f, "an empty {value}"),
            Form::NoValue => {
                write!(f, "a word for no value (undefined, null, None or nil) in place of {value}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_lenient_languages_do() {
        for text in ["+/+/Zg==", "-_-_Zg==", "-/+_Zg", "+_-/Zh=="] {
            let decoded = decode_base64(text.as_bytes());
            assert_eq!(decoded, Some(vec![0xfb, 0xff, 0xbf, b'f']), "{text}");
        }
        assert_eq!(decode_base64(b"*"), None);
    }

    #[test]
    fn hexadecimal_digits_are_read_as_they_are_written() {
        for byte in 0..=255 {
            let digits = hex_digits(byte);
            assert_eq!(digits, format!("{byte:02x}").as_bytes());
            assert_eq!(decode_hex(&digits), Some(vec![byte]));
        }
        for text in ["0", "000", "0g", "g0", " 00"] {
            assert_eq!(decode_hex(text.as_bytes()), None, "{text}");
        }
    }
}
