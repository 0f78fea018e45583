//! The worker: the thread that talks to the server. It takes jobs, asks, answers, and connects
//! again.
//!
//! It alone uses the [`Connection`], with the [`Queue`] and the [`ServerHistory`] of this process.
//! Another thread connects, because looking up a name can take any time, and the worker must keep
//! the deadlines of the callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{mem, thread};

use super::config::Config;
use super::connection::{Answer, Command, Connection, StoredHistory};
use super::error::Error;
use super::queue::{Job, Queue, Request, State};
use super::retry::Retry;
use super::server_history::ServerHistory;
use crate::ledger::{BootClock, Unavailable};

/// The most questions that are sent before the first answer is read. They fit into the buffers.
const BATCH: usize = 256;

/// What a worker shares with its ledger. All of it outlives the worker.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) queue: Arc<Queue>,
    pub(super) config: Arc<Config>,
    pub(super) history: Arc<Mutex<ServerHistory>>,
    pub(super) boot_clock: BootClock,
}

/// Works until the queue is closed.
pub(super) fn run(shared: &Shared) {
    // A panic cannot be reported. The next token starts another worker.
    let _ = catch_unwind(AssertUnwindSafe(|| Worker::new(shared).work()));
    let mut state = shared.queue.lock();
    state.is_closed = true;
    let left = mem::take(&mut state.waiting);
    drop(state);
    left.into_iter().for_each(|job| job.answer(Err(Unavailable)));
}

struct Worker<'a> {
    shared: &'a Shared,
    connection: Option<Connection>,
    connected: (Sender<Connected>, Receiver<Connected>),
    is_connecting: bool,
    retry: Retry,
}

type Connected = Result<Connection, Error>;

/// What became of a batch.
enum Outcome {
    /// The answers in the order of the questions. `Err(None)` means that it cannot be known whether
    /// the token was spent.
    Answered(Vec<Result<u64, Option<Error>>>),
    /// Nothing is decided: ask again.
    AskAgain,
    /// Nothing is decided: ask again over another connection.
    Reconnect,
}

impl Shared {
    pub(super) fn history(&self) -> MutexGuard<'_, ServerHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, and asks since when the server knows everything. The horizon begins anew if the
    /// server's clock was set, its history cannot be read, or another was in its place meanwhile.
    fn connect(&self) -> Connected {
        let mut connection = Connection::open(&self.config, &self.boot_clock)?;
        let beginning = connection.begin(false)?;
        let mut history = self.history();
        let is_right = history.allows(beginning.clock)
            && !history.has_left(&beginning)
            && history.begin(&beginning);
        drop(history);
        if !is_right {
            let beginning = connection.begin(true)?;
            if !beginning.is_new || !self.history().begin(&beginning) {
                return Err(Error::Strange);
            }
        }
        Ok(connection)
    }

    /// Asks one batch.
    fn ask(
        &self,
        connection: &mut Connection,
        jobs: &[Job],
        deadline: Instant,
    ) -> Result<Outcome, Error> {
        let mut history = self.history();
        jobs.iter().for_each(|job| history.note(job));
        let commands: Vec<_> = jobs.iter().map(|job| command(job, &history)).collect();
        let is_spending = jobs.iter().any(|job| matches!(job.request, Request::Spend(_)));
        let news = history.news().filter(|_| is_spending);
        drop(history);

        let answers = connection.ask(&commands, news.as_deref(), deadline)?;

        let mut history = self.history();
        if !answers.is_same || !history.allows(answers.clock) {
            return Ok(Outcome::Reconnect);
        }
        match answers.history {
            StoredHistory::AsBefore if news.is_none() => {}
            StoredHistory::Saved => history.saved(),
            StoredHistory::Other(other) if history.read(&other) => {
                if news.is_some() {
                    return Ok(Outcome::AskAgain);
                }
            }
            _ => return Ok(Outcome::Reconnect),
        }
        if answers.answers.contains(&Ok(Answer::AnotherHorizon)) {
            return Ok(Outcome::Reconnect);
        }
        let clock = answers.clock.server / 1_000;
        let decide = |job: &Job, command: &Command<'_>, answer| {
            let (Request::Spend(spending) | Request::Peek(spending)) = &job.request else {
                return Ok(clock);
            };
            let is_known = match answer {
                // A token that must not be accepted was not spent. The history may have grown
                // meanwhile.
                Answer::First => command.accepts() && history.knows(job, spending),
                _ => !history.is_closed(job, spending),
            };
            if is_known { Ok(u64::from(answer == Answer::First)) } else { Err(None) }
        };
        let questions = jobs.iter().zip(&commands).zip(answers.answers);
        let answered = questions.map(|((job, command), answer)| match answer {
            Ok(answer) => decide(job, command, answer),
            Err(error) => Err(Some(error)),
        });
        Ok(Outcome::Answered(answered.collect()))
    }
}

