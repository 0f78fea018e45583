//! `redis://…`: spent tokens in a Redis or Valkey server, shared by machines.
//!
//! Each token is one key that exists from its spending until it cannot be accepted any more.
//! Callers put their question into a [queue], and wait there or are called back. A [worker] takes
//! many questions at a time from the queue and asks the server over a [connection]. It judges the
//! answers by the [history](server_history) of the process: since when the server knows everything,
//! and which steps are closed. Both are also stored in the server, for the other nodes.
//!
//! Nothing exists before the first token: no thread, no connection. A child of a fork starts over
//! and never touches what its parent has.

mod config;
mod connection;
mod credentials;
mod error;
mod files;
mod queue;
mod retry;
mod scripts;
mod server_clock;
mod server_history;
mod tls_error;
mod tls_files;
mod worker;

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, mem, process, thread};

use super::{BootClock, Held, Ledger, Outcome, Probe, Question, Reply, Spending, Unavailable};
use crate::config::ConfigError;
use config::Config;
pub(super) use config::is_ours;
use error::Error;
use queue::{Number, Queue};
use server_history::ServerHistory;
use worker::Shared;

/// For how long after its deadline the answer to [`Ledger::start`] counts.
const FETCHED_WITHIN: Duration = Duration::from_secs(2);

/// The ledger of a Redis or Valkey server.
pub struct RedisLedger {
    config: Arc<Config>,
    boot_clock: BootClock,
    running: Mutex<Option<Running>>,
}

/// What exists after the first token, in the process that spent it.
struct Running {
    process: u32,
    shared: Shared,
    /// When [`Ledger::start`] asked the server, and where the answer will be.
    starting: Option<(Instant, Receiver<Number>)>,
}

impl RedisLedger {
    /// Reads the URL. Does not connect yet.
    ///
    /// ```text
    /// redis://[user][:password@]host[:port][/database]      rediss://… with TLS
    /// redis+unix:///path/of.socket[?db=…&user=…&pass=…]
    /// ```
    ///
    /// The query may have:
    ///
    /// - `prefix=…`, which begins the name of every key; `xtoken:` if left out.
    /// - `timeout=…`, the milliseconds until a token is [`Unavailable`], 10 to 60,000; 2,000 if
    ///   left out.
    /// - `password_file=…`, a file with the password and nothing else. One line break at its end
    ///   does not count.
    /// - `ca_file=…`, for `rediss:`: a file in PEM with the authorities that may have signed the
    ///   certificate of the server, in place of those of the system.
    /// - `cert_file=…` and `key_file=…`, for `rediss:`: files in PEM with the certificate that the
    ///   server asks for, and its key.
    ///
    /// Paths are absolute. The files are read at each connection, so they may be replaced at any
    /// time. Others must not have permission to write them.
    pub fn new(url: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Self::with_boot_clock(url, BootClock::of_machine())
    }

    /// Does the same as [`new`](Self::new) with another clock, for tests.
    #[doc(hidden)]
    pub fn with_boot_clock(
        url: impl AsRef<[u8]>,
        boot_clock: BootClock,
    ) -> Result<Self, ConfigError> {
        let config = Arc::new(Config::parse(url.as_ref())?);
        Ok(Self { config, boot_clock, running: Mutex::new(None) })
    }

    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what exists in this process, if anything.
    fn existing(&self) -> Option<Shared> {
        let slot = self.slot();
        let own = slot.as_ref().filter(|running| running.process == process::id())?;
        Some(own.shared.clone())
    }

    /// Returns the queue of this process. Starts a worker for it if there is none.
    fn queue(&self) -> Result<Arc<Queue>, Unavailable> {
        let mut slot = self.slot();
        if slot.as_ref().is_none_or(|running| running.process != process::id()) {
            abandon(slot.take());
            let history = ServerHistory::new(self.boot_clock.clone());
            let shared = self.shared(history)?;
            *slot = Some(Running { process: process::id(), shared, starting: None });
        }
        let shared = &slot.as_ref().ok_or(Unavailable)?.shared;
        if shared.queue.lock().is_closed {
            start_worker(shared)?;
        }
        Ok(Arc::clone(&shared.queue))
    }

    fn shared(&self, history: ServerHistory) -> Result<Shared, Unavailable> {
        let boot_clock = self.boot_clock.clone();
        Ok(Shared {
            queue: Arc::new(Queue::new(self.config.timeout, boot_clock.clone())?),
            config: Arc::clone(&self.config),
            history: Arc::new(Mutex::new(history)),
            boot_clock,
        })
    }
}

/// Starts a worker, also in place of one that ended.
fn start_worker(shared: &Shared) -> Result<(), Unavailable> {
    let for_worker = shared.clone();
    let worker = thread::Builder::new().name("xtoken-redis".to_owned());
    shared.queue.open();
    worker.spawn(move || worker::run(&for_worker)).map(drop).map_err(|_| {
        shared.queue.close();
        shared.queue.lock().last_error = Some(Error::Exhausted);
        Unavailable
    })
}

