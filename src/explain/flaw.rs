//! [`Flaw`]: why bytes are not a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::material::{decode_base64, decode_hex};
use crate::token::{ENCODED_SIGNATURE_LENGTH, MAX_TOKEN_LENGTH, OTP_DIGITS};

/// Why bytes are not a token. Positions are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// There are no bytes.
    Empty,
    /// There are this many bytes, more than [`MAX_TOKEN_LENGTH`].
    TooLong(usize),
    /// It begins with a byte order mark, or is UTF-16.
    ByteOrderMark,
    /// It ends with a line break: LF, CR LF or more of them.
    LineBreak,
    /// There is white space before or after it.
    WhiteSpace,
    /// It is in quotes, perhaps with the `b` of Python before them.
    Quotes,
    /// There is something else around it: `Bearer`, a name, JSON, or a whole SASL message.
    Wrapped,
    /// All of it was encoded as base64 once more.
    Encoded,
    /// It is percent-encoded, as for a URL.
    PercentEncoded,
    /// It has escapes of JSON or HTML, such as `\/` or `&#43;`.
    Escaped,
    /// The byte at this position should be a digit.
    NoDigit(usize),
    /// There are only digits.
    NoSignature,
    /// There are this many digits, fewer than an OTP and a nonce need.
    FewDigits(usize),
    /// The byte at this position is another separator than the one space.
    Separator(usize),
    /// There is no separator before the signature.
    NoSpace,
    /// There is a space between OTP and nonce, or there are several before the signature.
    ExtraSpace,
    /// There is a space in the signature, which was a `+` before it was decoded as part of a URL.
    PlusLost,
    /// The signature has line breaks, which some encoders make.
    Wrap,
    /// The signature has a `-` or `_`: it is base64url (RFC 4648 section 5).
    Base64Url,
    /// The signature is in hexadecimal digits.
    Hexadecimal,
    /// The signature was written in hexadecimal digits before it was encoded as base64.
    EncodedHexadecimal,
    /// The signature does not end with the one `=` that 32 bytes have.
    Padding,
    /// The signature has this many characters, not 44.
    SignatureLength(usize),
    /// The byte at this position, in the signature, is not in the base64 alphabet.
    NoBase64(usize),
    /// The last character of the signature has bits set that base64 leaves zero (RFC 4648 section
    /// 3.5).
    UnusedBits,
}

