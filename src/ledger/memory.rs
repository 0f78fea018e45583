//! `memory:`: spent tokens in this process, lost when it ends.
//!
//! There is one [`Table`] per time step, and it is dropped as a whole when its step is closed. So
//! there is no expiry per token, and memory is bounded by the logins of the window. [`History`]
//! decides which steps are closed. The fingerprint chooses one of many shards, so threads seldom
//! wait for each other.

#[cfg(all(test, shuttle))]
mod interleaved;
mod table;

use std::collections::TryReserveError;
use std::sync::atomic::Ordering::Relaxed;
#[cfg(not(all(test, shuttle)))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64},
};
use std::{fmt, iter};

#[cfg(all(test, shuttle))]
use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64},
};

use super::clock::BootClock;
use super::history::History;
use super::{Fingerprint, Held, Ledger, Outcome, Probe, Spending, Spent, Unavailable};
use crate::totp::step_at;
use table::Table;

/// Few for shuttle, which may change threads at every lock.
const SHARDS: usize = if cfg!(all(test, shuttle)) { 2 } else { 64 };
/// The steps of the default window and one that is about to be dropped.
const USUAL_STEPS: usize = 4;

/// The ledger `memory:`.
pub struct MemoryLedger {
    shards: Box<[Mutex<Vec<StepTable>>]>,
    /// Locked after a shard, never before one.
    history: Mutex<History>,
    /// The step in which the history last advanced.
    advanced_in: AtomicU64,
    /// There was no memory for the last token.
    is_exhausted: AtomicBool,
    boot_clock: BootClock,
}

struct StepTable {
    step: u64,
    spent: Table,
}

impl MemoryLedger {
    /// Makes an empty ledger. Allocates about 15 kB; spent tokens need more.
    pub fn new() -> Self {
        Self::with_boot_clock(BootClock::of_machine())
    }

    /// Does the same as [`new`](Self::new) with another clock, for tests.
    #[doc(hidden)]
    pub fn with_boot_clock(boot_clock: BootClock) -> Self {
        let shard = || Mutex::new(Vec::with_capacity(USUAL_STEPS));
        Self {
            shards: iter::repeat_with(shard).take(SHARDS).collect(),
            history: Mutex::new(History::new(0)),
            advanced_in: AtomicU64::new(u64::MAX),
            is_exhausted: AtomicBool::new(false),
            boot_clock,
        }
    }

    /// Returns the shard of a fingerprint, and the part of it that a table keeps.
    ///
    /// With the shard, 70 bits of it decide. So a new token is refused with a chance of 1 in 2^70
    /// for each spent one.
    fn shard(
        &self,
        fingerprint: &Fingerprint,
    ) -> Result<(MutexGuard<'_, Vec<StepTable>>, u64), Unavailable> {
        let fingerprint = u128::from_le_bytes(*fingerprint);
        let shard = self.shards.get(fingerprint as usize % SHARDS).ok_or(Unavailable)?;
        Ok((shard.lock()?, (fingerprint >> 64) as u64))
    }

    /// Notes whether there was memory.
    fn note_memory<T>(&self, grown: Result<T, TryReserveError>) -> Result<T, Unavailable> {
        if self.is_exhausted.load(Relaxed) != grown.is_err() {
            self.is_exhausted.store(grown.is_err(), Relaxed);
        }
        grown.map_err(|_| Unavailable)
    }

    /// Drops the tables of the steps that are over, once per step.
    fn drop_what_is_over(&self, deviation: u64, now: u64) -> Result<(), Unavailable> {
        let step = step_at(now);
        if self.advanced_in.load(Relaxed) == step || self.advanced_in.swap(step, Relaxed) == step {
            return Ok(());
        }
        self.history.lock()?.advance(deviation, self.boot_clock.with(now));
        // A shard that cannot be cleaned must not keep those after it from being cleaned.
        let clean = |shard: &Mutex<Vec<StepTable>>| {
            let mut tables = shard.lock()?;
            let history = self.history.lock()?;
            tables.retain(|table| !history.is_closed(table.step));
            Ok(())
        };
        self.shards.iter().map(clean).fold(Ok(()), Result::and)
    }
}

impl Ledger for MemoryLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Outcome {
        self.drop_what_is_over(spending.deviation, now)?;

