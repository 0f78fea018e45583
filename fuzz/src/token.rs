//! The parser of tokens: it takes what the format allows and nothing else, and what it took is
//! written again byte by byte.

use xtoken::nonce::{DATE_DIGITS, MIN_DATED_LENGTH, date_of};
use xtoken::token::{OTP_DIGITS, Token};

use super::reference;

/// Parses the bytes, and a token that is made of them.
pub fn run(bytes: &[u8]) {
    check(bytes);

    // 32 bytes are a signature, each further byte makes a digit.
    let Some((signature, rest)) = bytes.split_first_chunk::<32>() else { return };
    let digits: Vec<u8> = rest.iter().map(|byte| b'0' + byte % 10).collect();
    let token = Token::new(&digits, *signature).encode();
    assert_eq!(token.as_bytes(), reference::token(&digits, *signature));
    check(token.as_bytes());
}

fn check(bytes: &[u8]) {
    let expected = reference::parts(bytes);
    let Some(token) = Token::parse(bytes) else {
        assert!(expected.is_none(), "a token was not parsed");
        return;
    };
    let (digits, signature) = expected.expect("something else was parsed as a token");
    assert_eq!((token.digits(), token.signature()), (digits, &signature));
    assert_eq!(token.nonce_length(), digits.len() - OTP_DIGITS);
    assert_eq!(token.encode().as_bytes(), bytes);

    let nonce = &digits[OTP_DIGITS..];
    let date = (nonce.len() >= MIN_DATED_LENGTH).then(|| &nonce[..DATE_DIGITS]);
    assert_eq!(date_of(nonce), date.map(reference::number));
}
