//! Tokens per second, verified by one to four threads that share a verifier.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread::scope;
use std::time::Instant;

use crate::common::{JID, NOW, memory_verifier, mint};

const ROUNDS: usize = 3;
const EACH: usize = 100_000;

fn rate(threads: usize) -> f64 {
    let verifier = memory_verifier();
    let barrier = Barrier::new(threads + 1);
    let tokens: Vec<_> = (0..threads).map(|_| mint(EACH)).collect();
    let start = scope(|scope| {
        for tokens in &tokens {
            let (verifier, barrier) = (&verifier, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for token in tokens {
                    black_box(verifier.verify(JID, token, NOW)).unwrap();
                }
            });
        }
        barrier.wait();
        Instant::now()
    });
    (threads * EACH) as f64 / start.elapsed().as_secs_f64()
}

pub(crate) fn run() {
    for _ in 0..ROUNDS {
        for threads in 1..=4 {
            println!("threads/{threads} {:.0}", rate(threads));
        }
    }
}
