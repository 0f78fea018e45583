//! The password of a Redis URL is wiped before its memory is freed. The allocator of this test
//! searches all memory that is freed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "redis/server.rs"]
mod server;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use server::Server;
use xtoken::ledger::{self, Spending, Spent, Unavailable};

/// The password as it is, and as it is written in the URL.
const PASSWORD: &[u8] = b"the@password/of:this%test";
const ENCODED: &str = "the%40password%2Fof%3Athis%25test";
const NOW: u64 = 1_700_000_010;

struct Searching;

static IS_SEARCHING: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator. `alloc` zeroes memory, so that `dealloc`
// reads initialised bytes. `dealloc` zeroes them too, so that nothing is found twice.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the memory has this size, and only this function uses it from now on.
        let bytes = unsafe { slice::from_raw_parts_mut(pointer, layout.size()) };
        if IS_SEARCHING.load(Relaxed) {
            for secret in [PASSWORD, ENCODED.as_bytes()] {
                let found = bytes.windows(secret.len()).filter(|part| *part == secret).count();
                FOUND.fetch_add(found, Relaxed);
            }
        }
        bytes.fill(0);
        // SAFETY: the caller keeps the rules of the same method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Searching = Searching;

/// Returns how often the password was found in memory that `work` freed.
fn found(work: impl FnOnce()) -> usize {
    FOUND.store(0, Relaxed);
    IS_SEARCHING.store(true, Relaxed);
    work();
    IS_SEARCHING.store(false, Relaxed);
    FOUND.load(Relaxed)
}

/// One test, because all parts use the same counter.
#[test]
fn passwords_are_wiped_before_memory_is_freed() {
    assert_eq!(found(|| drop(black_box(PASSWORD.to_vec()))), 1, "the test finds nothing");

    let server = Server::start(&[]);
    let mut client = server.has_been_there().client();
    let set = |client: &mut redis::Connection, password: &[u8]| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("requirepass").arg(password).exec(client).unwrap();
    };
    set(&mut client, PASSWORD);
    let tcp = format!("redis://:{ENCODED}@127.0.0.1:{}/?timeout=300", server.port);
    let with_user = format!("redis://default:{ENCODED}@127.0.0.1:{}/?timeout=300", server.port);
    let mistaken = format!("redis://:{ENCODED}@127.0.0.1:{}/nonsense", server.port);
    let file = std::env::temp_dir().join(format!("xtoken-password-{}", std::process::id()));
    std::fs::write(&file, PASSWORD).unwrap();
    let in_file = format!("{}?timeout=300&password_file={}", server.url(), file.display());
    let both = format!("{tcp}&password_file=/nowhere");
    let socket = format!("redis+unix:///nowhere/redis.sock?pass={ENCODED}&timeout=20");

    let found = found(|| {
        assert!(ledger::open(&mistaken).is_err() && ledger::open(&both).is_err());
        assert!(ledger::open(&socket).unwrap().probe().is_err());
        for (number, url) in [(1, &tcp), (2, &with_user), (3, &in_file)] {
            let token = Spending { fingerprint: [number; 16], step: NOW / 30, deviation: 1 };
            let ledger = ledger::open(url).unwrap();
            assert_eq!(ledger.spend(&token, NOW), Ok(Spent::First), "{:?}", ledger.last_error());
            // Over another connection.
            let others = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
            redis::cmd("CLIENT").arg(&others).exec(&mut client).unwrap();
            assert_eq!(ledger.spend(&token, NOW), Ok(Spent::Again));
        }
        set(&mut client, b"another");
        for url in [&tcp, &in_file] {
            let ledger = ledger::open(url).unwrap();
            let token = Spending { fingerprint: [4; 16], step: NOW / 30, deviation: 1 };
            assert_eq!(ledger.spend(&token, NOW), Err(Unavailable));
            assert!(ledger.last_error().unwrap().contains("refuses the login"));
        }
    });
    std::fs::remove_file(file).unwrap();
    assert_eq!(found, 0);
}
