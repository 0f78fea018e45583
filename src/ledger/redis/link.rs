//! A connection to the server, and what is known about the server's memory while it lasts.
//!
//! A server that was restarted, emptied or replaced by a replica may have forgotten tokens that
//! can still be presented. So there is a marker, the key `…epoch`: the server's run id, and since
//! when it has been remembering. A new connection looks whether the marker names the server it
//! talks to, and sets it to the present if not; every spending looks whether the marker is still
//! the same. A token that could have been accepted before the marker's time is not accepted.

use std::time::{Duration, Instant};

use redis::{Cmd, Connection, RedisResult, Value};

use super::queue::{Job, Question, Token};
use super::settings::Settings;
use super::trouble::Trouble;

/// Seconds that the clocks of machines which share a server may be apart.
const CLOCKS_APART: u64 = 30;

/// Answers the marker, after setting it if it names another server, or a time so far ahead that
/// only a clock that was wrong can have made it.
const MARK: &str = "\
local marker = redis.call('GET', KEYS[1]) \
if marker then \
local run, since = string.match(marker, '^(%S+) (%d+)$') \
if run == ARGV[1] and tonumber(since) <= tonumber(ARGV[2]) + 3600 then return marker end \
end \
marker = ARGV[1] .. ' ' .. ARGV[2] \
redis.call('SET', KEYS[1], marker) \
return marker";

/// Answers 1 for spent by this attempt, which may come twice, 0 for spent before, -1 for another
/// marker.
const SPEND: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end \
if redis.call('GET', KEYS[2]) == ARGV[2] then return 1 end \
return 0";

/// As [`SPEND`] for a token that is only looked at.
const LOOK: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
if redis.call('GET', KEYS[2]) then return 0 end \
return 1";

/// Answers the server's clock, in Unix seconds, if it can write.
const CLOCK: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
redis.call('SET', KEYS[1], ARGV[1]) \
return tonumber(redis.call('TIME')[1])";

pub(super) struct Link {
    connection: Connection,
    prefix: String,
    marker: String,
    /// Since when, in Unix seconds, the server has been remembering every token.
    since: u64,
}

/// What became of a job.
pub(super) enum Answer {
    Is(u64),
    /// Nothing was done, and the marker has changed: ask again over another connection.
    AskAgain,
    Failed(Trouble),
}

impl Link {
    /// Connects within the timeout, unless looking up the name takes longer.
    pub(super) fn open(settings: &Settings, now: u64) -> Result<Self, Trouble> {
        let started = Instant::now();
        let client = redis::Client::open(settings.server.clone())?;
        let connection = client.get_connection_with_timeout(settings.timeout)?;
        let (prefix, marker) = (settings.prefix.clone(), String::new());
        let mut link = Self { connection, prefix, marker, since: u64::MAX };
        link.limit(settings.timeout)?;

        let memory = link.ask_text(redis::cmd("INFO").arg("memory"))?;
        let policy = field(&memory, "maxmemory_policy").unwrap_or("noeviction");
        if field(&memory, "maxmemory").is_some_and(|limit| limit != "0") && policy != "noeviction" {
            return Err(Trouble::Evicts(policy.chars().take(40).collect()));
        }
        let server = link.ask_text(redis::cmd("INFO").arg("server"))?;
        let run = field(&server, "run_id").ok_or(Trouble::Strange)?;
        // Changes with every promotion, also of a server that was the master before.
        let replication = link.ask_text(redis::cmd("INFO").arg("replication"))?;
        let history = field(&replication, "master_replid").ok_or(Trouble::Strange)?;
        let run = format!("{run}:{history}");
        let epoch = link.epoch();
        // Looking up the name may have taken long, and the server been restarted meanwhile.
        let now = now.saturating_add(started.elapsed().as_secs());
        let mark = &mut redis::cmd("EVAL");
        link.marker = link.ask_text(mark.arg(MARK).arg(1).arg(epoch).arg(run).arg(now))?;
        let since = link.marker.split(' ').nth(1).and_then(|since| since.parse().ok());
        link.since = since.ok_or(Trouble::Strange)?;
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
        let mut commands = Vec::with_capacity(jobs.len() * 512);
        for job in jobs.iter().filter(|job| !self.is_younger_than(job)) {
            self.command(&job.question).write_packed_command(&mut commands);
        }
        if !commands.is_empty() {
            self.limit(left(deadline)?)?;
            self.connection.send_packed_command(&commands)?;
        }
        for job in jobs {
            answers.push(if self.is_younger_than(job) {
                Answer::Failed(Trouble::Young(self.good_from()))
            } else {
                self.connection.set_read_timeout(Some(left(deadline)?))?;
                self.answer()?
            });
        }
        Ok(())
    }

    fn command(&self, question: &Question) -> Cmd {
        let (epoch, marker) = (self.epoch(), &self.marker);
        let name = |token: &Token| {
            format!("{}{:032x}", self.prefix, u128::from_be_bytes(token.fingerprint))
        };
        let mut command = redis::cmd("EVAL");
        match question {
            Question::Spend { token, milliseconds, attempt } => {
                command.arg(SPEND).arg(2).arg(epoch).arg(name(token)).arg(marker);
                command.arg(attempt).arg(milliseconds);
            }
            Question::Look(token) => {
                command.arg(LOOK).arg(2).arg(epoch).arg(name(token)).arg(marker);
            }
            Question::Clock => {
                command.arg(CLOCK).arg(1).arg(epoch).arg(marker);
            }
        }
        command
    }

    /// Whether the token could have been accepted when the server did not remember yet.
    fn is_younger_than(&self, job: &Job) -> bool {
        let opens = self.since.saturating_add(CLOCKS_APART);
        self.since > 0 && job.question.token().is_some_and(|token| token.good_from < opens)
    }

    /// From when on every token that is accepted is one of those the server remembers. Three
    /// steps is the default window; a wider one takes longer.
    fn good_from(&self) -> u64 {
        self.since.saturating_add(CLOCKS_APART + 60)
    }

    fn answer(&mut self) -> Result<Answer, Trouble> {
        Ok(match self.receive() {
            Ok(Value::Int(-1)) => Answer::AskAgain,
            Ok(Value::Int(number)) => Answer::Is(number.try_into().map_err(|_| Trouble::Strange)?),
            Ok(_) => return Err(Trouble::Strange),
            Err(error) if error.code().is_some() => Answer::Failed(error.into()),
            Err(error) => return Err(error.into()),
        })
    }

    fn ask_text(&mut self, command: &Cmd) -> Result<String, Trouble> {
        self.connection.send_packed_command(&command.get_packed_command())?;
        match self.receive()? {
            Value::BulkString(text) => String::from_utf8(text).map_err(|_| Trouble::Strange),
            _ => Err(Trouble::Strange),
        }
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

/// A zero timeout would be an error of the caller's.
fn left(deadline: Instant) -> Result<Duration, Trouble> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Trouble::Silent) } else { Ok(left) }
}

/// A line of what INFO answers.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
