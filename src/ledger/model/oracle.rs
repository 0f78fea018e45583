//! [`Oracle`]: remembers everything that was ever accepted, and knows what really happened.

use std::collections::{BTreeMap, HashMap};

use super::operation::{CALLERS, Choice, ClockSetting, Question, VERIFIERS};
use super::{step_at, window};

/// The true Unix time at which everything begins, in milliseconds; the start of a step.
const START: u64 = 1_700_000_010_000;
const STEP: u64 = 30_000;
const DEVIATIONS: usize = 11;
/// After this long without use, a deviation no longer counts for certain: a day and an hour.
const LAPSES_AFTER: u64 = 90_000_000;
/// Unix time is cut to seconds, of the horizon and of the present.
const ROUNDING: u64 = 2_000;
/// Clocks that are apart by no more than this may count as one that was not set.
const ALIKE: u64 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) key: u8,
    pub(crate) step: u64,
    number: u64,
}

/// When a token was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acceptance {
    /// The true time.
    pub(crate) at: u64,
    /// How far ahead the clock was that accepted it.
    ahead: i64,
    /// Of the verifier that accepted it.
    pub(crate) deviation: u64,
}

/// What an operation means for the invariants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Consequence {
    /// There is a gap for the next caller, and for each caller that has the ledger open.
    pub(crate) gap: Option<Gap>,
    /// These callers begin anew.
    pub(crate) restarted: [bool; CALLERS],
    /// No ledger can know what was accepted since then (true time).
    pub(crate) forgotten_since: Option<u64>,
    /// No ledger knows any more which deviations were in use.
    pub(crate) is_deviation_lost: bool,
}

/// Steps that a clock went through while it was ahead.
struct Run {
    ahead: i64,
    first: u64,
    end: u64,
    /// It does not continue when the clock of this machine is ahead by as much again.
    is_over: [bool; CALLERS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// The ledger need not notice, since it lost nothing, or cannot.
    Possible,
    Certain,
}

pub(crate) struct Oracle {
    /// The true time.
    pub(crate) time: u64,
    /// How far each machine's clock is ahead: because it was set, and beside that always.
    set_ahead: [i64; CALLERS],
    skew: [i64; CALLERS],
    /// Everything that clocks were set to.
    settings: Vec<i64>,
    /// How far apart clocks may be that count as right.
    apart: u64,
    accepted: HashMap<Token, Acceptance>,
    /// Every token that was presented, by its step.
    presented: BTreeMap<u64, Vec<Token>>,
    tokens: u64,
    /// When gaps were found or may have been: the last certain one, and those since.
    gaps: Vec<u64>,
    /// The next caller finds this.
    unnoticed: Option<Gap>,
    /// Each of these may find a gap when it asks.
    unaware: [bool; CALLERS],
    last_use: [Option<u64>; DEVIATIONS],
    /// When clocks were ahead.
    ran_ahead: Vec<Run>,
}

impl Oracle {
    /// `skew` is how far the clock of each caller's machine is ahead when it counts as right.
    pub(crate) fn new(skew: [i64; CALLERS], apart: u64) -> Self {
        Self {
            time: START,
            set_ahead: [0; CALLERS],
            skew,
            settings: Vec::new(),
            apart,
            accepted: HashMap::new(),
            presented: BTreeMap::new(),
            tokens: 0,
            gaps: Vec::new(),
            unnoticed: None,
            unaware: [false; CALLERS],
            last_use: [None; DEVIATIONS],
            ran_ahead: Vec::new(),
        }
    }

    fn ahead(&self, machine: usize) -> i64 {
        self.set_ahead[machine] + self.skew[machine]
    }

    /// Returns what the clock of this machine says, in Unix seconds.
    pub(crate) fn wall(&self, machine: usize) -> u64 {
        self.time.saturating_add_signed(self.ahead(machine)) / 1_000
    }

    pub(crate) fn is_right(&self, machine: usize) -> bool {
        self.set_ahead[machine] == 0
    }

    pub(crate) fn pass(&mut self, milliseconds: u64) {
        self.time += milliseconds;
    }

    pub(crate) fn set(&mut self, machine: usize, setting: ClockSetting) {
        self.set_ahead[machine] = match setting {
            ClockSetting::Right => 0,
            ClockSetting::Ahead(ahead) => ahead,
            ClockSetting::Again(pick) => {
                let pick = pick.checked_rem(self.settings.len());
                pick.map_or(0, |pick| self.settings[pick])
            }
            ClockSetting::ToToken(pick) => {
                let all = self.presented.values().flatten();
                let count = all.clone().count();
                let Some(token) = all.clone().nth(pick.checked_rem(count).unwrap_or(0)) else {
                    return;
                };
                (token.step * STEP) as i64 - self.time as i64
            }
        };
        self.settings.push(self.set_ahead[machine]);
    }

    /// Returns the token to present, if there is one.
    pub(crate) fn choose(&mut self, question: &Question, machine: usize) -> Option<Token> {
        let (key, deviation) = VERIFIERS[question.verifier];
        let window = window(self.wall(machine), deviation);
        match question.token {
            Choice::Fresh(early) => {
                let early = early as u64 % (2 * deviation + 1);
                let token = self.mint(key, window.start() + early);
                self.presented.entry(token.step).or_default().push(token);
                Some(token)
            }
            Choice::Old(pick) => {
                let all = self.presented.range(window).flat_map(|(_, tokens)| tokens);
                let all: Vec<_> = all.filter(|token| token.key == key).collect();
                Some(**all.get(pick.checked_rem(all.len())?)?)
            }
        }
    }

