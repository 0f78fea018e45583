//! [`Key`]: a seed and a secret. They are checked, and wiped on drop. Their MAC states are computed
//! once.

use std::fmt;
use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use crate::mac::SigningMac;
use crate::taint;
use crate::totp::Totp;

/// A seed with fewer bits is refused.
pub const MIN_SEED_BITS: usize = 80;
/// A seed with fewer bits deserves a warning (RFC 4226 section 4, R6, asks for 128).
pub const RECOMMENDED_SEED_BITS: usize = 128;

/// The id of a key that was given none.
pub const DEFAULT_KEY_ID: &str = "default";
/// The largest number of bytes of an id.
pub const MAX_KEY_ID_LENGTH: usize = 64;

const BASE32: base32::Alphabet = base32::Alphabet::Rfc4648 { padding: false };

/// What the web application and the server share: an OTP seed and a token secret.
pub struct Key {
    /// Boxed, because a vector that moves its elements does not wipe where they were.
    state: Box<State>,
    id: KeyId,
    validity: RangeInclusive<u64>,
}

/// The id of a key. Each decision has a copy, because threads that count references to one string
/// slow each other down.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyId {
    bytes: [u8; MAX_KEY_ID_LENGTH],
    length: usize,
}

struct State {
    totp: Totp,
    mac: SigningMac,
    seed_bits: usize,
    /// As they were given. Only `explain` reads them, to try what a minter may have made of them.
    /// They betray no more than the two states above, with which anybody can mint; and they are
    /// wiped on drop like those.
    otp_seed: Zeroizing<Vec<u8>>,
    token_secret: Zeroizing<Vec<u8>>,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyError {
    /// The seed is not base32 (RFC 4648 section 6).
    InvalidSeed,
    /// The seed has fewer than [`MIN_SEED_BITS`] bits.
    ShortSeed,
    /// The secret has no bytes, so everybody could sign.
    EmptySecret,
    /// The id is empty, longer than [`MAX_KEY_ID_LENGTH`], or not printable ASCII without spaces.
    InvalidId,
    /// The validity ends before it begins.
    NeverValid,
}

impl Key {
    /// Makes a key with the id [`DEFAULT_KEY_ID`] that is always valid.
    ///
    /// `otp_seed` is base32 (RFC 4648, upper or lower case, padding optional) of at least
    /// [`MIN_SEED_BITS`]. Bits after its last whole byte are ignored, as RFC 4648 permits.
    /// `token_secret` is used as it is: any bytes, at least one.
    pub fn new(
        otp_seed: impl AsRef<[u8]>,
        token_secret: impl AsRef<[u8]>,
    ) -> Result<Self, KeyError> {
        let mut seed = decode_seed(otp_seed.as_ref()).ok_or(KeyError::InvalidSeed)?;
        let seed_bits = seed.len() * 8;
        if seed_bits < MIN_SEED_BITS {
            return Err(KeyError::ShortSeed);
        }
        if token_secret.as_ref().is_empty() {
            return Err(KeyError::EmptySecret);
        }
        let mut otp_seed = Zeroizing::new(otp_seed.as_ref().to_vec());
        let mut token_secret = Zeroizing::new(token_secret.as_ref().to_vec());
        for bytes in [&mut seed, &mut otp_seed, &mut token_secret] {
            taint::secret(bytes);
        }
        let state = State {
            totp: Totp::new(&seed),
            mac: SigningMac::new(&token_secret),
            seed_bits,
            otp_seed,
            token_secret,
        };
        let id = KeyId::new(DEFAULT_KEY_ID.as_bytes())?;
        Ok(Self { state: Box::new(state), id, validity: 0..=u64::MAX })
    }

    /// Sets the id, which names the key in logs and metrics: 1 to [`MAX_KEY_ID_LENGTH`] printable
    /// ASCII characters, no spaces. It is not a secret.
    pub fn with_id(self, id: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Ok(Self { id: KeyId::new(id.as_ref())?, ..self })
    }

    /// Sets the first and the last Unix second at which a verifier accepts what the key has signed.
    pub fn with_validity(self, validity: RangeInclusive<u64>) -> Result<Self, KeyError> {
        if validity.is_empty() { Err(KeyError::NeverValid) } else { Ok(Self { validity, ..self }) }
    }

    /// Returns the id of the key.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Returns the id for a decision.
    pub(crate) fn key_id(&self) -> KeyId {
        self.id
    }

