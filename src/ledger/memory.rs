//! `memory:`: spent tokens in this process, lost when it ends.
//!
//! Tokens lie in one [`Table`] per time step, and a whole table is dropped when its step is over:
//! no sweep, no expiry per entry, memory bounded by the logins of the window. When a step is
//! over, and that it stays over, is the [`Calendar`]'s business. Threads meet only in one of the
//! shards, chosen by fingerprint.

mod calendar;
mod table;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{fmt, iter};

use super::{Held, Ledger, Probe, Spending, Spent, Unavailable};
use crate::totp::{start_of, step_at};
use calendar::Calendar;
use table::Table;

const SHARDS: usize = 64;
/// The steps of the default window and one that is about to be dropped.
const USUAL_STEPS: usize = 4;

/// The ledger `memory:`.
pub struct MemoryLedger {
    shards: Box<[Mutex<Vec<StepTable>>]>,
    /// Locked after a shard, never before one.
    calendar: Mutex<Calendar>,
    /// The step in which somebody last looked for steps that are over.
    looked_in: AtomicU64,
    monotonic: Box<dyn Fn() -> Duration + Send + Sync>,
}

struct StepTable {
    step: u64,
    spent: Table,
}

impl MemoryLedger {
    /// An empty ledger. Allocates about 13 kB, whatever is remembered later comes on top.
    pub fn new() -> Self {
        let start = Instant::now();
        Self::with_monotonic_clock(move || start.elapsed())
    }

    /// As [`MemoryLedger::new`] with a clock of the caller's that is never set and never goes
    /// back, such as `CLOCK_MONOTONIC`: for tests, and for times that pass faster than real ones
    /// (with [`MemoryLedger::new`] nothing would be dropped meanwhile). A clock that runs fast
    /// makes good tokens be refused, never accepted twice.
    pub fn with_monotonic_clock(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let shard = || Mutex::new(Vec::with_capacity(USUAL_STEPS));
        Self {
            shards: iter::repeat_with(shard).take(SHARDS).collect(),
            calendar: Mutex::new(Calendar::new()),
            looked_in: AtomicU64::new(0),
            monotonic: Box::new(clock),
        }
    }

    fn shard(&self, fingerprint: u128) -> Result<MutexGuard<'_, Vec<StepTable>>, Unavailable> {
        Ok(self.shards.get(fingerprint as usize % SHARDS).ok_or(Unavailable)?.lock()?)
    }

    /// Drops the tables of the steps that are over, once per step.
    fn drop_what_is_over(&self, now: u64) -> Result<(), Unavailable> {
        let step = step_at(now);
        if self.looked_in.load(Relaxed) == step || self.looked_in.swap(step, Relaxed) == step {
            return Ok(());
        }
        if !self.calendar.lock()?.close(now, (self.monotonic)()) {
            return Ok(());
        }
        // A shard that cannot be cleaned must not keep the ones behind it from being.
        let clean = |shard: &Mutex<Vec<StepTable>>| {
            let mut tables = shard.lock()?;
            let calendar = self.calendar.lock()?;
            tables.retain(|table| !calendar.is_closed(table.step));
            Ok(())
        };
        self.shards.iter().map(clean).fold(Ok(()), Result::and)
    }
}

impl Ledger for MemoryLedger {
    fn spend(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        self.drop_what_is_over(now)?;

        let fingerprint = u128::from_le_bytes(spending.fingerprint);
        let mut tables = self.shard(fingerprint)?;
        // By chance a one-time password can be good in two steps; then it is spent in both.
        let (mut others, mut own) = (false, None);
        for table in tables.iter_mut() {
            if table.step == spending.step {
                own = Some(&mut table.spent);
            } else {
                others |= table.spent.contains(fingerprint);
            }
        }
        if let Some(own) = own {
            let is_new = own.insert(fingerprint)?;
            return Ok(if is_new && !others { Spent::First } else { Spent::Again });
        }
        if others {
            return Ok(Spent::Again);
        }
        if !self.calendar.lock()?.open(spending, now, (self.monotonic)())? {
            return Ok(Spent::Again);
        }
        let mut spent = Table::default();
        spent.insert(fingerprint)?;
        tables.try_reserve(1)?;
        tables.push(StepTable { step: spending.step, spent });
        Ok(Spent::First)
    }

    /// Drops nothing, since whoever looks may do so for any time.
    fn look(&self, spending: &Spending, now: u64) -> Result<Spent, Unavailable> {
        let fingerprint = u128::from_le_bytes(spending.fingerprint);
        let tables = self.shard(fingerprint)?;
        let (calendar, monotonic) = (self.calendar.lock()?, (self.monotonic)());
        let is_over = |step| calendar.is_over(step, now, monotonic);
        let is_spent =
            tables.iter().any(|table| !is_over(table.step) && table.spent.contains(fingerprint));
        Ok(if is_spent || is_over(spending.step) { Spent::Again } else { Spent::First })
    }

