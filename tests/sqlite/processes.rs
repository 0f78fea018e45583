//! Other processes that use the ledger: this program again, with a test that obeys commands.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use xtoken::ledger::{Ledger, Spending, Spent, SqliteLedger, Unavailable};

/// The path of the ledger, for the process that obeys commands.
const PATH: &str = "XTOKEN_TEST_LEDGER";
/// The prefix of its answers among the other output of a test.
const ANSWER: &str = "answer: ";

pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(path: &Path) -> Self {
        Self::start_by(&[], path)
    }

    /// Starts it by a command that is given the program and its arguments.
    pub(crate) fn start_by(command: &[&str], path: &Path) -> Self {
        let program = env::current_exe().unwrap();
        let own = [program.to_str().unwrap(), "--exact", "processes::takes_orders"];
        let words = [command, &own, &["--ignored", "--nocapture"]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, orders, answers }
    }

    pub(crate) fn ask(&mut self, order: &str) -> String {
        // What it says of its end is in the answer that is missing.
        let _ = writeln!(self.orders, "{order}");
        let mut line = String::new();
        while self.answers.read_line(&mut line).unwrap() > 0 {
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return answer.trim().to_owned();
            }
            line.clear();
        }
        panic!("no answer: does unshare (util-linux) work here, and is this root?");
    }

    /// "first", "again", "closed", or what is wrong.
    pub(crate) fn spend(&mut self, n: u64, now: u64) -> String {
        self.ask(&format!("spend {n} {now}"))
    }

    /// Also waits for what a command in between started.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::io::copy(&mut self.answers, &mut std::io::sink());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "only as another process of a test"]
fn takes_orders() {
    let path = env::var_os(PATH).unwrap();
    let ledger = SqliteLedger::new(&path);
    let mut connection = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let answer = match *line.split(' ').collect::<Vec<_>>() {
            ["spend", n, now] => spend(&ledger, n.parse().unwrap(), now.parse().unwrap()),
            ["lock"] => {
                let locked = rusqlite::Connection::open(&path).unwrap();
                locked.execute_batch("BEGIN IMMEDIATE").unwrap();
                connection = Some(locked);
                "locked".to_owned()
            }
            ["unlock"] => {
                std::mem::forget(
                    connection.take().inspect(|c| c.execute_batch("ROLLBACK").unwrap()),
                );
                "unlocked".to_owned()
            }
            _ => panic!("{line}"),
        };
        println!("\n{ANSWER}{answer}");
    }
}

fn spend(ledger: &SqliteLedger, n: u64, now: u64) -> String {
    let spending =
        Spending { fingerprint: u128::from(n).to_be_bytes(), step: now / 30, deviation: 1 };
    match ledger.spend(&spending, now) {
        Ok(Spent::First) => "first".to_owned(),
        Ok(Spent::Again) => "again".to_owned(),
        Err(Unavailable) => ledger.last_error().unwrap_or("closed".to_owned()),
    }
}