impl Flaw {
    /// Returns the first flaw of bytes that are not a token.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if bytes.len() > MAX_TOKEN_LENGTH {
            return Self::TooLong(bytes.len());
        }
        if let Some(flaw) = AROUND.into_iter().find(|flaw| flaw.repair(bytes).is_some()) {
            return flaw;
        }
        let Some(digits) = bytes.iter().position(|byte| !byte.is_ascii_digit()) else {
            return Self::NoSignature;
        };
        if let Some(flaw) = BETWEEN.into_iter().find(|flaw| flaw.repair(bytes).is_some()) {
            let at = digits + 1;
            return if flaw == Self::Separator(0) { Self::Separator(at) } else { flaw };
        }
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
        if signature.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Self::Wrap;
        }
        if signature.contains(&b' ') {
            return Self::PlusLost;
        }
        if signature.iter().any(|byte| matches!(byte, b'-' | b'_')) {
            return Self::Base64Url;
        }
        let body = signature.iter().take_while(|byte| is_base64(byte)).count();
        if signature.get(body..).is_some_and(|rest| rest.iter().any(|byte| *byte != b'=')) {
            return Self::NoBase64(first + body);
        }
        if matches!(signature.len(), 40 | 64 | 96 | 128) && decode_hex(signature).is_some() {
            return Self::Hexadecimal;
        }
        if decode_base64(signature).is_some_and(|bytes| is_hex_of_hash(&bytes)) {
            return Self::EncodedHexadecimal;
        }
        match (body, signature.len()) {
            (43, ENCODED_SIGNATURE_LENGTH) => Self::UnusedBits,
            (43, _) | (_, ENCODED_SIGNATURE_LENGTH) => Self::Padding,
            (_, length) => Self::SignatureLength(length),
        }
    }

    /// Returns the bytes without this flaw; `None` if they do not have it, or if it cannot be
    /// repaired.
    pub(super) fn repair(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let changed = |repaired: Vec<u8>| (repaired != bytes).then_some(repaired);
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = bytes.split_at_checked(digits)?;
        let encoded = |signature: &[u8]| Some([number, b" ", &encode(signature)].concat());
        let signature = || rest.strip_prefix(b" ");
        match self {
            Self::ByteOrderMark => repair_utf16(bytes)
                .or_else(|| bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec)),
            Self::LineBreak if matches!(bytes.last(), Some(b'\r' | b'\n')) => {
                changed(bytes.trim_ascii_end().to_vec())
            }
            Self::WhiteSpace => changed(bytes.trim_ascii().to_vec()),
            Self::Quotes => {
                let quoted = bytes.strip_prefix(b"b").unwrap_or(bytes);
                let inner = match quoted {
                    [first @ (b'"' | b'\'' | b'`'), inner @ .., last] if first == last => inner,
                    _ => return None,
                };
                Some(inner.to_vec())
            }
            Self::Wrapped => {
                let token = unwrap(bytes)?;
                (token.len() < bytes.len()).then(|| token.to_vec())
            }
            Self::Encoded => {
                let decoded = decode_base64(bytes)?;
                unwrap(&decoded).map(<[u8]>::to_vec)
            }
            Self::PercentEncoded => {
                let mut decoded = decode_percent(bytes)?;
                // In a form, a space is a plus.
                let separator = decoded.iter_mut().find(|byte| !byte.is_ascii_digit());
                if let Some(separator @ b'+') = separator {
                    *separator = b' ';
                }
                Some(decoded)
            }
            Self::Escaped => changed(without_escapes(bytes)?),
            Self::Separator(_) if digits > OTP_DIGITS => match rest {
                [separator, signature @ ..]
                    if !matches!(separator, b' ' | b'/')
                        && !separator.is_ascii_alphanumeric()
                        && looks_signed(signature)
                        && (*separator != b'+' || signature.len() >= ENCODED_SIGNATURE_LENGTH) =>
                {
                    Some([number, b" ", signature].concat())
                }
                _ => None,
            },
            Self::NoSpace => {
                let at = bytes.len().checked_sub(ENCODED_SIGNATURE_LENGTH)?;
                let (number, signature) = bytes.split_at_checked(at)?;
                let is_number = number.iter().all(u8::is_ascii_digit);
                let is_one = is_number && number.len() > OTP_DIGITS && looks_signed(signature);
                is_one.then(|| [number, b" ", signature].concat())
            }
            Self::ExtraSpace => {
                let words: Vec<_> =
                    bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
                let (signature, numbers) = words.split_last()?;
                let is_number = |word: &&[u8]| word.iter().all(u8::is_ascii_digit);
                let has_numbers = (1..=2).contains(&numbers.len()) && numbers.iter().all(is_number);
                let is_one = has_numbers && looks_signed(signature);
                is_one.then(|| [&numbers.concat(), &b" "[..], signature].concat()).and_then(changed)
            }
            Self::PlusLost => {
                let plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
                let signature: Vec<u8> = signature()?.iter().map(plus).collect();
                changed([number, b" ", &signature].concat())
            }
            Self::Wrap => {
                let is_kept = |byte: &u8| !matches!(byte, b'\r' | b'\n');
                changed(bytes.iter().copied().filter(is_kept).collect())
            }
            Self::Base64Url | Self::Padding | Self::UnusedBits => {
                encoded(&decode_base64(signature()?)?).and_then(changed)
            }
            Self::Hexadecimal => encoded(&decode_hex(signature()?)?),
            Self::EncodedHexadecimal => encoded(&decode_hex(&decode_base64(signature()?)?)?),
            _ => None,
        }
    }
}