    fn probe(&self) -> Result<Probe, Unavailable> {
        self.remembered().map(|_| Probe { clock: None }).ok_or(Unavailable)
    }

    fn remembered(&self) -> Option<u64> {
        self.shards.iter().try_fold(0, |sum, shard| {
            let tables = shard.lock().ok()?;
            Some(sum + tables.iter().map(|table| table.spent.len() as u64).sum::<u64>())
        })
    }

    fn closed_until(&self, now: u64) -> Option<u64> {
        let last = self.calendar.lock().ok()?.closed_through(step_at(now))?;
        Some(start_of(last.saturating_add(1)))
    }

    fn hold(&self) -> Box<dyn Held + '_> {
        let shards: Vec<_> = self.shards.iter().map(Mutex::lock).collect();
        Box::new((shards, self.calendar.lock()))
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

/// No memory to remember one more.
impl From<std::collections::TryReserveError> for Unavailable {
    fn from(_: std::collections::TryReserveError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A wall clock that can be set and a monotonic one that only time moves.
    struct Clocks {
        ledger: MemoryLedger,
        wall: u64,
        monotonic: Arc<AtomicU64>,
    }

    impl Clocks {
        fn at(wall: u64) -> Self {
            let monotonic = Arc::new(AtomicU64::new(0));
            let seconds = Arc::clone(&monotonic);
            let clock = move || Duration::from_secs(seconds.load(Relaxed));
            Self { ledger: MemoryLedger::with_monotonic_clock(clock), wall, monotonic }
        }

        fn pass(&mut self, seconds: u64) {
            self.wall += seconds;
            self.monotonic.fetch_add(seconds, Relaxed);
        }

        /// Looks before it spends: what it is told must be true.
        fn spend(&self, fingerprint: u8, step: u64) -> Spent {
            let spending = Spending {
                fingerprint: [fingerprint; 16],
                step,
                good_until: crate::totp::good_until(step, 1),
            };
            let foreseen = self.ledger.look(&spending, self.wall);
            let spent = self.ledger.spend(&spending, self.wall);
            assert_eq!(foreseen, spent);
            spent.unwrap()
        }

        fn steps_kept(&self) -> usize {
            self.ledger.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
        }
    }

    #[test]
    fn first_then_again_until_the_step_is_over_and_ever_after() {
        let mut clocks = Clocks::at(300);
        assert_eq!(clocks.spend(1, 10), Spent::First);
        for _ in 0..10 {
            assert_eq!(clocks.spend(1, 10), Spent::Again);
            clocks.pass(30);
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
        assert_eq!(clocks.spend(1, 10), Spent::Again);
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
        assert_eq!(clocks.spend(1, 120), Spent::Again);
        assert_eq!(clocks.spend(3, 120), Spent::Again);
        assert_eq!(clocks.ledger.closed_until(clocks.wall), Some(3_630));
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
        let spending = Spending { fingerprint: [1; 16], step: 10, good_until: 360 };
        assert_eq!(clocks.ledger.spend(&spending, 300), Err(Unavailable));
        assert_eq!(clocks.ledger.look(&spending, 300), Err(Unavailable));
        assert_eq!(clocks.ledger.probe(), Err(Unavailable));
        assert_eq!(clocks.ledger.remembered(), None);
    }

    #[test]
    fn what_is_remembered_is_counted() {
        let mut clocks = Clocks::at(300);
        assert_eq!(clocks.ledger.probe(), Ok(Probe { clock: None }));
        assert_eq!(clocks.ledger.remembered(), Some(0));
        for fingerprint in 0..200 {
            clocks.spend(fingerprint, 10);
            clocks.spend(fingerprint, 10);
        }
        clocks.spend(200, 11);
        assert_eq!(clocks.ledger.remembered(), Some(201));
        clocks.pass(60);
        clocks.spend(201, 12);
        assert_eq!(clocks.ledger.remembered(), Some(2));
    }

    #[test]
    fn hold_keeps_others_out() {
        let clocks = Clocks::at(300);
        let held = clocks.ledger.hold();
        assert!(clocks.ledger.shards.iter().all(|shard| shard.try_lock().is_err()));
        assert!(clocks.ledger.calendar.try_lock().is_err());
        drop(held);
        assert_eq!(clocks.spend(1, 10), Spent::First);
    }
}
