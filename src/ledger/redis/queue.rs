//! [`Queue`]: where callers leave questions for the worker.
//!
//! The queue has one lock. It is held for moments only, and released before a caller is told its
//! answer. Every job is answered once: by the worker in time, or with [`Unavailable`] at its
//! deadline. What the server answers after that is ignored.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use crate::ledger::{BootClock, Outcome, Question, Reply, Spending, Spent, Unavailable};

/// The most jobs that may wait.
const CAPACITY: usize = 1 << 16;

/// A question and the caller that waits for its answer.
pub(super) struct Job {
    pub(super) request: Request,
    /// Names this job, so that asking twice after a broken connection spends a token once.
    pub(super) attempt: String,
    /// The present by the clock of the caller, in Unix seconds.
    pub(super) now: u64,
    /// What the boot clock said then, in milliseconds.
    pub(super) asked_at: u64,
    pub(super) deadline: Instant,
    reply: Box<dyn FnOnce(Number) + Send>,
}

/// What the server is asked. It answers a number.
#[derive(Clone, Copy)]
pub(super) enum Request {
    /// 1 for the first time, 0 for again.
    Spend(Spending),
    /// What spending it would answer.
    Peek(Spending),
    /// The server's clock, in Unix seconds.
    Clock,
}

pub(super) type Number = Result<u64, Unavailable>;

pub(super) struct Queue {
    timeout: Duration,
    boot_clock: BootClock,
    /// Begins the names of all attempts of this process.
    origin: u64,
    state: Mutex<State>,
    changed: Condvar,
}

/// What the lock protects. The worker works on it directly.
pub(super) struct State {
    /// In the order of their deadlines.
    pub(super) waiting: VecDeque<Job>,
    pub(super) last_error: Option<Error>,
    /// There is no worker, or it must end.
    pub(super) is_closed: bool,
    /// How many jobs there were.
    jobs: u64,
}

impl Queue {
    pub(super) fn new(timeout: Duration, boot_clock: BootClock) -> Result<Self, Unavailable> {
        let origin = getrandom::u64().map_err(|_| Unavailable)?;
        let state = State { waiting: VecDeque::new(), last_error: None, is_closed: true, jobs: 0 };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Ok(Self { timeout, boot_clock, origin, state, changed })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until something changes, at most until `until`. Only the worker calls this.
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

    /// Asks a question, and waits for the answer until the deadline.
    pub(super) fn ask(&self, question: Question, now: u64) -> Outcome {
        spent(self.wait_for(question.into(), now))
    }

    /// Asks for the server's clock, and waits for the answer until the deadline.
    pub(super) fn clock(&self) -> Number {
        // The time of the caller does not matter here.
        self.wait_for(Request::Clock, 0)
    }

    /// Asks for the server's clock, and does not wait.
    pub(super) fn submit_clock(
        &self,
        reply: impl FnOnce(Number) + Send + 'static,
    ) -> Result<(), Unavailable> {
        self.push(Request::Clock, 0, Instant::now() + self.timeout, Box::new(reply))
    }

    /// Asks a question, and does not wait.
    pub(super) fn submit(
        &self,
        question: Question,
        now: u64,
        reply: Reply,
    ) -> Result<(), Unavailable> {
        let reply = Box::new(move |number| reply(spent(number)));
        self.push(question.into(), now, Instant::now() + self.timeout, reply)
    }

    fn wait_for(&self, request: Request, now: u64) -> Number {
        let deadline = Instant::now() + self.timeout;
        let (sender, receiver) = sync_channel(1);
        let reply = Box::new(move |number| {
            // After the deadline nobody receives.
            let _ = sender.try_send(number);
        });
        self.push(request, now, deadline, reply)?;
        let left = deadline.saturating_duration_since(Instant::now());
        receiver.recv_timeout(left).unwrap_or_else(|_| {
            // The worker may notice a moment later.
            self.lock().last_error.get_or_insert(Error::Silent);
            Err(Unavailable)
        })
    }

    fn push(
        &self,
        request: Request,
        now: u64,
        deadline: Instant,
        reply: Box<dyn FnOnce(Number) + Send>,
    ) -> Result<(), Unavailable> {
        let asked_at = self.boot_clock.now();
        let mut state = self.lock();
        if state.is_closed {
            return Err(Unavailable);
        }
        if state.waiting.len() >= CAPACITY || state.waiting.try_reserve(1).is_err() {
            state.last_error = Some(Error::Exhausted);
            return Err(Unavailable);
        }
        state.jobs += 1;
        let attempt = format!("{:016x}.{}", self.origin, state.jobs);
        state.waiting.push_back(Job { request, attempt, now, asked_at, deadline, reply });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }
}

impl State {
    /// Removes the jobs whose time is up.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Job> {
        let count = self.waiting.iter().take_while(|job| job.deadline <= now).count();
        if count > 0 {
            self.last_error.get_or_insert(Error::Silent);
        }
        self.waiting.drain(..count).collect()
    }
}

impl Job {
    /// Tells the caller. The lock must be released.
    pub(super) fn answer(self, number: Number) {
        let is_in_time = Instant::now() < self.deadline;
        let number = if is_in_time { number } else { Err(Unavailable) };
        // A reply that panics must not cost the callers after it their answers.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.reply)(number)));
    }
}

impl From<Question> for Request {
    fn from(question: Question) -> Self {
        match question {
            Question::Spend(spending) => Self::Spend(spending),
            Question::Peek(spending) => Self::Peek(spending),
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
    use std::sync::mpsc::channel;

    use super::*;

    const SPEND: Question =
        Question::Spend(Spending { fingerprint: [7; 16], step: 10, deviation: 1 });

    fn opened(timeout: Duration) -> Queue {
        let queue = Queue::new(timeout, BootClock::of_machine()).unwrap();
        queue.open();
        queue
    }

    #[test]
    fn an_answer_after_the_deadline_is_none() {
        let queue = opened(Duration::from_millis(20));
        let (sender, answers) = channel();
        let reply = Box::new(move |outcome| sender.send(outcome).unwrap());
        queue.submit(SPEND, 300, reply).unwrap();
        let job = queue.lock().waiting.pop_front().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        job.answer(Ok(1));
        assert_eq!(answers.iter().collect::<Vec<_>>(), [Err(Unavailable)]);
    }

    #[test]
    fn why_nobody_answered_is_known_at_the_deadline() {
        let queue = opened(Duration::from_millis(20));
        assert_eq!(queue.ask(SPEND, 300), Err(Unavailable));
        assert_eq!(queue.lock().last_error, Some(Error::Silent));
    }

    #[test]
    fn too_many_questions_are_refused() {
        let queue = opened(Duration::from_secs(60));
        for _ in 0..CAPACITY {
            queue.submit(SPEND, 300, Box::new(drop)).unwrap();
        }
        assert_eq!(queue.submit(SPEND, 300, Box::new(drop)), Err(Unavailable));
        assert_eq!(queue.lock().last_error, Some(Error::Exhausted));
    }
}
