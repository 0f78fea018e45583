//! [`History`]: the rule that all ledgers share. It holds since when a ledger knows every spent
//! token, and of which steps it has forgotten them. It does no I/O: a ledger stores it beside its
//! tokens.
//!
//! A token may be accepted only by a ledger that has known everything, without a gap, since before
//! anybody could have accepted that token first. Two things can stand against that:
//!
//! - The *horizon*. After a gap (a file that was lost, a Redis that was restarted) the ledger knows
//!   only what was spent since. The horizon is the moment of the gap, on a clock that nobody can
//!   set. It is converted to Unix time with each question, so a correction of the wall clock
//!   corrects it too.
//! - The *closed steps*. Tokens are forgotten when their step is over. The step is then closed for
//!   good, because the wall clock may be set back. A step is over when both the wall clock and the
//!   steady clock say so. So a wall clock that is ahead for a moment closes no step of the future.
//!
//! Closed steps are kept as ranges, one for each *era*: a time in which both clocks advanced alike. A
//! range grows with time, not with logins. Setting the wall clock begins another era, also if it is
//! set back to where it was, once time has passed by that era. When there are too many eras, two of
//! the past or two of the future are joined, never one of the past with one of the future.
//!
//! A ledger whose tokens leave by themselves ([`forgetting_after`](History::forgetting_after))
//! cannot wait for the wall clock, which may be set back while no question comes. There the steady
//! clock alone closes steps, but no step of the future beyond those whose tokens may have been
//! spent.

#[cfg(any(feature = "sqlite", feature = "redis"))]
mod stored;

use crate::ledger::clock::Clocks;
use crate::totp::{MAX_DEVIATION, OTP_INTERVAL, start_of, step_at};

/// Milliseconds by which clocks may differ and still count as advancing alike: Unix time is cut to
/// seconds, and a leap second may pass.
const TOLERANCE: u64 = 2_000;
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

/// A time in which wall clock and steady clock advanced alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Era {
    /// The wall clock less the steady clock, in milliseconds. `None` if the steady clock is another
    /// one since: then the range grows no more.
    offset: Option<i64>,
    /// The first of its closed steps.
    first: u64,
    /// The step after the last of its closed steps; `first` if there are none.
    end: u64,
    /// The step after the last whose tokens may have been spent. The range grows no further.
    reach: u64,
    /// The clocks have left it: when they come back, another era begins.
    is_left: bool,
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

    /// Makes it the history of a ledger whose tokens leave by themselves. A step is closed this
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
        // Each turn passes one era.
        for _ in 0..=self.eras.len() {
            let era = self.eras.iter().find(|era| era.contains(step));
            step = era.map_or(step, |era| era.end);
        }
        (step > present).then(|| start_of(step))
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
        let wall = walls.fold(clocks.wall, u64::min).saturating_sub(TOLERANCE.div_ceil(1_000));
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
        // A window that grew moved some.
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
            // By the clock that is ahead, no step of either is over too late.
            joined.offset = joined.offset.max(next.offset);
            joined.is_left &= next.is_left;
            joined.cover(next);
        }
    }
}

impl Era {
    fn is_of(&self, offset: i64) -> bool {
        self.offset.is_some_and(|own| own.abs_diff(offset) <= TOLERANCE)
    }

    fn contains(&self, step: u64) -> bool {
        (self.first..self.end).contains(&step)
    }

    /// Returns whether its range grows no more.
    fn is_over(&self) -> bool {
        self.is_left && self.end >= self.reach || self.offset.is_none()
    }

    fn covers(&self, other: &Self) -> bool {
        self.first <= other.first && other.end <= self.end
    }

    fn cover(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        (self.end, self.reach) = (self.end.max(other.end), self.reach.max(other.reach));
    }
}

