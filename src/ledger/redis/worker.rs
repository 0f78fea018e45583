//! The thread that talks to the server: takes what waits, asks, answers, connects again.
//!
//! It alone has the [`Connection`], and brings it together with the [`Queue`] and the [`Knowledge`]
//! of this process. Another thread connects, because looking up a name can take any time, and this
//! thread must keep the deadlines of the waiting callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::config::Config;
use super::connection::{Answer, Command, Connection, History};
use super::error::Error;
use super::knowledge::Knowledge;
use super::queue::{Job, Question, Queue, State};
use super::retry::Retry;
use crate::ledger::{BootClock, Unavailable};

/// Tokens sent before the first answer is read: enough for 64 logins, little enough for buffers.
const BATCH: usize = 256;

/// What a worker works with. All of it outlives the worker.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) queue: Arc<Queue>,
    pub(super) config: Arc<Config>,
    pub(super) knowledge: Arc<Mutex<Knowledge>>,
    pub(super) boot_clock: BootClock,
}

/// Until the queue is closed.
pub(super) fn run(means: &Means) {
    // Nobody could be told of a panic; the next token starts another worker.
    let _ = catch_unwind(AssertUnwindSafe(|| Worker::new(means).work()));
    let mut state = means.queue.lock();
    state.is_closed = true;
    while let Some(job) = state.waiting.pop_front() {
        state.answer(job, Err(Unavailable));
    }
    means.queue.release(state);
}

struct Worker<'a> {
    means: &'a Means,
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

impl Means {
    pub(super) fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, and asks since when the server knows everything. The horizon begins anew if the
    /// server's clock was set or its history cannot be read.
    fn connect(&self) -> Connected {
        let mut connection = Connection::open(&self.config, &self.boot_clock)?;
        let beginning = connection.begin(false)?;
        let mut knowledge = self.knowledge();
        let is_right = knowledge.allows(beginning.clock) && knowledge.begin(&beginning);
        drop(knowledge);
        if !is_right {
            let beginning = connection.begin(true)?;
            if !beginning.is_new || !self.knowledge().begin(&beginning) {
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
        let mut knowledge = self.knowledge();
        jobs.iter().for_each(|job| knowledge.note(job));
        let commands: Vec<_> = jobs.iter().map(|job| command(job, &knowledge)).collect();
        let is_spending = jobs.iter().any(|job| job.question.is_spending());
        let news = knowledge.news().filter(|_| is_spending);
        drop(knowledge);

        let answers = connection.ask(&commands, news.as_deref(), deadline)?;

        let mut knowledge = self.knowledge();
        if !answers.is_same || !knowledge.allows(answers.clock) {
            return Ok(Outcome::Reconnect);
        }
        match answers.history {
            History::AsBefore if news.is_none() => {}
            History::Saved => knowledge.saved(),
            History::Other(history) if knowledge.read(&history) => {
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
            let Some(spending) = job.question.spending() else { return Ok(clock) };
            let is_known = match answer {
                // A token that must not be accepted was not spent. The history may have grown
                // meanwhile.
                Answer::First => command.accepts() && knowledge.knows(job, spending),
                _ => !knowledge.is_closed(job, spending),
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

fn command<'a>(job: &'a Job, knowledge: &Knowledge) -> Command<'a> {
    match &job.question {
        Question::Spend { spending, attempt } => Command::Spend {
            fingerprint: &spending.fingerprint,
            attempt,
            milliseconds: knowledge.keeps(job, spending),
        },
        Question::Peek(spending) => Command::Peek(&spending.fingerprint),
        Question::Clock => Command::Write,
    }
}

impl<'a> Worker<'a> {
    fn new(means: &'a Means) -> Self {
        let (connection, is_connecting, retry) = (None, false, Retry::new());
        Self { means, connection, connected: channel(), is_connecting, retry }
    }

    fn work(&mut self) {
        while let Some(jobs) = self.next_jobs() {
            let Some(mut connection) = self.connection.take() else { continue };
            let Some(deadline) = jobs.first().map(|job| job.deadline) else { continue };
            // After a panic nothing is known of these jobs: they are asked again.
            let ask = || self.means.ask(&mut connection, &jobs, deadline);
            let outcome = catch_unwind(AssertUnwindSafe(ask)).unwrap_or(Err(Error::Strange));
            if self.settle(jobs, outcome) {
                self.connection = Some(connection);
            }
        }
    }

    /// Waits until there are jobs and a connection; `None` when the queue is closed.
    fn next_jobs(&mut self) -> Option<Vec<Job>> {
        let queue = &self.means.queue;
        let mut state = queue.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            if state.expire(now) {
                queue.release(state);
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
                    queue.release(state);
                    self.connect();
                    state = queue.lock();
                    continue;
                }
            }
            let until = self.wakes_at(&state, now);
            state = queue.wait(state, until);
        }
    }

    /// When something is to be done even if nothing changes.
    fn wakes_at(&self, state: &MutexGuard<'_, State>, now: Instant) -> Option<Instant> {
        let expiry = state.waiting.front()?.deadline;
        let retry = self.retry.at().filter(|at| !self.is_connecting && *at > now);
        Some(retry.map_or(expiry, |retry| retry.min(expiry)))
    }

    /// Starts the thread that connects.
    fn connect(&mut self) {
        let (means, sender) = (self.means.clone(), self.connected.0.clone());
        let connect = move || {
            let connected = catch_unwind(AssertUnwindSafe(|| means.connect()));
            // The worker may have ended meanwhile.
            let _ = sender.send(connected.unwrap_or(Err(Error::Strange)));
            means.queue.notify();
        };
        let thread = thread::Builder::new().name("xtoken-connect".to_owned()).spawn(connect);
        self.is_connecting = thread.is_ok();
        if thread.is_err() {
            self.failed(&mut self.means.queue.lock(), Error::Exhausted, Instant::now());
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

    /// Hands out the answers; whether the connection is still good. Jobs without an answer wait
    /// on: asking for them again does no harm.
    fn settle(&mut self, jobs: Vec<Job>, outcome: Result<Outcome, Error>) -> bool {
        let mut state = self.means.queue.lock();
        let (mut is_good, mut last_error, mut is_proven) = (true, None, false);
        match outcome {
            Ok(Outcome::Answered(numbers)) => {
                for (job, number) in jobs.into_iter().zip(numbers) {
                    // Peeking does not prove that tokens can be spent.
                    let proves = !matches!(job.question, Question::Peek(_));
                    is_proven |= proves && !matches!(number, Err(Some(_)));
                    if let Err(Some(error)) = &number {
                        is_good &= !error.ends_connection();
                        last_error = Some(error.clone());
                    }
                    state.answer(job, number.map_err(|_| Unavailable));
                }
            }
            // The server refuses until somebody has repaired that.
            Err(error) if !error.ends_connection() => {
                for job in jobs {
                    state.answer(job, Err(Unavailable));
                }
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
        // What the first failure is about may pass before anybody has noticed it.
        if last_error.is_some() || is_proven {
            state.last_error = last_error;
        }
        self.means.queue.release(state);
        is_good
    }
}
