//! The C library: any sequence of calls on live objects, with any bytes, NULL, lengths that are too
//! large and buffers that are too small. All memory is as large as the caller says and no larger,
//! so that AddressSanitizer sees each byte that is read or written beside it.

#![allow(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_char};
use std::ptr;

use arbitrary::{Arbitrary, Unstructured};

use super::declarations::*;
use super::plan::{Jid, KEYS, Moment};
use super::reference;

const MAX_CALLS: usize = 40;
/// Explaining takes as long as thousands of other calls.
const MAX_EXPLANATIONS: usize = 1;
/// What is in a buffer before a call.
const UNWRITTEN: u8 = 0xa5;
/// What is in a number or a pointer before a call.
const UNSET: i32 = -77;

/// Calls a function of the library.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: `World` keeps the objects alive, and a `Range` or a `Buffer` its memory, for
        // longer than the call. Lengths are those of the memory, or too large for any.
        unsafe { $function($($argument),*) }
    };
}

/// Which of the objects of a kind; the last number is NULL.
type Slot = u8;
const SLOTS: usize = 3;

#[derive(Arbitrary, Debug)]
enum Call<'a> {
    NewConfig(Slot),
    AddKey {
        config: Slot,
        seed: Input<'a>,
        secret: Input<'a>,
    },
    AddKnownKey {
        config: Slot,
        key: u8,
    },
    AddNamedKey {
        config: Slot,
        id: Input<'a>,
        seed: Input<'a>,
        secret: Input<'a>,
        from: u64,
        to: Moment,
    },
    SetNonceLength {
        config: Slot,
        digits: u16,
    },
    SetNoncePolicy {
        config: Slot,
        policy: i8,
    },
    SetDeviation {
        config: Slot,
        steps: u8,
    },
    SetLedger {
        config: Slot,
        url: Input<'a>,
    },
    FreeConfig(Slot),
    LedgerUrlMessage(Input<'a>),
    NewVerifier {
        config: Slot,
        verifier: Slot,
        is_null: bool,
    },
    Verify {
        verifier: Slot,
        jid: Input<'a>,
        token: Input<'a>,
        now: Moment,
        how: Detail,
    },
    Explain {
        verifier: Slot,
        jid: Input<'a>,
        token: Input<'a>,
        now: Moment,
        others: Input<'a>,
        room: Room,
    },
    LastError {
        verifier: Slot,
        room: Room,
    },
    SeedBits(Slot),
    FreeVerifier(Slot),
    NewMinter {
        config: Slot,
        minter: Slot,
        is_null: bool,
    },
    Mint {
        minter: Slot,
        jid: Input<'a>,
        now: Moment,
        room: Room,
    },
    MintWithNonce {
        minter: Slot,
        jid: Input<'a>,
        now: Moment,
        nonce: Input<'a>,
        room: Room,
    },
    FreeMinter(Slot),
    GenerateKey {
        seed: Room,
        secret: Room,
    },
    Status(i32),
    Versions,
}

/// Which of the functions verifies, and which of its results may be NULL.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Detail {
    Plain,
    Detailed { id: bool, offset: bool },
    Nonce { id: bool, length: bool, skew: bool },
}

/// Bytes for the library.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Input<'a> {
    Bytes(&'a [u8]),
    Null,
    NullWithLength(u16),
    TooLong(u16),
    Jid(Jid<'a>),
    /// A token that was minted before, with one byte changed.
    Token {
        which: u8,
        change: Option<(u8, u8)>,
    },
    Seed(u8),
    Secret(u8),
    Memory,
    Digits(u8),
}

/// Room for results.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Room {
    Enough,
    Bytes(u8),
    Null,
    NullWithSize(u8),
    NoLength,
}

/// Memory that is as long as it says.
struct Range {
    bytes: Box<[u8]>,
    is_null: bool,
    length: usize,
}

impl Range {
    fn pointer(&self) -> *const u8 {
        if self.is_null { ptr::null() } else { self.bytes.as_ptr() }
    }

    fn chars(&self) -> *const c_char {
        self.pointer().cast()
    }

    /// Returns what the library must answer to this range, whatever it is for.
    fn mistake(&self) -> Option<&'static str> {
        match (self.is_null, self.length) {
            (true, 1..) => Some("null-argument"),
            (false, length) if length > isize::MAX as usize => Some("invalid-length"),
            _ => None,
        }
    }
}

