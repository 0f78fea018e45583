//! `redis://…`: spent tokens in a Redis or Valkey server, shared by machines.
//!
//! Each token is one key that exists from its spending until it cannot be accepted any more.
//! A worker thread of the ledger's [talks](worker) to the server, many tokens at a time, over a
//! [connection](link) that knows since when the server has remembered everything. Callers leave
//! their token in a [queue] and wait there, or are told through a file descriptor.
//!
//! Nothing exists before the first token: no thread, no connection, no descriptor. A child of a
//! fork starts over and never touches what its parent has.

mod link;
mod queue;
mod retry;
mod settings;
mod trouble;
mod worker;

use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, mem, process, thread};

use super::deferred::{Deferred, Outcome, Ticket};
use super::{Held, Ledger, Probe, Spending, Spent, Unavailable};
use crate::setting::SettingError;
use queue::Queue;
use settings::Settings;
pub(super) use settings::is_ours;

/// The ledger of a Redis or Valkey server.
pub struct RedisLedger {
    settings: Arc<Settings>,
    running: Mutex<Option<Running>>,
}

/// What there is after the first token, in the process that spent it.
struct Running {
    process: u32,
    queue: Arc<Queue>,
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
        let settings = Settings::parse(url.as_ref()).ok_or(SettingError::Ledger)?;
        Ok(Self { settings: Arc::new(settings), running: Mutex::new(None) })
    }

    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of this process, if it has one.
    fn existing(&self) -> Option<Arc<Queue>> {
        let slot = self.slot();
        let own = slot.as_ref().filter(|running| running.process == process::id())?;
        Some(Arc::clone(&own.queue))
    }

    /// The queue of this process and a worker for it.
    fn queue(&self) -> Result<Arc<Queue>, Unavailable> {
        let mut slot = self.slot();
        if slot.as_ref().is_none_or(|running| running.process != process::id()) {
            abandon(slot.take());
            let queue = Arc::new(Queue::new(self.settings.timeout)?);
            *slot = Some(Running { process: process::id(), queue });
        }
        let queue = Arc::clone(&slot.as_ref().ok_or(Unavailable)?.queue);
        if queue.is_closed() {
            self.employ(&queue)?;
        }
        Ok(queue)
    }

    /// Starts a worker, also in the place of one that ended: the queue stays, with all tickets.
    fn employ(&self, queue: &Arc<Queue>) -> Result<(), Unavailable> {
        let (for_worker, settings) = (Arc::clone(queue), Arc::clone(&self.settings));
        let worker = thread::Builder::new().name("xtoken-redis".to_owned());
        queue.open();
        worker.spawn(move || worker::run(&for_worker, &settings)).map(drop).map_err(|_| {
            queue.close();
            Unavailable
        })
    }
}

/// Ends the worker. Of a parent's nothing is touched: its locks may be held for ever here.
fn abandon(running: Option<Running>) {
    match running {
        Some(running) if running.process == process::id() => running.queue.close(),
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
        self.existing()?.trouble()?.closed_until().filter(|until| *until > now)
    }

    fn trouble(&self) -> Option<String> {
        self.existing()?.trouble().map(|trouble| trouble.to_string())
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
        self.existing().map(|queue| queue.finished(at_most)).unwrap_or_default()
    }

    fn descriptor(&self) -> Option<RawFd> {
        self.existing()?.descriptor()
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
        let spending = Spending { fingerprint: [1; 16], step: 10, good_until: 360 };
        let mut tickets: Vec<_> = (0..4).map(|_| ledger.begin(&spending, 300).unwrap()).collect();
        // As after a panic.
        ledger.existing().unwrap().close();
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
