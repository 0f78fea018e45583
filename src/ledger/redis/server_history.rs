//! [`ServerHistory`]: what this process knows of the server's tokens, over all its connections.
//!
//! The steady clock of the [`History`] is the clock of the server, because all nodes can read it.
//! It is checked against the boot clock of this node, which also measures the time between two
//! readings.

use std::borrow::Cow;

use super::connection::Beginning;
use super::queue::{Job, Request};
use super::server_clock::{Reading, ServerClock};
use crate::ledger::clock::Clocks;
use crate::ledger::history::History;
use crate::ledger::{BootClock, Spending};

/// Seconds that the clocks of machines which share a server may be apart.
const CLOCKS_APART: u64 = 30;
/// Seconds that a token is kept after its window: a clock that is set back by less causes no
/// refusals.
const OUTLIVES: u64 = 3_600;
/// Seconds that the server keeps a token beyond that: its clock may drift, or a wider deviation
/// come into use.
const MARGIN: u64 = 1_200;
/// The most seconds that the server keeps a token: a century.
const LONGEST: u64 = 100 * 366 * 86_400;
/// The most bytes that a history may have. No ledger writes more.
const MAX_LENGTH: usize = 16_384;
/// The most horizons that are remembered after they were left.
const MAX_LEFT: usize = 256;

#[derive(Clone)]
pub(super) struct ServerHistory {
    history: History,
    boot_clock: BootClock,
    /// `None` before the first connection.
    server: Option<Server>,
    /// The horizons that it had before. Where one is still there, it has missed what was spent
    /// since.
    left: Vec<String>,
    /// Some of the history is not stored in the server yet.
    has_news: bool,
    /// The largest deviation of the verifiers that will ask.
    expected: Option<u64>,
}

/// The server whose clock the history uses.
#[derive(Clone)]
struct Server {
    /// The value of the key.
    horizon: String,
    clock: ServerClock,
}

impl ServerHistory {
    pub(super) fn new(boot_clock: BootClock) -> Self {
        let history = History::new(CLOCKS_APART).forgetting_after(OUTLIVES);
        Self {
            history,
            boot_clock,
            server: None,
            left: Vec::new(),
            has_news: false,
            expected: None,
        }
    }

    /// Returns whether this reading shows that the server's clock was not set since its horizon
    /// became known here.
    pub(super) fn allows(&self, clock: Reading) -> bool {
        self.server.as_ref().is_none_or(|server| server.clock.allows(clock))
    }

    /// Returns whether the server is one that was left for another, such as one that took its place
    /// for a while. Then it does not know the tokens of that while, and must begin anew.
    pub(super) fn has_left(&self, beginning: &Beginning) -> bool {
        self.left.contains(&beginning.horizon)
    }

    /// Continues with a server. Returns `false` if its history cannot be read; then the server must
    /// begin anew.
    pub(super) fn begin(&mut self, beginning: &Beginning) -> bool {
        let unreadable = beginning.is_new.then(|| History::new(CLOCKS_APART));
        let Some(mut stored) = decode(&beginning.history).or(unreadable) else { return false };
        let steady = beginning.clock.server;
        let clocks = Clocks { wall: 0, steady };
        let is_same = |server: &Server| server.horizon == beginning.horizon;
        if beginning.is_new || !self.server.as_ref().is_some_and(is_same) {
            // The server may be another one, or its clock may have been set.
            if let Some(server) = self.server.take() {
                self.history.change_steady_clock(clocks);
                if self.left.len() >= MAX_LEFT {
                    self.left.remove(0);
                }
                self.left.push(server.horizon);
            }
            if beginning.is_new {
                stored.change_steady_clock(clocks);
            }
            let (horizon, clock) = (beginning.horizon.clone(), ServerClock::new(beginning.clock));
            self.server = Some(Server { horizon, clock });
        }
        let since = beginning.horizon.rsplit(' ').next().and_then(|since| since.parse().ok());
        self.history.set_horizon(Some(since.unwrap_or(steady)).filter(|since| *since > 0));
        self.history.merge(&stored);
        let mut both = stored.clone();
        both.merge(&self.history);
        both.set_horizon(None);
        self.has_news |= beginning.is_new || both != stored;
        true
    }

    /// Adds the history that another node has stored. Returns `false` if it cannot be read.
    pub(super) fn read(&mut self, history: &[u8]) -> bool {
        decode(history).map(|stored| self.history.merge(&stored)).is_some()
    }

