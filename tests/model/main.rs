//! The model of `src/ledger/model.rs` on the real ledgers: with processes that are killed, files,
//! boots and servers. What may happen, the oracle and the invariants are the same.
//!
//! Only time is not real: the boot clock of the processes goes on as the model says.

#![cfg(all(feature = "sqlite", feature = "redis"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod file;
mod namespace;
mod redis;
#[allow(dead_code, reason = "shared with tests/redis")]
#[path = "../redis/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with tests/redis")]
#[path = "../redis/time.rs"]
mod time;
mod worker;

#[path = "../../src/ledger/model/node_deviations.rs"]
mod node_deviations;
#[path = "../../src/ledger/model/operation.rs"]
mod operation;
#[path = "../../src/ledger/model/oracle.rs"]
mod oracle;
#[path = "../../src/ledger/model/run.rs"]
mod run;
#[allow(dead_code, reason = "shared with the model")]
#[path = "../../src/ledger/model/search.rs"]
mod search;

use xtoken::ledger::{Spending, Spent, Unavailable};
use xtoken::totp::{step_at, window};

use file::File;
use operation::{file_operations, sequences, server_operations};
use redis::Redis;
use run::run;
use search::Search;

/// Operations in one sequence, at most.
const LENGTH: usize = 60;
/// Operations in `make test`: a few seconds' worth of each.
const ON_FILES: usize = 2_000;
const ON_SERVERS: usize = 300;

fn prove(outcome: Result<(), String>) {
    if let Err(counterexample) = outcome {
        panic!("{counterexample}");
    }
}

#[test]
fn files_are_as_the_model_says() {
    if namespace::enter("files_are_as_the_model_says") {
        let search = Search::new("files", ON_FILES).without_simplifying();
        let folder = file::Folder::new();
        prove(search.run(&sequences(LENGTH, Some(file_operations())), |all| {
            run(&mut File::new(&folder), all)
        }));
    }
}

#[test]
fn servers_are_as_the_model_says() {
    let search = Search::new("servers", ON_SERVERS).without_simplifying();
    let servers = redis::Servers::new();
    prove(search.run(&sequences(LENGTH, Some(server_operations())), |all| {
        run(&mut Redis::new(&servers), all)
    }));
}

/// Not a test: runs in the processes of the other tests.
#[test]
#[ignore = "is a process of the other tests"]
fn process_with_a_ledger() {
    worker::serve();
}
