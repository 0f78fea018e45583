//! The ledger in a file: what it survives.
#![cfg(feature = "sqlite")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod clocks;
mod file;
mod losses;
mod ordinary;
mod processes;
mod sharing;
