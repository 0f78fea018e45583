//! [`Completions`]: the answers of a ledger to callers that did not wait for them, and the
//! descriptor that wakes their event loop.
//!
//! The lock is held for moments only, and released before the event loop is woken: a loop that woke
//! and found it locked would wait until its holder gets a processor again.

#[cfg(all(test, shuttle))]
mod interleaved;
mod waker;

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, OnceLock, PoisonError};
#[cfg(not(all(test, shuttle)))]
use std::sync::{Mutex, MutexGuard};
use std::{fmt, mem, process};

#[cfg(all(test, shuttle))]
use shuttle::sync::{Mutex, MutexGuard};
use waker::Waker;

/// Names a question, among those of one verifier in one process.
pub type Ticket = u64;

/// The most tickets whose answers were not yet taken.
const CAPACITY: usize = 1 << 16;

/// The answers of this process. Empty, and without a descriptor, before the first ticket.
///
/// A child of a fork has no tickets and another descriptor. It never touches those of its parent,
/// which another thread may have locked or left half changed.
pub(crate) struct Completions<T>(OnceLock<Arc<Inbox<T>>>);

struct Inbox<T> {
    process: u32,
    waker: Waker,
    state: Mutex<State<T>>,
    /// The inbox of a child of a fork.
    of_child: OnceLock<Arc<Self>>,
}

struct State<T> {
    last_ticket: Ticket,
    /// Tickets that were given out and whose answers were not yet taken.
    tickets: usize,
    answers: VecDeque<T>,
}

/// A ticket, and the memory for its answer. Dropping it gives the ticket back.
pub(crate) struct Reservation<T> {
    ticket: Ticket,
    inbox: Arc<Inbox<T>>,
    is_filled: bool,
}

impl<T> Completions<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Gives out a ticket; `None` if there are too many, or if no memory or descriptor is left.
    pub(crate) fn reserve(&self) -> Option<Reservation<T>> {
        let mut slot = &self.0;
        let inbox = loop {
            if slot.get().is_none() {
                // Another thread may be first: then its inbox is used.
                let _ = slot.set(Arc::new(Inbox::new()?));
            }
            match slot.get()? {
                inbox if inbox.process == process::id() => break inbox,
                inbox => slot = &inbox.of_child,
            }
        };
        let mut state = inbox.lock();
        if state.tickets >= CAPACITY {
            return None;
        }
        let missing = state.tickets + 1 - state.answers.len();
        state.answers.try_reserve(missing).ok()?;
        state.tickets += 1;
        state.last_ticket += 1;
        let (ticket, inbox) = (state.last_ticket, Arc::clone(inbox));
        drop(state);
        Some(Reservation { ticket, inbox, is_filled: false })
    }

    /// Takes the first answers, up to `at_most`. The descriptor stays readable while any are left.
    pub(crate) fn take(&self, at_most: usize) -> Vec<T> {
        let Some(inbox) = self.inbox() else { return Vec::new() };
        inbox.drain(&mut inbox.lock(), at_most).collect()
    }

    /// Returns the answer that comes after `skipped` others, and does not take it.
    #[cfg(any(test, feature = "mlua"))]
    pub(crate) fn peek(&self, skipped: usize) -> Option<T>
    where
        T: Copy,
    {
        self.inbox()?.lock().answers.get(skipped).copied()
    }

    /// Takes the first answers as [`take`](Self::take) does, for a caller that has
    /// [peeked](Self::peek) at them.
    #[cfg(any(test, feature = "mlua"))]
    pub(crate) fn discard(&self, at_most: usize) {
        if let Some(inbox) = self.inbox() {
            inbox.drain(&mut inbox.lock(), at_most);
        }
    }

    /// Returns the descriptor that is readable while there are answers; `None` before the first
    /// ticket.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.inbox()?.waker.descriptor())
    }

    fn inbox(&self) -> Option<&Arc<Inbox<T>>> {
        let mut inbox = self.0.get()?;
        while inbox.process != process::id() {
            inbox = inbox.of_child.get()?;
        }
        Some(inbox)
    }
}

impl<T> Drop for Completions<T> {
    fn drop(&mut self) {
        if self.0.get().is_some_and(|inbox| inbox.process != process::id()) {
            mem::forget(self.0.take());
        }
    }
}

impl<T> fmt::Debug for Completions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").finish_non_exhaustive()
    }
}

