//! Finds the mistakes with which a token was signed: two at most.

use super::hash::{HashFunction, KeyedHash};
use super::material::{Material, hex_digits};
use super::mistake::Mistake;
use super::work::Work;
use crate::key::Key;
use crate::token::OTP_DIGITS;

/// How many other JIDs should be tried together with another mistake: the likely ones.
pub(super) const JIDS_SEARCHED: usize = 64;

/// How a token was signed.
pub(super) struct Found {
    pub(super) mistakes: Vec<Mistake>,
    /// The JID that was signed; `None` if it is the right one, or none was signed.
    pub(super) jid: Option<Vec<u8>>,
}

/// A function of key and message.
enum Method {
    Hmac(Box<KeyedHash>),
    /// The message is the key, and the key is the message.
    Exchanged(HashFunction),
    /// A hash of the key and the message, or of the message and the key.
    KeyFirst(HashFunction),
    KeyLast(HashFunction),
}

/// A part of what is signed.
#[derive(Clone, Copy)]
enum Piece {
    Otp,
    Nonce,
    /// OTP and nonce as they are.
    Digits,
    Jid,
}

/// What may be signed in place of OTP, nonce and JID, and how that is told.
const LAYOUTS: [(&str, &[Piece]); 13] = {
    use Piece::{Digits, Jid, Nonce, Otp};
    [
        ("OTP, nonce and JID", &[Digits, Jid]),
        ("OTP and nonce, without the JID", &[Digits]),
        ("JID, OTP and nonce, in this order", &[Jid, Digits]),
        ("OTP, JID and nonce, in this order", &[Otp, Jid, Nonce]),
        ("nonce, OTP and JID, in this order", &[Nonce, Otp, Jid]),
        ("nonce, JID and OTP, in this order", &[Nonce, Jid, Otp]),
        ("JID, nonce and OTP, in this order", &[Jid, Nonce, Otp]),
        ("OTP and JID, without the nonce", &[Otp, Jid]),
        ("JID and OTP, without the nonce", &[Jid, Otp]),
        ("nonce and JID, without the OTP", &[Nonce, Jid]),
        ("only the OTP", &[Otp]),
        ("only the nonce", &[Nonce]),
        ("only the JID", &[Jid]),
    ]
};
/// What may be written between the parts.
const SEPARATORS: [&str; 13] = [" ", ":", "|", ".", ",", "-", "_", "/", ";", "&", "\n", "\0", "\t"];

/// The digits of a token, as they were sent, and the signature as bytes.
pub(super) struct Signed<'a> {
    pub(super) digits: &'a [u8],
    pub(super) nonce_length: usize,
    pub(super) signature: &'a [u8],
    pub(super) work: &'a Work,
}

