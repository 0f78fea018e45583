//! [`Deferred`]: ledgers that answer later, for callers that must not wait.

use std::os::fd::RawFd;

use super::{Spending, Spent, Unavailable};

/// Names a question to a ledger, within it and its process.
pub type Ticket = u64;

/// What a ledger decided about a ticket.
pub type Outcome = Result<Spent, Unavailable>;

/// A ledger that an event loop can use: nothing here waits for anybody.
///
/// Each ticket is answered exactly once and within the ledger's deadline, with [`Unavailable`]
/// if need be. After a fork the child has no tickets and another descriptor.
pub trait Deferred {
    /// Begins to spend a token. [`Unavailable`] at once if too many have begun.
    fn begin(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable>;

    /// Begins to [peek](super::Ledger::peek), as [`begin`](Self::begin) begins to spend.
    fn begin_peek(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable>;

    /// What has been answered and was not fetched yet, the first `at_most` of it.
    fn finished(&self, at_most: usize) -> Vec<(Ticket, Outcome)>;

    /// Becomes readable when there is something [`finished`](Self::finished) and stays so until all
    /// of it was fetched; now and then it is readable for nothing. Only that call reads from it.
    /// `None` before the first ticket. Stays the ledger's.
    fn descriptor(&self) -> Option<RawFd>;
}
