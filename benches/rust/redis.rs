//! The ledger in a Redis of its own on loopback, while it remembers 10^3 to 10^6 tokens:
//! microseconds per spend that waits, and spends per second with 64 in flight.

#[path = "../../tests/redis/server.rs"]
mod server;

use std::sync::mpsc::channel;
use std::thread::yield_now;
use std::time::Instant;

use server::Server;
use xtoken::ledger::{Ledger, Question, RedisLedger, Spent};

use crate::common::{NOW, sizes, spending, time_spends};

const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 11;
const TIMED: usize = 500;

/// Spends tokens, many at a time, as an event loop does.
fn spend_in_flight(ledger: &RedisLedger, numbers: std::ops::Range<usize>) {
    let (sender, replies) = channel();
    let (mut begun, mut done) = (numbers.start, numbers.start);
    while done < numbers.end {
        while begun < numbers.end && begun - done < IN_FLIGHT {
            let sender = sender.clone();
            let reply = Box::new(move |outcome| sender.send(outcome).unwrap());
            ledger.submit(Question::Spend(spending(begun)), NOW, reply).unwrap();
            begun += 1;
        }
        for outcome in replies.try_iter() {
            assert_eq!(outcome, Ok(Spent::First));
            done += 1;
        }
        yield_now();
    }
}

pub(crate) fn run(largest: usize) {
    let server = Server::start(&[]);
    let ledger = RedisLedger::new(server.has_been_there().url()).unwrap();
    let mut spent = 0;
    for size in sizes(largest) {
        let start = Instant::now();
        spend_in_flight(&ledger, spent..size);
        let rate = (size - spent) as f64 / start.elapsed().as_secs_f64();
        spent = size;
        let microseconds = time_spends(&ledger, spent, ROUNDS, TIMED);
        spent += ROUNDS * TIMED;
        println!("redis/{size} {microseconds:.2}");
        if size >= 10_000 {
            println!("redis-in-flight/{size} {rate:.0}");
        }
    }
}
