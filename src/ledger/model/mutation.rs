//! Faults that are inserted, to see that the model finds them.

use super::{Clocks, History};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// The horizon and the closed steps follow only from the deviation of the verifier that asks.
    CallersDeviationOnly,
    /// The horizon is kept in wall time, as of the moment of the gap.
    HorizonInWallTime,
    /// When there are too many ranges, the first is joined with the last.
    PastJoinedWithFuture,
    /// The deviations in use are written to the database only, which is not synced.
    DeviationsUnsynced,
    /// The open files are not compared with those that the paths name.
    NotCompared,
    /// A file with two names is used by both of them.
    LinksAllowed,
    /// Locks that do not exclude a process from itself.
    PosixLocks,
    /// What was written before a power cut is trusted.
    AnotherBootTrusted,
    /// A Redis that forgot everything is not noticed.
    RedisHorizonUnchecked,
    /// The clock of Redis is compared with its last answer.
    ClockComparedWithLastAnswer,
    /// A connection is kept while the server is demoted and promoted.
    ConnectionKeptOverPromotion,
    /// A node does not write the deviations and closed steps that it knows again.
    ForgottenWithRedis,
}

/// How many ranges are too many, for [`Mutation::PastJoinedWithFuture`].
const TOO_MANY: usize = 4;

impl Mutation {
    /// Changes the history, if the fault is in the rule.
    pub(super) fn apply(
        self,
        history: &mut History,
        apart: u64,
        deviation: u64,
        clocks: Clocks,
        wall_of_gap: u64,
    ) {
        let text = history.encode();
        let lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let number = |word: &str| word.parse::<u64>().unwrap();
        let eras = || lines.clone().filter(|line| ["era", "left"].contains(&line[0]));
        let lines: Vec<_> = match self {
            Self::CallersDeviationOnly => {
                let own = deviation.to_string();
                lines.filter(|line| line[0] != "deviation" || line[1] == own).collect()
            }
            Self::HorizonInWallTime => {
                let known_for = clocks.wall.saturating_sub(wall_of_gap) * 1_000;
                let horizon = clocks.steady.saturating_sub(known_for).to_string();
                let is_horizon = |line: &Vec<&str>| line[0] == "horizon";
                let lines = lines.map(|line| match is_horizon(&line) {
                    true => format!("horizon {horizon}\n"),
                    false => line.join(" ") + "\n",
                });
                *history = History::decode(&lines.collect::<String>(), apart).unwrap();
                return;
            }
            Self::PastJoinedWithFuture if eras().count() > TOO_MANY => {
                let first = eras().min_by_key(|line| number(line[2])).unwrap();
                let mut joined = eras().max_by_key(|line| number(line[3])).unwrap();
                joined[2] = first[2];
                lines.filter(|line| !["era", "left"].contains(&line[0])).chain([joined]).collect()
            }
            _ => return,
        };
        let text: String = lines.iter().map(|line| line.join(" ") + "\n").collect();
        *history = History::decode(&text, apart).unwrap();
    }
}
