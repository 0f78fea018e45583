//! Draws sequences of operations until one violates an invariant, and then shortens it.

use std::cell::Cell;
use std::env;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::operation::Operation;

/// The environment variable for the first seed, such as one that was printed.
const SEED: &str = "XTOKEN_MODEL_SEED";
/// The environment variable for the least number of operations.
const STEPS: &str = "XTOKEN_MODEL_STEPS";

/// Where sequences are drawn from, and how many.
pub(crate) struct Search {
    name: String,
    first: u64,
    operations: usize,
    /// The invariant that a known fault violates, if there is such a fault.
    known: Option<String>,
    /// How often to simplify a failing sequence, beside leaving operations out.
    simplified: u32,
}

impl Search {
    /// Searches as the environment says. Short runs are the same each time; longer ones begin at a
    /// random seed. What those find, they find before a release, not while something else changes.
    pub(crate) fn new(name: &str, operations: usize) -> Self {
        let number = |name| env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
        let steps = number(STEPS);
        let first = number(SEED).unwrap_or_else(|| steps.map_or(1, |_| random()));
        let operations = steps.map_or(operations, |operations| operations as usize);
        println!("{name}: {SEED}={first}, {operations} operations");
        Self { name: name.to_owned(), first, operations, known: None, simplified: 20_000 }
    }

    /// Leaves simplifying out, for ledgers that take long.
    pub(crate) fn without_simplifying(self) -> Self {
        Self { simplified: 0, ..self }
    }

    /// Searches for the violation of this invariant by a known fault, always in the same order.
    pub(crate) fn for_fault(name: &str, first: u64, operations: usize, invariant: &str) -> Self {
        let (name, known) = (name.to_owned(), Some(invariant.to_owned()));
        Self { name, first, operations, known, simplified: 0 }
    }

    /// Runs sequences of operations, each from a seed of its own, until one fails.
    pub(crate) fn run(
        &self,
        sequence: &impl Strategy<Value = Vec<Operation>>,
        check: impl Fn(&[Operation]) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut done = 0;
        for seed in self.first.. {
            let operations = Cell::new(0);
            let outcome = self.runner(seed).run(sequence, |sequence| {
                operations.set(sequence.len());
                check(&sequence).or_else(|violated| match &self.known {
                    Some(known) if !violated.starts_with(known) => Ok(()),
                    _ => Err(TestCaseError::fail(violated)),
                })
            });
            done += operations.get();
            match outcome {
                Ok(()) if done < self.operations => {}
                Ok(()) => {
                    println!("\nmodel-{}: {done} operations, no invariant violated", self.name);
                    break;
                }
                Err(TestError::Fail(violated, sequence)) => {
                    let (sequence, violated) = match self.known {
                        None => minimise(sequence, violated.to_string(), &check),
                        Some(_) => (Vec::new(), violated.to_string()),
                    };
                    let lines = sequence.iter().map(|operation| format!("\n    {operation:?}"));
                    let lines: String = lines.collect();
                    return Err(format!("{}: {SEED}={seed}: {violated}{lines}", self.name));
                }
                Err(TestError::Abort(reason)) => return Err(reason.to_string()),
            }
        }
        Ok(())
    }

    fn runner(&self, seed: u64) -> TestRunner {
        let config = Config {
            cases: 1,
            failure_persistence: None,
            max_shrink_iters: self.simplified,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }
}

/// Leaves out each operation that the failure does not need.
fn minimise(
    mut operations: Vec<Operation>,
    mut violated: String,
    check: impl Fn(&[Operation]) -> Result<(), String>,
) -> (Vec<Operation>, String) {
    for at in (0..operations.len()).rev() {
        let mut fewer = operations.clone();
        fewer.remove(at);
        if let Err(still) = check(&fewer) {
            (operations, violated) = (fewer, still);
        }
    }
    (operations, violated)
}

fn random() -> u64 {
    // Small, so that it can be typed.
    getrandom::u64().unwrap() % 1_000_000_000_000
}
