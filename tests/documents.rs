//! What the documents refer to exists.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

#[test]
fn every_file_in_the_index_of_the_tests_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let index = fs::read_to_string(tests.join("README.md")).unwrap();
    let mut found = 0;
    for row in index.lines().filter(|line| line.starts_with('|')) {
        // The second name of a cell may leave out the folder of the first.
        let mut folder = tests.clone();
        for name in row.split('`').skip(1).step_by(2).filter(|name| !name.contains('*')) {
            let path = match name.starts_with("src/") {
                true => tests.join("..").join(name),
                false => tests.join(name),
            };
            assert!(path.exists() || folder.join(name).exists(), "there is no {name}");
            if let Some(parent) = path.parent().filter(|_| name.contains('/')) {
                folder = parent.to_owned();
            }
            found += 1;
        }
    }
    assert!(found > 20, "only {found} names were found");
}
