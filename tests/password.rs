//! The password of a Redis URL is in no memory that was freed: an allocator of this test checks all
//! memory before it is freed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "redis/server.rs"]
mod server;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use server::Server;
use xtoken::ledger::{self, Spending, Spent, Unavailable};

/// The password itself, and as it is written in the URL.
const PASSWORD: &[u8] = b"the@password/of:this%test";
const ENCODED: &str = "the%40password%2Fof%3Athis%25test";
const NOW: u64 = 1_700_000_010;

struct Searching;

static IS_SEARCHING: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator. Before memory is given back it is read, as
// initialised bytes since `alloc` zeroes it, and zeroed, so that nothing is found twice.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the memory is the caller's, of this size, and nobody else's any more.
        let bytes = unsafe { slice::from_raw_parts_mut(pointer, layout.size()) };
        if IS_SEARCHING.load(Relaxed) {
            for secret in [PASSWORD, ENCODED.as_bytes()] {
                let found = bytes.windows(secret.len()).filter(|part| *part == secret).count();
                FOUND.fetch_add(found, Relaxed);
            }
        }
        bytes.fill(0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Searching = Searching;

/// Returns what was found in memory that was freed meanwhile.
fn found(work: impl FnOnce()) -> usize {
    FOUND.store(0, Relaxed);
    IS_SEARCHING.store(true, Relaxed);
    work();
    IS_SEARCHING.store(false, Relaxed);
    FOUND.load(Relaxed)
}

/// One test, since all look at the same counter.
#[test]
fn a_password_stays_in_no_memory_that_is_freed() {
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
    let socket = format!("redis+unix:///nowhere/redis.sock?pass={ENCODED}&timeout=20");

    let found = found(|| {
        assert!(ledger::open(&mistaken).is_err());
        assert!(ledger::open(&socket).unwrap().probe().is_err());
        for (number, url) in [(1, &tcp), (2, &with_user)] {
            let token = Spending { fingerprint: [number; 16], step: NOW / 30, deviation: 1 };
            let ledger = ledger::open(url).unwrap();
            assert_eq!(ledger.spend(&token, NOW), Ok(Spent::First), "{:?}", ledger.trouble());
            // Over another connection.
            let others = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
            redis::cmd("CLIENT").arg(&others).exec(&mut client).unwrap();
            assert_eq!(ledger.spend(&token, NOW), Ok(Spent::Again));
        }
        set(&mut client, b"another");
        let ledger = ledger::open(&tcp).unwrap();
        let token = Spending { fingerprint: [3; 16], step: NOW / 30, deviation: 1 };
        assert_eq!(ledger.spend(&token, NOW), Err(Unavailable));
        assert!(ledger.trouble().unwrap().contains("refuses the login"));
    });
    assert_eq!(found, 0);
}
