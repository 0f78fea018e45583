//! Runs operations on a ledger beside the oracle, and checks the two invariants after each.

use super::operation::{CALLERS, Operation, Question, VERIFIERS};
use super::oracle::{Acceptance, Consequence, Gap, Oracle, Token};
use super::{Spending, Spent, Unavailable, step_at, window};

/// A ledger, the processes or nodes that use it, and what may happen to them.
pub(crate) trait World {
    /// Seconds that right clocks may be apart.
    const APART: u64 = 0;
    /// How far the clock of each caller's machine is ahead when it counts as right.
    const SKEW: [i64; CALLERS] = [0; CALLERS];

    /// Whether a peek always answers as the spend after it. A real ledger does not reopen a
    /// replaced file in a peek, and time passes before the spend.
    const IS_SIMULATED: bool = true;

    /// What the very first question finds.
    const FIRST: Option<Gap> = None;

    /// Returns the machine whose clock this caller reads.
    fn machine(&self, _caller: usize) -> usize {
        0
    }

    fn spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer;

    fn peek(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer;

    /// Lets two ask at the same time, if the ledger has such a case.
    fn race(
        &mut self,
        _callers: [usize; 2],
        _question: &Spending,
        _walls: [u64; 2],
    ) -> Option<[Answer; 2]> {
        None
    }

    /// Returns the milliseconds that have really passed since the last call.
    fn elapsed(&mut self) -> u64 {
        0
    }

    /// Receives the true time whenever it changed.
    fn time_is(&mut self, time: u64);

    fn happen(&mut self, operation: &Operation) -> Consequence;

    /// Returns whether nothing keeps the ledger from answering this caller.
    fn can_answer(&self, _caller: usize) -> bool {
        true
    }

    /// Returns whether this ledger is known to have closed more steps than it should.
    fn is_misled(&self) -> bool {
        false
    }

    /// Returns whether this ledger is known to accept again what was accepted then.
    fn forgives(&self, _caller: usize, _before: &Acceptance) -> bool {
        false
    }
}

pub(crate) type Answer = Result<Spent, Unavailable>;

/// Runs all operations. The error says which invariant was violated.
pub(crate) fn run<W: World>(world: &mut W, operations: &[Operation]) -> Result<(), String> {
    let mut oracle = Oracle::new(W::SKEW, W::APART);
    world.time_is(oracle.time);
    oracle.happened(&Consequence { gap: W::FIRST, ..Consequence::default() });
    for (number, operation) in operations.iter().enumerate() {
        tick(world, &mut oracle);
        step(world, &mut oracle, operation)
            .and_then(|()| is_alive(world, &mut oracle, number))
            .map_err(|violated| format!("{violated}\nafter operation {number}: {operation:?}"))?;
    }
    Ok(())
}

/// Takes note of the time, where it passes by itself.
fn tick<W: World>(world: &mut W, oracle: &mut Oracle) {
    oracle.pass(world.elapsed());
    world.time_is(oracle.time);
}

fn step<W: World>(world: &mut W, oracle: &mut Oracle, operation: &Operation) -> Result<(), String> {
    match operation {
        Operation::Spend(question) => {
            let Some((token, spending, wall)) = put(world, oracle, question) else {
                return Ok(());
            };
            let foreseen = world.peek(question.caller, &spending, wall);
            let answer = world.spend(question.caller, &spending, wall);
            let may_differ = !W::IS_SIMULATED && foreseen == Err(Unavailable);
            if foreseen != answer && world.can_answer(question.caller) && !may_differ {
                return Err(format!("peek: {foreseen:?} was foreseen, {answer:?} was said"));
            }
            answered(world, oracle, question, token, answer)
        }
        Operation::Peek(question) => {
            let Some((_, spending, wall)) = put(world, oracle, question) else { return Ok(()) };
            let answers = [(); 2].map(|()| world.peek(question.caller, &spending, wall));
            if answers[0] == answers[1] || !W::IS_SIMULATED && answers[0] == Err(Unavailable) {
                return Ok(());
            }
            Err(format!("peek: it changed its own answer: {answers:?}"))
        }
        Operation::Race(question, beside) => {
            let Some((token, spending, wall)) = put(world, oracle, question) else {
                return Ok(());
            };
            let beside = Question { caller: *beside, ..*question };
            let wall_beside = oracle.wall(world.machine(beside.caller));
            if !window(wall_beside, spending.deviation).contains(&token.step) {
                let answer = world.spend(question.caller, &spending, wall);
                return answered(world, oracle, question, token, answer);
            }
            let callers = [question.caller, beside.caller];
            if let Some(answers) = world.race(callers, &spending, [wall, wall_beside]) {
                answered(world, oracle, question, token, answers[0])?;
                return answered(world, oracle, &beside, token, answers[1]);
            }
            let answer = world.spend(question.caller, &spending, wall);
            answered(world, oracle, question, token, answer)?;
            let answer = world.spend(beside.caller, &spending, wall_beside);
            answered(world, oracle, &beside, token, answer)
        }
        Operation::Pass(milliseconds) => {
            oracle.pass(*milliseconds);
            world.time_is(oracle.time);
            Ok(())
        }
        Operation::Set(caller, setting) => {
            oracle.set(world.machine(*caller), *setting);
            Ok(())
        }
        operation => {
            oracle.happened(&world.happen(operation));
            Ok(())
        }
    }
}

fn put<W: World>(
    world: &W,
    oracle: &mut Oracle,
    question: &Question,
) -> Option<(Token, Spending, u64)> {
    let machine = world.machine(question.caller);
    let token = oracle.choose(question, machine)?;
    let (_, deviation) = VERIFIERS[question.verifier];
    let spending = Spending { fingerprint: token.fingerprint(), step: token.step, deviation };
    Some((token, spending, oracle.wall(machine)))
}

fn answered<W: World>(
    world: &mut W,
    oracle: &mut Oracle,
    question: &Question,
    token: Token,
    answer: Answer,
) -> Result<(), String> {
    tick(world, oracle);
    let machine = world.machine(question.caller);
    let (_, deviation) = VERIFIERS[question.verifier];
    oracle.asked(question.caller, machine, deviation, world.can_answer(question.caller));
    if answer == Ok(Spent::First) {
        oracle.accepted(token, machine, deviation, |before| {
            world.forgives(question.caller, before)
        })?;
    }
    Ok(())
}

/// Checks liveness: a fresh token is accepted wherever it must be. Each time another verifier asks.
fn is_alive<W: World>(world: &mut W, oracle: &mut Oracle, number: usize) -> Result<(), String> {
    let (key, deviation) = VERIFIERS[number % VERIFIERS.len()];
    if world.is_misled() {
        return Ok(());
    }
    for caller in 0..CALLERS {
        let machine = world.machine(caller);
        if !world.can_answer(caller) || !oracle.must_accept(caller, machine, deviation) {
            continue;
        }
        let wall = oracle.wall(machine);
        let token = oracle.mint(key, step_at(wall));
        let spending = Spending { fingerprint: token.fingerprint(), step: token.step, deviation };
        let answer = world.peek(caller, &spending, wall);
        if answer != Ok(Spent::First) {
            return Err(format!("liveness: {answer:?} for a fresh token, {caller}, {deviation}"));
        }
    }
    Ok(())
}
