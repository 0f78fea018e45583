//! [`History`]: the rule that all ledgers share. It holds since when a ledger knows every spent
//! token, and of which steps it has forgotten them. It does no I/O: a ledger stores it beside its
//! tokens.
//!
//! A ledger may accept a token only if it has known everything, without a gap, since a time when
//! nobody could have accepted that token. Two things can prevent that:
//!
//! - The *horizon*. After a gap (a file that was lost, a Redis that was restarted) the ledger knows
//!   only what was spent since. The horizon is the moment of the gap, on a clock that cannot be
//!   set. It is converted to Unix time with each question, so a correction of the wall clock
//!   corrects it too.
//! - The *closed steps*. Tokens are forgotten when their step is over. The step is then closed for
//!   good, because the wall clock may be set back. A step is over when both the wall clock and the
//!   steady clock say so. So a wall clock that is ahead for a moment closes no step of the future.
//!
//! Closed steps are kept as ranges, one for each *era*: a time in which both clocks advanced alike.
//! A range grows with time, not with logins. Setting the wall clock begins another era. Setting it
//! back to where it was continues the former era, unless time has passed that era meanwhile. When
//! there are too many eras, two of the past or two of the future are joined, never one of each.
//!
//! A ledger whose tokens leave by themselves ([`forgetting_after`](History::forgetting_after))
//! cannot wait for the wall clock, which may be set back while there are no questions. There the
//! steady clock alone closes steps, but no future step beyond those whose tokens may have been
//! spent.

mod era;
#[cfg(any(feature = "sqlite", feature = "redis"))]
mod persistence;
#[cfg(all(test, any(feature = "sqlite", feature = "redis")))]
mod tests;

use crate::ledger::clock::Clocks;
use crate::totp::{MAX_DEVIATION, OTP_INTERVAL, start_of, step_at};
use era::Era;

/// How long a deviation counts after its last use, in milliseconds: a day.
const LAPSES_AFTER: u64 = 86_400_000;
/// How old the note of a deviation's last use may become, in milliseconds: an hour.
const NOTED_EVERY: u64 = 3_600_000;
/// The most eras that are kept apart.
const MAX_ERAS: usize = 64;

/// Since when a ledger knows every spent token, and of which steps it has forgotten them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// Seconds that the wall clocks of processes that share the ledger may be apart.
    apart: u64,
    /// Seconds after which tokens that are over leave by themselves. `None` if they stay until
    /// their step is closed.
    forgets_after: Option<u64>,
    /// Milliseconds on the steady clock. `None` if nothing was ever lost.
    horizon: Option<u64>,
    /// When each deviation was last in use, in milliseconds on the steady clock.
    used: [Option<u64>; MAX_DEVIATION as usize + 1],
    /// Has room for one more than is kept, so that adding allocates nothing.
    eras: Vec<Era>,
}

impl History {
    /// Makes the history of a new ledger, which knows everything. `apart` is how many seconds the
    /// wall clocks of processes that share the ledger may be apart.
    pub(super) fn new(apart: u64) -> Self {
        Self {
            apart,
            forgets_after: None,
            horizon: None,
            used: Default::default(),
            eras: Vec::with_capacity(MAX_ERAS + 1),
        }
    }

    /// Makes this the history of a ledger whose tokens leave by themselves. A step is closed this
    /// many seconds after [no verifier](Self::over_at) accepts its tokens any more.
    #[cfg(feature = "redis")]
    pub(super) fn forgetting_after(self, seconds: u64) -> Self {
        Self { forgets_after: Some(seconds), ..self }
    }

    /// Returns the Unix time (seconds) from which on no verifier accepts tokens of this step.
    #[cfg(feature = "redis")]
    pub(super) fn over_at(&self, step: u64, clocks: Clocks) -> u64 {
        let steps = self.widest(clocks).saturating_add(1);
        start_of(step.saturating_add(steps)).saturating_add(self.apart)
    }

    /// Takes note of a question by a verifier with this deviation, and closes the steps that are
    /// over. Returns whether there is something new to store.
    pub(super) fn advance(&mut self, deviation: u64, clocks: Clocks) -> bool {
        let mut is_new = self.note(deviation, clocks);
        let (apart, widest) = (self.apart, self.widest(clocks));
        let first_open = |wall: u64| step_at(wall.saturating_sub(apart)).saturating_sub(widest);

        let (offset, first) = (clocks.offset(), first_open(clocks.wall));
        let reach = step_at(clocks.wall).saturating_add(widest).saturating_add(1);
        match self.eras.iter_mut().find(|era| !era.is_left && era.is_of(offset)) {
            Some(era) => {
                // A wider window reaches further back and ahead.
                is_new |= first < era.first || reach > era.reach;
                (era.first, era.reach) = (era.first.min(first), era.reach.max(reach));
            }
            None => {
                let offset = Some(offset);
                self.begin_era(Era { offset, first, end: first, reach, is_left: false });
                is_new = true;
            }
        }
        for era in &mut self.eras {
            let Some(offset) = era.offset else { continue };
            let wall = clocks.wall_at_offset(offset);
            let end = match self.forgets_after {
                Some(seconds) => first_open(wall.saturating_sub(seconds)),
                None => first_open(wall.min(clocks.wall)),
            };
            let (end, is_left) = (end.min(era.reach), first_open(wall) > era.reach);
            if end > era.end || is_left && !era.is_left {
                (era.end, era.is_left, is_new) = (end.max(era.end), is_left || era.is_left, true);
            }
        }
        is_new
    }

