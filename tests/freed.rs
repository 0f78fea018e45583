//! Nothing secret is left in freed memory. While a test records, the allocator keeps a copy of each
//! block that its thread frees, and the test searches the copies.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Minter, Verifier, key};

/// Bytes for the copies: more than a test frees.
const ROOM: usize = 64 << 20;

struct Recording;

/// Where the copy of the next block goes, and how many bytes are left there.
#[derive(Clone, Copy)]
struct Record {
    next: *mut u8,
    left: usize,
}

impl Record {
    const NONE: Self = Self { next: ptr::null_mut(), left: 0 };
}

// The allocator needs a thread-local without a destructor.
thread_local! {
    static RECORD: Cell<Record> = const { Cell::new(Record::NONE) };
}

// SAFETY: passes everything on to the system's allocator, and only reads blocks before they are
// freed. A block that grows or shrinks is freed, because `realloc` is that of the trait.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Recording {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Record { next, left } = RECORD.get();
        if !next.is_null() {
            let size = layout.size().min(left);
            // C copies bytes that were never written, too, which Rust must not read.
            // SAFETY: the block has this size, and as much is left in the record.
            let end = unsafe {
                libc::memcpy(next.cast(), block.cast(), size);
                next.add(size)
            };
            RECORD.set(Record { next: end, left: left - size });
        }
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Recording = Recording;

/// What was in the blocks that were freed.
struct Freed(Vec<u8>);

/// Ends the record, also after a panic.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        RECORD.set(Record::NONE);
    }
}

impl Freed {
    /// Records what this thread frees.
    fn during(action: impl FnOnce()) -> Self {
        let mut copies = vec![0; ROOM];
        RECORD.set(Record { next: copies.as_mut_ptr(), left: ROOM });
        let end = End;
        action();
        let left = RECORD.get().left;
        drop(end);
        assert!(left > 0, "the test frees more than {ROOM} bytes");
        copies.truncate(ROOM - left);
        Self(copies)
    }

    fn has(&self, secret: &[u8]) -> bool {
        assert!(secret.len() >= 8, "found by chance");
        self.0.windows(secret.len()).any(|bytes| bytes == secret)
    }
}

const ALICE: &str = "alice@example.com";
const NOW: u64 = 1_700_000_010;
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const DECODED_SEED: &[u8] = b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef";
const SECRET: &str = "VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUTXA";