fn command<'a>(job: &'a Job, history: &ServerHistory) -> Command<'a> {
    match &job.request {
        Request::Spend(spending) => Command::Spend {
            fingerprint: &spending.fingerprint,
            attempt: &job.attempt,
            milliseconds: history.keeps(job, spending),
        },
        Request::Peek(spending) => Command::Peek(&spending.fingerprint),
        Request::Clock => Command::Write,
    }
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared) -> Self {
        let (connection, is_connecting, retry) = (None, false, Retry::new());
        Self { shared, connection, connected: channel(), is_connecting, retry }
    }

    fn work(&mut self) {
        while let Some(jobs) = self.next_jobs() {
            let Some(mut connection) = self.connection.take() else { continue };
            let Some(deadline) = jobs.first().map(|job| job.deadline) else { continue };
            // After a panic the outcome of these jobs is unknown: they are asked again.
            let ask = || self.shared.ask(&mut connection, &jobs, deadline);
            let outcome = catch_unwind(AssertUnwindSafe(ask)).unwrap_or(Err(Error::Strange));
            if self.settle(jobs, outcome) {
                self.connection = Some(connection);
            }
        }
    }

    /// Waits until there are jobs and a connection. Returns `None` when the queue is closed.
    fn next_jobs(&mut self) -> Option<Vec<Job>> {
        let queue = &self.shared.queue;
        let mut state = queue.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            let expired = state.take_expired(now);
            if !expired.is_empty() {
                drop(state);
                expired.into_iter().for_each(|job| job.answer(Err(Unavailable)));
                state = queue.lock();
                continue;
            }
            self.receive_connection(&mut state, now);
            if !state.waiting.is_empty() {
                if self.connection.is_some() {
                    let count = state.waiting.len().min(BATCH);
                    return Some(state.waiting.drain(..count).collect());
                }
                if !self.is_connecting && self.retry.at().is_none_or(|at| at <= now) {
                    drop(state);
                    self.connect();
                    state = queue.lock();
                    continue;
                }
            }
            let until = self.wakes_at(&state, now);
            state = queue.wait(state, until);
        }
    }

    /// Returns when something must be done even if nothing changes.
    fn wakes_at(&self, state: &MutexGuard<'_, State>, now: Instant) -> Option<Instant> {
        let expiry = state.waiting.front()?.deadline;
        let retry = self.retry.at().filter(|at| !self.is_connecting && *at > now);
        Some(retry.map_or(expiry, |retry| retry.min(expiry)))
    }

    /// Starts the thread that connects.
    fn connect(&mut self) {
        let (shared, sender) = (self.shared.clone(), self.connected.0.clone());
        let connect = move || {
            let connected = catch_unwind(AssertUnwindSafe(|| shared.connect()));
            // The worker may have ended meanwhile.
            let _ = sender.send(connected.unwrap_or(Err(Error::Strange)));
            shared.queue.notify();
        };
        let thread = thread::Builder::new().name("xtoken-connect".to_owned()).spawn(connect);
        self.is_connecting = thread.is_ok();
        if thread.is_err() {
            self.failed(&mut self.shared.queue.lock(), Error::Exhausted, Instant::now());
        }
    }

    fn receive_connection(&mut self, state: &mut State, now: Instant) {
        let Ok(connected) = self.connected.1.try_recv() else { return };
        self.is_connecting = false;
        match connected {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => self.failed(state, error, now),
        }
    }

    fn failed(&mut self, state: &mut State, error: Error, now: Instant) {
        state.last_error = Some(error);
        self.retry.failed(now);
    }

    /// Tells the callers the answers, and returns whether the connection can still be used. Jobs
    /// without an answer go on waiting: asking for them again does no harm.
    fn settle(&mut self, jobs: Vec<Job>, outcome: Result<Outcome, Error>) -> bool {
        let mut answered = Vec::with_capacity(jobs.len());
        let mut state = self.shared.queue.lock();
        let (mut is_good, mut last_error, mut is_proven) = (true, None, false);
        match outcome {
            Ok(Outcome::Answered(numbers)) => {
                for (job, number) in jobs.into_iter().zip(numbers) {
                    // Peeking does not prove that tokens can be spent.
                    let proves = !matches!(job.request, Request::Peek(_));
                    is_proven |= proves && !matches!(number, Err(Some(_)));
                    if let Err(Some(error)) = &number {
                        is_good &= !error.ends_connection();
                        last_error = Some(error.clone());
                    }
                    answered.push((job, number.map_err(|_| Unavailable)));
                }
            }
            // The server refuses these questions until somebody has repaired the cause.
            Err(error) if !error.ends_connection() => {
                answered.extend(jobs.into_iter().map(|job| (job, Err(Unavailable))));
                last_error = Some(error);
            }
            undecided => {
                for job in jobs.into_iter().rev() {
                    state.waiting.push_front(job);
                }
                is_good = matches!(undecided, Ok(Outcome::AskAgain));
                last_error = undecided.err();
            }
        }
        if is_good {
            self.retry.succeeded();
        } else {
            self.retry.failed(Instant::now());
        }
        // Only a question that was answered proves that the last error is over.
        if last_error.is_some() || is_proven {
            state.last_error = last_error;
        }
        drop(state);
        answered.into_iter().for_each(|(job, number)| job.answer(number));
        is_good
    }
}