        let (mut tables, part) = self.shard(&spending.fingerprint)?;
        // By chance two steps can have the same OTP. Then the token is spent in both.
        let (mut others, mut own) = (false, None);
        for table in tables.iter_mut() {
            if table.step == spending.step {
                own = Some(&mut table.spent);
            } else {
                others |= table.spent.contains(part);
            }
        }
        if let Some(own) = own {
            let is_new = self.note_memory(own.insert(part))?;
            return Ok(if is_new && !others { Spent::First } else { Spent::Again });
        }
        if others {
            return Ok(Spent::Again);
        }
        let clocks = self.boot_clock.with(now);
        let mut history = self.history.lock()?;
        history.advance(spending.deviation, clocks);
        if !history.knows(spending.step, clocks) {
            return Err(Unavailable);
        }
        drop(history);
        let mut spent = Table::default();
        self.note_memory(spent.insert(part).and(tables.try_reserve(1)))?;
        tables.push(StepTable { step: spending.step, spent });
        Ok(Spent::First)
    }

    fn peek(&self, spending: &Spending, now: u64) -> Outcome {
        let (tables, part) = self.shard(&spending.fingerprint)?;
        let clocks = self.boot_clock.with(now);
        let mut history = self.history.lock()?.clone();
        // Leaves out what a spending would drop first.
        let drops = self.advanced_in.load(Relaxed) != step_at(now);
        if drops {
            history.advance(spending.deviation, clocks);
        }
        let mut kept = tables.iter().filter(|table| !drops || !history.is_closed(table.step));
        if kept.clone().any(|table| table.spent.contains(part)) {
            return Ok(Spent::Again);
        }
        if kept.any(|table| table.step == spending.step) {
            return Ok(Spent::First);
        }
        let mut history = history.clone();
        history.advance(spending.deviation, clocks);
        if history.knows(spending.step, clocks) { Ok(Spent::First) } else { Err(Unavailable) }
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        self.spent_count().map(|_| Probe::default()).ok_or(Unavailable)
    }

    fn spent_count(&self) -> Option<u64> {
        self.shards.iter().try_fold(0, |sum, shard| {
            let tables = shard.lock().ok()?;
            Some(sum + tables.iter().map(|table| table.spent.len() as u64).sum::<u64>())
        })
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        self.history.lock().ok()?.opens_at(self.boot_clock.with(now))
    }

    fn last_error(&self) -> Option<String> {
        let mut shards = self.shards.iter();
        if shards.any(|shard| shard.lock().is_err()) || self.history.lock().is_err() {
            return Some(
                "a thread panicked while it changed the ledger: restart the program".to_owned(),
            );
        }
        self.is_exhausted.load(Relaxed).then(|| "there is no memory left".to_owned())
    }

    fn hold(&self) -> Box<dyn Held + '_> {
        let shards: Vec<_> = self.shards.iter().map(Mutex::lock).collect();
        Box::new((shards, self.history.lock()))
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLedger")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A wall clock that can be set and a boot clock that only time moves.
    struct Clocks {
        ledger: MemoryLedger,
        wall: u64,
        boot: Arc<AtomicU64>,
    }

    impl Clocks {
        fn at(wall: u64) -> Self {
            let boot = Arc::new(AtomicU64::new(0));
            let seconds = Arc::clone(&boot);
            let clock = BootClock::new(move || seconds.load(Relaxed) * 1_000);
            Self { ledger: MemoryLedger::with_boot_clock(clock), wall, boot }
        }

        fn pass(&mut self, seconds: u64) {
            self.wall += seconds;
            self.boot.fetch_add(seconds, Relaxed);
        }

        /// Peeks before it spends, and checks that the answer is the same.
        fn spend(&self, fingerprint: u8, step: u64) -> Spent {
            self.try_to_spend(fingerprint, step).unwrap()
        }

        fn try_to_spend(&self, fingerprint: u8, step: u64) -> Result<Spent, Unavailable> {
            let spending = Spending { fingerprint: [fingerprint; 16], step, deviation: 1 };
            let peeked = self.ledger.peek(&spending, self.wall);
            let spent = self.ledger.spend(&spending, self.wall);
            assert_eq!(peeked, spent);
            spent
        }

        fn steps_kept(&self) -> usize {
            self.ledger.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
        }
    }

    #[test]
    fn first_then_again_until_the_step_is_over_and_ever_after() {
        let mut clocks = Clocks::at(300);
        assert_eq!(clocks.spend(1, 10), Spent::First);
        clocks.pass(59);
        assert_eq!(clocks.spend(1, 10), Spent::Again);
        for _ in 0..10 {
            clocks.pass(30);
            assert_eq!(clocks.try_to_spend(1, 10), Err(Unavailable));
        }
    }

    #[test]
    fn in_whatever_step_it_is_presented() {
        let clocks = Clocks::at(300);
        assert_eq!(clocks.spend(1, 10), Spent::First);
        assert_eq!(clocks.spend(1, 11), Spent::Again);
        assert_eq!(clocks.spend(2, 11), Spent::First);
    }

    #[test]
    fn nothing_is_kept_once_the_window_has_passed() {
        let mut clocks = Clocks::at(300);
        for fingerprint in 0..=255 {
            clocks.spend(fingerprint, 10);
        }
        clocks.pass(59);
        clocks.spend(0, 11);
        assert!(clocks.steps_kept() >= SHARDS);
        clocks.pass(1);
        clocks.spend(0, 12);
        assert_eq!(clocks.steps_kept(), 1);
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_reopens_nothing_and_locks_nobody_out() {
        const HUNDRED_YEARS: u64 = 100 * 365 * 86_400;
        let mut clocks = Clocks::at(300);
        assert_eq!(clocks.spend(1, 10), Spent::First);
        clocks.wall += HUNDRED_YEARS;
        assert_eq!(clocks.spend(2, step_at(clocks.wall)), Spent::First);
        clocks.wall -= HUNDRED_YEARS;
        assert_eq!(clocks.spend(1, 10), Spent::Again);
        assert_eq!(clocks.spend(3, 10), Spent::First);
        clocks.wall += HUNDRED_YEARS;
        assert_eq!(clocks.spend(2, step_at(clocks.wall)), Spent::Again);
        // Long enough ahead for both clocks to agree that this step is over.
        clocks.pass(120);
        assert_eq!(clocks.spend(4, step_at(clocks.wall)), Spent::First);
        clocks.wall -= HUNDRED_YEARS;
        assert_eq!(clocks.spend(5, step_at(clocks.wall)), Spent::First);
        assert_eq!(clocks.try_to_spend(1, 10), Err(Unavailable));
    }

    #[test]
    fn a_small_jump_on_a_quiet_server_locks_nobody_out_either() {
        let mut clocks = Clocks::at(0);
        for login in 0..10 {
            assert_eq!(clocks.spend(login, step_at(clocks.wall)), Spent::First);
            clocks.pass(8 * 3_600);
        }
        clocks.wall += 2 * 3_600;
        for login in 10..13 {
            assert_eq!(clocks.spend(login, step_at(clocks.wall)), Spent::First);
            clocks.pass(70);
        }
        clocks.wall -= 2 * 3_600;
        for login in 13..26 {
            clocks.pass(600);
            assert_eq!(clocks.spend(login, step_at(clocks.wall)), Spent::First, "{login}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_reopens_nothing() {
        let mut clocks = Clocks::at(3_600);
        assert_eq!(clocks.spend(1, 120), Spent::First);
        clocks.pass(90);
        assert_eq!(clocks.spend(2, 123), Spent::First);
        assert_eq!(clocks.steps_kept(), 1);
        assert_eq!(clocks.ledger.closed_until(clocks.wall), None);
        clocks.wall = 3_600;
        assert_eq!(clocks.try_to_spend(1, 120), Err(Unavailable));
        assert_eq!(clocks.try_to_spend(3, 120), Err(Unavailable));
        assert_eq!(clocks.ledger.closed_until(clocks.wall), Some(3_660));
        clocks.pass(60);
        assert_eq!(clocks.spend(3, 122), Spent::First);
        assert_eq!(clocks.spend(2, 123), Spent::Again);
    }

    #[test]
    fn the_ends_of_time_are_ordinary() {
        for wall in [0, u64::MAX] {
            let clocks = Clocks::at(wall);
            assert_eq!(clocks.spend(1, step_at(wall)), Spent::First);
            assert_eq!(clocks.spend(1, step_at(wall)), Spent::Again);
        }
    }

    #[test]
    fn a_ledger_left_locked_by_a_panic_is_unavailable() {
        let clocks = Clocks::at(300);
        std::thread::scope(|scope| {
            let panicked = scope.spawn(|| {
                let _guards: Vec<_> = clocks.ledger.shards.iter().map(Mutex::lock).collect();
                panic!("deliberate");
            });
            assert!(panicked.join().is_err());
        });
        let spending = Spending { fingerprint: [1; 16], step: 10, deviation: 1 };
        assert_eq!(clocks.ledger.spend(&spending, 300), Err(Unavailable));
        assert_eq!(clocks.ledger.peek(&spending, 300), Err(Unavailable));
        assert_eq!(clocks.ledger.probe(), Err(Unavailable));
        assert_eq!(clocks.ledger.spent_count(), None);
        assert!(clocks.ledger.last_error().unwrap().contains("restart"));
    }

    #[test]
    fn the_last_error_says_whether_memory_was_left_for_the_last_token() {
        let ledger = MemoryLedger::new();
        for _ in 0..2 {
            let too_much = Vec::<u64>::new().try_reserve_exact(usize::MAX);
            assert_eq!(ledger.note_memory(too_much), Err(Unavailable));
            assert_eq!(ledger.last_error().unwrap(), "there is no memory left");
            assert_eq!(ledger.note_memory(Ok(())), Ok(()));
            assert_eq!(ledger.last_error(), None);
        }
    }

    #[test]
    fn spent_tokens_are_counted() {
        let mut clocks = Clocks::at(300);
        assert_eq!(clocks.ledger.probe(), Ok(Probe::default()));
        assert_eq!(clocks.ledger.spent_count(), Some(0));
        for fingerprint in 0..200 {
            clocks.spend(fingerprint, 10);
            clocks.spend(fingerprint, 10);
        }
        clocks.spend(200, 11);
        assert_eq!(clocks.ledger.spent_count(), Some(201));
        clocks.pass(60);
        clocks.spend(201, 12);
        assert_eq!(clocks.ledger.spent_count(), Some(2));
    }

    #[test]
    fn hold_keeps_others_out() {
        let clocks = Clocks::at(300);
        let held = clocks.ledger.hold();
        assert!(clocks.ledger.shards.iter().all(|shard| shard.try_lock().is_err()));
        assert!(clocks.ledger.history.try_lock().is_err());
        drop(held);
        assert_eq!(clocks.spend(1, 10), Spent::First);
    }
}