struct Buffer {
    bytes: Box<[u8]>,
    is_null: bool,
    /// What the caller says, and then what the library says.
    length: usize,
    has_length: bool,
}

impl Buffer {
    fn new(room: Room, enough: usize) -> Self {
        let (size, said) = match room {
            Room::Enough | Room::NoLength => (enough, enough),
            Room::Bytes(size) => (size.into(), size.into()),
            Room::Null => (0, 0),
            Room::NullWithSize(size) => (0, size.into()),
        };
        Self {
            bytes: vec![UNWRITTEN; size].into(),
            is_null: matches!(room, Room::Null | Room::NullWithSize(_)),
            length: said,
            has_length: !matches!(room, Room::NoLength),
        }
    }

    fn pointer(&mut self) -> *mut c_char {
        if self.is_null { ptr::null_mut() } else { self.bytes.as_mut_ptr().cast() }
    }

    fn length(&mut self) -> *mut usize {
        if self.has_length { &raw mut self.length } else { ptr::null_mut() }
    }

    /// Checks what the library did with it. Returns the text if the call succeeded.
    fn text(&self, status: &str, said: usize) -> Option<&[u8]> {
        if status == "ok" {
            let text = &self.bytes[..self.length];
            assert!(!text.contains(&0) && self.bytes[self.length] == 0, "no text with a NUL");
            return Some(text);
        }
        assert!(self.bytes.iter().all(|byte| *byte == UNWRITTEN), "{status} wrote something");
        if status == "buffer-too-small" {
            assert!(self.length > said, "{} bytes are not enough, {said} neither", self.length);
        } else {
            assert_eq!(self.length, said, "{status} changed the length");
        }
        None
    }
}

struct Config {
    object: *mut xtoken_config,
    is_in_memory: bool,
    is_reporting: bool,
}

struct Verifier {
    object: *mut xtoken_verifier,
    /// Another one would open a file or connect to a server.
    is_in_memory: bool,
    is_reporting: bool,
    /// The signatures of what it has accepted.
    accepted: HashSet<[u8; 32]>,
}

/// What exists. Frees all of it at the end.
#[derive(Default)]
struct World {
    configs: [Option<Config>; SLOTS],
    verifiers: [Option<Verifier>; SLOTS],
    minters: [Option<*mut xtoken_minter>; SLOTS],
    tokens: Vec<Vec<u8>>,
    /// For whom each was minted.
    minted: HashMap<Vec<u8>, HashSet<Vec<u8>>>,
    explanations: usize,
}

/// Makes the calls.
pub fn run(bytes: &[u8]) {
    let Ok(calls) = Vec::<Call>::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let mut world = World::default();
    for call in calls.into_iter().take(MAX_CALLS) {
        world.make(call);
    }
}

fn object<T>(objects: &[Option<T>; SLOTS], slot: Slot) -> Option<&T> {
    objects.get(usize::from(slot) % (SLOTS + 1))?.as_ref()
}

/// Returns a text of the library that lives as long as it does.
fn text(pointer: *const c_char) -> &'static str {
    assert!(!pointer.is_null());
    // SAFETY: not NULL, and the header promises a NUL at the end.
    unsafe { CStr::from_ptr(pointer) }.to_str().expect("no UTF-8")
}

fn name(status: xtoken_status) -> &'static str {
    text(call!(xtoken_status_name(status)))
}

