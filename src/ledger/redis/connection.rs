//! A connection to the server, and what is known about the server's memory while it lasts.
//!
//! A server that was restarted, emptied or replaced by a replica may have forgotten tokens that
//! can still be presented. So there is a marker, the key `…epoch`: the server's run id, and since
//! when it has been remembering. A new connection looks whether the marker names the server it
//! talks to, and sets it to the present if not; every spending looks whether the marker is still
//! the same. A token that could have been accepted before the marker's time is not accepted.
//!
//! A server whose clock jumps ahead drops keys before time. So each answer brings its clock, and
//! when that went faster than ours the marker is set anew as well.

use std::time::{Duration, Instant};

use redis::{Cmd, Connection, RedisResult, Value};

use super::queue::{Job, Question, good_from};
use super::settings::Settings;
use super::trouble::Trouble;
use crate::ledger::Spending;
use crate::totp::{OTP_INTERVAL, start_of};

/// Seconds that the clocks of machines which share a server may be apart.
const CLOCKS_APART: u64 = 30;
/// Seconds that the marker's time may be ahead of our clock or the server's: more than that, and
/// the clock was wrong by which it was set.
const AHEAD: u64 = 3_600;
/// Seconds that the server's clock may go ahead of ours between two answers. A few times that is
/// less than what the server keeps a token beyond its time.
const LEAP: u64 = 600;

/// Answers the marker and the server's clock, after setting the marker if it names another server,
/// or a time too far ahead, or if the server's clock is beyond what was expected. When it is not
/// said which time it is, the marker is empty instead.
const MARK: &str = "\
local clock = redis.call('TIME')[1] \
local marker = redis.call('GET', KEYS[1]) \
if marker and tonumber(clock) <= tonumber(ARGV[3]) then \
local run, since = string.match(marker, '^(%S+) (%d+)$') \
local present = math.max(tonumber(ARGV[2]) or 0, tonumber(clock)) \
if run == ARGV[1] and tonumber(since) <= present + tonumber(ARGV[4]) then return {marker, clock} end \
end \
if ARGV[2] == '' then return {'', clock} end \
marker = ARGV[1] .. ' ' .. ARGV[2] \
redis.call('SET', KEYS[1], marker) \
return {marker, clock}";

/// Answers 1 for spent by this attempt, which may come twice, 0 for spent before, and the server's
/// clock; -1 for another marker.
const SPEND: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
local clock = redis.call('TIME')[1] \
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {1, clock} end \
if redis.call('GET', KEYS[2]) == ARGV[2] then return {1, clock} end \
return {0, clock}";

/// As [`SPEND`] for a token that is only looked at.
const LOOK: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
local clock = redis.call('TIME')[1] \
if redis.call('GET', KEYS[2]) then return {0, clock} end \
return {1, clock}";

/// Answers the server's clock, in Unix seconds, if it can write.
const CLOCK: &str = "\
redis.call('SET', KEYS[1], '', 'PX', 1000) \
local clock = redis.call('TIME')[1] \
return {tonumber(clock), clock}";

pub(super) struct Link {
    connection: Connection,
    prefix: String,
    /// Empty if it is to be set by the first spending.
    marker: String,
    /// Since when, in Unix seconds, the server has been remembering every token.
    since: u64,
    /// The last that was seen of the server's clock.
    pub(super) clock: Clock,
}

/// What the server's clock said, in Unix seconds, and when.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    said: u64,
    at: Instant,
}

/// What became of a job.
pub(super) enum Answer {
    Is(u64),
    /// Not decided, and this connection cannot: ask again over another.
    AskAgain,
    Failed(Trouble),
}

impl Link {
    /// Connects within the timeout, unless looking up the name takes longer. `now` is there if a
    /// token is to be spent, `clock` is what the last connection saw of the server's.
    pub(super) fn open(
        settings: &Settings,
        now: Option<u64>,
        clock: Option<Clock>,
    ) -> Result<Self, Trouble> {
        let started = Instant::now();
        let client = redis::Client::open(settings.server.clone())?;
        let connection = client.get_connection_with_timeout(settings.timeout)?;
        let (prefix, marker) = (settings.prefix.clone(), String::new());
        let latest = clock.map_or(u64::MAX, |clock| clock.latest());
        let clock = Clock { said: 0, at: started };
        let mut link = Self { connection, prefix, marker, since: u64::MAX, clock };
        link.limit(settings.timeout)?;

        let memory = link.info("memory")?;
        let policy = field(&memory, "maxmemory_policy").unwrap_or("noeviction");
        if field(&memory, "maxmemory").is_some_and(|limit| limit != "0") && policy != "noeviction" {
            return Err(Trouble::Evicts(policy.chars().take(40).collect()));
        }
        let server = link.info("server")?;
        let run = field(&server, "run_id").ok_or(Trouble::Strange)?;
        // Changes with every promotion, also of a server that was the master before.
        let replication = link.info("replication")?;
        let history = field(&replication, "master_replid").ok_or(Trouble::Strange)?;
        // Looking up the name may have taken long, and the server been restarted meanwhile.
        let now = now.map(|now| now.saturating_add(started.elapsed().as_secs()).to_string());
        let mut mark = redis::cmd("EVAL");
        mark.arg(MARK).arg(1).arg(link.epoch()).arg(format!("{run}:{history}"));
        mark.arg(now.unwrap_or_default()).arg(latest).arg(AHEAD);
        let Value::Array(marked) = link.request(&mark)? else { return Err(Trouble::Strange) };
        let [marker, clock] = &*marked else { return Err(Trouble::Strange) };
        link.marker = text(marker).ok_or(Trouble::Strange)?;
        link.clock = Clock::read(clock).ok_or(Trouble::Strange)?;
        if !link.marker.is_empty() {
            let since = link.marker.split(' ').nth(1).and_then(|since| since.parse().ok());
            link.since = since.ok_or(Trouble::Strange)?;
        }
        Ok(link)
    }

