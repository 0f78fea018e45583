//! Where callers leave tokens for the worker and find its answers.
//!
//! One lock, held for moments only, and released before an event loop is woken: a loop that woke and
//! found it locked would wait until its holder gets a processor again. Every job is answered once:
//! by the worker in time, or with [`Unavailable`] at its deadline. What the server says after that
//! reaches nobody.

use std::collections::VecDeque;
use std::mem;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::waker::Waker;
use crate::ledger::deferred::{Outcome, Ticket};
use crate::ledger::{BootClock, Spending, Spent, Unavailable};

/// Tokens that may be under way at once, and tickets not yet fetched.
const CAPACITY: usize = 1 << 16;

/// What somebody waits for.
pub(super) struct Job {
    pub(super) question: Question,
    /// The present by the clock of the caller, in Unix seconds.
    pub(super) now: u64,
    /// What the boot clock said then, in milliseconds.
    pub(super) asked_at: u64,
    pub(super) deadline: Instant,
    caller: Caller,
}

/// What the server is asked. It answers a number.
pub(super) enum Question {
    /// 1 for the first time, 0 for again.
    Spend {
        spending: Spending,
        /// Names this spending, so that asking twice after a broken connection spends it once.
        attempt: String,
    },
    /// What spending it would answer.
    Peek(Spending),
    /// The server's clock, in Unix seconds.
    Clock,
}

enum Caller {
    /// Sleeps until something is in there.
    Thread(Arc<Mailbox>),
    Loop(Ticket),
}

type Number = Result<u64, Unavailable>;

#[derive(Default)]
struct Mailbox {
    number: Mutex<Option<Number>>,
    arrived: Condvar,
}

pub(super) struct Queue {
    timeout: Duration,
    boot_clock: BootClock,
    /// Begins the names of all attempts of this process.
    origin: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// There from the first ticket on.
    waker: OnceLock<Waker>,
}

/// What the lock protects. The worker works on it directly.
pub(super) struct State {
    /// In the order of their deadlines.
    pub(super) waiting: VecDeque<Job>,
    pub(super) last_error: Option<Error>,
    /// There is no worker, or it is to end.
    pub(super) is_closed: bool,
    jobs: u64,
    /// Tickets that were given out and not yet fetched.
    tickets: usize,
    finished: VecDeque<(Ticket, Outcome)>,
    /// There are answers for which the event loop has not been woken yet.
    has_news: bool,
}

