//! [`SigningMac`]: HMAC-SHA-256 (RFC 2104), with the two states of its key computed once.
//!
//! The `hmac` crate copies both states and a buffer for each message, and wipes the copies. That is
//! a tenth of a verification. Here, only the states are copied, and the hash of the message
//! overwrites them. The tests compare the two at every length.

use std::slice;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 64;
const DIGEST: usize = 32;
/// FIPS 180-4 section 5.3.3.
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

type State = [u32; 8];

/// The key of a MAC. Wiped on drop.
pub(crate) struct SigningMac {
    inner: State,
    outer: State,
}

impl SigningMac {
    /// Computes the states of a key of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let hashed;
        let key = if key.len() <= BLOCK {
            key
        } else {
            hashed = Zeroizing::new(<[u8; DIGEST]>::from(Sha256::digest(key)));
            hashed.as_slice()
        };
        let state_of = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            block.iter_mut().zip(key).for_each(|(padded, byte)| *padded ^= byte);
            let mut state = INITIAL;
            // By reference, because a copy of the block would not be wiped.
            compress256(&mut state, slice::from_ref(&*block));
            state
        };
        Self { inner: state_of(0x36), outer: state_of(0x5c) }
    }

    /// Returns the MAC of `first || second`.
    #[inline]
    pub(crate) fn sign(&self, first: &[u8], second: &[u8]) -> [u8; DIGEST] {
        let mut message = Message::after_key(self.inner);
        message.push(first);
        message.push(second);
        let inner = message.digest();
        let mut message = Message::after_key(self.outer);
        message.push(&inner);
        message.digest()
    }
}

impl Drop for SigningMac {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// A message that is hashed while it is written.
struct Message {
    state: State,
    /// Zeros after what is filled.
    block: [u8; BLOCK],
    /// The bytes in `block`, less than all.
    filled: usize,
    /// All bytes, those of the key's block included.
    length: u64,
}

impl Message {
    #[inline]
    fn after_key(state: State) -> Self {
        Self { state, block: [0; BLOCK], filled: 0, length: BLOCK as u64 }
    }

    #[inline]
    fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while let Some(room) = self.block.get_mut(self.filled..) {
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.filled += now.len();
            if self.filled < BLOCK {
                return;
            }
            self.compress();
            bytes = later;
        }
    }

    /// Adds the padding of FIPS 180-4 section 5.1.1: a bit, zeros, and the length in bits.
    #[inline]
    fn digest(&mut self) -> [u8; DIGEST] {
        let bits = (8 * self.length).to_be_bytes();
        if let Some(byte) = self.block.get_mut(self.filled) {
            *byte = 0x80;
        }
        if self.filled >= BLOCK - bits.len() {
            self.compress();
        }
        if let Some(end) = self.block.last_chunk_mut() {
            *end = bits;
        }
        self.compress();
        let mut digest = [0; DIGEST];
        let words = digest.as_chunks_mut().0.iter_mut();
        words.zip(self.state).for_each(|(to, word)| *to = word.to_be_bytes());
        digest
    }

    #[inline]
    fn compress(&mut self) {
        compress256(&mut self.state, slice::from_ref(&self.block));
        (self.block, self.filled) = ([0; BLOCK], 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totp::keyed;
    use hmac::{Hmac, Mac};

    #[test]
    fn is_the_hmac_of_the_crate_at_every_length() {
        let bytes: Vec<u8> = (0..400).map(|n| (n * 151 % 251) as u8).collect();
        for key_length in [0, 1, 16, 52, 63, 64, 65, 127, 128, 129, 200] {
            let key = &bytes[..key_length];
            let (ours, theirs) = (SigningMac::new(key), keyed::<Hmac<Sha256>>(key));
            for length in 0..=bytes.len() {
                let message = &bytes[..length];
                let expected: [u8; DIGEST] =
                    theirs.clone().chain_update(message).finalize().into_bytes().into();
                for cut in [0, length / 3, length.min(40), length.min(64), length] {
                    let (first, second) = message.split_at(cut);
                    assert_eq!(ours.sign(first, second), expected, "{key_length} {length} {cut}");
                }
            }
        }
    }

    fn from_hex(text: &serde_json::Value) -> Vec<u8> {
        let digits = text.as_str().unwrap().as_bytes().chunks(2);
        digits
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    }

    /// The file has the cases of project Wycheproof for HMAC-SHA-256.
    #[test]
    #[ignore = "needs a file: make trust-oracles"]
    fn decides_the_cases_of_wycheproof() {
        let file = std::env::var("XTOKEN_WYCHEPROOF").unwrap();
        let cases: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in cases["testGroups"].as_array().unwrap() {
            let length = group["tagSize"].as_u64().unwrap() as usize / 8;
            for case in group["tests"].as_array().unwrap() {
                let [key, message, tag] = ["key", "msg", "tag"].map(|name| from_hex(&case[name]));
                let is_valid = case["result"] == "valid";
                for cut in 0..=message.len() {
                    let (first, second) = message.split_at(cut);
                    let mac = SigningMac::new(&key).sign(first, second);
                    assert_eq!(mac[..length] == tag, is_valid, "case {}", case["tcId"]);
                }
                *if is_valid { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert_eq!(valid + invalid, cases["numberOfTests"]);
        assert!(valid > 50 && invalid > 50);
        println!("\nwycheproof: {valid} valid and {invalid} invalid MACs, all decided alike");
    }
}
