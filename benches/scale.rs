//! What one Redis and one file carry. `benches/scale` runs it, for docs/scale.md.
//!
//! Prints lines `name value`. Times are those of a processor, in microseconds.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "../tests/redis/server.rs"]
mod server;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::channel;
use std::time::Instant;
use std::{env, fs};

use server::Server;
use xtoken::ledger::{Ledger, MemoryLedger, Question, RedisLedger, Spending, Spent, SqliteLedger};

const NOW: u64 = 1_700_000_000;
const NODES: usize = 8;
const PROCESSES: usize = 4;

fn token(number: usize) -> Spending {
    // Spread like the MACs that fingerprints are.
    let fingerprint = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Spending { fingerprint: fingerprint.to_be_bytes(), step: NOW / 30, deviation: 1 }
}

/// Returns the microseconds for which the processor has run this process.
fn processor_time() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let of = |task: &Path| fs::read_to_string(task.join("schedstat")).unwrap();
    let nanoseconds = |text: String| text.split(' ').next().unwrap().parse::<f64>().unwrap();
    tasks.map(|task| nanoseconds(of(&task))).sum::<f64>() / 1e3
}

/// Returns fields of Redis's `INFO`, summed up.
fn info(client: &mut redis::Connection, fields: &[&str]) -> f64 {
    let info: String = redis::cmd("INFO").arg("everything").query(client).unwrap();
    let value = |line: &str| -> Option<f64> {
        let (name, value) = line.split_once(':')?;
        fields.contains(&name).then(|| value.trim().parse().unwrap())
    };
    info.lines().filter_map(value).sum()
}

/// Spends `count` fresh tokens, so that each node always has `in_flight` questions out.
fn spend_through(nodes: &[RedisLedger], in_flight: usize, first: usize, count: usize) {
    let (sender, replies) = channel();
    let ask = |node: usize, number: usize| {
        let sender = sender.clone();
        let reply = Box::new(move |outcome| sender.send((node, outcome)).unwrap());
        nodes[node].submit(Question::Spend(token(first + number)), NOW, reply).unwrap();
    };
    let mut asked = 0;
    for node in (0..nodes.len()).cycle().take(in_flight * nodes.len()) {
        ask(node, asked);
        asked += 1;
    }
    for _ in 0..count {
        let (node, outcome) = replies.recv().unwrap();
        assert_eq!(outcome, Ok(Spent::First));
        if asked < count {
            ask(node, asked);
            asked += 1;
        }
    }
}

fn redis() {
    let server = Server::start(&[]);
    let mut client = server.has_been_there().client();
    let nodes: Vec<_> = (0..NODES).map(|_| RedisLedger::new(server.url()).unwrap()).collect();
    for (at, node) in nodes.iter().enumerate() {
        node.spend(&token(at), NOW).unwrap();
    }
    let mut first = NODES;
    for (name, in_flight, count) in [("idle", 1, 60_000), ("busy", 64, 200_000)] {
        spend_through(&nodes, in_flight, first, 10_000);
        first += 10_000;
        let used = |client: &mut _| info(client, &["used_cpu_user", "used_cpu_sys"]);
        let memory = |client: &mut _| info(client, &["used_memory"]);
        let (start, busy, full) = (Instant::now(), used(&mut client), memory(&mut client));
        spend_through(&nodes, in_flight, first, count);
        first += count;
        let rate = count as f64 / start.elapsed().as_secs_f64();
        println!("redis-{name}-rate {rate:.0}");
        let each = (used(&mut client) - busy) * 1e6 / count as f64;
        println!("redis-{name}-us {each:.2}");
        println!("redis-{name}-bytes {:.0}", (memory(&mut client) - full) / count as f64);
    }
}

fn file() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("tokens.sqlite");
    let ledger = SqliteLedger::new(&path);
    let count = 200_000;
    ledger.spend(&token(0), NOW).unwrap();
    let used = processor_time();
    for number in 1..count {
        assert_eq!(ledger.spend(&token(number), NOW), Ok(Spent::First));
    }
    println!("file-us {:.2}", (processor_time() - used) / count as f64);
    println!("file-bytes {:.0}", fs::metadata(&path).unwrap().len() as f64 / count as f64);

    let shared = folder.path().join("shared.sqlite");
    SqliteLedger::new(&shared).spend(&token(0), NOW).unwrap();
    let start = Instant::now();
    let child = |number: usize| -> Child {
        let own = env::current_exe().unwrap();
        Command::new(own).arg("share").arg(&shared).arg(number.to_string()).spawn().unwrap()
    };
    let children: Vec<_> = (1..=PROCESSES).map(child).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let rate = (PROCESSES * SHARED_BY_EACH) as f64 / start.elapsed().as_secs_f64();
    println!("file-shared-rate {rate:.0}");
}

const SHARED_BY_EACH: usize = 20_000;

/// One of the processes that share a file.
fn share(path: &str, number: usize) {
    let ledger = SqliteLedger::new(path);
    let mut refused = 0;
    for at in 0..SHARED_BY_EACH {
        match ledger.spend(&token(number * SHARED_BY_EACH + at), NOW) {
            Ok(spent) => assert_eq!(spent, Spent::First),
            Err(_) => refused += 1,
        }
    }
    println!("file-shared-refused-{number} {refused}");
}

fn memory() {
    let resident = || -> f64 {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
    };
    let ledger = MemoryLedger::new();
    let (count, before) = (4_000_000, resident());
    for number in 0..count {
        ledger.spend(&token(number), NOW).unwrap();
    }
    println!("memory-bytes {:.1}", (resident() - before) / count as f64);
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["share", path, number] => share(path, number.parse().unwrap()),
        _ => {
            memory();
            file();
            redis();
        }
    }
}
