//! Where callers leave tokens for the worker and find its answers.
//!
//! One lock, held for moments only, and released before an event loop is woken: a loop that woke and
//! found it locked would wait until its holder gets a processor again. Every job is answered once:
//! by the worker in time, or with [`Unavailable`] at its deadline. What the server says after that
//! reaches nobody.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::link::Link;
use super::trouble::Trouble;
use crate::ledger::deferred::{Outcome, Ticket};
use crate::ledger::{Spending, Spent, Unavailable};

/// Tokens that may be under way at once, and tickets not yet fetched.
const CAPACITY: usize = 1 << 16;
/// How long the server keeps a token beyond its time, in seconds: so far can a clock be set back
/// without anything being accepted again.
const MARGIN: u64 = 3_600;

/// What somebody waits for.
pub(super) struct Job {
    pub(super) question: Question,
    /// The present as the asker has it, in Unix seconds.
    pub(super) now: u64,
    pub(super) deadline: Instant,
    asker: Asker,
}

/// What the server is asked. It answers a number.
pub(super) enum Question {
    /// 1 for the first time, 0 for again.
    Spend {
        spending: Spending,
        /// How long the server is to remember it.
        milliseconds: u64,
        /// Names this spending, so that asking twice after a broken connection spends it once.
        attempt: String,
    },
    /// As if it were spent.
    Peek(Spending),
    /// The server's clock, in Unix seconds.
    Clock,
}

enum Asker {
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
    /// Begins the names of all attempts of this process.
    origin: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// There from the first ticket on.
    bell: OnceLock<Bell>,
}

/// What the lock protects. The worker works on it directly.
pub(super) struct State {
    /// In the order of their deadlines.
    pub(super) waiting: VecDeque<Job>,
    /// What the thread that connects has brought.
    pub(super) arrived: Option<Result<Link, Trouble>>,
    pub(super) trouble: Option<Trouble>,
    /// There is no worker, or it is to end.
    pub(super) is_closed: bool,
    /// The present according to the last spending, and when it was. Whoever only looks may do so
    /// for any time.
    clock: Option<(u64, Instant)>,
    jobs: u64,
    /// Tickets that were given out and not yet fetched.
    tickets: usize,
    finished: VecDeque<(Ticket, Outcome)>,
    /// There are answers for which the bell has not rung yet.
    has_news: bool,
}

/// Rings as long as there is a byte to read.
struct Bell {
    reader: UnixStream,
    writer: UnixStream,
}

