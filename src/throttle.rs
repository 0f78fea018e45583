//! A guard against hoarded tokens.
//!
//! The only date in a token is a one-time password of 8 digits, so an old token is good again in
//! about one step of 33 million. Who keeps ten thousand old tokens of an account could try them
//! all in every step. Here the well-signed but expired tokens of a JID are counted, and after a
//! few of them in one step every further token of that JID is refused until the step ends.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Expired tokens of one JID that are let pass within one step.
pub const EXPIRED_LIMIT: u64 = 10;

const COUNTERS: usize = 4096;
const COUNT_BITS: u32 = 16;

/// Counters that JIDs share by a keyed hash, so that memory is bounded and nobody can choose whom
/// to share with. No lock, and nothing to do on the way of a good token but to read one number.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u64,
    /// The last step in which some counter passed the limit, plus one.
    alarm: AtomicU64,
    /// Step and count of each: `step << COUNT_BITS | count`.
    counters: Box<[AtomicU64]>,
}

impl Throttle {
    pub(crate) fn new(limit: u64) -> Self {
        let counters = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self { limit, alarm: AtomicU64::new(0), counters }
    }

    /// Whether the JID has passed the limit in this step. `hash` is asked only if some JID has.
    pub(crate) fn refuses(&self, step: u64, hash: impl FnOnce() -> u64) -> bool {
        self.alarm.load(Relaxed) == step.wrapping_add(1)
            && self.counter(hash()).is_some_and(|counter| {
                let value = counter.load(Relaxed);
                same_step(value, step) && count(value) > self.limit
            })
    }

    /// Counts an expired token.
    pub(crate) fn count(&self, step: u64, hash: u64) {
        let Some(counter) = self.counter(hash) else { return };
        let counted = |value| {
            let before = if same_step(value, step) { count(value) } else { 0 };
            step << COUNT_BITS | (before + 1).min((1 << COUNT_BITS) - 1)
        };
        let before = counter.fetch_update(Relaxed, Relaxed, |value| Some(counted(value)));
        if before.is_ok_and(|before| count(counted(before)) > self.limit) {
            self.alarm.store(step.wrapping_add(1), Relaxed);
        }
    }

    fn counter(&self, hash: u64) -> Option<&AtomicU64> {
        self.counters.get(hash as usize % COUNTERS)
    }
}

/// Steps are cut to 48 bits here, which last for 250 million years.
fn same_step(value: u64, step: u64) -> bool {
    value >> COUNT_BITS == step << COUNT_BITS >> COUNT_BITS
}

fn count(value: u64) -> u64 {
    value & ((1 << COUNT_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_in_one_step_refuses_until_it_ends() {
        let throttle = Throttle::new(10);
        for _ in 0..10 {
            throttle.count(7, 1);
            assert!(!throttle.refuses(7, || 1));
        }
        throttle.count(7, 1);
        assert!(throttle.refuses(7, || 1));
        assert!(!throttle.refuses(7, || 2));
        assert!(!throttle.refuses(8, || 1));
        throttle.count(8, 1);
        assert!(!throttle.refuses(8, || 1));
    }

    #[test]
    fn counts_and_steps_do_not_run_into_each_other() {
        let throttle = Throttle::new(0);
        for step in [0, 1, u64::MAX / 30] {
            for _ in 0..70_000 {
                throttle.count(step, 5);
            }
            assert!(throttle.refuses(step, || 5));
            assert!(!throttle.refuses(step + 1, || 5));
        }
    }

    #[test]
    fn no_hash_is_made_while_nobody_is_over_the_limit() {
        let throttle = Throttle::new(1);
        throttle.count(7, 1);
        assert!(!throttle.refuses(7, || unreachable!()));
    }
}
