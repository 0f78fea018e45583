//! [`Connection`]: sends commands to the server and reads its answers. Decides nothing.

use std::time::{Duration, Instant};

use redis::{Cmd, RedisResult, Value, cmd};

use super::config::Config;
use super::error::Error;
use super::scripts;
use super::server_clock::Reading;
use super::tls_error;
use crate::ledger::{BootClock, Fingerprint};

pub(super) struct Connection {
    redis: redis::Connection,
    prefix: String,
    boot_clock: BootClock,
    /// The run id of the server and the replication id of its data. The latter changes with every
    /// promotion, also of a server that was the master before.
    run: String,
    replication: String,
    /// The values of these keys as they were last read.
    horizon: String,
    history: Vec<u8>,
    /// When to ask again whether the server may forget tokens.
    eviction_due: Instant,
}

/// How long an answer counts to the question whether the server may forget tokens.
const EVICTION_EVERY: Duration = Duration::from_secs(5);

/// What the server answers first.
pub(super) struct Beginning {
    /// The value of the key: the server, and since when it knows everything.
    pub(super) horizon: String,
    pub(super) history: Vec<u8>,
    pub(super) clock: Reading,
    /// The horizon began anew with this answer.
    pub(super) is_new: bool,
}

/// A question of a batch.
pub(super) enum Command<'a> {
    Spend {
        fingerprint: &'a Fingerprint,
        /// Names this spending, because the question may be repeated over another connection.
        attempt: &'a str,
        /// How long the token must be kept. `None` if it must not be accepted: then it is not
        /// spent.
        milliseconds: Option<u64>,
    },
    Peek(&'a Fingerprint),
    /// Writes a key that is never read.
    Write,
}

/// What the server answers to a batch.
pub(super) struct Answers {
    pub(super) answers: Vec<Result<Answer, Error>>,
    /// The history after the questions.
    pub(super) history: StoredHistory,
    pub(super) clock: Reading,
    /// It is the server of the [`Beginning`] and has been the master since.
    pub(super) is_same: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    First,
    Again,
    /// The horizon is not the one of the [`Beginning`].
    AnotherHorizon,
}

/// What became of the history that all nodes share.
pub(super) enum StoredHistory {
    /// It is the one that was read before.
    AsBefore,
    /// It is the one that was sent to be saved.
    Saved,
    /// Another node has changed it.
    Other(Vec<u8>),
    /// It is gone, or something else is in its place.
    Lost,
}

impl Command<'_> {
    /// Returns whether [`Answer::First`] means that the token can be accepted.
    pub(super) fn accepts(&self) -> bool {
        !matches!(self, Self::Spend { milliseconds: None, .. })
    }
}

impl Connection {
    /// Connects and logs in within the timeout, unless looking up the name takes longer.
    pub(super) fn open(config: &Config, boot_clock: &BootClock) -> Result<Self, Error> {
        let mut connection = Self {
            redis: config.connect()?,
            prefix: config.prefix.clone(),
            boot_clock: boot_clock.clone(),
            run: String::new(),
            replication: String::new(),
            horizon: String::new(),
            history: Vec::new(),
            eviction_due: Instant::now() + EVICTION_EVERY,
        };
        // A port that does not speak TLS may be silent. There must be time to find that out.
        connection.limit(if config.is_plain() { config.timeout } else { config.timeout / 2 })?;
        let password = config.credentials.password()?;
        let memory = connection.enter(config, &password).map_err(|error| match error {
            Error::Refused { .. } => error.without(&password),
            Error::Silent if config.answers_without_tls() => Error::Tls(tls_error::NO_TLS.into()),
            Error::Unreachable(why) if config.is_plain() => Error::Unanswered(why),
            Error::Strange if config.is_plain() => Error::Unanswered("no answer of a Redis".into()),
            error => error,
        })?;
        connection.limit(config.timeout)?;
        check_eviction(&memory)?;
        let server = connection.info("server")?;
        if ["redis_mode", "server_mode"].iter().any(|name| field(&server, name) == Some("sentinel"))
        {
            return Err(Error::Sentinel);
        }
        connection.run = field(&server, "run_id").ok_or(Error::Strange)?.to_owned();
        let replication = connection.info("replication")?;
        connection.replication =
            field(&replication, "master_replid").ok_or(Error::Strange)?.to_owned();
        Ok(connection)
    }