/// Ends the worker. Leaves alone what is a parent's: its locks may never be released here.
fn abandon(running: Option<Running>) {
    match running {
        Some(running) if running.process == process::id() => running.shared.queue.close(),
        other => mem::forget(other),
    }
}

impl Ledger for RedisLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Outcome {
        self.queue()?.ask(Question::Spend(*spending), now)
    }

    fn peek(&self, spending: &Spending, now: u64) -> Outcome {
        self.queue()?.ask(Question::Peek(*spending), now)
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        Ok(Probe { clock: Some(self.queue()?.clock()?), has_lost: false })
    }

    fn start(&self, deviation: u64, _now: u64) -> Option<Result<(), Unavailable>> {
        let queue = match self.queue() {
            Ok(queue) => queue,
            Err(unavailable) => return Some(Err(unavailable)),
        };
        let mut slot = self.slot();
        let Running { starting, shared, .. } = slot.as_mut()?;
        shared.history().expect(deviation);
        // Nobody may have fetched the answer. An old one says nothing about the present.
        let is_old = |asked: &Instant| asked.elapsed() > self.config.timeout + FETCHED_WITHIN;
        let answer = match starting.as_ref().filter(|(asked, _)| !is_old(asked)) {
            Some((_, answers)) => match answers.try_recv() {
                Err(TryRecvError::Empty) => return None,
                answer => answer.unwrap_or(Err(Unavailable)),
            },
            None => {
                let (sender, answers) = channel();
                let reply = move |number| {
                    // Nobody receives it if the ledger was dropped.
                    let _ = sender.send(number);
                };
                match queue.submit_clock(reply) {
                    Ok(()) => {
                        *starting = Some((Instant::now(), answers));
                        return None;
                    }
                    Err(unavailable) => Err(unavailable),
                }
            }
        };
        *starting = None;
        // What failed after the server gave this answer counts.
        let has_failed_since = queue.lock().last_error.is_some();
        Some(answer.and(if has_failed_since { Err(Unavailable) } else { Ok(()) }))
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        self.existing()?.history().opens_at(now)
    }

    fn last_error(&self) -> Option<String> {
        self.existing()?.queue.lock().last_error.as_ref().map(Error::to_string)
    }

    fn note_exhausted(&self) {
        if let Ok(queue) = self.queue() {
            queue.lock().last_error = Some(Error::Exhausted);
        }
    }

    fn reopen(&self, url: &[u8]) -> Option<Result<Arc<dyn Ledger>, ConfigError>> {
        let reopened = match Self::with_boot_clock(url, self.boot_clock.clone()) {
            Ok(reopened) => reopened,
            Err(error) => return is_ours(url).then_some(Err(error)),
        };
        if let Some(former) = self.existing() {
            let history = former.history().clone();
            if let Ok(shared) = reopened.shared(history) {
                *reopened.slot() = Some(Running { process: process::id(), shared, starting: None });
            }
        }
        Some(Ok(Arc::new(reopened)))
    }

    fn hold(&self) -> Box<dyn Held + '_> {
        Box::new(self.slot())
    }

    fn answers_later(&self) -> bool {
        true
    }

    fn submit(&self, question: Question, now: u64, reply: Reply) -> Result<(), Unavailable> {
        self.queue()?.submit(question, now, reply)
    }
}

impl Drop for RedisLedger {
    fn drop(&mut self) {
        abandon(self.slot().take());
    }
}

impl fmt::Debug for RedisLedger {
    /// Leaves out the URL, because it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLedger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reply_that_panics_costs_nobody_else_an_answer() {
        let ledger = RedisLedger::new("redis://127.0.0.1:1?timeout=200").unwrap();
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        let submit = |reply| ledger.submit(Question::Spend(spending), 300, reply).unwrap();
        let (sender, answers) = channel();
        submit(Box::new(|_| panic!("deliberate")));
        submit(Box::new(move |outcome| sender.send(outcome).unwrap()));
        assert_eq!(answers.recv_timeout(Duration::from_secs(60)), Ok(Err(Unavailable)));
        assert!(!ledger.existing().unwrap().queue.lock().is_closed);
    }

    #[test]
    fn questions_to_a_worker_that_ended_are_answered_once() {
        // Nobody listens on port 1.
        let ledger = RedisLedger::new("redis://127.0.0.1:1?timeout=200").unwrap();
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        let (sender, answers) = channel();
        let submit = |number| {
            let sender = sender.clone();
            let reply = Box::new(move |outcome| sender.send((number, outcome)).unwrap());
            ledger.submit(Question::Spend(spending), 300, reply).unwrap();
        };
        (0..4).for_each(submit);
        // As after a panic.
        ledger.existing().unwrap().queue.close();
        thread::sleep(Duration::from_millis(50));
        (4..8).for_each(submit);
        let answer = || answers.recv_timeout(Duration::from_secs(60)).unwrap();
        let mut answered: Vec<_> = (0..8).map(|_| answer()).collect();
        answered.sort_by_key(|(number, _)| *number);
        assert_eq!(answered, (0..8).map(|number| (number, Err(Unavailable))).collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(300));
        assert!(answers.try_recv().is_err());
    }
}
