//! What a [`History`] needs to outlive a process: losses, a change of clocks, merging, and a form
//! as text.

use super::History;
use super::era::Era;
use crate::ledger::clock::Clocks;

impl History {
    /// Sets the horizon, which is stored elsewhere (milliseconds on the steady clock).
    #[cfg(feature = "redis")]
    pub(in crate::ledger) fn set_horizon(&mut self, horizon: Option<u64>) {
        self.horizon = horizon;
    }

    /// Begins the horizon anew: tokens may have been lost until now.
    #[cfg(any(feature = "sqlite", test))]
    pub(in crate::ledger) fn lose(&mut self, clocks: Clocks) {
        self.horizon = Some(clocks.steady);
    }

    /// Continues with another steady clock. Times of the previous one mean nothing to it, but what
    /// was closed stays closed. The ledger calls [`lose`](Self::lose) too.
    pub(in crate::ledger) fn change_steady_clock(&mut self, clocks: Clocks) {
        let eras = self.eras.clone();
        self.eras.clear();
        for era in eras.iter().filter(|era| era.first < era.end) {
            self.add(Era { offset: None, ..*era });
        }
        self.used.iter_mut().flatten().for_each(|used| *used = clocks.steady);
    }

    /// Adds what another history knows of the same steady clock, such as one that was stored.
    pub(in crate::ledger) fn merge(&mut self, other: &Self) {
        self.horizon = self.horizon.max(other.horizon);
        for (used, other) in self.used.iter_mut().zip(other.used) {
            *used = (*used).max(other);
        }
        for era in &other.eras {
            self.add(*era);
        }
    }

    /// Joins this era with one that is there if they are the same, or if neither grows any more.
    /// Otherwise adds it.
    fn add(&mut self, era: Era) {
        let is_same = |own: &&mut Era| match era.offset {
            Some(offset) => own.is_of(offset) && own.first <= era.reach && era.first <= own.reach,
            None => own.offset.is_none() && own.first <= era.end && era.first <= own.end,
        };
        match self.eras.iter_mut().find(is_same) {
            Some(own) => {
                own.is_left &= era.is_left;
                own.cover(era);
            }
            None => self.begin_era(era),
        }
    }