impl Queue {
    pub(super) fn new(timeout: Duration) -> Result<Self, Unavailable> {
        let state = State {
            waiting: VecDeque::new(),
            arrived: None,
            trouble: None,
            is_closed: true,
            clock: None,
            jobs: 0,
            tickets: 0,
            finished: VecDeque::new(),
            has_news: false,
        };
        let origin = getrandom::u64().map_err(|_| Unavailable)?;
        let (state, changed, bell) = (Mutex::new(state), Condvar::new(), OnceLock::new());
        Ok(Self { timeout, origin, state, changed, bell })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the worker: lets go of the lock, and then rings if anything has been answered.
    pub(super) fn release(&self, mut state: MutexGuard<'_, State>) {
        let has_news = mem::take(&mut state.has_news);
        drop(state);
        if has_news && let Some(bell) = self.bell.get() {
            bell.ring();
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

    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }

    pub(super) fn open(&self) {
        self.lock().is_closed = false;
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.notify();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble.clone()
    }

    pub(super) fn spend(&self, spending: &Spending, now: u64) -> Outcome {
        spent(self.ask(now, |attempt| spend(spending, now, attempt)))
    }

    pub(super) fn peek(&self, spending: &Spending, now: u64) -> Outcome {
        spent(self.ask(now, |_| Question::Peek(*spending)))
    }

    pub(super) fn clock(&self) -> Number {
        // For a clock it is never asked which time it is.
        self.ask(0, |_| Question::Clock)
    }

    pub(super) fn begin(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.begin_asking(now, |attempt| spend(spending, now, attempt))
    }

    pub(super) fn begin_peek(&self, spending: &Spending, now: u64) -> Result<Ticket, Unavailable> {
        self.begin_asking(now, |_| Question::Peek(*spending))
    }

    /// Waits for the answer until the deadline.
    fn ask(&self, now: u64, question: impl FnOnce(String) -> Question) -> Number {
        let deadline = Instant::now() + self.timeout;
        let mailbox = Arc::new(Mailbox::default());
        self.push(now, question, deadline, |_| Ok(Asker::Thread(Arc::clone(&mailbox))))?;
        mailbox.wait(deadline).unwrap_or(Err(Unavailable))
    }

    fn begin_asking(
        &self,
        now: u64,
        question: impl FnOnce(String) -> Question,
    ) -> Result<Ticket, Unavailable> {
        if self.bell.get().is_none() {
            let _ = self.bell.set(Bell::new().map_err(|_| Unavailable)?);
        }
        let mut ticket = 0;
        self.push(now, question, Instant::now() + self.timeout, |state| {
            ticket = state.new_ticket()?;
            Ok(Asker::Loop(ticket))
        })?;
        Ok(ticket)
    }

    /// `question` is given a name that no other has.
    fn push(
        &self,
        now: u64,
        question: impl FnOnce(String) -> Question,
        deadline: Instant,
        asker: impl FnOnce(&mut State) -> Result<Asker, Unavailable>,
    ) -> Result<(), Unavailable> {
        let mut state = self.lock();
        if state.is_closed || state.waiting.len() >= CAPACITY {
            return Err(Unavailable);
        }
        state.waiting.try_reserve(1).map_err(|_| Unavailable)?;
        state.jobs += 1;
        let question = question(format!("{:016x}.{}", self.origin, state.jobs));
        let asker = asker(&mut state)?;
        if question.is_spending() {
            state.clock = Some((now, Instant::now()));
        }
        state.waiting.push_back(Job { question, now, deadline, asker });
        drop(state);
        self.notify();
        Ok(())
    }

    /// What has been answered to tickets. The bell goes on ringing while anything is left.
    pub(super) fn finished(&self, at_most: usize) -> Vec<(Ticket, Outcome)> {
        let mut state = self.lock();
        let count = state.finished.len().min(at_most);
        if count == state.finished.len()
            && let Some(bell) = self.bell.get()
        {
            bell.hush();
        }
        state.tickets -= count;
        state.finished.drain(..count).collect()
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        Some(self.bell.get()?.reader.as_raw_fd())
    }
}

impl State {
    /// The present as those have it who wait for a token to be spent, in Unix seconds, rounded up.
    pub(super) fn now(&self) -> Option<u64> {
        let is_known = self.waiting.iter().any(|job| job.question.is_spending());
        self.clock
            .filter(|_| is_known)
            .map(|(now, at)| now.saturating_add(at.elapsed().as_secs() + 1))
    }

    /// Makes sure that answering it will need no memory.
    fn new_ticket(&mut self) -> Result<Ticket, Unavailable> {
        if self.tickets >= CAPACITY {
            return Err(Unavailable);
        }
        let missing = self.tickets + 1 - self.finished.len();
        self.finished.try_reserve(missing).map_err(|_| Unavailable)?;
        self.tickets += 1;
        Ok(self.jobs)
    }

    /// Whoever has a ticket is told when the lock is [released](Queue::release).
    pub(super) fn answer(&mut self, job: Job, number: Number) {
        let number = if Instant::now() < job.deadline { number } else { Err(Unavailable) };
        match job.asker {
            Asker::Thread(mailbox) => mailbox.put(number),
            Asker::Loop(ticket) => {
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
            self.trouble.get_or_insert(Trouble::Silent);
            self.answer(job, Err(Unavailable));
        }
        self.waiting.len() < before
    }
}

impl Bell {
    fn new() -> std::io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader, writer })
    }

    fn ring(&self) {
        // It fails only when it is full, and then it rings.
        let _ = (&self.writer).write(&[0]);
    }

