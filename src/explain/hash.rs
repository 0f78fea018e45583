//! [`HashFunction`]: the hash functions that a minter may have taken, and HMAC with each.

use std::fmt;

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::work::Work;
use crate::totp::keyed;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashFunction {
    /// That of OTPs.
    Sha1,
    /// That of signatures.
    Sha256,
    /// Used by mistake only.
    Sha384,
    /// Used by mistake only.
    Sha512,
}

impl HashFunction {
    pub(super) const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Returns whether `digest` is the hash of `parts`, without a key.
    pub(super) fn is_digest_of(self, digest: &[u8], parts: [&[u8]; 2], work: &Work) -> bool {
        fn digest_of<D: Digest>(parts: [&[u8]; 2]) -> Vec<u8> {
            let [first, second] = parts;
            D::new().chain_update(first).chain_update(second).finalize().to_vec()
        }
        if !work.allows_hash(parts.iter().map(|part| part.len()).sum()) {
            return false;
        }
        let computed = match self {
            Self::Sha1 => digest_of::<Sha1>(parts),
            Self::Sha256 => digest_of::<Sha256>(parts),
            Self::Sha384 => digest_of::<Sha384>(parts),
            Self::Sha512 => digest_of::<Sha512>(parts),
        };
        computed.ct_eq(digest).into()
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// HMAC with its state computed for a key. Wiped on drop.
pub(super) enum KeyedHash {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl KeyedHash {
    pub(super) fn new(hash: HashFunction, key: &[u8]) -> Self {
        match hash {
            HashFunction::Sha1 => Self::Sha1(keyed(key)),
            HashFunction::Sha256 => Self::Sha256(keyed(key)),
            HashFunction::Sha384 => Self::Sha384(keyed(key)),
            HashFunction::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    /// Returns the number of bytes of a MAC.
    const fn length(&self) -> usize {
        match self {
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
            Self::Sha384(_) => 48,
            Self::Sha512(_) => 64,
        }
    }

    /// Returns whether `mac` is that of `message`.
    pub(super) fn is_mac_of(&self, mac: &[u8], message: &[u8], work: &Work) -> bool {
        if mac.len() != self.length() || !work.allows_mac(message.len()) {
            return false;
        }
        match self {
            Self::Sha1(state) => state.clone().chain_update(message).verify_slice(mac).is_ok(),
            Self::Sha256(state) => state.clone().chain_update(message).verify_slice(mac).is_ok(),
            Self::Sha384(state) => state.clone().chain_update(message).verify_slice(mac).is_ok(),
            Self::Sha512(state) => state.clone().chain_update(message).verify_slice(mac).is_ok(),
        }
    }

    /// Returns the 31 bits of which a counter's OTP is made (RFC 4226 section 5.3).
    pub(super) fn truncated(&self, counter: u64, work: &Work) -> Option<u32> {
        let counter = counter.to_be_bytes();
        work.allows_mac(counter.len()).then(|| match self {
            Self::Sha1(state) => {
                truncate(&state.clone().chain_update(counter).finalize().into_bytes())
            }
            Self::Sha256(state) => {
                truncate(&state.clone().chain_update(counter).finalize().into_bytes())
            }
            Self::Sha384(state) => {
                truncate(&state.clone().chain_update(counter).finalize().into_bytes())
            }
            Self::Sha512(state) => {
                truncate(&state.clone().chain_update(counter).finalize().into_bytes())
            }
        })
    }
}

fn truncate(digest: &[u8]) -> u32 {
    let offset = digest.last().map_or(0, |last| usize::from(last & 0xf));
    let mut word = [0; 4];
    word.iter_mut().zip(digest.iter().skip(offset)).for_each(|(to, from)| *to = *from);
    u32::from_be_bytes(word) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::super::material::decode_hex;
    use super::*;

    // RFC 6238 appendix B, with its errata: each hash function has a seed of its own length.
    #[test]
    fn otps_are_those_of_rfc_6238() {
        let digits = b"1234567890".repeat(7);
        for (hash, length, otp) in [
            (HashFunction::Sha1, 20, 94_287_082),
            (HashFunction::Sha256, 32, 46_119_246),
            (HashFunction::Sha512, 64, 90_693_936),
        ] {
            let keyed = KeyedHash::new(hash, &digits[..length]);
            assert_eq!(keyed.truncated(1, &Work::new()).unwrap() % 100_000_000, otp, "{hash}");
        }
    }

    #[test]
    fn a_mac_is_that_of_its_message_only() {
        for hash in HashFunction::ALL {
            let keyed = KeyedHash::new(hash, b"secret");
            assert!(!keyed.is_mac_of(&vec![0; keyed.length()], b"message", &Work::new()));
            assert!(!keyed.is_mac_of(b"", b"message", &Work::new()));
        }
    }

    // RFC 4231 section 4.3.
    #[test]
    fn a_mac_is_computed_only_if_its_work_is_allowed() {
        let (keyed, message) =
            (KeyedHash::new(HashFunction::Sha256, b"Jefe"), b"what do ya want for nothing?");
        let mac = b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let (mac, work) = (decode_hex(mac).unwrap(), Work::new());
        assert!(keyed.is_mac_of(&mac, message, &work));
        assert!(work.allows_hash(64 * (Work::LIMIT - 3)) && work.done() == Work::LIMIT);
        assert!(!keyed.is_mac_of(&mac, message, &work));
    }
}