    /// Makes a token that was not presented yet.
    pub(crate) fn mint(&mut self, key: u8, step: u64) -> Token {
        self.tokens += 1;
        Token { key, step, number: self.tokens }
    }

    pub(crate) fn happened(&mut self, consequence: &Consequence) {
        for caller in 0..CALLERS {
            self.unaware[caller] |= consequence.gap.is_some();
            self.unaware[caller] &= !consequence.restarted[caller];
        }
        self.unnoticed = self.unnoticed.max(consequence.gap);
        if consequence.gap.is_some() {
            // What was put in the place of the history may be an older one.
            self.ran_ahead.iter_mut().for_each(|run| run.is_over = [false; CALLERS]);
        }
        if let Some(since) = consequence.forgotten_since {
            self.accepted.retain(|_, acceptance| acceptance.at < since);
        }
        if consequence.is_deviation_lost {
            self.last_use[DEVIATIONS - 1] = Some(self.time);
        }
    }

    /// Takes note of a question, perhaps to a ledger that cannot answer.
    pub(crate) fn asked(&mut self, caller: usize, machine: usize, deviation: u64, answers: bool) {
        if answers && self.may_find_a_gap(caller) {
            if self.unnoticed.take() == Some(Gap::Certain) {
                self.gaps.clear();
            }
            self.gaps.push(self.time);
            self.unaware[caller] = false;
            // How long ago they were used cannot be known any more.
            self.last_use.iter_mut().flatten().for_each(|last| *last = self.time);
        }
        self.last_use[deviation as usize] = Some(self.time);
        self.note_whether_ahead(machine, answers);
    }

    /// Takes note that a clock ran ahead from one question to the next. It did not if others asked
    /// on this machine meanwhile, with another time, and for longer than a window.
    fn note_whether_ahead(&mut self, machine: usize, answers: bool) {
        let (ahead, widest, window) = (self.ahead(machine), self.widest(), self.window());
        let is_same = |run: &Run| ahead.abs_diff(run.ahead) <= ALIKE;
        for run in self.ran_ahead.iter_mut().filter(|run| answers && !is_same(run)) {
            let then = step_at(self.time.saturating_add_signed(run.ahead) / 1_000);
            run.is_over[machine] |= then > run.end + window;
        }
        if self.set_ahead[machine] <= 0 {
            return;
        }
        let wall = self.wall(machine);
        let (step, first) = (step_at(wall), step_at(wall - self.apart).saturating_sub(widest));
        let goes_on = |run: &&mut Run| is_same(run) && !run.is_over[machine];
        match self.ran_ahead.iter_mut().rev().find(goes_on) {
            Some(run) => (run.first, run.end) = (run.first.min(first), run.end.max(step)),
            None => self.ran_ahead.push(Run { ahead, first, end: step, is_over: [false; CALLERS] }),
        }
    }

    /// Returns in how many steps a token can be accepted, by clocks that differ.
    fn window(&self) -> u64 {
        2 * self.widest() + 1 + self.apart.div_ceil(30)
    }

    pub(crate) fn may_find_a_gap(&self, caller: usize) -> bool {
        self.unnoticed.is_some() || self.unaware[caller]
    }

    fn widest(&self) -> u64 {
        let is_in_use =
            |last: &Option<u64>| last.is_some_and(|last| self.time - last <= LAPSES_AFTER);
        self.last_use.iter().rposition(is_in_use).unwrap_or(0) as u64
    }

    /// Remembers that a token was accepted. Returns the earlier acceptance if that violates safety.
    ///
    /// The exception: by the clock that it is accepted by now, it was accepted after the last gap.
    /// So that clock was set back since, and the ledger has forgotten.
    pub(crate) fn accepted(
        &mut self,
        token: Token,
        machine: usize,
        deviation: u64,
        is_forgiven: impl FnOnce(&Acceptance) -> bool,
    ) -> Result<(), String> {
        let now = Acceptance { at: self.time, ahead: self.ahead(machine), deviation };
        let Some(before) = self.accepted.insert(token, now) else { return Ok(()) };
        let by_its_clock =
            |acceptance: &Acceptance, at: u64| at.saturating_add_signed(acceptance.ahead) / 1_000;
        let gap = self.gaps.iter().find(|gap| before.at <= **gap);
        let is_set_back = gap.is_some_and(|gap| {
            by_its_clock(&before, before.at) >= by_its_clock(&now, *gap) + self.apart
        });
        if is_set_back || is_forgiven(&before) {
            return Ok(());
        }
        Err(format!("safety: {token:?} was accepted {before:?} and {now:?}, gaps: {:?}", self.gaps))
    }

    /// Returns whether a ledger that can answer must accept a fresh token.
    pub(crate) fn must_accept(&self, caller: usize, machine: usize, deviation: u64) -> bool {
        let closed_for = 1_000 * self.apart + (self.widest().max(deviation) + 1) * STEP + ROUNDING;
        let is_long_ago = self.gaps.last().is_none_or(|gap| self.time >= gap + closed_for);
        let step = step_at(self.wall(machine));
        // What can have been spent then goes to the end of the window.
        let is_in = |run: &Run| (run.first..run.end + self.window()).contains(&step);
        let ran_ahead = self.ran_ahead.iter().any(is_in);
        self.is_right(machine) && !self.may_find_a_gap(caller) && is_long_ago && !ran_ahead
    }
}

impl Token {
    /// Spread like a piece of a MAC.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        let mut fingerprint = [0; 16];
        let spread = self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        fingerprint[..8].copy_from_slice(&spread.to_be_bytes());
        fingerprint[8..].copy_from_slice(&spread.rotate_left(29).to_be_bytes());
        fingerprint
    }
}
