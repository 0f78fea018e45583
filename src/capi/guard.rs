//! Surrounds every exported function: catches panics, checks for NULL, turns a `Result` into a
//! status.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::Failure;
use super::status::{XTOKEN_INTERNAL_ERROR, XTOKEN_OK, xtoken_status};

/// Runs the body of an exported function.
///
/// `guarded!([a, b] { … })` checks that the named arguments are not NULL, runs the block, which may
/// use `?`, and returns a status. `guarded!(or x; { … })` returns what the block returns, or `x`
/// after a panic.
macro_rules! guarded {
    ([$($argument:ident),*] $body:block) => {
        $crate::capi::guard::status(move || {
            $(let $argument = $argument.ok_or($crate::capi::failure::Failure::NULL)?;)*
            $body
        })
    };
    (or $otherwise:expr; $body:block) => {
        $crate::capi::guard::value_or($otherwise, move || $body)
    };
}

/// Returns the status of what the body returns.
pub(super) fn status(body: impl FnOnce() -> Result<(), Failure>) -> xtoken_status {
    match value_or(Err(Failure(XTOKEN_INTERNAL_ERROR)), body) {
        Ok(()) => XTOKEN_OK,
        Err(Failure(status)) => status,
    }
}

/// Returns what the body returns, or `otherwise` after a panic.
///
/// A panic may leave a ledger half changed. It poisons the lock of the ledger, which refuses all
/// tokens from then on. Nothing else changes behind a `&`.
pub(super) fn value_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    let body = || {
        #[cfg(planted_panics)]
        crate::planted::panic();
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guarded!([] { panic!("deliberate") }), XTOKEN_INTERNAL_ERROR);
        assert_eq!(guarded!(or 7; { panic!("deliberate") }), 7);
    }

    #[test]
    fn every_export_is_guarded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/capi");
        let mut exports = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            // Cut in two so that this file does not find itself.
            for export in source.split(concat!("extern", " \"C\" fn ")).skip(1) {
                let (name, rest) = export.split_once('(').unwrap();
                let (_, body) = rest.split_once('{').unwrap();
                let guarded = body.trim_start().starts_with("guarded!");
                assert!(guarded, "{name}: its body must be one guarded!");
                exports += 1;
            }
        }
        assert!(exports > 15, "only {exports} functions found");
    }
}
