//! Seeds: what is base32 (RFC 4648) and long enough makes a key with the OTPs of its bytes, and
//! nothing else does.

use xtoken::Key;
use xtoken::key::{KeyError, MIN_SEED_BITS};

use super::reference;

/// Makes a key of the bytes.
pub fn run(bytes: &[u8]) {
    let made = Key::new(bytes, "secret");
    let Some(seed) = reference::base32(bytes) else {
        assert_eq!(made.err(), Some(KeyError::InvalidSeed));
        return;
    };
    if seed.len() * 8 < MIN_SEED_BITS {
        assert_eq!(made.err(), Some(KeyError::ShortSeed));
        return;
    }
    let key = made.expect("a good seed was refused");
    assert_eq!(key.seed_bits(), seed.len() * 8);
    // The second time it is read from the cache.
    for step in [0, 0, 56_666_667, u64::MAX] {
        assert_eq!(key.otp(step), reference::otp(&seed, step), "in step {step}");
    }
    // Only a text that is long enough to be no other part of the message by chance.
    let text = String::from_utf8_lossy(bytes);
    assert!(!format!("{key:?}").contains(&*text), "a seed is shown");
}