    /// Returns the history to store, if there is anything new.
    pub(super) fn news(&self) -> Option<Vec<u8>> {
        self.has_news.then(|| {
            let mut history = self.history.clone();
            // The horizon has a key of its own.
            history.set_horizon(None);
            history.encode().into_bytes()
        })
    }

    /// Notes that the news was stored.
    pub(super) fn saved(&mut self) {
        self.has_news = false;
    }

    /// Notes a question before it is asked.
    pub(super) fn note(&mut self, job: &Job) {
        if let Request::Spend(spending) = &job.request {
            let clocks = self.clocks(job);
            self.has_news |= self.history.advance(spending.deviation, clocks);
        }
    }

    /// Returns how many milliseconds the server must keep a token; `None` if the token must not be
    /// accepted.
    pub(super) fn keeps(&self, job: &Job, spending: &Spending) -> Option<u64> {
        if !self.knows(job, spending) {
            return None;
        }
        let clocks = self.clocks(job);
        let left = self.history.over_at(spending.step, clocks).saturating_sub(clocks.wall);
        // A server refuses a time that it cannot add to its own clock.
        Some(left.saturating_add(OUTLIVES + MARGIN).min(LONGEST) * 1_000)
    }

    /// Returns whether it would be known if the token had been spent.
    pub(super) fn knows(&self, job: &Job, spending: &Spending) -> bool {
        self.history_for(job).knows(spending.step, self.clocks(job))
    }

    /// Returns whether its step is closed, so that no node accepts it any more.
    pub(super) fn is_closed(&self, job: &Job, spending: &Spending) -> bool {
        self.history_for(job).is_closed(spending.step)
    }

    /// Returns the history by which a question is judged. Peeking does not change the history, so
    /// it is judged by the one that spending would make.
    fn history_for(&self, job: &Job) -> Cow<'_, History> {
        let mut history = Cow::Borrowed(&self.history);
        if let Request::Peek(spending) = &job.request {
            history.to_mut().advance(spending.deviation, self.clocks(job));
        }
        history
    }

    /// Notes that a verifier with this deviation will ask, perhaps one of several.
    pub(super) fn expect(&mut self, deviation: u64) {
        self.expected = self.expected.max(Some(deviation));
    }

    /// Returns the answer to [`Ledger::closed_until`](crate::ledger::Ledger::closed_until).
    pub(super) fn opens_at(&self, now: u64) -> Option<u64> {
        let steady = self.server.as_ref()?.clock.at(self.boot_clock.now());
        self.history.opens_at_for(self.expected, Clocks { wall: now, steady })
    }

    /// Returns both clocks at this moment. The wall clock of the caller has gone on since the
    /// question.
    fn clocks(&self, job: &Job) -> Clocks {
        let boot = self.boot_clock.now();
        let passed = boot.saturating_sub(job.asked_at).div_ceil(1_000);
        let steady = self.server.as_ref().map_or(0, |server| server.clock.at(boot));
        Clocks { wall: job.now.saturating_add(passed), steady }
    }
}

fn decode(history: &[u8]) -> Option<History> {
    let text = str::from_utf8(history).ok().filter(|text| text.len() <= MAX_LENGTH)?;
    let mut history = History::decode(text, CLOCKS_APART)?;
    history.set_horizon(None);
    Some(history)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Duration;

    use super::super::queue::Queue;
    use super::*;
    use crate::ledger::Question;

    const NOW: u64 = 1_700_000_010;
    const SERVER: u64 = NOW * 1_000;

    #[test]
    fn a_question_that_waited_is_judged_by_the_present() {
        let boot = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&boot);
        let boot_clock = BootClock::new(move || clock.load(Relaxed));
        let mut history = ServerHistory::new(boot_clock.clone());
        let queue = Queue::new(Duration::from_secs(60), boot_clock).unwrap();
        queue.open();
        let token = Spending { fingerprint: [7; 16], step: NOW / 30 + 1, deviation: 1 };
        queue.submit(Question::Spend(token), NOW, Box::new(drop)).unwrap();
        let job = queue.lock().waiting.pop_front().unwrap();

        // The server was restarted a second later, and could not be reached for a while.
        boot.store(56_000, Relaxed);
        let clock = Reading { server: SERVER + 56_000, sent: 56_000, received: 56_000 };
        let horizon = format!("server {}", SERVER + 1_000);
        let stored = Beginning { horizon, history: Vec::new(), clock, is_new: false };
        assert!(history.begin(&stored));
        history.note(&job);
        assert_eq!(history.keeps(&job, &token), None);
        assert_eq!(history.opens_at(NOW + 56), Some(NOW + 90));
    }
}
