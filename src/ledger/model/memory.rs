//! The real ledger in memory, with a boot clock that the model sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::operation::{CALLERS, Operation};
use super::oracle::Consequence;
use super::run::{Answer, World};
use super::{Ledger, MemoryLedger, Spending};
use crate::ledger::BootClock;

/// Threads of one process, which lose their ledger together.
pub(crate) struct Memory {
    ledger: MemoryLedger,
    time: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let time = Arc::new(AtomicU64::new(0));
        Self { ledger: ledger(&time), time }
    }
}

fn ledger(time: &Arc<AtomicU64>) -> MemoryLedger {
    let time = Arc::clone(time);
    MemoryLedger::with_boot_clock(BootClock::new(move || time.load(Relaxed)))
}

impl World for Memory {
    fn spend(&mut self, _caller: usize, question: &Spending, wall: u64) -> Answer {
        self.ledger.spend(question, wall)
    }

    fn peek(&mut self, _caller: usize, question: &Spending, wall: u64) -> Answer {
        self.ledger.peek(question, wall)
    }

    fn time_is(&mut self, time: u64) {
        // The machine was started an hour before everything.
        self.time.store(time - 1_700_000_010_000 + 3_600_000, Relaxed);
    }

    fn happen(&mut self, operation: &Operation) -> Consequence {
        let Operation::Restart(_) = operation else { return Consequence::default() };
        self.ledger = ledger(&self.time);
        Consequence {
            restarted: [true; CALLERS],
            forgotten_since: Some(0),
            ..Consequence::default()
        }
    }
}