/// What is looked for around the token, and then in it, in this order.
const AROUND: [Flaw; 8] = [
    Flaw::ByteOrderMark,
    Flaw::LineBreak,
    Flaw::WhiteSpace,
    Flaw::Quotes,
    Flaw::PercentEncoded,
    Flaw::Escaped,
    Flaw::Wrapped,
    Flaw::Encoded,
];
const BETWEEN: [Flaw; 3] = [Flaw::ExtraSpace, Flaw::Separator(0), Flaw::NoSpace];

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Returns whether bytes may be a signature in some encoding: they have as many characters.
fn looks_signed(bytes: &[u8]) -> bool {
    let body = bytes.iter().take_while(|byte| is_base64(byte) || matches!(byte, b'-' | b'_'));
    let body = body.count();
    let has_padding = bytes.get(body..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'='));
    body >= ENCODED_SIGNATURE_LENGTH - 2 && has_padding
}

fn is_hex_of_hash(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 40 | 64 | 96 | 128) && decode_hex(bytes).is_some()
}

fn encode(signature: &[u8]) -> Vec<u8> {
    STANDARD.encode(signature).into_bytes()
}

/// Returns what looks like a token in `bytes`: many digits, a space and a signature. What is before
/// it must end with a sign that separates.
fn unwrap(bytes: &[u8]) -> Option<&[u8]> {
    let is_separator = |byte: &u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/');
    let (start, digits) = bytes
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .scan(0, |position, run| {
            let start = *position;
            *position += run.len();
            Some((start, run))
        })
        .find(|(_, run)| run.len() > OTP_DIGITS && run.first().is_some_and(u8::is_ascii_digit))?;
    let before = bytes.get(..start)?;
    // Digits and a space may be the OTP.
    let is_otp =
        !before.is_empty() && before.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ');
    let is_separated = !is_otp && before.last().is_none_or(is_separator);
    let signature = bytes.get(start + digits.len()..)?.strip_prefix(b" ")?;
    let body = signature.iter().take_while(|byte| is_base64(byte) || matches!(byte, b'-' | b'_'));
    let body = body.count();
    let padding = signature.get(body..)?.iter().take_while(|byte| **byte == b'=').count();
    let end = signature.get(body + padding..)?;
    let is_ended = end.first().is_none_or(|byte| b"\"'`}]),;>\0&".contains(byte));
    let length = digits.len() + 1 + body + padding;
    let token = bytes.get(start..start + length)?;
    (is_separated && is_ended && body > ENCODED_SIGNATURE_LENGTH / 2).then_some(token)
}

/// Returns the text of UTF-16 in ASCII, with its byte order mark or without.
fn repair_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (is_little, units) = match bytes {
        [0xff, 0xfe, units @ ..] => (true, units),
        [0xfe, 0xff, units @ ..] => (false, units),
        [_, 0, ..] => (true, bytes),
        [0, _, ..] => (false, bytes),
        _ => return None,
    };
    let (units, rest) = units.as_chunks();
    let ascii = units.iter().map(|[first, second]| match (is_little, first, second) {
        (true, byte, 0) | (false, 0, byte) => Some(*byte),
        _ => None,
    });
    rest.is_empty().then(|| ascii.collect()).flatten()
}

