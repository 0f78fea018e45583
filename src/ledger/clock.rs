//! [`BootClock`], which cannot be set, and [`Clocks`]: what both clocks of a ledger say at one
//! moment.

use std::fmt;
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};

/// Counts milliseconds since the machine was started, suspends included. Tests replace it.
#[derive(Clone)]
pub struct BootClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl BootClock {
    /// Returns the clock of this machine.
    pub fn of_machine() -> Self {
        Self::new(|| {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let clock = ClockId::Boottime;
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            let clock = ClockId::Monotonic;
            let time = clock_gettime(clock);
            time.tv_sec.unsigned_abs() * 1_000 + time.tv_nsec.unsigned_abs() / 1_000_000
        })
    }

    /// Makes a boot clock of a function that returns milliseconds, which must never go back.
    pub fn new(milliseconds: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(milliseconds))
    }

    /// Returns milliseconds since the machine was started.
    pub fn now(&self) -> u64 {
        (self.0)()
    }

    /// Returns both clocks at this moment; `wall` is in Unix seconds.
    pub(super) fn with(&self, wall: u64) -> Clocks {
        Clocks { wall, steady: self.now() }
    }
}

impl fmt::Debug for BootClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootClock({} ms)", self.now())
    }
}

/// What the two clocks of a ledger say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    /// Unix time in seconds, by a clock that may be set.
    pub(super) wall: u64,
    /// Milliseconds since some fixed moment, by a clock that cannot be set.
    pub(super) steady: u64,
}

impl Clocks {
    /// Returns how many milliseconds the wall clock is ahead of the steady clock. This changes only
    /// when one of them is set.
    pub(super) fn offset(self) -> i64 {
        signed(self.wall.saturating_mul(1_000)).saturating_sub(signed(self.steady))
    }

    /// Returns what the wall clock would say in Unix seconds if it had kept this offset
    /// (milliseconds).
    pub(super) fn wall_at_offset(self, offset: i64) -> u64 {
        u64::try_from(signed(self.steady).saturating_add(offset)).unwrap_or_default() / 1_000
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_of_the_machine_counts_milliseconds() {
        let expected = || {
            let time = clock_gettime(ClockId::Boottime);
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_millis()
        };
        for _ in 0..1_000 {
            let before = expected();
            let now = BootClock::of_machine().now();
            assert!((before..=expected()).contains(&now.into()));
        }
    }
}