impl<T> Inbox<T> {
    fn new() -> Option<Self> {
        let state = State { last_ticket: 0, tickets: 0, answers: VecDeque::new() };
        Some(Self {
            process: process::id(),
            waker: Waker::new().ok()?,
            state: Mutex::new(state),
            of_child: OnceLock::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the first answers. After the last one, the descriptor is no longer readable.
    fn drain<'a>(&self, state: &'a mut State<T>, at_most: usize) -> Drain<'a, T> {
        let count = state.answers.len().min(at_most);
        if count == state.answers.len() {
            self.waker.drain();
        }
        state.tickets -= count;
        state.answers.drain(..count)
    }
}

impl<T> Reservation<T> {
    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Adds the answer, and wakes the event loop if there was none before.
    pub(crate) fn fill(mut self, answer: T) {
        let mut state = self.inbox.lock();
        let was_empty = state.answers.is_empty();
        state.answers.push_back(answer);
        drop(state);
        self.is_filled = true;
        if was_empty {
            self.inbox.waker.wake();
        }
    }
}

impl<T> Drop for Reservation<T> {
    fn drop(&mut self) {
        if !self.is_filled {
            self.inbox.lock().tickets -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_awake(completions: &Completions<u64>) -> bool {
        completions.inbox().unwrap().waker.is_awake()
    }

    #[test]
    fn the_descriptor_is_readable_until_everything_is_taken() {
        let completions = Completions::new();
        assert!(completions.descriptor().is_none());
        for _ in 0..1000 {
            let reserved: Vec<_> = (0..3).map(|_| completions.reserve().unwrap()).collect();
            let tickets: Vec<_> = reserved.iter().map(Reservation::ticket).collect();
            assert!(tickets.is_sorted_by(|one, next| one < next), "{tickets:?}");
            assert!(!is_awake(&completions) && completions.descriptor().is_some());
            for reservation in reserved {
                let ticket = reservation.ticket();
                reservation.fill(ticket);
            }
            for ticket in tickets {
                assert!(is_awake(&completions), "before {ticket}");
                assert_eq!(completions.take(1), [ticket]);
            }
            assert!(!is_awake(&completions) && completions.take(9).is_empty());
        }
        assert_eq!(completions.inbox().unwrap().lock().tickets, 0);
    }

    #[test]
    fn peeking_leaves_answers_until_they_are_discarded() {
        let completions = Completions::new();
        assert_eq!(completions.peek(0), None);
        completions.discard(1);
        (7..10).for_each(|answer| completions.reserve().unwrap().fill(answer));
        for _ in 0..2 {
            assert_eq!(
                [0, 1, 2, 3].map(|at| completions.peek(at)),
                [Some(7), Some(8), Some(9), None]
            );
            assert!(is_awake(&completions));
        }
        completions.discard(2);
        assert!(is_awake(&completions) && completions.peek(0) == Some(9));
        completions.discard(1);
        assert!(!is_awake(&completions) && completions.take(9).is_empty());
        assert_eq!(completions.inbox().unwrap().lock().tickets, 0);
    }

    #[test]
    fn too_many_tickets_are_refused() {
        let completions = Completions::new();
        let mut reserved: Vec<_> = (0..CAPACITY).map(|_| completions.reserve().unwrap()).collect();
        assert!(completions.reserve().is_none());
        // Until an answer was taken, or a ticket was given back.
        reserved.pop().unwrap().fill(1);
        assert!(completions.reserve().is_none());
        assert_eq!(completions.take(9), [1]);
        reserved.push(completions.reserve().unwrap());
        assert!(completions.reserve().is_none());
        drop(reserved.pop());
        assert!(completions.reserve().is_some());
    }

    #[test]
    fn the_memory_for_an_answer_is_reserved_before() {
        let completions = Completions::<u64>::new();
        let capacity = || completions.inbox().unwrap().lock().answers.capacity();
        let mut reserved = Vec::new();
        for count in 1..=100 {
            reserved.push(completions.reserve().unwrap());
            assert!(capacity() >= count);
        }
        let before = capacity();
        reserved.into_iter().for_each(|reservation| reservation.fill(7));
        assert_eq!(capacity(), before);
        // Answers that wait have their memory already.
        let _one_more = completions.reserve().unwrap();
        assert!(capacity() <= 2 * before);
    }

    #[test]
    fn only_the_process_that_made_an_inbox_drops_it() {
        for (process, left) in [(process::id(), 0), (process::id() ^ 1, 1)] {
            let inbox = Arc::new(Inbox::<u64> { process, ..Inbox::new().unwrap() });
            let watched = Arc::downgrade(&inbox);
            drop(Completions(OnceLock::from(inbox)));
            assert_eq!(watched.strong_count(), left);
        }
    }

    #[test]
    fn a_child_of_a_fork_has_tickets_and_answers_of_its_own() {
        let of_parent = Inbox { process: process::id() ^ 1, ..Inbox::new().unwrap() };
        of_parent.lock().answers.push_back(7);
        let completions = Completions(OnceLock::from(Arc::new(of_parent)));
        assert!(completions.descriptor().is_none() && completions.take(9).is_empty());
        for answer in [8, 9] {
            completions.reserve().unwrap().fill(answer);
            assert!(is_awake(&completions));
            assert_eq!(completions.take(9), [answer]);
        }
    }
}
