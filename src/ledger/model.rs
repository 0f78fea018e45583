//! A model that proves the ledgers: it draws operations at random, and checks two invariants after
//! each. It simulates what stores the data; the rule is the one of the ledgers themselves.
//!
//! - *Safety*: nothing is accepted twice.
//! - *Liveness*: with a right clock, a fresh token is accepted.
//!
//! [`oracle`] defines both exactly, with their exceptions. [`operation`] lists what may happen,
//! [`run`] checks the invariants. The same three modules run on the real ledgers in `tests/model/`.
//!
//! A run prints its seed: `XTOKEN_MODEL_SEED` repeats it, `XTOKEN_MODEL_STEPS` makes it longer.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod file;
mod memory;
mod mutation;
mod node_deviations;
mod operation;
mod oracle;
mod redis;
mod run;
#[allow(dead_code, reason = "shared with tests/model")]
mod search;

use super::clock::Clocks;
use super::history::History;
use super::{Ledger, MemoryLedger, Spending, Spent, Unavailable};
use crate::totp::{MAX_DEVIATION, step_at, window};
use file::File;
use memory::Memory;
use mutation::Mutation;
use operation::{file_operations, sequences, server_operations};
use redis::Redis;
use run::run;
use search::Search;

/// Operations in one sequence, at most.
const LENGTH: usize = 500;
/// Operations in `make test`.
const OPERATIONS: usize = 100_000;
/// Operations within which a fault must be found.
const WITHIN: usize = 400_000;

fn prove(outcome: Result<(), String>) {
    if let Err(counterexample) = outcome {
        panic!("{counterexample}");
    }
}

fn in_file(search: &Search, mutation: Option<Mutation>) -> Result<(), String> {
    search
        .run(&sequences(LENGTH, Some(file_operations())), |all| run(&mut File::new(mutation), all))
}

fn in_redis(search: &Search, mutation: Option<Mutation>) -> Result<(), String> {
    search.run(&sequences(LENGTH, Some(server_operations())), |all| {
        run(&mut Redis::new(mutation), all)
    })
}

#[test]
fn memory_is_proven() {
    let search = Search::new("memory", OPERATIONS);
    prove(search.run(&sequences(LENGTH, None), |all| run(&mut Memory::new(), all)));
}

#[test]
fn a_file_is_proven() {
    prove(in_file(&Search::new("file", OPERATIONS), None));
}

#[test]
fn a_redis_is_proven() {
    prove(in_redis(&Search::new("redis", OPERATIONS), None));
}

/// Each fault is found, by the invariant that it violates. The number is a seed with which that is
/// fast; others only take longer.
fn assert_found(
    faults: &[(Mutation, &str, u64)],
    find: impl Fn(&Search, Option<Mutation>) -> Result<(), String>,
) {
    let missed = faults.iter().filter_map(|(mutation, invariant, seed)| {
        let search = Search::for_fault(&format!("{mutation:?}"), *seed, WITHIN, invariant);
        find(&search, Some(*mutation)).map(|()| *mutation).ok()
    });
    let missed: Vec<_> = missed.collect();
    assert!(missed.is_empty(), "{missed:?}: not found within {WITHIN} operations");
}

#[test]
fn faults_of_a_file_are_found() {
    let faults = [
        (Mutation::CallersDeviationOnly, "safety", 14),
        (Mutation::HorizonInWallTime, "liveness", 63),
        (Mutation::PastJoinedWithFuture, "liveness", 4),
        (Mutation::DeviationsUnsynced, "safety", 334),
        (Mutation::NotCompared, "safety", 1),
        (Mutation::LinksAllowed, "safety", 9),
        (Mutation::PosixLocks, "safety", 112),
        (Mutation::AnotherBootTrusted, "safety", 29),
    ];
    assert_found(&faults, in_file);
}

#[test]
fn faults_of_a_redis_are_found() {
    let faults = [
        (Mutation::CallersDeviationOnly, "safety", 37),
        (Mutation::RedisHorizonUnchecked, "safety", 37),
        (Mutation::ClockComparedWithLastAnswer, "safety", 281),
        (Mutation::ConnectionKeptOverPromotion, "safety", 108),
        (Mutation::ForgottenWithRedis, "safety", 37),
    ];
    assert_found(&faults, in_redis);
}