    /// Returns it as text, one line for each part.
    pub(in crate::ledger) fn encode(&self) -> String {
        let mut text = String::new();
        if let Some(horizon) = self.horizon {
            text += &format!("horizon {horizon}\n");
        }
        for (deviation, used) in self.used.iter().enumerate() {
            if let Some(used) = used {
                text += &format!("deviation {deviation} {used}\n");
            }
        }
        for Era { offset, first, end, reach, is_left } in &self.eras {
            let era = if *is_left { "left" } else { "era" };
            let offset = offset.map_or("-".to_owned(), |offset| offset.to_string());
            text += &format!("{era} {offset} {first} {end} {reach}\n");
        }
        text
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` if it is anything else.
    pub(in crate::ledger) fn decode(text: &str, apart: u64) -> Option<Self> {
        let mut history = Self::new(apart);
        for line in text.lines() {
            match *line.split(' ').collect::<Vec<_>>() {
                ["horizon", horizon] => history.horizon = Some(horizon.parse().ok()?),
                ["deviation", deviation, used] => {
                    let deviation: usize = deviation.parse().ok()?;
                    *history.used.get_mut(deviation)? = Some(used.parse().ok()?);
                }
                [era @ ("era" | "left"), offset, first, end, reach] => {
                    let offset = if offset == "-" { None } else { Some(offset.parse().ok()?) };
                    let (first, end) = (first.parse().ok()?, end.parse().ok()?);
                    let (end, reach) = (u64::max(first, end), reach.parse().ok()?);
                    let is_left = era == "left";
                    history.begin_era(Era { offset, first, end, reach, is_left });
                }
                _ => return None,
            }
        }
        Some(history)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_ERAS;
    use super::super::tests::{Machine, NOW, YEAR};
    use super::*;
    use crate::totp::step_at;

    #[test]
    fn what_is_written_down_is_read_again() {
        let mut machine = Machine::new();
        for offset in [0, YEAR, 7] {
            machine.wall += offset;
            machine.history.advance(offset % 11, machine.clocks());
            machine.pass(1_000);
        }
        machine.history.lose(machine.clocks());
        let other_boot = |history: &History| {
            let mut history = history.clone();
            history.change_steady_clock(Clocks { wall: NOW, steady: 0 });
            history
        };
        for history in [machine.history.clone(), other_boot(&machine.history), History::new(0)] {
            assert_eq!(History::decode(&history.encode(), 0), Some(history));
        }
        for text in
            ["x", "horizon", "horizon -1", "deviation 11 0", "era 0 1 2", "\n", "era 0 1 2 3 4"]
        {
            assert_eq!(History::decode(text, 0), None, "{text:?}");
        }
    }

    #[test]
    fn histories_of_one_steady_clock_add_up() {
        let (mut one, mut other) = (Machine::new(), Machine::new());
        assert!(one.is_open());
        one.pass(600);
        one.history.advance(3, one.clocks());
        other.history.lose(other.clocks());
        other.wall += YEAR;
        other.history.advance(10, other.clocks());
        let mut both = one.history.clone();
        both.merge(&other.history);
        assert_eq!((both.horizon, both.eras.len()), (other.history.horizon, 2));
        assert_eq!(both.widest(one.clocks()), 10);
        assert!(both.is_closed(step_at(NOW)));
        both.change_steady_clock(one.clocks());
        for other in [&both.clone(), &one.history, &other.history, &both.clone()] {
            both.merge(other);
            let before = both.clone();
            both.merge(other);
            assert_eq!(both, before);
        }
        assert_eq!(both.eras.len(), 3);
    }

    /// Returns a history of these lines.
    fn of(lines: &[&str]) -> History {
        History::decode(&lines.iter().map(|line| format!("{line}\n")).collect::<String>(), 0)
            .unwrap()
    }

    #[test]
    fn an_era_in_the_range_of_another_is_dropped_once_it_is_over() {
        let (wide, far) = ("era 1000000 50 150 160", "era 9000000 900 900 910");
        for (era, is_kept) in [
            ("left 0 100 110 110", false),
            ("left 0 100 105 110", true),
            ("era 0 100 110 110", true),
            ("era 0 100 105 110", true),
            ("era - 100 110 200", false),
            ("left 0 40 110 110", true),
            ("left 0 100 151 151", true),
        ] {
            let history = of(&[era, wide, far]);
            assert_eq!(history.encode().contains(era), is_kept, "{era}");
            assert!(history.encode().contains(wide) && history.encode().contains(far), "{era}");
        }
    }

    #[test]
    fn the_same_era_of_two_histories_closes_what_either_closed() {
        for (one, other, both) in [
            ("era 0 100 110 120", "era 500 105 115 130", "era 0 100 115 130"),
            ("era 0 100 110 120", "left 0 90 95 110", "era 0 90 110 120"),
            ("left 0 100 110 120", "era 0 100 110 120", "era 0 100 110 120"),
            ("left 0 100 110 120", "left 0 100 110 120", "left 0 100 110 120"),
            ("era - 100 110 120", "era - 110 120 130", "era - 100 120 130"),
        ] {
            let mut history = of(&[one]);
            history.merge(&of(&[other]));
            assert_eq!(history.encode(), format!("{both}\n"));
        }
    }

    #[test]
    fn an_era_that_closed_nothing_is_nothing_to_another_steady_clock() {
        let mut history = of(&["era 0 100 100 110", "era 9000000 900 901 910"]);
        history.change_steady_clock(Clocks { wall: NOW, steady: 0 });
        assert_eq!(history.encode(), "era - 900 901 910\n");
    }

    #[test]
    fn too_many_eras_join_the_two_others_that_are_closest_together() {
        // They are 50 steps apart, but for these two.
        let apart = |at: usize| if at == 40 { 30 } else { 50 };
        let mut first = 1_000;
        let mut eras = Vec::new();
        for at in 0..MAX_ERAS {
            let kind = if at == 39 { "left" } else { "era" };
            eras.push(format!("{kind} {} {first} {} {}", at * 9_000_000, first + 10, first + 12));
            first += 10 + apart(at + 1);
        }
        // Each of the new eras is closer to another one than those two are to each other.
        for (new, place) in [
            ("era -9000000 970 990 990", 0),
            ("era -9000000 1075 1080 1080", 2),
            ("era -9000000 1200 1210 1210", 4),
            ("era -9000000 3312 3315 3315", 39),
            ("era -9000000 9000 9010 9010", MAX_ERAS),
        ] {
            let lines: Vec<_> = eras.iter().map(String::as_str).chain([new]).collect();
            let mut expected = eras.clone();
            expected.insert(place, new.to_owned());
            let two = expected.iter().position(|era| era.starts_with("left")).unwrap();
            let part = |era: &str, at: usize| era.split(' ').nth(at).unwrap().to_owned();
            let (one, next) = (expected[two].clone(), expected.remove(two + 1));
            let (offset, end, reach) = (part(&next, 1), part(&next, 3), part(&next, 4));
            expected[two] = format!("era {offset} {} {end} {reach}", part(&one, 2));
            assert_eq!(of(&lines).encode().lines().collect::<Vec<_>>(), expected, "{new}");
        }
    }

    #[test]
    fn an_era_is_left_when_its_clocks_are_past_its_reach() {
        for (seconds, kind) in [(0, "era"), (29, "era"), (30, "left")] {
            let mut history = of(&["era 0 100 100 110"]);
            let steady = (110 * 30 + seconds) * 1_000;
            history.advance(0, Clocks { wall: NOW, steady });
            assert!(history.encode().contains(&format!("{kind} 0 100 110 110")), "{seconds}");
        }
    }
}