    /// Returns when the key is valid, in Unix seconds.
    pub fn validity(&self) -> &RangeInclusive<u64> {
        &self.validity
    }

    /// Returns whether the key is valid at `now` (Unix seconds).
    pub fn is_valid_at(&self, now: u64) -> bool {
        self.validity.contains(&now)
    }

    /// Returns the OTPs of the seed.
    pub(crate) fn totp(&self) -> &Totp {
        &self.state.totp
    }

    /// Returns the seed as it was given, in base32.
    pub(crate) fn otp_seed(&self) -> &[u8] {
        &self.state.otp_seed
    }

    /// Returns the secret.
    pub(crate) fn token_secret(&self) -> &[u8] {
        &self.state.token_secret
    }

    /// Returns the OTP of a step, below 100,000,000.
    #[doc(hidden)] // Public for tests only, which make tokens that no minter makes.
    pub fn otp(&self, step: u64) -> u32 {
        self.state.totp.otp(step)
    }

    /// Returns the HMAC-SHA-256 of `digits || jid`, where `digits` is `otp || nonce`.
    #[doc(hidden)] // Public for tests only, as above.
    pub fn sign(&self, digits: &[u8], jid: &[u8]) -> [u8; 32] {
        self.state.mac.sign(digits, jid)
    }

    /// Returns the number of bits of the seed. Tell the operator if it is below
    /// [`RECOMMENDED_SEED_BITS`].
    pub fn seed_bits(&self) -> usize {
        self.state.seed_bits
    }
}

impl KeyId {
    fn new(id: &[u8]) -> Result<Self, KeyError> {
        let fits = (1..=MAX_KEY_ID_LENGTH).contains(&id.len());
        if !fits || !id.iter().all(u8::is_ascii_graphic) {
            return Err(KeyError::InvalidId);
        }
        let mut bytes = [0; MAX_KEY_ID_LENGTH];
        bytes.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
        Ok(Self { bytes, length: id.len() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        // Always ASCII.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Returns fresh values for `otp_seed` (160 bits) and `token_secret` (256 bits), both as base32.
///
/// They consist of letters and digits, which mean the same in every configuration file, a `.env`
/// file too.
///
/// Fails only if the operating system gives no random bytes.
pub fn generate() -> Result<(Zeroizing<String>, Zeroizing<String>), getrandom::Error> {
    Ok((random_base32::<20>()?, random_base32::<32>()?))
}

fn random_base32<const BYTES: usize>() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(bytes.as_mut_slice())?;
    // Encodes groups of 5 bytes, for which the encoder's buffer never grows: a buffer that grows
    // leaves a copy in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(BYTES.div_ceil(5) * 8));
    for group in bytes.chunks(5) {
        text.push_str(&Zeroizing::new(base32::encode(BASE32, group)));
    }
    Ok(text)
}

/// Returns the bytes that base32 stands for; `None` if it is not base32.
pub(crate) fn decode_seed(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let unpadded = match text.iter().rposition(|byte| *byte != b'=') {
        Some(last) => text.get(..=last)?,
        None => return None,
    };
    let padding = text.len() - unpadded.len();
    if padding > 0 && (!text.len().is_multiple_of(8) || padding >= 8) {
        return None;
    }
    // RFC 4648 section 6: a last group of 1, 3 or 6 characters cannot occur.
    if matches!(unpadded.len() % 8, 1 | 3 | 6) || !unpadded.iter().all(is_base32) {
        return None;
    }
    let upper = Zeroizing::new(str::from_utf8(unpadded).ok()?.to_ascii_uppercase());
    base32::decode(BASE32, &upper).map(Zeroizing::new)
}

fn is_base32(byte: &u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'2'..=b'7')
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("validity", &self.validity)
            .field("seed_bits", &self.state.seed_bits)
            .finish_non_exhaustive()
    }
}

impl KeyError {
    /// Returns what is wrong, and what to do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::InvalidSeed => {
                "otp_seed is not base32: use the letters A to Z and the digits 2 to 7, no spaces"
            }
            Self::ShortSeed => {
                "otp_seed is too short: use at least 16 base32 characters (80 bits), better 32"
            }
            Self::EmptySecret => "token_secret is empty: set it to a long random string",
            Self::InvalidId => {
                "the id of a key is not usable: use 1 to 64 letters, digits and signs, no spaces"
            }
            Self::NeverValid => "not_before is after not_after: the key would never be valid",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648 section 10.
    #[test]
    fn base32_is_the_one_of_rfc_4648() {
        for (plain, encoded) in [
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            let unpadded = encoded.trim_end_matches('=');
            assert_eq!(base32::encode(BASE32, plain.as_bytes()), unpadded);
            for text in [encoded, unpadded, &encoded.to_lowercase()] {
                assert_eq!(decode_seed(text.as_bytes()).unwrap().as_slice(), plain.as_bytes());
            }
        }
    }

