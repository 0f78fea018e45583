//! What may happen to a ledger. Every operation is possible in every state. So a sequence can be
//! drawn without a state, and stays valid when operations are left out.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

/// Processes or nodes that use the ledger.
pub(crate) const CALLERS: usize = 3;
/// Key and deviation of each verifier.
pub(crate) const VERIFIERS: [(u8, u64); 5] = [(0, 1), (0, 10), (1, 0), (1, 3), (0, 0)];

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;

/// One thing that happens. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    Spend(Question),
    Peek(Question),
    /// Two ask for one token at the same time.
    Race(Question, usize),
    Pass(u64),
    /// The wall clock of this caller's machine is set.
    Set(usize, ClockSetting),
    /// A process ends, by itself or by `kill -9`, and begins anew.
    Restart(usize),
    /// The disk is full, or is writable again.
    Full(bool),
    PowerCut(Loss),
    /// Takes a copy of the file.
    Copy,
    /// Replaces the file by the copy.
    Restore,
    Remove(Part),
    /// Gives the file another name, by which the last caller opens it; or removes that name.
    Link(bool),
    /// Another copy of the library in this process opens the file. It asks in the next races.
    SecondCopy(usize),
    RestartServer(Loss),
    /// `FLUSHALL`.
    Empty,
    /// The master becomes the replica of another one, which has more or less of the data.
    Demote(Loss),
    Promote,
    /// The server's clock is set, by this much.
    MoveServerClock(i64),
}

/// A verifier that is shown a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) caller: usize,
    pub(crate) verifier: usize,
    pub(crate) token: Choice,
}

/// Which token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Choice {
    /// A new one, of some step in the window.
    Fresh(usize),
    /// One that was presented before, of those in the window.
    Old(usize),
}

/// What a wall clock is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ClockSetting {
    Right,
    Ahead(i64),
    /// As far ahead as once before.
    Again(usize),
    /// To the time of a token that was presented before.
    ToToken(usize),
}

/// What remains of the data that was not synced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Loss {
    Nothing,
    /// All tokens.
    Tokens,
    /// All since the copy was taken.
    SinceCopy,
    /// The data cannot be read.
    Damaged,
    /// Nothing is there.
    Everything,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    File,
    /// `-wal` and `-shm`, or one of them.
    SideFiles,
    Lock,
    FileAndLock,
}

fn caller() -> Range<usize> {
    0..CALLERS
}

/// The widest verifier asks seldom, to test that its deviation is remembered.
fn question() -> impl Strategy<Value = Question> {
    let verifier =
        prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3), 3 => Just(4)];
    let token = prop_oneof![
        1 => (0..21_usize).prop_map(Choice::Fresh),
        2 => (0..100_usize).prop_map(Choice::Old),
    ];
    let question = (caller(), verifier, token);
    question.prop_map(|(caller, verifier, token)| Question { caller, verifier, token })
}

fn setting() -> impl Strategy<Value = ClockSetting> {
    let ahead = prop_oneof![
        -90 * SECOND..90 * SECOND,
        -3 * HOUR..3 * HOUR,
        Just(YEAR),
        -2 * YEAR..2 * YEAR,
    ];
    prop_oneof![
        3 => Just(ClockSetting::Right),
        3 => ahead.prop_map(ClockSetting::Ahead),
        2 => (0..100_usize).prop_map(ClockSetting::Again),
        2 => (0..100_usize).prop_map(ClockSetting::ToToken),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::Nothing),
        Just(Loss::Tokens),
        Just(Loss::SinceCopy),
        Just(Loss::Damaged),
        Just(Loss::Everything),
    ]
}

/// Draws sequences of at most this length. Some of them are calm, so that tokens live long enough
/// to be presented again; some have few faults, so that ledgers are open most of the time.
pub(crate) fn sequences(
    length: usize,
    faults: Option<BoxedStrategy<Operation>>,
) -> BoxedStrategy<Vec<Operation>> {
    let kind = |is_calm, usual| {
        let usually = anything(is_calm);
        let all = match faults.clone() {
            Some(faults) => prop_oneof![usual => usually, 1 => faults].boxed(),
            None => usually,
        };
        vec(all, 1..=length)
    };
    prop_oneof![kind(true, 5), kind(true, 25), kind(false, 5), kind(false, 25)].boxed()
}

/// Draws what may happen to every ledger. While it is calm, clocks go right and little time passes.
fn anything(is_calm: bool) -> BoxedStrategy<Operation> {
    let questions = prop_oneof![
        20 => question().prop_map(Operation::Spend),
        1 => question().prop_map(Operation::Peek),
        3 => (question(), caller()).prop_map(|(one, beside)| Operation::Race(one, beside)),
    ];
    let short = prop_oneof![0..5_000_u64, 0..90_000_u64].prop_map(Operation::Pass);
    let restart = caller().prop_map(Operation::Restart);
    let long = prop_oneof![
        2 => 0..600_000_u64,
        1 => 0..3 * HOUR as u64,
        1 => 0..40 * 24 * HOUR as u64,
    ];
    let set = (caller(), setting()).prop_map(|(caller, to)| Operation::Set(caller, to));
    match is_calm {
        true => prop_oneof![20 => questions, 6 => short, 1 => restart].boxed(),
        false => prop_oneof![
            20 => questions,
            6 => short,
            2 => long.prop_map(Operation::Pass),
            5 => set,
            1 => restart
        ]
        .boxed(),
    }
}

/// Draws what may happen to a file.
pub(crate) fn file_operations() -> BoxedStrategy<Operation> {
    let part = prop_oneof![
        Just(Part::File),
        Just(Part::SideFiles),
        Just(Part::Lock),
        Just(Part::FileAndLock)
    ];
    prop_oneof![
        2 => loss().prop_map(Operation::PowerCut),
        2 => Just(Operation::Copy),
        1 => Just(Operation::Restore),
        2 => part.prop_map(Operation::Remove),
        2 => any::<bool>().prop_map(Operation::Link),
        1 => caller().prop_map(Operation::SecondCopy),
        2 => any::<bool>().prop_map(Operation::Full),
    ]
    .boxed()
}

/// Draws what may happen to a Redis.
pub(crate) fn server_operations() -> BoxedStrategy<Operation> {
    let ahead = prop_oneof![
        -60..60_i64,
        -SECOND..SECOND,
        -1_000 * SECOND..1_000 * SECOND,
        -2 * HOUR..2 * HOUR,
        Just(550 * SECOND),
        Just(YEAR),
    ];
    prop_oneof![
        2 => loss().prop_map(Operation::RestartServer),
        1 => Just(Operation::Empty),
        2 => Just(Operation::Copy),
        2 => loss().prop_map(Operation::Demote),
        2 => Just(Operation::Promote),
        2 => ahead.prop_map(Operation::MoveServerClock),
        1 => any::<bool>().prop_map(Operation::Full),
    ]
    .boxed()
}
