//! Which mutant runs. tests/mutants/tree.py puts this into the library, in a copy of it.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const UNKNOWN: u32 = u32::MAX;
const NONE: u32 = u32::MAX - 1;
/// No mutant runs, and the functions that are called are written down.
const TRACE: u32 = u32::MAX - 2;

static ON: AtomicU32 = AtomicU32::new(UNKNOWN);
static REACHED: [AtomicBool; 4096] = [const { AtomicBool::new(false) }; 4096];

/// Returns the number of the mutant that runs.
pub(crate) fn on(function: usize) -> u32 {
    match ON.load(Relaxed) {
        UNKNOWN => {}
        TRACE => return traced(function),
        on => return on,
    }
    let number = std::env::var("XTOKEN_MUTANT").ok().and_then(|number| number.parse().ok());
    let is_traced = std::env::var_os("XTOKEN_REACHED").is_some();
    ON.store(number.unwrap_or(if is_traced { TRACE } else { NONE }), Relaxed);
    on(function)
}

fn traced(function: usize) -> u32 {
    let is_new = REACHED.get(function).is_some_and(|reached| !reached.swap(true, Relaxed));
    if is_new && let Some(path) = std::env::var_os("XTOKEN_REACHED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        // In one call, since processes may share the file.
        let _ = file.and_then(|mut file| file.write_all(format!("{function}\n").as_bytes()));
    }
    NONE
}