    /// The answers, in order; fewer if the connection broke or `deadline` came: then it is not
    /// known what became of the others, and this connection must not be used again.
    pub(super) fn ask(
        &mut self,
        jobs: &[Job],
        deadline: Instant,
    ) -> (Vec<Answer>, Result<(), Trouble>) {
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = self.try_ask(jobs, deadline, &mut answers);
        (answers, outcome)
    }

    fn try_ask(
        &mut self,
        jobs: &[Job],
        deadline: Instant,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Trouble> {
        let foreseen: Vec<_> = jobs.iter().map(|job| self.foresee(job)).collect();
        let mut commands = Vec::with_capacity(jobs.len() * 512);
        for (job, _) in jobs.iter().zip(&foreseen).filter(|(_, foreseen)| foreseen.is_none()) {
            self.command(&job.question).write_packed_command(&mut commands);
        }
        if !commands.is_empty() {
            self.limit(left(deadline)?)?;
            self.connection.send_packed_command(&commands)?;
        }
        for (job, foreseen) in jobs.iter().zip(foreseen) {
            answers.push(match foreseen {
                Some(answer) => answer,
                None => {
                    self.connection.set_read_timeout(Some(left(deadline)?))?;
                    self.answer(&job.question)?
                }
            });
        }
        Ok(())
    }

    /// The answer to what the server need not be asked.
    fn foresee(&self, job: &Job) -> Option<Answer> {
        let spending = job.question.spending()?;
        let is_wrong = self.since > job.now.max(self.clock.said).saturating_add(AHEAD);
        if is_wrong && job.question.is_spending() {
            return Some(Answer::AskAgain);
        }
        if self.marker.is_empty() {
            return Some(Answer::Failed(Trouble::Young(None)));
        }
        let opens = self.since.saturating_add(CLOCKS_APART);
        let is_younger = self.since > 0 && good_from(spending) < opens;
        is_younger.then(|| Answer::Failed(Trouble::Young(Some(closed_until(spending, opens)))))
    }

    fn command(&self, question: &Question) -> Cmd {
        let (epoch, marker) = (self.epoch(), &self.marker);
        let name = |spending: &Spending| {
            format!("{}{:032x}", self.prefix, u128::from_be_bytes(spending.fingerprint))
        };
        let mut command = redis::cmd("EVAL");
        match question {
            Question::Spend { spending, milliseconds, attempt } => {
                command.arg(SPEND).arg(2).arg(epoch).arg(name(spending)).arg(marker);
                command.arg(attempt).arg(milliseconds);
            }
            Question::Peek(spending) => {
                command.arg(LOOK).arg(2).arg(epoch).arg(name(spending)).arg(marker);
            }
            Question::Clock => {
                command.arg(CLOCK).arg(1).arg(format!("{}probe", self.prefix));
            }
        }
        command
    }

    fn answer(&mut self, question: &Question) -> Result<Answer, Trouble> {
        let parts = match self.receive() {
            Ok(Value::Int(-1)) => return Ok(Answer::AskAgain),
            Ok(Value::Array(parts)) => parts,
            Ok(_) => return Err(Trouble::Strange),
            Err(error) if error.code().is_some() => return Ok(Answer::Failed(error.into())),
            Err(error) => return Err(error.into()),
        };
        let [Value::Int(number), clock] = &*parts else { return Err(Trouble::Strange) };
        let clock = Clock::read(clock).ok_or(Trouble::Strange)?;
        if clock.said > self.clock.latest() {
            return Ok(Answer::AskAgain);
        }
        self.clock = clock;
        match u64::try_from(*number) {
            Ok(number) if number < 2 || question.spending().is_none() => Ok(Answer::Is(number)),
            _ => Err(Trouble::Strange),
        }
    }

    fn info(&mut self, section: &str) -> Result<String, Trouble> {
        text(&self.request(redis::cmd("INFO").arg(section))?).ok_or(Trouble::Strange)
    }

    fn request(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.connection.send_packed_command(&command.get_packed_command())?;
        self.receive()
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.connection.recv_response()?.extract_error()
    }

    fn limit(&self, timeout: Duration) -> RedisResult<()> {
        self.connection.set_read_timeout(Some(timeout))?;
        self.connection.set_write_timeout(Some(timeout))
    }

    fn epoch(&self) -> String {
        format!("{}epoch", self.prefix)
    }
}

impl Clock {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { said: text(value)?.parse().ok()?, at: Instant::now() })
    }

    /// What it can say now, unless it jumped.
    fn latest(&self) -> u64 {
        self.said.saturating_add(self.at.elapsed().as_secs()).saturating_add(LEAP)
    }
}

/// When tokens begin to be made that nobody could accept before `opens`.
fn closed_until(spending: &Spending, opens: u64) -> u64 {
    let early = start_of(spending.step).saturating_sub(good_from(spending));
    start_of(opens.saturating_add(early).div_ceil(OTP_INTERVAL))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(text) => String::from_utf8(text.clone()).ok(),
        _ => None,
    }
}

/// A zero timeout would be an error of the caller's.
fn left(deadline: Instant) -> Result<Duration, Trouble> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Trouble::Silent) } else { Ok(left) }
}

/// A line of what INFO answers.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