    // RFC 4231, the HMAC-SHA-256 cases (case 5 truncates, which is not done here).
    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 6] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &[
                    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                    23, 24, 25,
                ],
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (secret, message, expected) in cases {
            let key = Key::new("MZXW6YTBMZXW6YTB", secret).unwrap();
            let (digits, jid) = message.split_at(message.len() / 2);
            let hex: String = key.sign(digits, jid).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn bad_values_are_named() {
        let refused = |seed: &str, secret: &str| Key::new(seed, secret).unwrap_err();
        for seed in [
            "",
            "=",
            "========",
            "XVGR73KMZH2M4XM0",
            "XVGR 73KM ZH2M 4XMY",
            "XVGR73KMZH2M4XMY=",
            "XVGR73KMZH2M4XMY========",
            "XVGR73KMZH2M4XMYA",
            "XVGR73KMZH2M4XMYAAA",
            "XVGR73KMZH2M4XMYAAAAAA",
            "XVGR73KMZH2M4XM\u{fc}",
            "=XVGR73KMZH2M4XMY",
        ] {
            assert_eq!(refused(seed, "secret"), KeyError::InvalidSeed, "{seed:?}");
        }
        assert_eq!(refused("XVGR73KMZH2M4XM", "secret"), KeyError::ShortSeed);
        assert_eq!(refused("XVGR73KMZH2M4XMY", ""), KeyError::EmptySecret);
        assert_eq!(Key::new("XVGR73KMZH2M4XMY", "s").unwrap().seed_bits(), 80);
        assert_eq!(Key::new("xvgr73kmzh2m4xmymy======", b"\0\xff").unwrap().seed_bits(), 88);
    }

    #[test]
    fn ids_are_printable_and_short() {
        let named = |id: &[u8]| Key::new("XVGR73KMZH2M4XMY", "s").unwrap().with_id(id);
        for id in ["2026-11", "a", "~!", &"x".repeat(64)] {
            assert_eq!(named(id.as_bytes()).unwrap().id(), id);
        }
        for id in ["", "two words", "tab\t", "line\n", "\0", "\u{fc}", &"x".repeat(65)] {
            assert_eq!(named(id.as_bytes()).unwrap_err(), KeyError::InvalidId, "{id:?}");
        }
        assert_eq!(named(b"\xff").unwrap_err(), KeyError::InvalidId);
    }

    #[test]
    fn a_key_is_valid_from_its_first_to_its_last_second() {
        let key = || Key::new("XVGR73KMZH2M4XMY", "s").unwrap();
        assert!(key().is_valid_at(0) && key().is_valid_at(u64::MAX));
        let limited = key().with_validity(100..=200).unwrap();
        for (now, valid) in [(99, false), (100, true), (200, true), (201, false)] {
            assert_eq!(limited.is_valid_at(now), valid, "{now}");
        }
        assert!(key().with_validity(7..=7).unwrap().is_valid_at(7));
        let never = RangeInclusive::new(8, 7);
        assert_eq!(key().with_validity(never).unwrap_err(), KeyError::NeverValid);
    }

    #[test]
    fn generated_values_are_good_and_differ() {
        let (seed, secret) = generate().unwrap();
        assert_eq!(Key::new(seed.as_bytes(), secret.as_bytes()).unwrap().seed_bits(), 160);
        assert_eq!(secret.len(), 52);
        let mut both = seed.bytes().chain(secret.bytes());
        assert!(both.all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!((seed, secret), generate().unwrap());
    }

    #[test]
    fn debug_and_errors_print_nothing_secret() {
        let key = Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "hunter2").unwrap();
        let expected =
            "Key { id: \"default\", validity: 0..=18446744073709551615, seed_bits: 160, .. }";
        assert_eq!(format!("{key:?}"), expected);
        let error = Key::new("hunter2!", "x").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter"));
    }
}
