//! Runs operations on a ledger beside the reference, and checks the two invariants after each.

use super::operation::{ASKERS, Operation, Question, VERIFIERS};
use super::reference::{Acceptance, Consequence, Gap, Reference, Token};
use super::{Spending, Spent, Unavailable, step_at, window};

/// A ledger, those who use it, and what may happen to them.
pub(crate) trait World {
    /// Seconds that right clocks may be apart.
    const APART: u64 = 0;
    /// How far the clock of each asker's machine is ahead when it counts as right.
    const SKEW: [i64; ASKERS] = [0; ASKERS];

    /// Whether a peek foresees everything. A real one does not open anew what was replaced, and
    /// time goes on before the token is spent.
    const IS_SIMULATED: bool = true;

    /// What the first question of all finds.
    const FIRST: Option<Gap> = None;

    /// Whose clock this asker reads.
    fn machine(&self, _asker: usize) -> usize {
        0
    }

    fn spend(&mut self, asker: usize, question: &Spending, wall: u64) -> Answer;

    fn peek(&mut self, asker: usize, question: &Spending, wall: u64) -> Answer;

    /// Two at the same time, if there is such a thing.
    fn race(
        &mut self,
        _askers: [usize; 2],
        _question: &Spending,
        _walls: [u64; 2],
    ) -> Option<[Answer; 2]> {
        None
    }

    /// Milliseconds that have really passed since this was asked last.
    fn elapsed(&mut self) -> u64 {
        0
    }

    /// The true time, whenever it changed.
    fn time_is(&mut self, time: u64);

    fn happen(&mut self, operation: &Operation) -> Consequence;

    /// Whether nothing keeps the ledger from answering this asker.
    fn can_answer(&self, _asker: usize) -> bool {
        true
    }

    /// Whether this ledger is known to have closed more than it should.
    fn is_misled(&self) -> bool {
        false
    }

    /// Whether this ledger is known to accept again what was accepted then.
    fn forgives(&self, _asker: usize, _before: &Acceptance) -> bool {
        false
    }
}

pub(crate) type Answer = Result<Spent, Unavailable>;

/// Runs all; what was violated, if anything was.
pub(crate) fn run<W: World>(world: &mut W, operations: &[Operation]) -> Result<(), String> {
    let mut reference = Reference::new(W::SKEW, W::APART);
    world.time_is(reference.time);
    reference.happened(&Consequence { gap: W::FIRST, ..Consequence::default() });
    for (number, operation) in operations.iter().enumerate() {
        tick(world, &mut reference);
        step(world, &mut reference, operation)
            .and_then(|()| is_alive(world, &mut reference, number))
            .map_err(|violated| format!("{violated}\nafter operation {number}: {operation:?}"))?;
    }
    Ok(())
}

/// Takes note of the time, where it goes on by itself.
fn tick<W: World>(world: &mut W, reference: &mut Reference) {
    reference.pass(world.elapsed());
    world.time_is(reference.time);
}

fn step<W: World>(
    world: &mut W,
    reference: &mut Reference,
    operation: &Operation,
) -> Result<(), String> {
    match operation {
        Operation::Spend(question) => {
            let Some((token, spending, wall)) = put(world, reference, question) else {
                return Ok(());
            };
            let foreseen = world.peek(question.asker, &spending, wall);
            let answer = world.spend(question.asker, &spending, wall);
            let may_differ = !W::IS_SIMULATED && foreseen == Err(Unavailable);
            if foreseen != answer && world.can_answer(question.asker) && !may_differ {
                return Err(format!("peek: {foreseen:?} was foreseen, {answer:?} was said"));
            }
            answered(world, reference, question, token, answer)
        }
        Operation::Peek(question) => {
            let Some((_, spending, wall)) = put(world, reference, question) else { return Ok(()) };
            let answers = [(); 2].map(|()| world.peek(question.asker, &spending, wall));
            if answers[0] == answers[1] || !W::IS_SIMULATED && answers[0] == Err(Unavailable) {
                return Ok(());
            }
            Err(format!("peek: it changed its own answer: {answers:?}"))
        }
        Operation::Race(question, beside) => {
            let Some((token, spending, wall)) = put(world, reference, question) else {
                return Ok(());
            };
            let beside = Question { asker: *beside, ..*question };
            let wall_beside = reference.wall(world.machine(beside.asker));
            if !window(wall_beside, spending.deviation).contains(&token.step) {
                let answer = world.spend(question.asker, &spending, wall);
                return answered(world, reference, question, token, answer);
            }
            let askers = [question.asker, beside.asker];
            if let Some(answers) = world.race(askers, &spending, [wall, wall_beside]) {
                answered(world, reference, question, token, answers[0])?;
                return answered(world, reference, &beside, token, answers[1]);
            }
            let answer = world.spend(question.asker, &spending, wall);
            answered(world, reference, question, token, answer)?;
            let answer = world.spend(beside.asker, &spending, wall_beside);
            answered(world, reference, &beside, token, answer)
        }
        Operation::Pass(milliseconds) => {
            reference.pass(*milliseconds);
            world.time_is(reference.time);
            Ok(())
        }
        Operation::Set(asker, setting) => {
            reference.set(world.machine(*asker), *setting);
            Ok(())
        }
        operation => {
            reference.happened(&world.happen(operation));
            Ok(())
        }
    }
}

fn put<W: World>(
    world: &W,
    reference: &mut Reference,
    question: &Question,
) -> Option<(Token, Spending, u64)> {
    let machine = world.machine(question.asker);
    let token = reference.choose(question, machine)?;
    let (_, deviation) = VERIFIERS[question.verifier];
    let spending = Spending { fingerprint: token.fingerprint(), step: token.step, deviation };
    Some((token, spending, reference.wall(machine)))
}

fn answered<W: World>(
    world: &mut W,
    reference: &mut Reference,
    question: &Question,
    token: Token,
    answer: Answer,
) -> Result<(), String> {
    tick(world, reference);
    let machine = world.machine(question.asker);
    let (_, deviation) = VERIFIERS[question.verifier];
    reference.asked(question.asker, machine, deviation, world.can_answer(question.asker));
    if answer == Ok(Spent::First) {
        reference
            .accepted(token, machine, deviation, |before| world.forgives(question.asker, before))?;
    }
    Ok(())
}

/// Liveness: a fresh token is accepted, wherever it must be. Each time of another verifier.
fn is_alive<W: World>(
    world: &mut W,
    reference: &mut Reference,
    number: usize,
) -> Result<(), String> {
    let (key, deviation) = VERIFIERS[number % VERIFIERS.len()];
    if world.is_misled() {
        return Ok(());
    }
    for asker in 0..ASKERS {
        let machine = world.machine(asker);
        if !world.can_answer(asker) || !reference.must_accept(asker, machine, deviation) {
            continue;
        }
        let wall = reference.wall(machine);
        let token = reference.mint(key, step_at(wall));
        let spending = Spending { fingerprint: token.fingerprint(), step: token.step, deviation };
        let answer = world.peek(asker, &spending, wall);
        if answer != Ok(Spent::First) {
            return Err(format!("liveness: {answer:?} for a fresh token, {asker}, {deviation}"));
        }
    }
    Ok(())
}
