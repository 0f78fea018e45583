//! One round: spends per second through a Redis of its own on loopback, 64 at a time. `make bench`
//! runs it. The target is 20,000.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "../tests/redis/server.rs"]
mod server;

use std::sync::mpsc::channel;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use server::Server;
use xtoken::ledger::{Ledger, Question, RedisLedger, Spending, Spent};

const IN_FLIGHT: usize = 64;
const TIMED: usize = 100_000;
const NOW: u64 = 1_700_000_000;

fn token(number: usize, now: u64) -> Spending {
    let step = now / 30;
    Spending { fingerprint: (number as u128).to_le_bytes(), step, deviation: 1 }
}

fn main() {
    let server = Server::start(&[]);
    let ledger = RedisLedger::new(server.has_been_there().url()).unwrap();
    ledger.spend(&token(usize::MAX, NOW), NOW).unwrap();

    let (sender, replies) = channel();
    let (start, mut begun, mut done) = (Instant::now(), 0, 0);
    let mut longest = Duration::ZERO;
    while done < TIMED {
        let turn = Instant::now();
        while begun < TIMED && begun - done < IN_FLIGHT {
            let sender = sender.clone();
            let reply = Box::new(move |outcome| sender.send(outcome).unwrap());
            ledger.submit(Question::Spend(token(begun, NOW)), NOW, reply).unwrap();
            begun += 1;
        }
        let outcomes: Vec<_> = replies.try_iter().collect();
        done += outcomes.len();
        longest = longest.max(turn.elapsed());
        assert!(outcomes.iter().all(|outcome| *outcome == Ok(Spent::First)));
        yield_now();
    }
    let rate = TIMED as f64 / start.elapsed().as_secs_f64();
    let verdict = if rate >= 20_000.0 { "met   " } else { "MISSED" };
    println!(
        "  {verdict} 20,000 spends a second through Redis on loopback, 64 in flight: {rate:.0}"
    );
    println!("         longest turn of the loop that submits: {longest:?}");
}
