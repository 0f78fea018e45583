//! The thread that talks to the server: takes what waits, asks, answers, connects again.
//!
//! Connecting is left to a thread of its own, since looking up a name can take any time, and the
//! deadlines of those who wait are this thread's to keep.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Instant;

use super::link::{Answer, Clock, Link};
use super::queue::{Job, Question, Queue, State};
use super::retry::Retry;
use super::settings::Settings;
use super::trouble::Trouble;
use crate::ledger::Unavailable;

/// Tokens sent before the first answer is read: enough for 64 logins, little enough for buffers.
const BATCH: usize = 256;

/// Until the queue is closed.
pub(super) fn run(queue: &Arc<Queue>, settings: &Arc<Settings>) {
    // Nobody could be told of a panic; the next token starts another worker.
    let _ = catch_unwind(AssertUnwindSafe(|| Worker::new(queue, settings).work()));
    let mut state = queue.lock();
    state.is_closed = true;
    while let Some(job) = state.waiting.pop_front() {
        state.answer(job, Err(Unavailable));
    }
    queue.release(state);
}

struct Worker<'a> {
    queue: &'a Arc<Queue>,
    settings: &'a Arc<Settings>,
    link: Option<Link>,
    /// The last that was seen of the server's clock.
    clock: Option<Clock>,
    is_connecting: bool,
    retry: Retry,
}

impl<'a> Worker<'a> {
    fn new(queue: &'a Arc<Queue>, settings: &'a Arc<Settings>) -> Self {
        Self { queue, settings, link: None, clock: None, is_connecting: false, retry: Retry::new() }
    }

    fn work(&mut self) {
        while let Some(jobs) = self.next_jobs() {
            let Some(mut link) = self.link.take() else { continue };
            let Some(deadline) = jobs.first().map(|job| job.deadline) else { continue };
            // After a panic nothing is known of these jobs: they are asked again.
            let asked = catch_unwind(AssertUnwindSafe(|| link.ask(&jobs, deadline)));
            self.clock = Some(link.clock);
            let (answers, outcome) = asked.unwrap_or((Vec::new(), Err(Trouble::Strange)));
            if self.settle(jobs, answers, outcome) {
                self.link = Some(link);
            }
        }
    }

    /// Waits until there are jobs and a connection; `None` when the queue is closed.
    fn next_jobs(&mut self) -> Option<Vec<Job>> {
        let mut state = self.queue.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            if state.expire(now) {
                self.queue.release(state);
                state = self.queue.lock();
                continue;
            }
            self.receive_link(&mut state, now);
            if !state.waiting.is_empty() {
                if self.link.is_some() {
                    let count = state.waiting.len().min(BATCH);
                    return Some(state.waiting.drain(..count).collect());
                }
                if !self.is_connecting && self.retry.at().is_none_or(|at| at <= now) {
                    let now = state.now();
                    self.queue.release(state);
                    self.connect(now);
                    state = self.queue.lock();
                    continue;
                }
            }
            let until = self.wakes_at(&state, now);
            state = self.queue.wait(state, until);
        }
    }

    /// When something is to be done even if nothing changes.
    fn wakes_at(&self, state: &MutexGuard<'_, State>, now: Instant) -> Option<Instant> {
        let expiry = state.waiting.front()?.deadline;
        let retry = self.retry.at().filter(|at| !self.is_connecting && *at > now);
        Some(retry.map_or(expiry, |retry| retry.min(expiry)))
    }

    /// Begins to connect; `now` as those have it who wait.
    fn connect(&mut self, now: Option<u64>) {
        let (queue, settings) = (Arc::clone(self.queue), Arc::clone(self.settings));
        let clock = self.clock;
        let connect = move || {
            let link = catch_unwind(AssertUnwindSafe(|| Link::open(&settings, now, clock)));
            queue.lock().arrived = Some(link.unwrap_or(Err(Trouble::Strange)));
            queue.notify();
        };
        let thread = thread::Builder::new().name("xtoken-connect".to_owned()).spawn(connect);
        self.is_connecting = thread.is_ok();
        if thread.is_err() {
            let queue = self.queue;
            self.failed(&mut queue.lock(), Trouble::Exhausted, Instant::now());
        }
    }

    fn receive_link(&mut self, state: &mut State, now: Instant) {
        let Some(arrived) = state.arrived.take() else { return };
        self.is_connecting = false;
        match arrived {
            Ok(link) => self.link = Some(link),
            Err(trouble) => self.failed(state, trouble, now),
        }
    }

    fn failed(&mut self, state: &mut State, trouble: Trouble, now: Instant) {
        state.trouble = Some(trouble);
        self.retry.failed(now);
    }

    /// Hands out the answers; whether the connection is still good. Jobs without an answer wait
    /// on: asking for them again does no harm.
    fn settle(
        &mut self,
        jobs: Vec<Job>,
        answers: Vec<Answer>,
        outcome: Result<(), Trouble>,
    ) -> bool {
        let mut state = self.queue.lock();
        let (mut is_good, mut unanswered) = (outcome.is_ok(), Vec::new());
        let (mut trouble, mut is_proven) = (outcome.err(), false);
        let mut answers = answers.into_iter();
        for job in jobs {
            match answers.next() {
                Some(Answer::Is(number)) => {
                    // A look proves too little: that tokens can be spent again.
                    is_proven |= !matches!(job.question, Question::Look(_));
                    state.answer(job, Ok(number));
                }
                Some(Answer::Failed(why)) => {
                    is_good &= !why.ends_connection();
                    state.answer(job, Err(Unavailable));
                    trouble = Some(why);
                }
                Some(Answer::AskAgain) => {
                    is_good = false;
                    unanswered.push(job);
                }
                None => unanswered.push(job),
            }
        }
        for job in unanswered.into_iter().rev() {
            state.waiting.push_front(job);
        }
        if is_good {
            self.retry.succeeded();
        } else {
            self.retry.failed(Instant::now());
        }
        // What the first failure is about may pass before anybody has noticed it.
        if trouble.is_some() || is_proven {
            state.trouble = trouble;
        }
        self.queue.release(state);
        is_good
    }
}
