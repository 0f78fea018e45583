//! `redis://…`: spent tokens in a Redis or Valkey server, shared by machines.
//!
//! Each token is one key that exists from its spending until it cannot be accepted any more.
//! Callers put their token into a [queue] and wait there, or learn through a file descriptor that
//! there is an answer. A [worker] takes many tokens at a time from the queue, asks the server over
//! a [connection], and judges the answers by the [knowledge] of the process: since when the server
//! knows everything, and which steps are closed. Both are also kept in the server, for the other
//! nodes.
//!
//! Nothing exists before the first token: no thread, no connection, no descriptor. A child of a
//! fork starts over and never touches what its parent has.

mod config;
mod connection;
mod error;
mod knowledge;
mod login;
mod queue;
mod retry;
mod scripts;
mod server_clock;
mod waker;
mod worker;

use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, mem, process, thread};

use super::deferred::{Deferred, Outcome, Ticket};
use super::{BootClock, Held, Ledger, Probe, Spending, Spent, Unavailable};
use crate::setting::SettingError;
use config::Config;
pub(super) use config::is_ours;
use error::Error;
use knowledge::Knowledge;
use queue::Queue;
use worker::Means;

/// The ledger of a Redis or Valkey server.
pub struct RedisLedger {
    config: Arc<Config>,
    boot_clock: BootClock,
    running: Mutex<Option<Running>>,
}

/// What there is after the first token, in the process that spent it.
struct Running {
    process: u32,
    means: Means,
}

impl RedisLedger {
    /// Reads the URL; connects to nothing.
    ///
    /// ```text
    /// redis://[user][:password@]host[:port][/database]      rediss://… with TLS
    /// redis+unix:///path/of.socket[?db=…&user=…&pass=…]
    /// ```
    ///
    /// and in the query `prefix=…` (before the name of every key; `xtoken:`) and `timeout=…`
    /// (milliseconds until a token is [`Unavailable`], 10 to 60,000; 2,000).
    pub fn new(url: impl AsRef<[u8]>) -> Result<Self, SettingError> {
        Self::with_boot_clock(url, BootClock::of_machine())
    }

    /// As [`new`](Self::new) with another clock, for tests.
    #[doc(hidden)]
    pub fn with_boot_clock(
        url: impl AsRef<[u8]>,
        boot_clock: BootClock,
    ) -> Result<Self, SettingError> {
        let config = Arc::new(Config::parse(url.as_ref()).ok_or(SettingError::Ledger)?);
        Ok(Self { config, boot_clock, running: Mutex::new(None) })
    }

    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is in this process, if anything.
    fn existing(&self) -> Option<Means> {
        let slot = self.slot();
        let own = slot.as_ref().filter(|running| running.process == process::id())?;
        Some(own.means.clone())
    }

    /// The queue of this process and a worker for it.
    fn queue(&self) -> Result<Arc<Queue>, Unavailable> {
        let mut slot = self.slot();
        if slot.as_ref().is_none_or(|running| running.process != process::id()) {
            abandon(slot.take());
            *slot = Some(Running { process: process::id(), means: self.means()? });
        }
        let means = &slot.as_ref().ok_or(Unavailable)?.means;
        if means.queue.is_closed() {
            employ(means)?;
        }
        Ok(Arc::clone(&means.queue))
    }

    fn means(&self) -> Result<Means, Unavailable> {
        let boot_clock = self.boot_clock.clone();
        Ok(Means {
            queue: Arc::new(Queue::new(self.config.timeout, boot_clock.clone())?),
            config: Arc::clone(&self.config),
            knowledge: Arc::new(Mutex::new(Knowledge::new(boot_clock.clone()))),
            boot_clock,
        })
    }
}

/// Starts a worker, also in place of one that ended. All tickets stay valid.
fn employ(means: &Means) -> Result<(), Unavailable> {
    let for_worker = means.clone();
    let worker = thread::Builder::new().name("xtoken-redis".to_owned());
    means.queue.open();
    worker.spawn(move || worker::run(&for_worker)).map(drop).map_err(|_| {
        means.queue.close();
        means.queue.lock().last_error = Some(Error::Exhausted);
        Unavailable
    })
}

/// Ends the worker. Of a parent's nothing is touched: its locks may be held for ever here.
fn abandon(running: Option<Running>) {
    match running {
        Some(running) if running.process == process::id() => running.means.queue.close(),
        other => mem::forget(other),
    }
}

impl Ledger for RedisLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.queue()?.spend(spending, now)
    }

    fn peek(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.queue()?.peek(spending, now)
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        Ok(Probe { clock: Some(self.queue()?.clock()?) })
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        self.existing()?.knowledge().opens_at(now)
    }

    fn trouble(&self) -> Option<String> {
        self.existing()?.queue.last_error().map(|error| error.to_string())
    }

    fn hold(&self) -> Box<dyn Held + '_> {
        Box::new(self.slot())
    }

    fn deferred(&self) -> Option<&dyn Deferred> {
        Some(self)
    }
}

impl Deferred for RedisLedger {
    fn begin(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.queue()?.begin(spending, now)
    }

    fn begin_peek(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.queue()?.begin_peek(spending, now)
    }

    fn finished(&self, at_most: usize) -> Vec<(Ticket, Outcome)> {
        self.existing().map(|means| means.queue.finished(at_most)).unwrap_or_default()
    }

    fn descriptor(&self) -> Option<RawFd> {
        self.existing()?.queue.descriptor()
    }
}

impl Drop for RedisLedger {
    fn drop(&mut self) {
        abandon(self.slot().take());
    }
}

impl fmt::Debug for RedisLedger {
    /// Without the URL, in which there may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLedger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn tickets_of_a_worker_that_ended_are_answered_once() {
        // Nobody listens on port 1.
        let ledger = RedisLedger::new("redis://127.0.0.1:1?timeout=200").unwrap();
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        let mut tickets: Vec<_> = (0..4).map(|_| ledger.begin(&spending, 300).unwrap()).collect();
        // As after a panic.
        ledger.existing().unwrap().queue.close();
        thread::sleep(Duration::from_millis(50));
        let descriptor = ledger.descriptor();
        tickets.extend((0..4).map(|_| ledger.begin(&spending, 300).unwrap()));
        assert_eq!(ledger.descriptor(), descriptor);
        let (mut answered, start) = (Vec::new(), Instant::now());
        while answered.len() < tickets.len() && start.elapsed() < Duration::from_secs(2) {
            answered.extend(ledger.finished(3).into_iter().map(|(ticket, _)| ticket));
        }
        answered.sort_unstable();
        assert_eq!(answered, tickets);
    }
}
