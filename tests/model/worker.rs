//! A process that has a ledger open and asks it questions on command.
//!
//! The test runs itself again as this process. Each question is a line. Each answer is a line after
//! `=`, because the test harness writes to the same pipe.

use std::env;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread::scope;

use xtoken::ledger::{BootClock, Ledger, RedisLedger, SqliteLedger};

use super::run::Answer;
use super::{Spending, Spent, Unavailable};

const URL: &str = "XTOKEN_MODEL_URL";
const TEST: &str = "process_with_a_ledger";

/// Both clocks of a process.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    /// Unix seconds.
    pub(crate) wall: u64,
    /// How far the boot clock is ahead of the machine's, in milliseconds.
    pub(crate) boot_ahead: i64,
}

pub(crate) struct Worker {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// `command` is one that runs a program, which is added.
    pub(crate) fn start(mut command: Command, url: &str) -> Self {
        let mut process = command
            .args(["--exact", TEST, "--ignored", "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, questions, answers }
    }

    /// `what` is `spend`, `peek` or, at the same time in two threads, `race`.
    pub(crate) fn put(&mut self, what: &str, question: &Spending, clocks: Clocks) {
        let Spending { fingerprint, step, deviation } = question;
        let fingerprint = u128::from_be_bytes(*fingerprint);
        let Clocks { wall, boot_ahead } = clocks;
        let line = format!("{what} {fingerprint} {step} {deviation} {wall} {boot_ahead}\n");
        self.questions.write_all(line.as_bytes()).unwrap();
    }

    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the process ended");
            if let Some(answers) = line.strip_prefix("= ") {
                return answers.split_whitespace().map(read).collect();
            }
        }
    }

    pub(crate) fn ask(&mut self, what: &str, question: &Spending, clocks: Clocks) -> Answer {
        self.put(what, question, clocks);
        self.answers()[0]
    }
}

impl Drop for Worker {
    /// `kill -9`.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the process does.
pub(crate) fn serve() {
    let Ok(url) = env::var(URL) else { return };
    let ahead = Arc::new(AtomicI64::new(0));
    let (machine, boot_ahead) = (BootClock::of_machine(), Arc::clone(&ahead));
    let boot_clock =
        BootClock::new(move || machine.now().saturating_add_signed(boot_ahead.load(SeqCst)));
    let ledger = open(&url, boot_clock);
    println!();
    for line in stdin().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let [what, fingerprint, step, deviation, wall, boot_ahead] = *words else { panic!() };
        ahead.store(boot_ahead.parse().unwrap(), SeqCst);
        let fingerprint = fingerprint.parse::<u128>().unwrap().to_be_bytes();
        let (step, deviation) = (step.parse().unwrap(), deviation.parse().unwrap());
        let (question, wall) = (Spending { fingerprint, step, deviation }, wall.parse().unwrap());
        let answers = match what {
            "spend" => vec![ledger.spend(&question, wall)],
            "peek" => vec![ledger.peek(&question, wall)],
            "race" => race(&*ledger, &question, wall),
            _ => panic!("{what}"),
        };
        if let Some(error) = ledger.last_error() {
            eprintln!("{error}");
        }
        println!("= {}", answers.into_iter().map(write).collect::<Vec<_>>().join(" "));
    }
}

fn open(url: &str, boot_clock: BootClock) -> Box<dyn Ledger> {
    match url.strip_prefix("sqlite:") {
        Some(path) => Box::new(SqliteLedger::with_boot_clock(path, boot_clock)),
        None => Box::new(RedisLedger::with_boot_clock(url, boot_clock).unwrap()),
    }
}

fn race(ledger: &dyn Ledger, question: &Spending, wall: u64) -> Vec<Answer> {
    let start = Barrier::new(2);
    let spend = || {
        start.wait();
        ledger.spend(question, wall)
    };
    scope(|scope| {
        let other = scope.spawn(spend);
        vec![spend(), other.join().unwrap()]
    })
}

fn write(answer: Answer) -> &'static str {
    match answer {
        Ok(Spent::First) => "first",
        Ok(Spent::Again) => "again",
        Err(Unavailable) => "unavailable",
    }
}

fn read(word: &str) -> Answer {
    match word {
        "first" => Ok(Spent::First),
        "again" => Ok(Spent::Again),
        "unavailable" => Err(Unavailable),
        _ => panic!("{word}"),
    }
}