    fn hush(&self) {
        // One byte for each time that there was nothing before; a full bell still rings.
        while matches!((&self.reader).read(&mut [0; 64]), Ok(64)) {}
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

fn spend(spending: &Spending, now: u64, attempt: String) -> Question {
    Question::Spend { spending: *spending, milliseconds: milliseconds(spending, now), attempt }
}

fn spent(number: Number) -> Outcome {
    match number? {
        1 => Ok(Spent::First),
        0 => Ok(Spent::Again),
        _ => Err(Unavailable),
    }
}

/// The Unix time from which on somebody may have accepted the token. The window is symmetric: as
/// long before its step as `good_until` is after it.
pub(super) fn good_from(spending: &Spending) -> u64 {
    let middle = u128::from(spending.step) * 60 + 30;
    let good_from = middle.saturating_sub(u128::from(spending.good_until));
    u64::try_from(good_from).unwrap_or(u64::MAX)
}

fn milliseconds(spending: &Spending, now: u64) -> u64 {
    // A server refuses what it cannot add to its own clock; a century is long enough.
    let seconds = spending.good_until.saturating_sub(now).saturating_add(MARGIN);
    seconds.min(100 * 366 * 86_400) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totp::good_until;

    fn spending(step: u64, deviation: u64) -> Spending {
        Spending { fingerprint: [7; 16], step, good_until: good_until(step, deviation) }
    }

    fn opened(timeout: Duration) -> Queue {
        let queue = Queue::new(timeout).unwrap();
        queue.open();
        queue
    }

    #[test]
    fn a_token_is_good_from_the_start_of_its_window() {
        assert_eq!(good_from(&spending(10, 1)), 270);
        assert_eq!(good_from(&spending(10, 0)), 300);
        assert_eq!(good_from(&spending(0, 1)), 0);
        assert_eq!(good_from(&spending(10, 10)), 0);
    }

    #[test]
    fn it_is_remembered_for_an_hour_longer_than_it_is_good() {
        assert_eq!(milliseconds(&spending(10, 1), 300), (60 + 3_600) * 1_000);
        assert_eq!(milliseconds(&spending(10, 1), 1_000), 3_600_000);
        assert!(milliseconds(&spending(u64::MAX, 1), 0) < 1 << 42);
    }

    #[test]
    fn an_answer_after_the_deadline_is_none() {
        let queue = opened(Duration::from_millis(20));
        let ticket = queue.begin(&spending(10, 1), 300).unwrap();
        let job = queue.lock().waiting.pop_front().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        queue.lock().answer(job, Ok(1));
        assert_eq!(queue.finished(9), [(ticket, Err(Unavailable))]);
    }

    /// Takes a byte, and puts it back.
    fn rings(queue: &Queue) -> bool {
        let Bell { reader, writer } = queue.bell.get().unwrap();
        (&mut &*reader).read(&mut [0]).is_ok() && (&mut &*writer).write(&[0]).is_ok()
    }

    #[test]
    fn the_bell_rings_until_everything_is_fetched() {
        let queue = opened(Duration::from_secs(60));
        for _ in 0..1000 {
            let tickets: Vec<_> =
                (0..3).map(|_| queue.begin(&spending(10, 1), 300).unwrap()).collect();
            for _ in &tickets {
                let job = queue.lock().waiting.pop_front().unwrap();
                let mut state = queue.lock();
                state.answer(job, Ok(0));
                queue.release(state);
            }
            for (at, ticket) in tickets.iter().enumerate() {
                assert!(rings(&queue), "before {at}");
                let fetched = queue.finished(1);
                assert_eq!(fetched.iter().map(|(ticket, _)| ticket).collect::<Vec<_>>(), [ticket]);
            }
            assert!(!rings(&queue) && queue.finished(9).is_empty());
        }
        assert_eq!(queue.lock().tickets, 0);
    }

    #[test]
    fn too_many_tickets_are_refused() {
        let queue = opened(Duration::from_secs(60));
        for _ in 0..CAPACITY {
            queue.begin(&spending(10, 1), 300).unwrap();
        }
        assert_eq!(queue.begin(&spending(10, 1), 300), Err(Unavailable));
    }
}
