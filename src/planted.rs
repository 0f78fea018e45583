//! A panic on demand, for `make trust-panics`. What is delivered does not have it: it is compiled
//! only with `--cfg planted_panics`.

use std::path::Path;

/// Panics while there is a file that the environment variable XTOKEN_PANIC_WHILE names.
pub(crate) fn panic() {
    let file = std::env::var_os("XTOKEN_PANIC_WHILE");
    assert!(!file.is_some_and(|file| Path::new(&file).exists()), "planted");
}
