//! [`Era`]: a time in which both clocks advanced alike, and the range of steps that it closed.

/// Milliseconds by which clocks may differ and still count as advancing alike: Unix time is cut to
/// seconds, and a leap second may pass.
pub(super) const TOLERANCE: u64 = 2_000;

/// A time in which wall clock and steady clock advanced alike, and the range of steps that it
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Era {
    /// The wall clock minus the steady clock, in milliseconds. `None` if the steady clock has been
    /// replaced since: then the range no longer grows.
    pub(super) offset: Option<i64>,
    /// The first of its closed steps.
    pub(super) first: u64,
    /// The step after the last of its closed steps; `first` if there are none.
    pub(super) end: u64,
    /// The step after the last whose tokens may have been spent. The range grows up to here.
    pub(super) reach: u64,
    /// The clocks have left this era. When they come back, another begins.
    pub(super) is_left: bool,
}

impl Era {
    /// Returns whether clocks with this offset are in this era.
    pub(super) fn is_of(&self, offset: i64) -> bool {
        self.offset.is_some_and(|own| own.abs_diff(offset) <= TOLERANCE)
    }

    /// Returns whether it closed this step.
    pub(super) fn contains(&self, step: u64) -> bool {
        (self.first..self.end).contains(&step)
    }

    /// Returns whether its range no longer grows.
    pub(super) fn is_over(&self) -> bool {
        self.is_left && self.end >= self.reach || self.offset.is_none()
    }

    /// Returns whether its range contains that of the other.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.first <= other.first && other.end <= self.end
    }

    /// Extends its range to contain that of the other.
    pub(super) fn cover(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        (self.end, self.reach) = (self.end.max(other.end), self.reach.max(other.reach));
    }
}
