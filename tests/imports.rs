//! Imports run one way: the core knows nothing of C or Lua, the small files know nobody.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name with `crate::`; a face may name any of these.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("token", &[]),
    ("totp", &[]),
    ("nonce", &[]),
    ("rejection", &[]),
    ("jid", &[]),
    ("setting", &["nonce", "token", "totp"]),
    ("key", &["totp"]),
    ("dating", &["nonce", "token", "totp"]),
    ("ledger", &["setting", "totp"]),
    ("mint", &["jid", "key", "nonce", "setting", "token", "totp"]),
    ("explain", &["dating", "jid", "key", "ledger", "nonce", "setting", "token", "totp", "verify"]),
    ("verify", &["dating", "jid", "key", "ledger", "rejection", "setting", "token", "totp"]),
];

const FACES: [&str; 2] = ["capi", "lua"];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// `src/ledger/memory/table.rs` belongs to `ledger`.
fn module_of(file: &Path) -> String {
    let below_src = file.strip_prefix(source()).unwrap();
    below_src.components().next().unwrap().as_os_str().to_str().unwrap().replace(".rs", "")
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The names that follow `crate::` in the code, its tests and comments left out.
fn uses(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let name = |rest: &str| {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    lines.flat_map(|line| line.split("crate::").skip(1).map(name).collect::<Vec<_>>()).collect()
}

#[test]
fn imports_run_one_way() {
    let mut checked = 0;
    for file in rust_files(&source()) {
        let module = module_of(&file);
        if module == "lib" || module == "bin" {
            continue;
        }
        let uses = uses(&file);
        if FACES.contains(&module.as_str()) {
            let other = FACES.iter().find(|face| **face != module && uses.contains(**face));
            assert_eq!(other, None, "{} uses another face", file.display());
        } else {
            let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
            let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is not in the list"));
            for used in uses.iter().filter(|used| **used != module) {
                assert!(allowed.contains(&used.as_str()), "{} uses {used}", file.display());
            }
        }
        checked += 1;
    }
    assert!(checked >= MAY_USE.len(), "only {checked} files were found");
}
