//! A fork while other threads verify leaves the child no lock that nobody will ever release.
//!
//! Around every fork the forking thread holds all ledgers that C programs use, so the child finds
//! them whole, and lets go of them in parent and child. Locks are taken in one order, first the
//! list, then the ledgers, and nobody who is inside a ledger waits for the list.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::status::{Failure, XTOKEN_UNAVAILABLE};
use crate::ledger::{Held, Ledger};

type Ledgers = Vec<Weak<dyn Ledger>>;

static LEDGERS: Mutex<Ledgers> = Mutex::new(Vec::new());
static HANDLERS_ARE_SET: AtomicBool = AtomicBool::new(false);

thread_local! {
    // A raw pointer, because a thread-local must not have a destructor: the code could be gone
    // by the time it runs.
    static STANDSTILL: Cell<*mut Standstill> = const { Cell::new(ptr::null_mut()) };
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

/// The list is whole after every panic there could be: nothing in between its changes can panic.
fn lock() -> MutexGuard<'static, Ledgers> {
    LEDGERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Without a lock, which a fork in this very moment would leave locked in the child. Two threads
/// that come at once may both set the handlers; these expect to be called twice.
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
        STANDSTILL.with(|standstill| {
            if standstill.get().is_null() {
                standstill.set(Box::into_raw(Box::new(Standstill::new())));
            }
        })
    })
}

unsafe extern "C" fn after() {
    guarded!(or (); {
        let standstill = STANDSTILL.replace(ptr::null_mut());
        if !standstill.is_null() {
            // SAFETY: made by `Box::into_raw` in `before` and just taken out of its only place.
            drop(unsafe { Box::from_raw(standstill) });
        }
    })
}

/// Nobody but this thread is inside a ledger or at the list.
struct Standstill {
    // Dropped in this order: ledgers are let go of before the list is.
    _held: Vec<HeldLedger>,
    _list: MutexGuard<'static, Ledgers>,
}

impl Standstill {
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
        // SAFETY: what it points to lives until `_ledger` is dropped, which is after `_guard`.
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