#[cfg(all(test, any(feature = "sqlite", feature = "redis")))]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    pub(super) const YEAR: u64 = 365 * DAY;
    /// The start of a step.
    pub(super) const NOW: u64 = 1_700_000_010;

    /// Clocks that can be set, as seen by a ledger that is asked with the default deviation.
    pub(super) struct Machine {
        pub(super) history: History,
        pub(super) wall: u64,
        pub(super) steady: u64,
    }

    impl Machine {
        pub(super) fn new() -> Self {
            Self { history: History::new(0), wall: NOW, steady: 5_000_000 }
        }

        pub(super) fn clocks(&self) -> Clocks {
            Clocks { wall: self.wall, steady: self.steady }
        }

        pub(super) fn pass(&mut self, seconds: u64) {
            self.wall += seconds;
            self.steady += seconds * 1_000;
        }

        /// Whether a token of the present step can be accepted.
        pub(super) fn is_open(&mut self) -> bool {
            self.history.advance(1, self.clocks());
            let is_open = self.history.knows(step_at(self.wall), self.clocks());
            assert_eq!(self.history.opens_at(self.clocks()).is_none(), is_open);
            is_open
        }
    }

    #[test]
    fn a_step_is_closed_when_it_is_over_and_ever_after() {
        let mut machine = Machine::new();
        let step = step_at(NOW);
        assert!(machine.is_open());
        machine.pass(59);
        assert!(machine.is_open() && !machine.history.is_closed(step));
        machine.pass(1);
        assert!(machine.is_open() && machine.history.is_closed(step));
        machine.wall = NOW;
        assert!(!machine.is_open());
        assert_eq!(machine.history.opens_at(machine.clocks()), Some(NOW + 30));
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_moment_closes_nothing() {
        let mut machine = Machine::new();
        for ahead in [2 * 3_600, YEAR, 100 * YEAR] {
            machine.wall += ahead;
            assert!(machine.is_open());
            machine.wall -= ahead;
            assert!(machine.is_open());
            machine.pass(31);
        }
        // Nor does it close anything of the past for those who come back to it.
        machine.pass(DAY);
        assert!(machine.is_open());
    }

    #[test]
    fn steps_of_the_future_are_closed_for_as_long_as_the_clock_ran_ahead() {
        let mut machine = Machine::new();
        for _ in 0..100 {
            machine.wall += YEAR;
            for _ in 0..10 {
                assert!(machine.is_open());
                machine.pass(30);
            }
            machine.wall -= YEAR;
            assert!(machine.is_open());
        }
        let closed = (NOW / 30..(NOW + 2 * YEAR) / 30).filter(|s| machine.history.is_closed(*s));
        let of_the_future = closed.filter(|step| *step > step_at(machine.wall)).count();
        assert!(of_the_future <= 1_000, "{of_the_future} steps are closed for 1,000 that passed");
    }

    #[test]
    fn clocks_that_pass_by_an_era_close_no_more_than_was_spent_in_it() {
        let mut machine = Machine::new();
        machine.wall += 2 * 3_600;
        assert!(machine.is_open());
        machine.wall -= 2 * 3_600;
        machine.pass(3_600);
        // Both clocks are beyond the first two hours and one more.
        machine.wall += YEAR;
        assert!(machine.is_open());
        machine.wall -= YEAR;
        machine.pass(3_600 + 120);
        assert!(machine.is_open());
    }

    #[test]
    fn an_era_that_was_left_does_not_go_on() {
        let mut machine = Machine::new();
        for _ in 0..2 {
            machine.wall += YEAR;
            assert!(machine.is_open());
            machine.wall -= YEAR;
            machine.pass(3_600);
            assert!(machine.is_open());
        }
        let first = step_at(NOW + YEAR);
        let closed = (first..first + 240).filter(|step| machine.history.is_closed(*step));
        assert!(closed.count() <= 4, "closed for an hour, though the clock was ahead for moments");
    }

    #[test]
    fn the_horizon_follows_the_wall_clock_when_that_is_corrected() {
        let mut machine = Machine::new();
        machine.wall += 3 * 3_600;
        machine.history.lose(machine.clocks());
        assert!(!machine.is_open());
        machine.wall -= 3 * 3_600;
        assert!(!machine.is_open());
        machine.pass(59);
        assert!(!machine.is_open());
        machine.pass(1);
        assert!(machine.is_open());
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn what_was_spent_after_the_horizon_is_not_forgotten_while_the_clock_is_ahead() {
        let mut machine = Machine::new();
        machine.history.lose(machine.clocks());
        machine.pass(7_200);
        assert!(machine.is_open());
        let step = step_at(machine.wall);
        machine.wall += DAY;
        assert!(machine.is_open());
        assert!(step < machine.history.first_after_horizon(machine.clocks()));
        assert!(!machine.history.may_forget(step, machine.clocks()));
        machine.wall -= DAY;
        machine.pass(60);
        assert!(machine.is_open());
        assert!(machine.history.may_forget(step, machine.clocks()));
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn what_was_spent_after_the_horizon_is_not_forgotten_at_another_part_of_a_second() {
        for before in [1, 500, 999] {
            let clocks = |after: u64| {
                let wall = NOW * 1_000 - before + after;
                Clocks { wall: wall / 1_000, steady: 5_000_000 + after }
            };
            for begun in (0..1_000).step_by(50) {
                let mut history = History::new(0);
                history.lose(clocks(0));
                let mut has_known = false;
                for after in (begun..60_000).step_by(170) {
                    history.advance(1, clocks(after));
                    has_known |= history.knows(step_at(NOW) + 1, clocks(after));
                    let forgets = history.may_forget(step_at(NOW) + 1, clocks(after));
                    assert!(!has_known || !forgets, "{before} {begun} {after}");
                }
                assert!(has_known);
            }
        }
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn what_was_spent_after_the_horizon_is_not_forgotten_when_a_wider_deviation_comes_into_use() {
        let mut machine = Machine::new();
        machine.history.lose(machine.clocks());
        machine.pass(60);
        assert!(machine.is_open());
        machine.history.advance(10, machine.clocks());
        let step = step_at(machine.wall);
        assert!(step < machine.history.first_after_horizon(machine.clocks()));
        assert!(!machine.history.may_forget(step, machine.clocks()));
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn what_an_earlier_steady_clock_left_is_forgotten() {
        let mut machine = Machine::new();
        assert!(machine.is_open());
        let step = step_at(machine.wall);
        machine.pass(DAY);
        machine.history.change_steady_clock(machine.clocks());
        machine.history.lose(machine.clocks());
        machine.is_open();
        assert!(!machine.history.is_closed(step));
        assert!(machine.history.may_forget(step, machine.clocks()));
    }

    #[test]
    fn how_long_a_loss_lasts_follows_from_the_widest_deviation_in_use() {
        let mut machine = Machine::new();
        machine.history.advance(10, machine.clocks());
        machine.history.lose(machine.clocks());
        assert!(!machine.is_open());
        machine.pass(329);
        assert!(!machine.is_open());
        machine.pass(1);
        assert!(machine.is_open());

        // A day later only the narrow one is in use.
        machine.pass(DAY);
        machine.history.lose(machine.clocks());
        assert!(!machine.is_open());
        machine.pass(60);
        assert!(machine.is_open());
    }

    #[test]
    fn clocks_of_machines_may_be_apart() {
        let mut machine = Machine::new();
        machine.history = History::new(30);
        machine.history.lose(machine.clocks());
        machine.pass(89);
        assert!(!machine.is_open());
        assert!(!machine.history.is_closed(step_at(NOW)));
        machine.pass(1);
        assert!(machine.is_open() && machine.history.is_closed(step_at(NOW)));
    }

    /// With tokens that leave an hour after they are over.
    #[cfg(feature = "redis")]
    fn forgetful() -> Machine {
        Machine { history: History::new(0).forgetting_after(3_600), ..Machine::new() }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_leaves_by_itself_is_closed_although_the_wall_clock_was_set_back() {
        let mut machine = forgetful();
        assert!(machine.is_open());
        assert_eq!(machine.history.over_at(step_at(NOW), machine.clocks()), NOW + 60);
        machine.pass(30 + 60 + 3_600);
        assert!(!machine.history.is_closed(step_at(NOW)));
        // Nobody has asked since, and does so now when it seems to be as early as then.
        machine.wall = NOW;
        assert!(!machine.is_open());
        assert!(machine.history.is_closed(step_at(NOW) + 1));
        assert_eq!(machine.history.opens_at(machine.clocks()), Some(NOW + 60));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_clock_set_back_by_less_than_that_locks_nobody_out() {
        let mut machine = forgetful();
        for _ in 0..10 {
            machine.pass(600);
            assert!(machine.is_open());
            machine.wall -= 3_600;
            assert!(machine.is_open());
            machine.wall += 3_600;
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_leaves_by_itself_closes_no_more_of_the_future_than_was_in_reach() {
        let mut machine = forgetful();
        machine.wall += 3 * 3_600;
        assert!(machine.is_open());
        machine.wall -= 3 * 3_600;
        machine.pass(2 * DAY);
        assert!(machine.is_open());
        let ahead = step_at(NOW) + 3 * 120;
        let closed: Vec<_> =
            (ahead..ahead + 10).filter(|s| machine.history.is_closed(*s)).collect();
        assert_eq!(closed, [ahead, ahead + 1]);
        assert!(!machine.history.is_closed(ahead - 2));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn joined_eras_close_what_leaves_by_itself_too() {
        let mut machine = forgetful();
        for time in 0..2 * MAX_ERAS as u64 {
            machine.wall = NOW + (1_000 - time) * 7_200;
            assert!(machine.is_open(), "{time}");
        }
        machine.pass(2_000 * 7_200);
        machine.history.advance(1, machine.clocks());
        for time in 0..2 * MAX_ERAS as u64 {
            let step = step_at(NOW + (1_000 - time) * 7_200);
            assert!(machine.history.is_closed(step), "{time}");
        }
    }

    #[test]
    fn what_was_closed_by_another_steady_clock_stays_closed_and_grows_no_more() {
        let mut machine = Machine::new();
        assert!(machine.is_open());
        machine.pass(600);
        assert!(machine.is_open());
        let end = machine.history.eras[0].end;
        machine.steady = 7;
        machine.history.change_steady_clock(machine.clocks());
        machine.history.lose(machine.clocks());
        machine.pass(600);
        assert!(machine.is_open());
        assert_eq!((machine.history.eras[0].offset, machine.history.eras[0].end), (None, end));
        machine.wall = end * 30 - 1;
        assert!(!machine.is_open());
    }

    #[test]
    fn too_many_eras_join_what_lies_close_together() {
        let mut machine = Machine::new();
        machine.wall += 10 * YEAR;
        assert!(machine.is_open());
        machine.pass(300);
        assert!(machine.is_open());
        machine.wall -= 10 * YEAR;
        for _ in 0..200 {
            machine.pass(3_600);
            assert!(machine.is_open());
            machine.pass(600);
            assert!(machine.is_open());
            machine.wall += 5;
            assert!(machine.is_open());
        }
        assert_eq!(machine.history.eras.len(), MAX_ERAS);
        assert_eq!(machine.history.eras.capacity(), MAX_ERAS + 1);
        machine.pass(YEAR);
        assert!(machine.is_open());
    }
}