/// Returns the name of a status, which must be one of those that the header lists.
fn one_of(status: xtoken_status, listed: &[&'static str]) -> &'static str {
    let name = name(status);
    assert!(listed.contains(&name), "{name} ({status}) is not one of {listed:?}");
    name
}

/// Checks that a call fails with the first mistake in its arguments, if there is one.
fn check_mistake(status: &str, has_object: bool, ranges: &[&Range]) {
    let of_ranges = ranges.iter().find_map(|range| range.mistake());
    let expected = if has_object { of_ranges } else { Some("null-argument") };
    match expected {
        Some(expected) => assert_eq!(status, expected),
        None => assert_ne!(status, "invalid-length"),
    }
}

impl World {
    fn range(&self, input: Input<'_>) -> Range {
        let bytes = match input {
            Input::Bytes(bytes) => bytes.to_vec(),
            Input::Jid(jid) => jid.bytes(),
            Input::Token { which, change } => {
                let which = usize::from(which) % self.tokens.len().max(1);
                let mut token = self.tokens.get(which).cloned().unwrap_or_default();
                if let Some((at, byte)) = change.filter(|_| !token.is_empty()) {
                    let at = usize::from(at) % token.len();
                    token[at] = byte;
                }
                token
            }
            Input::Seed(key) => KEYS[usize::from(key) % KEYS.len()].otp_seed.into(),
            Input::Secret(key) => KEYS[usize::from(key) % KEYS.len()].token_secret.into(),
            Input::Memory => b"memory:".into(),
            Input::Digits(digits) => vec![b'7'; digits.into()],
            Input::Null | Input::NullWithLength(_) | Input::TooLong(_) => Vec::new(),
        };
        let length = match input {
            Input::NullWithLength(length) => length.into(),
            Input::TooLong(less) => usize::MAX - usize::from(less),
            _ => bytes.len(),
        };
        let is_null = matches!(input, Input::Null | Input::NullWithLength(_));
        Range { bytes: bytes.into(), is_null, length }
    }

    fn config(&self, slot: Slot) -> *mut xtoken_config {
        object(&self.configs, slot).map_or(ptr::null_mut(), |config| config.object)
    }

    fn verifier(&self, slot: Slot) -> *mut xtoken_verifier {
        object(&self.verifiers, slot).map_or(ptr::null_mut(), |verifier| verifier.object)
    }

    fn minter(&self, slot: Slot) -> *mut xtoken_minter {
        object(&self.minters, slot).copied().unwrap_or(ptr::null_mut())
    }

    fn free_config(&mut self, slot: Slot) {
        call!(xtoken_config_free(self.config(slot)));
        self.configs.get_mut(usize::from(slot) % (SLOTS + 1)).map(Option::take);
    }

    fn free_verifier(&mut self, slot: Slot) {
        call!(xtoken_verifier_free(self.verifier(slot)));
        self.verifiers.get_mut(usize::from(slot) % (SLOTS + 1)).map(Option::take);
    }

    fn free_minter(&mut self, slot: Slot) {
        call!(xtoken_minter_free(self.minter(slot)));
        self.minters.get_mut(usize::from(slot) % (SLOTS + 1)).map(Option::take);
    }

    fn make(&mut self, call: Call<'_>) {
        match call {
            Call::NewConfig(slot) => {
                self.free_config(slot);
                let object = call!(xtoken_config_new());
                assert!(!object.is_null());
                match self.configs.get_mut(usize::from(slot) % (SLOTS + 1)) {
                    Some(place) => {
                        let made = Config { object, is_in_memory: true, is_reporting: false };
                        *place = Some(made);
                    }
                    None => call!(xtoken_config_free(object)),
                }
            }
            Call::AddKey { config, seed, secret } => {
                self.add_key(config, None, seed, secret, 0, u64::MAX);
            }
            Call::AddKnownKey { config, key } => {
                self.add_key(config, None, Input::Seed(key), Input::Secret(key), 0, u64::MAX);
            }
            Call::AddNamedKey { config, id, seed, secret, from, to } => {
                self.add_key(config, Some(id), seed, secret, from, to.seconds());
            }
            Call::SetNonceLength { config, digits } => {
                let config = self.config(config);
                let status = call!(xtoken_config_set_nonce_length(config, digits.into()));
                let listed = ["ok", "null-argument", "invalid-nonce-length", "short-nonce"];
                let is_ok = one_of(status, &listed) == "ok";
                assert!(!is_ok || (1..=970).contains(&digits));
            }
            Call::SetNoncePolicy { config, policy } => self.set_nonce_policy(config, policy),
            Call::SetDeviation { config, steps } => {
                let config = self.config(config);
                let status = call!(xtoken_config_set_deviation(config, steps.into()));
                let expected = match (config.is_null(), steps) {
                    (true, _) => "null-argument",
                    (false, 0..=10) => "ok",
                    _ => "invalid-deviation",
                };
                assert_eq!(name(status), expected);
            }
            Call::SetLedger { config, url } => self.set_ledger(config, url),
            Call::FreeConfig(config) => self.free_config(config),
            Call::LedgerUrlMessage(url) => {
                let url = self.range(url);
                let message = call!(xtoken_ledger_url_message(url.chars(), url.length));
                assert!(message.is_null() || !text(message).is_empty());
            }
            Call::NewVerifier { config, verifier, is_null } => {
                self.new_verifier(config, verifier, is_null);
            }
            Call::Verify { verifier, jid, token, now, how } => {
                let (jid, token) = (self.range(jid), self.range(token));
                self.verify(verifier, &jid, &token, now.seconds(), how);
            }
            Call::Explain { verifier, jid, token, now, others, room } => {
                let ranges = [self.range(jid), self.range(token), self.range(others)];
                self.explain(verifier, &ranges, now.seconds(), room);
            }
            Call::LastError { verifier, room } => {
                let verifier = self.verifier(verifier);
                let mut buffer = Buffer::new(room, 4096);
                let said = buffer.length;
                let status =
                    call!(xtoken_verifier_last_error(verifier, buffer.pointer(), buffer.length()));
                let status = one_of(status, &["ok", "null-argument", "buffer-too-small"]);
                let text = buffer.text(status, said);
                assert!(text.is_none_or(<[u8]>::is_empty), "a ledger that was not asked failed");
            }
            Call::SeedBits(verifier) => {
                let verifier = self.verifier(verifier);
                let bits = call!(xtoken_verifier_seed_bits(verifier));
                assert!(if verifier.is_null() { bits == 0 } else { bits >= 80 });
            }
            Call::FreeVerifier(verifier) => self.free_verifier(verifier),
            Call::NewMinter { config, minter, is_null } => self.new_minter(config, minter, is_null),
            Call::Mint { minter, jid, now, room } => {
                let jid = self.range(jid);
                self.mint(minter, &jid, now.seconds(), None, room);
            }
            Call::MintWithNonce { minter, jid, now, nonce, room } => {
                let (jid, nonce) = (self.range(jid), self.range(nonce));
                self.mint(minter, &jid, now.seconds(), Some(&nonce), room);
            }
            Call::FreeMinter(minter) => self.free_minter(minter),
            Call::GenerateKey { seed, secret } => generate_key(seed, secret),
            Call::Status(status) => {
                assert!(!name(status).is_empty());
                assert!(!text(call!(xtoken_status_message(status))).is_empty());
            }
            Call::Versions => {
                assert!(text(call!(xtoken_version())).contains('.'));
                assert!(call!(xtoken_version_number()) > 0);
            }
        }
    }

    fn add_key(
        &mut self,
        slot: Slot,
        id: Option<Input<'_>>,
        seed: Input<'_>,
        secret: Input<'_>,
        from: u64,
        to: u64,
    ) {
        let config = self.config(slot);
        let (seed, secret) = (self.range(seed), self.range(secret));
        let values = (seed.chars(), seed.length, secret.pointer(), secret.length);
        let mut listed = vec![
            "ok",
            "null-argument",
            "invalid-length",
            "invalid-seed",
            "short-seed",
            "empty-secret",
            "duplicate-key-id",
        ];
        let status = if let Some(id) = id {
            listed.extend(["invalid-key-id", "invalid-validity"]);
            let id = self.range(id);
            let status = one_of(
                call!(xtoken_config_add_named_key(
                    config,
                    id.chars(),
                    id.length,
                    values.0,
                    values.1,
                    values.2,
                    values.3,
                    from,
                    to,
                )),
                &listed,
            );
            check_mistake(status, !config.is_null(), &[&id, &seed, &secret]);
            status
        } else {
            let status = one_of(
                call!(xtoken_config_add_key(config, values.0, values.1, values.2, values.3)),
                &listed,
            );
            check_mistake(status, !config.is_null(), &[&seed, &secret]);
            status
        };
        if status == "ok" {
            let bytes = reference::base32(&seed.bytes).expect("a bad seed was taken");
            assert!(bytes.len() >= 10 && !secret.bytes.is_empty() && from <= to);
        }
    }

    fn set_nonce_policy(&mut self, slot: Slot, policy: i8) {
        let config = self.config(slot);
        let status = call!(xtoken_config_set_nonce_policy(config, policy.into()));
        let listed = ["ok", "null-argument", "invalid-nonce-policy", "short-nonce"];
        if one_of(status, &listed) == "ok" {
            assert!((0..=2).contains(&policy));
            if let Some(Some(config)) = self.configs.get_mut(usize::from(slot) % (SLOTS + 1)) {
                config.is_reporting = policy == 2;
            }
        }
    }

    fn set_ledger(&mut self, slot: Slot, url: Input<'_>) {
        let config = self.config(slot);
        let url = self.range(url);
        let status = call!(xtoken_config_set_ledger(config, url.chars(), url.length));
        let listed = ["ok", "null-argument", "invalid-length", "invalid-ledger"];
        let status = one_of(status, &listed);
        check_mistake(status, !config.is_null(), &[&url]);
        if let Some(Some(config)) = self.configs.get_mut(usize::from(slot) % (SLOTS + 1)) {
            let message = call!(xtoken_ledger_url_message(url.chars(), url.length));
            assert_eq!(message.is_null(), status == "ok");
            if status == "ok" {
                config.is_in_memory = *url.bytes == *b"memory:";
            }
        }
    }

    fn new_verifier(&mut self, config: Slot, slot: Slot, is_null: bool) {
        let listed = ["ok", "null-argument", "no-key"];
        if is_null {
            let status = call!(xtoken_verifier_new(self.config(config), ptr::null_mut()));
            assert_eq!(name(status), "null-argument");
            return;
        }
        let mut made = ptr::dangling_mut();
        let status = call!(xtoken_verifier_new(self.config(config), &raw mut made));
        let is_made = one_of(status, &listed) == "ok";
        assert_eq!(is_made, !made.is_null());
        self.free_verifier(slot);
        let place = self.verifiers.get_mut(usize::from(slot) % (SLOTS + 1));
        match (place, object(&self.configs, config)) {
            (Some(place), Some(config)) if is_made => {
                let Config { is_in_memory, is_reporting, .. } = *config;
                let accepted = HashSet::new();
                *place = Some(Verifier { object: made, is_in_memory, is_reporting, accepted });
            }
            _ => call!(xtoken_verifier_free(made)),
        }
    }

    fn new_minter(&mut self, config: Slot, slot: Slot, is_null: bool) {
        if is_null {
            let status = call!(xtoken_minter_new(self.config(config), ptr::null_mut()));
            assert_eq!(name(status), "null-argument");
            return;
        }
        let mut object = ptr::dangling_mut();
        let status = call!(xtoken_minter_new(self.config(config), &raw mut object));
        let is_made = one_of(status, &["ok", "null-argument", "no-key"]) == "ok";
        assert_eq!(is_made, !object.is_null());
        self.free_minter(slot);
        match self.minters.get_mut(usize::from(slot) % (SLOTS + 1)) {
            Some(place) if is_made => *place = Some(object),
            _ => call!(xtoken_minter_free(object)),
        }
    }

    fn verify(&mut self, slot: Slot, jid: &Range, token: &Range, now: u64, how: Detail) {
        let place = self.verifiers.get_mut(usize::from(slot) % (SLOTS + 1));
        let mut verifier = place.and_then(Option::as_mut);
        if verifier.as_ref().is_some_and(|verifier| !verifier.is_in_memory) {
            return;
        }
        let object = verifier.as_ref().map_or(ptr::null_mut(), |verifier| verifier.object);
        let (jid_chars, token_chars) = (jid.chars(), token.chars());
        let unset = ptr::null::<c_char>();
        let (mut id, mut offset, mut length, mut skew) = (unset, UNSET, u32::MAX, UNSET);
        let status = match how {
            Detail::Plain => call!(xtoken_verifier_verify(
                object,
                jid_chars,
                jid.length,
                token_chars,
                token.length,
                now,
            )),
            Detail::Detailed { id: has_id, offset: has_offset } => {
                call!(xtoken_verifier_verify_detailed(
                    object,
                    jid_chars,
                    jid.length,
                    token_chars,
                    token.length,
                    now,
                    if has_id { &raw mut id } else { ptr::null_mut() },
                    if has_offset { &raw mut offset } else { ptr::null_mut() },
                ))
            }
            Detail::Nonce { id: has_id, length: has_length, skew: has_skew } => {
                call!(xtoken_verifier_verify_nonce(
                    object,
                    jid_chars,
                    jid.length,
                    token_chars,
                    token.length,
                    now,
                    if has_id { &raw mut id } else { ptr::null_mut() },
                    if has_length { &raw mut length } else { ptr::null_mut() },
                    if has_skew { &raw mut skew } else { ptr::null_mut() },
                ))
            }
        };
        let status = one_of(
            status,
            &[
                "ok",
                "malformed",
                "bad-signature",
                "expired",
                "replayed",
                "unavailable",
                "undated",
                "null-argument",
                "invalid-length",
            ],
        );
        check_mistake(status, verifier.is_some(), &[jid, token]);
        if status != "ok" {
            assert_eq!((id, offset, length, skew), (unset, UNSET, u32::MAX, UNSET));
            return;
        }
        if !id.is_null() {
            assert!(!text(id).is_empty());
        }
        let verifier = verifier.as_mut().expect("NULL accepts tokens");
        let (_, signature) = reference::parts(&token.bytes).expect("no token was accepted");
        assert!(verifier.accepted.insert(signature), "a token was accepted twice");
        if !verifier.is_reporting {
            let is_for = |jids: &HashSet<Vec<u8>>| jids.contains(&*jid.bytes);
            let is_minted = self.minted.get(&*token.bytes).is_some_and(is_for);
            assert!(is_minted, "a token was accepted that nobody minted for this JID");
        }
    }

    fn explain(&mut self, slot: Slot, ranges: &[Range; 3], now: u64, room: Room) {
        let verifier = object(&self.verifiers, slot);
        if self.explanations >= MAX_EXPLANATIONS || verifier.is_some_and(|it| !it.is_in_memory) {
            return;
        }
        self.explanations += 1;
        let [jid, token, others] = ranges;
        let mut buffer = Buffer::new(room, 8192);
        let said = buffer.length;
        let status = call!(xtoken_verifier_explain(
            self.verifier(slot),
            jid.chars(),
            jid.length,
            token.chars(),
            token.length,
            now,
            others.chars(),
            others.length,
            buffer.pointer(),
            buffer.length(),
        ));
        let listed = ["ok", "null-argument", "invalid-length", "buffer-too-small"];
        let status = one_of(status, &listed);
        if buffer.has_length {
            let of_ranges = ranges.iter().find_map(Range::mistake);
            let is_null = object(&self.verifiers, slot).is_none();
            if let Some(mistake) = if is_null { Some("null-argument") } else { of_ranges } {
                assert_eq!(status, mistake);
            }
        }
        if let Some(text) = buffer.text(status, said) {
            assert!(text.contains(&b':'), "an explanation without a finding");
        }
    }

    fn mint(&mut self, slot: Slot, jid: &Range, now: u64, nonce: Option<&Range>, room: Room) {
        let minter = self.minter(slot);
        let mut buffer = Buffer::new(room, 1024);
        let said = buffer.length;
        let (pointer, length) = (buffer.pointer(), buffer.length());
        let mut listed = vec![
            "ok",
            "null-argument",
            "invalid-length",
            "buffer-too-small",
            "invalid-jid",
            "invalid-time",
        ];
        let status = if let Some(nonce) = nonce {
            listed.push("invalid-nonce");
            call!(xtoken_minter_mint_with_nonce(
                minter,
                jid.chars(),
                jid.length,
                now,
                nonce.chars(),
                nonce.length,
                pointer,
                length,
            ))
        } else {
            call!(xtoken_minter_mint(minter, jid.chars(), jid.length, now, pointer, length))
        };
        let status = one_of(status, &listed);
        if minter.is_null() || !buffer.has_length {
            assert_eq!(status, "null-argument");
        }
        if let Some(token) = buffer.text(status, said) {
            assert!(reference::parts(token).is_some(), "what was minted is no token");
            self.tokens.push(token.to_vec());
            self.minted.entry(token.to_vec()).or_default().insert(jid.bytes.to_vec());
        }
    }
}

fn generate_key(seed: Room, secret: Room) {
    let (mut seed, mut secret) = (Buffer::new(seed, 33), Buffer::new(secret, 53));
    let status =
        call!(xtoken_generate_key(seed.pointer(), seed.length, secret.pointer(), secret.length,));
    let status = one_of(status, &["ok", "null-argument", "buffer-too-small"]);
    for (buffer, size) in [(seed, 33), (secret, 53)] {
        if status == "ok" {
            let text = &buffer.bytes[..size - 1];
            assert!(reference::base32(text).is_some() && buffer.bytes[size - 1] == 0);
        } else {
            assert!(buffer.bytes.iter().all(|byte| *byte == UNWRITTEN));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for slot in 0..SLOTS as Slot {
            self.free_config(slot);
            self.free_verifier(slot);
            self.free_minter(slot);
        }
    }
}