impl Queue {
    pub(super) fn new(timeout: Duration, boot_clock: BootClock) -> Result<Self, Unavailable> {
        let state = State {
            waiting: VecDeque::new(),
            last_error: None,
            is_closed: true,
            jobs: 0,
            tickets: 0,
            finished: VecDeque::new(),
            has_news: false,
        };
        let origin = getrandom::u64().map_err(|_| Unavailable)?;
        let (state, changed, waker) = (Mutex::new(state), Condvar::new(), OnceLock::new());
        Ok(Self { timeout, boot_clock, origin, state, changed, waker })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the worker: releases the lock, then wakes the event loop if anything has been answered.
    pub(super) fn release(&self, mut state: MutexGuard<'_, State>) {
        let has_news = mem::take(&mut state.has_news);
        drop(state);
        if has_news && let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// For the worker: sleeps until something changes, at most until `until`.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        match until {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Wakes the worker, also if it was about to sleep.
    pub(super) fn notify(&self) {
        drop(self.lock());
        self.changed.notify_one();
    }

    pub(super) fn open(&self) {
        self.lock().is_closed = false;
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn last_error(&self) -> Option<Error> {
        self.lock().last_error.clone()
    }

    pub(super) fn spend(&self, spending: &Spending, now: u64) -> Outcome {
        spent(self.ask(now, |attempt| Question::Spend { spending: *spending, attempt }))
    }

    pub(super) fn peek(&self, spending: &Spending, now: u64) -> Outcome {
        spent(self.ask(now, |_| Question::Peek(*spending)))
    }

    pub(super) fn clock(&self) -> Number {
        // For a clock it is never asked which time it is.
        self.ask(0, |_| Question::Clock)
    }

    pub(super) fn begin(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.begin_asking(now, |attempt| Question::Spend { spending: *spending, attempt })
    }

    pub(super) fn begin_peek(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.begin_asking(now, |_| Question::Peek(*spending))
    }

    /// Waits for the answer until the deadline.
    fn ask(&self, now: u64, question: impl FnOnce(String) -> Question) -> Number {
        let deadline = Instant::now() + self.timeout;
        let mailbox = Arc::new(Mailbox::default());
        self.push(now, question, deadline, |_| Ok(Caller::Thread(Arc::clone(&mailbox))))?;
        mailbox.wait(deadline).unwrap_or(Err(Unavailable))
    }

    fn begin_asking(
        &self,
        now: u64,
        question: impl FnOnce(String) -> Question,
    ) -> Result<Ticket, Unavailable> {
        if self.waker.get().is_none() {
            let _ = self.waker.set(Waker::new().map_err(|_| Unavailable)?);
        }
        let mut ticket = 0;
        self.push(now, question, Instant::now() + self.timeout, |state| {
            ticket = state.new_ticket()?;
            Ok(Caller::Loop(ticket))
        })?;
        Ok(ticket)
    }

    /// `question` is given a name that no other has.
    fn push(
        &self,
        now: u64,
        question: impl FnOnce(String) -> Question,
        deadline: Instant,
        caller: impl FnOnce(&mut State) -> Result<Caller, Unavailable>,
    ) -> Result<(), Unavailable> {
        let asked_at = self.boot_clock.now();
        let mut state = self.lock();
        if state.is_closed {
            return Err(Unavailable);
        }
        state.jobs += 1;
        let question = question(format!("{:016x}.{}", self.origin, state.jobs));
        let reserved = state.reserve().and_then(|()| caller(&mut state));
        let caller = reserved.inspect_err(|_| state.last_error = Some(Error::Exhausted))?;
        state.waiting.push_back(Job { question, now, asked_at, deadline, caller });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Returns the answers to tickets. The descriptor stays readable while any are left.
    pub(super) fn finished(&self, at_most: usize) -> Vec<(Ticket, Outcome)> {
        let mut state = self.lock();
        let count = state.finished.len().min(at_most);
        if count == state.finished.len()
            && let Some(waker) = self.waker.get()
        {
            waker.drain();
        }
        state.tickets -= count;
        state.finished.drain(..count).collect()
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        Some(self.waker.get()?.descriptor())
    }
}

impl State {
    /// Reserves the memory for a job.
    fn reserve(&mut self) -> Result<(), Unavailable> {
        if self.waiting.len() >= CAPACITY {
            return Err(Unavailable);
        }
        self.waiting.try_reserve(1).map_err(|_| Unavailable)
    }

    /// Reserves the memory for the answer.
    fn new_ticket(&mut self) -> Result<Ticket, Unavailable> {
        if self.tickets >= CAPACITY {
            return Err(Unavailable);
        }
        let missing = self.tickets + 1 - self.finished.len();
        self.finished.try_reserve(missing).map_err(|_| Unavailable)?;
        self.tickets += 1;
        Ok(self.jobs)
    }

    /// Those with a ticket are told when the lock is [released](Queue::release).
    pub(super) fn answer(&mut self, job: Job, number: Number) {
        let number = if Instant::now() < job.deadline { number } else { Err(Unavailable) };
        match job.caller {
            Caller::Thread(mailbox) => mailbox.put(number),
            Caller::Loop(ticket) => {
                self.has_news |= self.finished.is_empty();
                self.finished.push_back((ticket, spent(number)));
            }
        }
    }

    /// Answers those whose time is up; whether there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.waiting.len();
        while self.waiting.front().is_some_and(|job| job.deadline <= now) {
            let Some(job) = self.waiting.pop_front() else { break };
            self.last_error.get_or_insert(Error::Silent);
            self.answer(job, Err(Unavailable));
        }
        self.waiting.len() < before
    }
}

impl Mailbox {
    fn put(&self, number: Number) {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
        self.arrived.notify_one();
    }

    fn wait(&self, deadline: Instant) -> Option<Number> {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        while number.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.arrived.wait_timeout(number, left);
            number = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *number
    }
}

impl Question {
    pub(super) fn is_spending(&self) -> bool {
        matches!(self, Self::Spend { .. })
    }

    /// The token that it is about.
    pub(super) fn spending(&self) -> Option<&Spending> {
        match self {
            Self::Spend { spending, .. } | Self::Peek(spending) => Some(spending),
            Self::Clock => None,
        }
    }
}

fn spent(number: Number) -> Outcome {
    match number? {
        1 => Ok(Spent::First),
        0 => Ok(Spent::Again),
        _ => Err(Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Spending = Spending { fingerprint: [7; 16], step: 10, deviation: 1 };

    fn opened(timeout: Duration) -> Queue {
        let queue = Queue::new(timeout, BootClock::of_machine()).unwrap();
        queue.open();
        queue
    }

    #[test]
    fn an_answer_after_the_deadline_is_none() {
        let queue = opened(Duration::from_millis(20));
        let ticket = queue.begin(&TOKEN, 300).unwrap();
        let job = queue.lock().waiting.pop_front().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        queue.lock().answer(job, Ok(1));
        assert_eq!(queue.finished(9), [(ticket, Err(Unavailable))]);
    }

    #[test]
    fn the_descriptor_is_readable_until_everything_is_fetched() {
        let queue = opened(Duration::from_secs(60));
        let is_awake = || queue.waker.get().unwrap().is_awake();
        for _ in 0..1000 {
            let tickets: Vec<_> = (0..3).map(|_| queue.begin(&TOKEN, 300).unwrap()).collect();
            for _ in &tickets {
                let job = queue.lock().waiting.pop_front().unwrap();
                let mut state = queue.lock();
                state.answer(job, Ok(0));
                queue.release(state);
            }
            for (at, ticket) in tickets.iter().enumerate() {
                assert!(is_awake(), "before {at}");
                let fetched = queue.finished(1);
                assert_eq!(fetched.iter().map(|(ticket, _)| ticket).collect::<Vec<_>>(), [ticket]);
            }
            assert!(!is_awake() && queue.finished(9).is_empty());
        }
        assert_eq!(queue.lock().tickets, 0);
    }

    #[test]
    fn too_many_tickets_are_refused() {
        let queue = opened(Duration::from_secs(60));
        for _ in 0..CAPACITY {
            queue.begin(&TOKEN, 300).unwrap();
        }
        assert_eq!(queue.begin(&TOKEN, 300), Err(Unavailable));
        assert_eq!(queue.last_error(), Some(Error::Exhausted));
    }
}