    /// Returns whether the ledger would know if a token of this step had been spent.
    pub(super) fn knows(&self, step: u64, clocks: Clocks) -> bool {
        !self.is_closed(step) && step >= self.first_after_horizon(clocks)
    }

    /// Returns whether tokens of this step may be forgotten, so that none is accepted any more.
    pub(super) fn is_closed(&self, step: u64) -> bool {
        self.eras.iter().any(|era| era.contains(step))
    }

    /// Returns the first step whose tokens no verifier could have accepted before the horizon.
    pub(super) fn first_after_horizon(&self, clocks: Clocks) -> u64 {
        let begun = self.first_begun_after_horizon(clocks);
        begun.map_or(0, |step| step.saturating_add(self.widest(clocks)))
    }

    /// Returns the first step that began after the horizon; `None` if there is no horizon.
    fn first_begun_after_horizon(&self, clocks: Clocks) -> Option<u64> {
        let known_for = clocks.steady.saturating_sub(self.horizon?);
        // Unix time is cut to seconds, so one second is added.
        let wall = clocks.wall.saturating_add(1 + self.apart).saturating_mul(1_000);
        Some(wall.saturating_sub(known_for).div_ceil(1_000).div_ceil(OTP_INTERVAL))
    }

    /// Returns the Unix time (seconds) from which on new tokens are accepted; `None` if those that
    /// are minted now are accepted.
    pub(super) fn opens_at(&self, clocks: Clocks) -> Option<u64> {
        let present = step_at(clocks.wall);
        let mut step = present.max(self.first_after_horizon(clocks));
        // Each turn skips one range.
        for _ in 0..=self.eras.len() {
            let era = self.eras.iter().find(|era| era.contains(step));
            step = era.map_or(step, |era| era.end);
        }
        (step > present).then(|| start_of(step))
    }

    /// Returns the same as [`opens_at`](Self::opens_at) if a verifier with this deviation will ask,
    /// which may be known before its first question.
    #[cfg(any(feature = "sqlite", feature = "redis"))]
    pub(super) fn opens_at_for(&self, expected: Option<u64>, clocks: Clocks) -> Option<u64> {
        let Some(deviation) = expected else { return self.opens_at(clocks) };
        let mut history = self.clone();
        history.note(deviation, clocks);
        history.opens_at(clocks)
    }

    /// Returns whether a token of this step may be forgotten without closing the step: the step is
    /// closed, or began before the horizon by every offset that the wall clock has had since. One
    /// offset is not enough: by a wall clock that is ahead for a moment, present tokens are before
    /// the horizon.
    ///
    /// A token whose step began after the horizon may have been accepted since, even if it is
    /// refused now: the deviation in use may have grown, and the clocks are read at another part of
    /// a second.
    #[cfg(feature = "sqlite")]
    pub(super) fn may_forget(&self, step: u64, clocks: Clocks) -> bool {
        let offsets = self.eras.iter().filter_map(|era| era.offset);
        let walls = offsets.map(|offset| clocks.wall_at_offset(offset));
        let wall = walls.fold(clocks.wall, u64::min).saturating_sub(era::TOLERANCE.div_ceil(1_000));
        let began_before = |first| step < first;
        self.is_closed(step)
            || self.first_begun_after_horizon(Clocks { wall, ..clocks }).is_some_and(began_before)
    }

    /// Notes the use of a deviation. Returns `false` if that was noted less than an hour ago.
    pub(super) fn note(&mut self, deviation: u64, clocks: Clocks) -> bool {
        let Some(used) = self.used.get_mut(deviation as usize) else { return false };
        let is_noted = used.is_some_and(|used| clocks.steady.saturating_sub(used) < NOTED_EVERY);
        if !is_noted {
            *used = Some(clocks.steady);
        }
        !is_noted
    }

    /// Returns the largest deviation in use.
    pub(super) fn widest(&self, clocks: Clocks) -> u64 {
        let is_in_use = |used: &Option<u64>| {
            used.is_some_and(|used| clocks.steady.saturating_sub(used) < LAPSES_AFTER)
        };
        self.used.iter().rposition(is_in_use).unwrap_or_default() as u64
    }

    /// Adds an era. When there are too many, joins the two others that are closest together, so
    /// that the past is never joined with a distant future.
    fn begin_era(&mut self, era: Era) {
        for at in (0..self.eras.len()).rev() {
            let Some(one) = self.eras.get(at).copied() else { continue };
            let mut others = self.eras.iter().enumerate().filter(|(other, _)| *other != at);
            if one.is_over() && others.any(|(_, other)| other.covers(&one)) {
                self.eras.remove(at);
            }
        }
        // Eras begin earlier when the window grows, so they may be out of order.
        self.eras.sort_unstable_by_key(|other| other.first);
        let at = self.eras.partition_point(|other| other.first < era.first);
        self.eras.insert(at, era);
        if self.eras.len() <= MAX_ERAS {
            return;
        }
        let gap = |(one, next): &(&Era, &Era)| next.first.saturating_sub(one.end);
        let pairs = self.eras.iter().zip(self.eras.iter().skip(1)).enumerate();
        let others = pairs.filter(|(first, _)| *first != at && *first + 1 != at);
        let closest = others.min_by_key(|(_, pair)| gap(pair)).map(|(first, _)| first);
        let Some(closest) = closest else { return };
        let next = self.eras.remove(closest + 1);
        if let Some(joined) = self.eras.get_mut(closest) {
            // With the offset of the clock that is ahead, no step of either era is over too late.
            joined.offset = joined.offset.max(next.offset);
            joined.is_left &= next.is_left;
            joined.cover(next);
        }
    }
}