    /// Logs in, and returns the first answer that shows a Redis.
    fn enter(&mut self, config: &Config, password: &[u8]) -> Result<String, Error> {
        self.log_in(config, password)?;
        if config.database != 0 {
            self.request(cmd("SELECT").arg(config.database))?;
        }
        self.info("memory")
    }

    fn log_in(&mut self, config: &Config, password: &[u8]) -> Result<(), Error> {
        let Some(login) = config.credentials.command(password) else { return Ok(()) };
        self.redis.send_packed_command(&login)?;
        match self.receive() {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::of_login(error, config.credentials.refused())),
        }
    }

    /// Asks since when the server knows everything. With `anew`, the horizon begins now.
    pub(super) fn begin(&mut self, anew: bool) -> Result<Beginning, Error> {
        let mut begin = cmd("EVAL");
        begin.arg(scripts::BEGIN).arg(2).arg(self.key("horizon")).arg(self.key("history"));
        begin.arg(format!("{}:{}", self.run, self.replication)).arg(if anew { "anew" } else { "" });
        let sent = self.boot_clock.now();
        let Value::Array(parts) = self.request(&begin)? else { return Err(Error::Strange) };
        let received = self.boot_clock.now();
        let [horizon, history, seconds, microseconds, Value::Int(is_new)] = &*parts else {
            return Err(Error::Strange);
        };
        let server = milliseconds(seconds, microseconds).ok_or(Error::Strange)?;
        self.horizon = text(horizon).ok_or(Error::Strange)?.to_owned();
        let Value::BulkString(history) = history else { return Err(Error::Strange) };
        self.history.clone_from(history);
        Ok(Beginning {
            horizon: self.horizon.clone(),
            history: history.clone(),
            clock: Reading { server, sent, received },
            is_new: *is_new == 1,
        })
    }

    /// Sends all questions at once, then asks for what shows whether the answers can be trusted.
    /// `news` is a history to save. After an error it is unknown which questions were answered, and
    /// this connection must not be used again if the error [says so](Error::ends_connection).
    pub(super) fn ask(
        &mut self,
        questions: &[Command<'_>],
        news: Option<&[u8]>,
        deadline: Instant,
    ) -> Result<Answers, Error> {
        let mut commands = Vec::with_capacity(questions.len() * 640 + 1_024);
        for question in questions {
            self.command(question).write_packed_command(&mut commands);
        }
        let key = self.key("history");
        match news {
            Some(news) => {
                let mut save = cmd("EVAL");
                save.arg(scripts::SAVE).arg(1).arg(key).arg(&self.history).arg(news);
                save.write_packed_command(&mut commands);
            }
            None => cmd("GET").arg(key).write_packed_command(&mut commands),
        }
        cmd("TIME").write_packed_command(&mut commands);
        cmd("INFO").arg("replication").write_packed_command(&mut commands);
        let asks_eviction = Instant::now() >= self.eviction_due;
        if asks_eviction {
            cmd("INFO").arg("memory").write_packed_command(&mut commands);
        }

        let sent = self.boot_clock.now();
        self.limit(left(deadline)?)?;
        self.redis.send_packed_command(&commands)?;
        let mut answers = Vec::with_capacity(questions.len());
        for _ in questions {
            answers.push(match self.receive_until(deadline) {
                Ok(Value::Int(1) | Value::Okay) => Ok(Answer::First),
                Ok(Value::Int(0)) => Ok(Answer::Again),
                Ok(Value::Int(-1)) => Ok(Answer::AnotherHorizon),
                Ok(_) => return Err(Error::Strange),
                Err(Failure::OfCommand(error)) => Err(error),
                Err(Failure::OfConnection(error)) => return Err(error),
            });
        }
        // Each is read to the end, so that the connection can go on after an error.
        let history = self.receive_until(deadline);
        let time = self.receive_until(deadline);
        let received = self.boot_clock.now();
        let replication = self.receive_until(deadline);
        let memory = asks_eviction.then(|| self.receive_until(deadline));
        let history = self.take_history(history, news)?;
        let Value::Array(time) = time? else { return Err(Error::Strange) };
        let [seconds, microseconds] = &*time else { return Err(Error::Strange) };
        let server = milliseconds(seconds, microseconds).ok_or(Error::Strange)?;
        let replication = replication?;
        let replication = text(&replication).and_then(|info| field(info, "master_replid"));
        if let Some(memory) = memory {
            check_eviction(text(&memory?).ok_or(Error::Strange)?)?;
            self.eviction_due = Instant::now() + EVICTION_EVERY;
        }
        Ok(Answers {
            answers,
            history,
            clock: Reading { server, sent, received },
            is_same: replication == Some(&self.replication),
        })
    }

    fn command(&self, question: &Command<'_>) -> Cmd {
        let (fingerprint, attempt, milliseconds) = match question {
            Command::Spend { fingerprint, attempt, milliseconds } => {
                (fingerprint, *attempt, *milliseconds)
            }
            Command::Peek(fingerprint) => (fingerprint, "", None),
            Command::Write => {
                let mut write = cmd("SET");
                write.arg(self.key("probe")).arg("").arg("PX").arg(1_000);
                return write;
            }
        };
        let token = format!("{}{:032x}", self.prefix, u128::from_be_bytes(**fingerprint));
        let mut spend = cmd("EVAL");
        spend.arg(scripts::SPEND).arg(2).arg(self.key("horizon")).arg(token);
        spend.arg(&self.horizon).arg(attempt);
        match milliseconds {
            Some(milliseconds) => spend.arg(milliseconds),
            None => spend.arg(""),
        };
        spend
    }

    fn take_history(
        &mut self,
        answer: Result<Value, Failure>,
        news: Option<&[u8]>,
    ) -> Result<StoredHistory, Error> {
        let history = match answer {
            Ok(Value::BulkString(history)) => history,
            // If the horizon was set by hand, there is no history until the first is saved.
            Ok(Value::Nil) => Vec::new(),
            Err(Failure::OfCommand(Error::Refused { code, .. })) if code == "WRONGTYPE" => {
                Vec::new()
            }
            Ok(_) => return Err(Error::Strange),
            Err(failure) => return Err(failure.into()),
        };
        if news == Some(&history) {
            self.history = history;
            return Ok(StoredHistory::Saved);
        }
        if history == self.history {
            return Ok(StoredHistory::AsBefore);
        }
        if history.is_empty() {
            return Ok(StoredHistory::Lost);
        }
        self.history.clone_from(&history);
        Ok(StoredHistory::Other(history))
    }

    fn info(&mut self, section: &str) -> Result<String, Error> {
        let info = self.request(cmd("INFO").arg(section))?;
        Ok(text(&info).ok_or(Error::Strange)?.to_owned())
    }

    fn request(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.redis.send_packed_command(&command.get_packed_command())?;
        self.receive()
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.redis.recv_response()?.extract_error()
    }

    fn receive_until(&mut self, deadline: Instant) -> Result<Value, Failure> {
        let left = left(deadline).map_err(Failure::OfConnection)?;
        let limited = self.redis.set_read_timeout(Some(left));
        limited.map_err(|error| Failure::OfConnection(error.into()))?;
        self.receive().map_err(|error| match error.code() {
            Some(_) => Failure::OfCommand(error.into()),
            None => Failure::OfConnection(error.into()),
        })
    }

    fn limit(&self, timeout: Duration) -> RedisResult<()> {
        self.redis.set_read_timeout(Some(timeout))?;
        self.redis.set_write_timeout(Some(timeout))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

enum Failure {
    /// The server refused the command and goes on.
    OfCommand(Error),
    OfConnection(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::OfCommand(error) | Failure::OfConnection(error) => error,
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(text) => str::from_utf8(text).ok(),
        _ => None,
    }
}

/// Returns the time that TIME answered, in milliseconds.
fn milliseconds(seconds: &Value, microseconds: &Value) -> Option<u64> {
    let seconds: u64 = text(seconds)?.parse().ok()?;
    let microseconds: u64 = text(microseconds)?.parse().ok()?;
    seconds.checked_mul(1_000)?.checked_add(microseconds / 1_000)
}

/// Returns the time that is left; an error if there is none, because a timeout of zero is not
/// allowed.
fn left(deadline: Instant) -> Result<Duration, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::Silent) } else { Ok(left) }
}

/// Checks that the server forgets no token when its memory is full.
fn check_eviction(memory: &str) -> Result<(), Error> {
    let policy = field(memory, "maxmemory_policy").unwrap_or("noeviction");
    let has_limit = field(memory, "maxmemory").is_some_and(|limit| limit != "0");
    if has_limit && policy != "noeviction" {
        return Err(Error::Evicts(policy.chars().take(40).collect()));
    }
    Ok(())
}

/// Returns the value of a field in the answer of INFO.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
