//! Measures the Rust library. `benches/run` runs it many times, and docs/benchmarks.md shows what
//! comes out.
//!
//! usage: rust verify|threads|remembered|file|redis|tail [SIZE]
//!
//! Prints lines of "name number". SIZE limits how many tokens are remembered or timed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(unsafe_code)]

mod common;
mod file;
mod redis;
mod remembered;
mod tail;
mod threads;
mod verify;

use std::env::args;

fn main() {
    // Cargo adds --bench.
    let arguments: Vec<_> = args().skip(1).filter(|argument| argument != "--bench").collect();
    let size = |default| arguments.get(1).map_or(default, |size| size.parse().unwrap());
    match arguments.first().map(String::as_str) {
        Some("verify") => verify::run(),
        Some("threads") => threads::run(),
        Some("remembered") => remembered::run(size(10_000_000)),
        Some("file") => file::run(size(1_000_000)),
        Some("redis") => redis::run(size(1_000_000)),
        Some("tail") => tail::run(size(50_000_000)),
        other => panic!("which measurement? {other:?}"),
    }
}