fn decode_percent(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        rest = after;
        let hex = after.get(..2).filter(|_| *byte == b'%').and_then(decode_hex);
        match hex.as_deref() {
            Some([byte]) => {
                decoded.push(*byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => decoded.push(*byte),
        }
    }
    (decoded.len() < bytes.len()).then_some(decoded)
}

/// Returns text with the usual escapes of the signs in a token undone.
fn without_escapes(bytes: &[u8]) -> Option<Vec<u8>> {
    const ESCAPES: [(&str, &str); 16] = [
        ("\\/", "/"),
        ("\\u002b", "+"),
        ("\\u002B", "+"),
        ("\\u002f", "/"),
        ("\\u002F", "/"),
        ("\\u003d", "="),
        ("\\u003D", "="),
        ("\\u0020", " "),
        ("\\x2b", "+"),
        ("\\x3d", "="),
        ("&#43;", "+"),
        ("&#x2B;", "+"),
        ("&#47;", "/"),
        ("&#x2F;", "/"),
        ("&#61;", "="),
        ("&#x3D;", "="),
    ];
    let text = str::from_utf8(bytes).ok()?;
    let replaced = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    Some(ESCAPES.into_iter().fold(text.to_owned(), replaced).into_bytes())
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong(length) => {
                write!(f, "it has {length} bytes, more than {MAX_TOKEN_LENGTH}")
            }
            Self::ByteOrderMark => f.write_str(
                "it begins with a byte order mark, or is UTF-16: write it as ASCII, without a mark",
            ),
            Self::LineBreak => f.write_str(
                "it ends with a line break (LF or CR LF), which the server does not strip: send \
                 the token without it",
            ),
            Self::WhiteSpace => f.write_str(
                "it has white space before or after it, which the server does not strip: send the \
                 token without it",
            ),
            Self::Quotes => {
                f.write_str("it is in quotes: send the text, not how the language prints it")
            }
            Self::Wrapped => f.write_str(
                "there is more than the token, such as \"Bearer\", a name, JSON or a whole SASL \
                 message: send the token alone as the password",
            ),
            Self::Encoded => f.write_str(
                "all of it is in base64: send the token as it is, and let the client encode the \
                 SASL message",
            ),
            Self::PercentEncoded => {
                f.write_str("it is percent-encoded: decode it before it is sent to the server")
            }
            Self::Escaped => f.write_str(
                "it has escapes of JSON or HTML: parse the JSON, or send the token as plain text",
            ),
            Self::NoDigit(at) => write!(f, "byte {at} should be a digit or the one space"),
            Self::NoSignature => f.write_str("it has no space and signature after the digits"),
            Self::FewDigits(digits) => write!(
                f,
                "it begins with {digits} digits, too few for an OTP of {OTP_DIGITS} digits and a \
                 nonce"
            ),
            Self::Separator(at) => {
                write!(f, "byte {at} separates the digits from the signature: use one space")
            }
            Self::NoSpace => f.write_str(
                "there is nothing between the digits and the signature: write one space there",
            ),
            Self::ExtraSpace => f.write_str(
                "it has more than one space: write OTP and nonce without a space between them, \
                 and one space before the signature",
            ),
            Self::Wrap => f.write_str(
                "its signature has line breaks: take an encoder that makes none, or remove them",
            ),
            Self::Hexadecimal => f.write_str(
                "its signature is in hexadecimal digits: encode the bytes as base64, in PHP of \
                 hash_hmac with true as the last argument, in Node.js with digest(\"base64\")",
            ),
            Self::EncodedHexadecimal => f.write_str(
                "its signature is hexadecimal digits in base64: let HMAC return bytes, and encode \
                 those (PHP: hash_hmac with true as the last argument)",
            ),
            Self::PlusLost => f.write_str(
                "it has a second space, which was a \"+\": percent-encode the token in a URL or a \
                 form (encodeURIComponent in JavaScript, rawurlencode in PHP)",
            ),
            Self::Base64Url => f.write_str(
                "its signature is base64url: use plain base64, which has \"+\" and \"/\"",
            ),
            Self::Padding => {
                f.write_str("its signature must end with exactly one \"=\": keep what base64 makes")
            }
            Self::SignatureLength(length) => write!(
                f,
                "its signature has {length} characters, not the {ENCODED_SIGNATURE_LENGTH} of 32 \
                 bytes in base64: sign with HMAC-SHA-256, and encode its bytes"
            ),
            Self::NoBase64(at) => {
                write!(f, "byte {at} is no character of base64: send what base64 makes of 32 bytes")
            }
            Self::UnusedBits => f.write_str(
                "the last character before the \"=\" was changed: send what base64 makes of the \
                 signature",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;

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
            ("7".repeat(1023), Flaw::NoSignature),
            ("7".repeat(1024), Flaw::TooLong(1024)),
            (format!("{token}\n"), Flaw::LineBreak),
            (format!("{token}\r\n"), Flaw::LineBreak),
            (format!("{token}\n\n"), Flaw::LineBreak),
            (format!("{token}\t"), Flaw::WhiteSpace),
            (format!("\"{token}\""), Flaw::Quotes),
            (format!("b'{token}'"), Flaw::Quotes),
            (format!("'{token}"), Flaw::Wrapped),
            (format!("'{token}\""), Flaw::Wrapped),
            (format!("Bearer {token}"), Flaw::Wrapped),
            (format!("{{\"token\":\"{token}\"}}"), Flaw::Wrapped),
            (format!("\0alice\0{token}"), Flaw::Wrapped),
            (format!("20231114: {token}"), Flaw::Wrapped),
            (format!("Bearer {digits} {}", &signature[..23]), Flaw::Wrapped),
            (format!("Bearer {digits} {}", &signature[..22]), Flaw::NoDigit(1)),
            (STANDARD.encode(&token), Flaw::Encoded),
            (STANDARD.encode(format!("\0alice\0{token}")), Flaw::Encoded),
            (URL_SAFE.encode(format!("\0a~\0{token}")), Flaw::Encoded),
            (token.replace('+', "%2B").replace(' ', "+"), Flaw::PercentEncoded),
            (token.replace(' ', "%20").replace('=', "%3d"), Flaw::PercentEncoded),
            (token.replace('+', "\\u002b"), Flaw::Escaped),
            (token.replace('=', "&#61;"), Flaw::Escaped),
            (format!("\u{feff}{token}"), Flaw::ByteOrderMark),
            (token.chars().flat_map(|sign| [sign, '\0']).collect(), Flaw::ByteOrderMark),
            (token.replace(' ', "."), Flaw::Separator(41)),
            (token.replace(' ', "+"), Flaw::Separator(41)),
            (format!("{digits}.{}", &signature[..42]), Flaw::Separator(41)),
            (format!("{digits}.{}", &signature[..41]), Flaw::NoDigit(41)),
            (format!("{digits}.{signature}*"), Flaw::NoDigit(41)),
            (format!("012345678.{signature}"), Flaw::Separator(10)),
            (format!("01234567.{signature}"), Flaw::NoDigit(9)),
            (token.replace(' ', "  "), Flaw::ExtraSpace),
            (format!("{} {}", &token[..8], &token[8..]), Flaw::ExtraSpace),
            (token.replace(' ', ""), Flaw::NoSpace),
            (format!("012345678{signature}"), Flaw::NoSpace),
            (format!("01234567{signature}"), Flaw::NoDigit(9)),
            (format!("{}\n{}", &token[..60], &token[60..]), Flaw::Wrap),
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
            (format!("{digits} {}", "0".repeat(64)), Flaw::Hexadecimal),
            (format!("{digits} {}", STANDARD.encode("0a".repeat(32))), Flaw::EncodedHexadecimal),
            (format!("{digits} AAAA"), Flaw::SignatureLength(4)),
            (token.replacen('+', "*", 1), Flaw::NoBase64(42)),
            (format!("{digits} {}t=", &signature[..42]), Flaw::UnusedBits),
        ] {
            assert!(Token::parse(bytes.as_bytes()).is_none(), "{bytes:?}");
            assert_eq!(Flaw::of(bytes.as_bytes()), flaw, "{bytes:?}");
        }
    }

    #[test]
    fn any_bytes_have_a_flaw() {
        for bytes in [&b"\0"[..], b"\xff\xfe", b"12345678\x00", b"123456789 ", b"123456789 \xff"] {
            assert_ne!(Flaw::of(bytes).to_string(), "");
        }
    }
}
