//! What the documents refer to exists.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// All text of the files below a folder.
fn text_below(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    entries.map(|path| if path.is_dir() { text_below(&path) } else { text(path) }).collect()
}

#[test]
fn every_test_that_the_ledgers_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = text_below(&root.join("tests")) + &text_below(&root.join("src"));
    let document = fs::read_to_string(root.join("docs/ledgers.md")).unwrap();
    let cells = document.lines().filter(|line| line.starts_with('|'));
    let quoted = cells.flat_map(|line| line.split('`').skip(1).step_by(2));
    let mut found = 0;
    for name in quoted {
        if name.starts_with("tests/c/") || name.ends_with(".rs") {
            assert!(root.join(name).exists(), "{name}");
            continue;
        }
        let test = name.rsplit("::").next().unwrap();
        if test.starts_with("test_") || test.matches('_').count() > 2 {
            let is_there = ["fn", "def"].iter().any(|def| code.contains(&format!("{def} {test}(")));
            assert!(is_there, "there is no test {name}");
            found += 1;
        }
    }
    assert!(found > 20, "only {found} names were found");
}
