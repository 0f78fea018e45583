//! Makes a fork safe while other threads verify: the child inherits no ledger that stays locked.
//!
//! Before a fork, the forking thread takes all ledgers that C programs use, so the child finds them
//! whole. After it, parent and child release them. The order of the locks is the list first, then
//! the ledgers. A thread that is inside a ledger never waits for the list.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::failure::Failure;
use super::status::XTOKEN_UNAVAILABLE;
use crate::ledger::{Held, Ledger};

type Ledgers = Vec<Weak<dyn Ledger>>;

static LEDGERS: Mutex<Ledgers> = Mutex::new(Vec::new());
static HANDLERS_ARE_SET: AtomicBool = AtomicBool::new(false);

thread_local! {
    // A raw pointer, because a thread-local must not have a destructor: the library could be
    // unloaded when it runs.
    static FORK_GUARD: Cell<*mut ForkGuard> = const { Cell::new(ptr::null_mut()) };
}

/// Keeps a ledger on the list until it is dropped. If this is its last owner, the ledger is dropped
/// while the list is locked, so that no fork happens in between.
pub(super) struct Protected(Option<Arc<dyn Ledger>>);

impl Protected {
    pub(super) fn new(ledger: &Arc<dyn Ledger>) -> Result<Self, Failure> {
        set_handlers()?;
        let mut ledgers = lock();
        ledgers.try_reserve(1).map_err(|_| Failure(XTOKEN_UNAVAILABLE))?;
        ledgers.push(Arc::downgrade(ledger));
        Ok(Self(Some(Arc::clone(ledger))))
    }
}

impl Drop for Protected {
    fn drop(&mut self) {
        let mut ledgers = lock();
        self.0 = None;
        ledgers.retain(|ledger| ledger.strong_count() > 0);
        if ledgers.is_empty() {
            *ledgers = Ledgers::new();
        }
    }
}

/// Locks the list. Poison does not matter, since no panic can happen in the middle of a change.
fn lock() -> MutexGuard<'static, Ledgers> {
    LEDGERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the handlers of `fork`. Uses no lock, because a fork at that moment would leave it locked
/// in the child. So two threads may both set the handlers, which do no harm when they run twice.
fn set_handlers() -> Result<(), Failure> {
    if HANDLERS_ARE_SET.load(Acquire) {
        return Ok(());
    }
    // SAFETY: the handlers have the type asked for and stay mapped (the library is linked with
    // `-z nodelete`; in a program that is linked statically nothing is ever unmapped).
    let error = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
    if error != 0 {
        return Err(Failure(XTOKEN_UNAVAILABLE));
    }
    HANDLERS_ARE_SET.store(true, Release);
    Ok(())
}

unsafe extern "C" fn before() {
    guarded!(or (); {
        FORK_GUARD.with(|guard| {
            if guard.get().is_null() {
                guard.set(Box::into_raw(Box::new(ForkGuard::new())));
            }
        })
    })
}

unsafe extern "C" fn after() {
    guarded!(or (); {
        let guard = FORK_GUARD.replace(ptr::null_mut());
        if !guard.is_null() {
            // SAFETY: made by `Box::into_raw` in `before` and just taken out of its only place.
            drop(unsafe { Box::from_raw(guard) });
        }
    })
}

/// Holds the list and the ledgers on it, so that no other thread is inside one.
struct ForkGuard {
    // Dropped in this order: the ledgers before the list.
    _held: Vec<HeldLedger>,
    _list: MutexGuard<'static, Ledgers>,
}

impl ForkGuard {
    fn new() -> Self {
        let list = lock();
        let held = list.iter().filter_map(Weak::upgrade).map(HeldLedger::new).collect();
        Self { _held: held, _list: list }
    }
}

/// A ledger and the guard that borrows from it.
struct HeldLedger {
    // Dropped before what it borrows from.
    _guard: Box<dyn Held>,
    _ledger: Arc<dyn Ledger>,
}

impl HeldLedger {
    fn new(ledger: Arc<dyn Ledger>) -> Self {
        // SAFETY: the ledger lives until `_ledger` is dropped, which is after `_guard`.
        let borrowed: &'static dyn Ledger = unsafe { &*Arc::as_ptr(&ledger) };
        Self { _guard: borrowed.hold(), _ledger: ledger }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger;

    #[test]
    fn the_list_holds_what_lives_and_no_more() {
        let ledger = ledger::open("memory:").unwrap();
        let on_list = || lock().iter().any(|l| l.ptr_eq(&Arc::downgrade(&ledger)));
        let protected = Protected::new(&ledger).unwrap();
        assert!(on_list());
        drop(protected);
        assert!(on_list());
        let pointer = Arc::downgrade(&ledger);
        drop(ledger);
        drop(Protected(None));
        assert!(!lock().iter().any(|l| l.ptr_eq(&pointer)));
    }

    #[test]
    fn handlers_that_were_set_twice_do_no_harm() {
        let ledger = ledger::open("memory:").unwrap();
        let _protected = Protected::new(&ledger).unwrap();
        // SAFETY: as at a fork, in one thread.
        unsafe { before() };
        // SAFETY: as above.
        unsafe { before() };
        assert!(LEDGERS.try_lock().is_err());
        // SAFETY: as above.
        unsafe { after() };
        // SAFETY: as above.
        unsafe { after() };
        drop(ledger.hold());
    }
}
