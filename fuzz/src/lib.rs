//! The fuzz targets: each function `run` takes any bytes, does what they say, and panics if a
//! promise is broken. libFuzzer calls them by way of `fuzz_targets/`, and `tests/corpus.rs` with
//! the inputs in `corpus/`.
//!
//! What is expected is computed here once more, by code that is as simple as possible and shares
//! nothing with that of the library but the crates for the hash functions.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod calls;
pub mod declarations;
pub mod explain;
pub mod options;
mod plan;
mod reference;
pub mod seeds;
pub mod token;
pub mod verify;
