//! Which steps have a table, and which are over for good.

use std::collections::TryReserveError;
use std::time::Duration;

use crate::ledger::Spending;
use crate::ledger::stretches::Stretches;

/// Which steps have a table, and which are over for good.
///
/// A step is over when the wall clock *and* the monotonic clock say so; a wall clock that jumps
/// ahead and back therefore closes nothing on its way. A step that is over stays over, even for a
/// clock that is set back: its tokens are forgotten, so none of them may be accepted.
#[derive(Debug)]
pub(super) struct Calendar {
    open: Vec<OpenStep>,
    closed: Stretches,
}

#[derive(Debug)]
struct OpenStep {
    step: u64,
    /// Wall clock, Unix seconds.
    good_until: u64,
    /// Monotonic clock: when `good_until` comes if nobody sets the wall clock.
    deadline: Duration,
}

impl OpenStep {
    fn is_over(&self, now: u64, monotonic: Duration) -> bool {
        self.good_until <= now && self.deadline <= monotonic
    }
}

impl Calendar {
    pub(super) fn new() -> Self {
        Self { open: Vec::with_capacity(8), closed: Stretches::new() }
    }

    /// Makes sure that the step of `spending` is open; `false` if it is over for good.
    pub(super) fn open(
        &mut self,
        spending: &Spending,
        now: u64,
        monotonic: Duration,
    ) -> Result<bool, TryReserveError> {
        let Spending { step, good_until, .. } = *spending;
        if self.is_closed(step) {
            return Ok(false);
        }
        // `now` is cut to whole seconds, so the true moment may come up to a second earlier.
        let seconds = good_until.saturating_sub(now).saturating_sub(1);
        let deadline = monotonic.saturating_add(Duration::from_secs(seconds));
        if let Some(open) = self.open.iter_mut().find(|open| open.step == step) {
            open.good_until = open.good_until.max(good_until);
            open.deadline = open.deadline.max(deadline);
            return Ok(true);
        }
        self.open.try_reserve(1)?;
        self.open.push(OpenStep { step, good_until, deadline });
        Ok(true)
    }

    /// Closes the steps that are over; `false` if there are none.
    pub(super) fn close(&mut self, now: u64, monotonic: Duration) -> bool {
        let Self { open, closed } = self;
        let before = open.len();
        open.retain(|open| {
            let is_over = open.is_over(now, monotonic);
            if is_over {
                closed.add(open.step, open.step);
            }
            !is_over
        });
        open.len() < before
    }

    /// The last of the consecutive closed steps of which `step` is one.
    pub(super) fn closed_through(&self, step: u64) -> Option<u64> {
        self.closed.end_of(step)
    }

    /// Whether it is closed, or would be by now.
    pub(super) fn is_over(&self, step: u64, now: u64, monotonic: Duration) -> bool {
        let open = self.open.iter().find(|open| open.step == step);
        self.is_closed(step) || open.is_some_and(|open| open.is_over(now, monotonic))
    }

    pub(super) fn is_closed(&self, step: u64) -> bool {
        self.closed.contains(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_over_when_both_clocks_say_so() {
        let spending = Spending { fingerprint: [0; 16], step: 10, good_until: 360 };
        let monotonic = Duration::from_secs;
        let mut calendar = Calendar::new();
        assert_eq!(calendar.open(&spending, 300, monotonic(1_000)), Ok(true));
        assert!(!calendar.close(359, monotonic(2_000)));
        assert!(!calendar.close(10_000, monotonic(1_058)));
        assert_eq!(calendar.open(&spending, 300, monotonic(1_058)), Ok(true));
        assert!(calendar.close(360, monotonic(1_118)));
        assert!(calendar.is_closed(10));
        assert_eq!(calendar.open(&spending, 300, monotonic(1_118)), Ok(false));
    }
}
