//! Tests of the rule, with clocks that the tests set.

use super::*;

const DAY: u64 = 86_400;
pub(super) const YEAR: u64 = 365 * DAY;
/// The moment at which a step begins, in Unix seconds.
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

    /// Returns whether a token of the present step can be accepted.
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
fn what_is_new_is_stored_and_nothing_else() {
    let mut machine = Machine::new();
    let advance = |machine: &mut Machine, deviation| {
        let before = machine.history.clone();
        let is_new = machine.history.advance(deviation, machine.clocks());
        assert_eq!(is_new, machine.history != before);
        is_new
    };
    assert!(advance(&mut machine, 1));
    assert!(!advance(&mut machine, 1));
    machine.pass(15);
    assert!(!advance(&mut machine, 1));
    machine.pass(15);
    assert!(advance(&mut machine, 1));
    assert!(!advance(&mut machine, 1));
    // Another deviation, even a narrower one, and the same an hour after its note.
    assert!(advance(&mut machine, 3) && !advance(&mut machine, 3));
    assert!(advance(&mut machine, 0) && !advance(&mut machine, 0));
    machine.pass(NOTED_EVERY / 1_000 - 1);
    assert!(!machine.history.note(3, machine.clocks()));
    machine.pass(1);
    assert!(machine.history.note(3, machine.clocks()));
    assert!(!machine.history.note(3, machine.clocks()));
    // Another time, of which the wall clock has been set back.
    machine.wall -= 3_600;
    assert!(advance(&mut machine, 3) && !advance(&mut machine, 3));
}

#[test]
fn a_deviation_lapses_a_day_after_its_last_note() {
    let mut machine = Machine::new();
    machine.history.advance(10, machine.clocks());
    machine.pass(DAY - 1);
    assert_eq!(machine.history.widest(machine.clocks()), 10);
    machine.pass(1);
    assert_eq!(machine.history.widest(machine.clocks()), 0);
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
    // A machine whose clock has come back finds nothing of the past closed either.
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
fn only_what_began_before_the_horizon_is_forgotten() {
    let mut machine = Machine::new();
    machine.history.lose(machine.clocks());
    let step = step_at(NOW);
    assert!(machine.history.may_forget(step - 1, machine.clocks()));
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

#[test]
fn a_step_that_comes_into_reach_is_stored_although_none_is_closed() {
    let mut machine = Machine::new();
    machine.history = History::new(10);
    assert!(machine.history.advance(1, machine.clocks()));
    for (seconds, is_new) in [(9, false), (1, true), (19, false), (1, true)] {
        machine.pass(seconds);
        assert_eq!(machine.history.advance(1, machine.clocks()), is_new, "{seconds}");
    }
}

/// Returns a machine with a ledger whose tokens leave an hour after they are over.
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
    // There was no question since. Now there is one, when it seems to be as early as before.
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
    let closed: Vec<_> = (ahead..ahead + 10).filter(|s| machine.history.is_closed(*s)).collect();
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