impl Signed<'_> {
    /// Returns how `key` has signed for `jid` or one of `others`, if by two mistakes at most.
    pub(super) fn find(&self, key: &Key, jid: &[u8], others: &[Vec<u8>]) -> Option<Found> {
        let materials = Material::all(key, Material::OF_SIGNATURE);
        let methods: Vec<_> =
            materials.iter().map(|(material, bytes)| (*material, bytes, methods(bytes))).collect();
        let right = methods.first()?;
        // Another text, with any secret and method.
        let texts = self.texts(jid);
        for (text, told) in &texts {
            for (material, bytes, methods) in &methods {
                for (method, mistake) in methods {
                    let mut mistakes: Vec<_> = mistake.iter().cloned().collect();
                    mistakes.extend(
                        (*material != Material::OF_SIGNATURE)
                            .then_some(Mistake::SignatureSecret(*material)),
                    );
                    mistakes.extend(told.map(Mistake::SignedText));
                    if mistakes.len() <= 2 && self.is_signed(method, bytes, text) {
                        return Some(Found { mistakes, jid: None });
                    }
                }
            }
        }
        // Another JID, with one more mistake.
        others.iter().find_map(|other| {
            let found = |mistake| Some(Found { mistakes: vec![mistake], jid: Some(other.clone()) });
            for (text, told) in self.layouts(other) {
                let (_, bytes, methods) = right;
                let (method, _) = methods.first()?;
                if let Some(told) = told
                    && self.is_signed(method, bytes, &text)
                {
                    return found(Mistake::SignedText(told));
                }
            }
            let text = [self.digits, other].concat();
            for (material, bytes, methods) in &methods {
                let is_right = *material == Material::OF_SIGNATURE;
                for (method, mistake) in methods {
                    let mistake = match (is_right, mistake) {
                        (true, Some(mistake)) => mistake.clone(),
                        (false, None) => Mistake::SignatureSecret(*material),
                        _ => continue,
                    };
                    if self.is_signed(method, bytes, &text) {
                        return found(mistake);
                    }
                }
            }
            None
        })
    }

    fn is_signed(&self, method: &Method, key: &[u8], text: &[u8]) -> bool {
        let Self { signature, work, .. } = *self;
        match method {
            Method::Hmac(keyed) => keyed.is_mac_of(signature, text, work),
            Method::Exchanged(hash) => {
                // Its key is as long as a message.
                work.allows_hash(text.len())
                    && KeyedHash::new(*hash, text).is_mac_of(signature, key, work)
            }
            Method::KeyFirst(hash) => hash.is_digest_of(signature, [key, text], work),
            Method::KeyLast(hash) => hash.is_digest_of(signature, [text, key], work),
        }
    }

    /// Returns OTP and nonce.
    fn numbers(&self) -> (&[u8], &[u8]) {
        let length = match self.digits.len().checked_sub(self.nonce_length) {
            Some(length @ 1..=10) => length,
            _ => OTP_DIGITS,
        };
        self.digits.split_at_checked(length).unwrap_or((self.digits, b""))
    }

    /// Returns the pieces that may have been signed, the right ones first, and how they are told.
    fn pieces<'b>(
        &'b self,
        jid: &'b [u8],
    ) -> impl Iterator<Item = (Vec<&'b [u8]>, Option<&'static str>)> {
        let (otp, nonce) = self.numbers();
        let bytes_of = move |piece: &Piece| match piece {
            Piece::Otp => otp,
            Piece::Nonce => nonce,
            Piece::Digits => self.digits,
            Piece::Jid => jid,
        };
        LAYOUTS.into_iter().enumerate().map(move |(index, (told, layout))| {
            (layout.iter().map(bytes_of).collect(), (index > 0).then_some(told))
        })
    }

    /// Returns these pieces as texts.
    fn layouts(&self, jid: &[u8]) -> Vec<(Vec<u8>, Option<&'static str>)> {
        self.pieces(jid).map(|(pieces, told)| (pieces.concat(), told)).collect()
    }

    /// Returns what may have been signed, the right text first, and how it is told.
    fn texts(&self, jid: &[u8]) -> Vec<(Vec<u8>, Option<&'static str>)> {
        let (otp, nonce) = self.numbers();
        let mut texts = self.layouts(jid);
        for (pieces, _) in self.pieces(jid).filter(|(pieces, _)| matches!(**pieces, [_, _, ..])) {
            let with = |separator: &str| (pieces.join(separator.as_bytes()), Some(SEPARATED));
            texts.extend(SEPARATORS.map(with));
        }
        let between = SEPARATORS
            .map(|separator| ([otp, nonce, jid].join(separator.as_bytes()), Some(SEPARATED)));
        texts.extend(between);
        let first = SEPARATORS
            .map(|separator| ([otp, separator.as_bytes(), nonce, jid].concat(), Some(SEPARATED)));
        texts.extend(first);
        let (number, padded) = (without_zeros(otp), with_zeros(otp, OTP_DIGITS));
        let (nonce_number, padded_nonce) =
            (without_zeros(nonce), with_zeros(nonce, self.nonce_length));
        for (otp, nonce) in [
            (number, nonce),
            (&*padded, nonce),
            (otp, nonce_number),
            (otp, &*padded_nonce),
            (number, nonce_number),
            (&*padded, &*padded_nonce),
        ] {
            texts.push(([otp, nonce, jid].concat(), Some(OTHER_DIGITS)));
        }
        let digits: Vec<u8> = [self.digits, jid].concat();
        let hex = digits.iter().flat_map(|byte| hex_digits(*byte)).collect();
        texts.push((hex, Some("the text as hexadecimal digits")));
        texts
    }
}

const SEPARATED: &str = "text with a separator";
const OTHER_DIGITS: &str = "an OTP or a nonce with more or fewer zeros than the token has";

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn with_zeros(digits: &[u8], length: usize) -> Vec<u8> {
    [&vec![b'0'; length.saturating_sub(digits.len())][..], digits].concat()
}

/// Returns the functions that a minter may have called with a key, the right one first.
fn methods(key: &[u8]) -> Vec<(Method, Option<Mistake>)> {
    let mut methods = vec![(Method::hmac(HashFunction::Sha256, key), None)];
    for hash in HashFunction::ALL {
        if hash != HashFunction::Sha256 {
            methods.push((Method::hmac(hash, key), Some(Mistake::SignatureHash(hash))));
        }
    }
    let sha256 = HashFunction::Sha256;
    methods.push((Method::KeyFirst(sha256), Some(Mistake::NoHmac)));
    methods.push((Method::KeyLast(sha256), Some(Mistake::NoHmac)));
    methods.push((Method::Exchanged(sha256), Some(Mistake::HmacExchanged)));
    methods
}

impl Method {
    fn hmac(hash: HashFunction, key: &[u8]) -> Self {
        Self::Hmac(Box::new(KeyedHash::new(hash, key)))
    }
}