fn new_key() -> Key {
    Key::new(SEED, SECRET).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The values of a key, the states of its MACs, and its cached OTPs.
fn secrets_of_key() -> Vec<(String, Vec<u8>)> {
    let mut secrets: Vec<_> = [SEED, SECRET]
        .into_iter()
        .flat_map(|text| [text.to_owned(), text.to_lowercase(), hex(text.as_bytes())])
        .map(|text| (text.clone(), text.into_bytes()))
        .collect();
    secrets.push(("the decoded seed".to_owned(), DECODED_SEED.to_vec()));
    secrets.push(("the decoded seed in digits".to_owned(), hex(DECODED_SEED).into_bytes()));
    for pad in [0x36, 0x5c] {
        secrets.push((format!("the state {pad:#x} of SHA-1"), sha1_state(pad)));
        secrets.push((format!("the state {pad:#x} of SHA-256"), sha256_state(pad)));
    }
    let key = new_key();
    for step in NOW / 30 - 1..=NOW / 30 + 1 {
        // As src/totp.rs keeps it.
        let slot = (step + 1) << 32 | u64::from(key.otp(step));
        secrets.push((format!("the OTP of step {step}"), slot.to_ne_bytes().to_vec()));
    }
    secrets
}

/// Returns a block with the key of HMAC (RFC 2104).
fn padded(key: &[u8], pad: u8) -> [u8; 64] {
    std::array::from_fn(|at| key.get(at).unwrap_or(&0) ^ pad)
}

fn sha1_state(pad: u8) -> Vec<u8> {
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    sha1::block_api::compress(&mut state, &[padded(DECODED_SEED, pad)]);
    state.into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn sha256_state(pad: u8) -> Vec<u8> {
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    sha2::block_api::compress256(&mut state, &[padded(SECRET.as_bytes(), pad)]);
    state.into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn assert_none_left(freed: &Freed, secrets: &[(String, Vec<u8>)]) {
    let left: Vec<_> = secrets.iter().filter(|(_, bytes)| freed.has(bytes)).collect();
    let names: Vec<_> = left.iter().map(|(name, _)| name).collect();
    assert!(names.is_empty(), "in freed memory: {names:?}");
}

#[test]
fn what_is_left_is_found() {
    let freed = Freed::during(|| {
        let mut text = String::with_capacity(10);
        text.push_str("in a block");
        text.push_str(" that grows");
        drop(zeroize::Zeroizing::new("in a block that was wiped".to_owned()));
    });
    assert!(freed.has(b"in a block that grows") && !freed.has(b"that was wiped"));
    let mut copies: Vec<u8> = freed.0;
    copies.truncate(10);
    assert_eq!(copies, b"in a block");
}

#[test]
fn a_key_leaves_nothing() {
    let secrets = secrets_of_key();
    let freed = Freed::during(|| {
        let minter = Minter::new(new_key());
        let verifier = Verifier::new(vec![new_key()], Arc::new(MemoryLedger::new())).unwrap();
        let token = minter.mint(ALICE, NOW).unwrap();
        verifier.verify(ALICE, &token, NOW).unwrap();
        drop(new_key().with_id("another").unwrap());
        assert!(new_key().with_id("").is_err());
    });
    assert_none_left(&freed, &secrets);
}

#[test]
fn explaining_leaves_nothing_of_the_key() {
    let secrets = secrets_of_key();
    let other = Key::new("MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB", "another").unwrap();
    let token = Minter::new(other).mint(ALICE, NOW).unwrap();
    let freed = Freed::during(|| {
        let verifier = Verifier::new(vec![new_key()], Arc::new(MemoryLedger::new())).unwrap();
        let findings = verifier.explain(ALICE, &token, NOW, &[]);
        assert_eq!(findings[0].name(), "bad-signature");
    });
    assert_none_left(&freed, &secrets);
}

#[test]
fn a_generated_key_leaves_nothing() {
    let mut values = [const { String::new() }; 2].map(|mut text| {
        text.reserve(64);
        text
    });
    let freed = Freed::during(|| {
        let (seed, secret) = key::generate().unwrap();
        values[0].push_str(&seed);
        values[1].push_str(&secret);
    });
    // Parts of 8 characters, as they are encoded.
    for value in &values {
        let left: Vec<_> =
            value.as_bytes().chunks_exact(8).filter(|part| freed.has(part)).collect();
        assert!(left.is_empty() && value.len() >= 32, "{left:?}");
    }
}

#[cfg(feature = "capi")]
#[allow(unsafe_code, unreachable_pub, dead_code)]
mod c {
    use super::*;

    #[path = "../../fuzz/src/declarations.rs"]
    mod declarations;

    use declarations::*;

    const NONCE: &str = "00170000001031415926535897932384";

    /// Mints a token with a minter, and accepts it with a verifier. Returns its length.
    fn mint(buffer: &mut [u8; 128]) -> usize {
        let (mut verifier, mut minter) = (ptr::null_mut(), ptr::null_mut());
        let mut length = buffer.len();
        let (jid, nonce) = (ALICE.as_ptr().cast(), NONCE.as_ptr().cast());
        let token = buffer.as_mut_ptr().cast();
        // SAFETY: each length is that of its bytes, and nothing is used after it was freed.
        unsafe {
            let config = xtoken_config_new();
            let (seed, secret) = (SEED.as_ptr().cast(), SECRET.as_ptr());
            let added = xtoken_config_add_key(config, seed, SEED.len(), secret, SECRET.len());
            assert_eq!(added, 0);
            assert_eq!(xtoken_minter_new(config, &mut minter), 0);
            assert_eq!(xtoken_verifier_new(config, &mut verifier), 0);
            xtoken_config_free(config);
            let minted = xtoken_minter_mint_with_nonce(
                minter,
                jid,
                ALICE.len(),
                NOW,
                nonce,
                NONCE.len(),
                token,
                &mut length,
            );
            assert_eq!(minted, 0);
            let token = token.cast_const();
            assert_eq!(xtoken_verifier_verify(verifier, jid, ALICE.len(), token, length, NOW), 0);
            xtoken_minter_free(minter);
            xtoken_verifier_free(verifier);
        }
        length
    }

    #[test]
    fn a_minted_token_is_left_to_its_caller_only() {
        let mut secrets = secrets_of_key();
        let (mut buffer, mut again) = ([0; 128], [0; 128]);
        let length = mint(&mut buffer);
        let signature = &buffer[length - 44..length];
        let part_of = |part: &[u8]| ("a part of the signature".to_owned(), part.to_vec());
        secrets.extend(signature.chunks(11).map(part_of));
        let freed = Freed::during(|| assert_eq!(mint(&mut again), length));
        assert_eq!(again, buffer);
        assert_none_left(&freed, &secrets);
    }
}
