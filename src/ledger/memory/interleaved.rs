//! Runs threads in every order that shuttle tries: `make test-shuttle`.

use std::sync::Arc;
use std::sync::atomic::{self, Ordering::SeqCst};

use shuttle::rand::Rng;

use super::*;

const NOW: u64 = 1_700_000_010;
const SCHEDULES: usize = 5_000;
/// Changes of threads in a schedule, for the scheduler that makes few of them.
const DEPTH: usize = 4;

/// Lets four threads present one token, each with the time that it read before. Other threads
/// present later tokens, which drops the tables that are over, also the one of this token.
///
/// In some schedules there is a table for its step from the beginning.
fn one_token_across_the_end_of_its_step() {
    let step = step_at(NOW);
    let boot = Arc::new(atomic::AtomicU64::new(3_600_000));
    let clock = Arc::clone(&boot);
    let boot_clock = BootClock::new(move || clock.load(SeqCst));
    let ledger = Arc::new(MemoryLedger::with_boot_clock(boot_clock));
    if shuttle::rand::thread_rng().r#gen() {
        let other = Spending { fingerprint: [4; 16], step, deviation: 1 };
        assert_eq!(ledger.spend(&other, NOW), Ok(Spent::First));
    }
    let first = Arc::new(atomic::AtomicU64::new(0));

    let spend = |fingerprint: u8, step: u64, later: u64| {
        let (ledger, boot, first) = (Arc::clone(&ledger), Arc::clone(&boot), Arc::clone(&first));
        shuttle::thread::spawn(move || {
            boot.fetch_max(3_600_000 + later * 1_000, SeqCst);
            let spending = Spending { fingerprint: [fingerprint; 16], step, deviation: 1 };
            let answer = ledger.spend(&spending, NOW + later);
            if answer == Ok(Spent::First) && fingerprint == 0 {
                first.fetch_add(1, SeqCst);
            }
        })
    };
    let threads = [
        spend(0, step, 0),
        spend(0, step, 29),
        spend(0, step, 30),
        spend(0, step, 59),
        spend(2, step + 2, 60),
        spend(1, step + 3, 90),
    ];
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(first.load(SeqCst) <= 1, "accepted by {} threads", first.load(SeqCst));
}

#[test]
fn in_random_order() {
    shuttle::check_random(one_token_across_the_end_of_its_step, SCHEDULES);
}

#[test]
fn with_few_changes_of_threads() {
    shuttle::check_pct(one_token_across_the_end_of_its_step, SCHEDULES, DEPTH);
}
