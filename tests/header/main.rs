//! `include/xtoken.h` is what `src/capi/` says.

mod made;

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

use made::SOURCES;

/// The files that hold nothing for C programs.
const INTERNAL: [&str; 5] = ["bytes", "failure", "fork", "guard", "with_nul"];

#[test]
fn the_header_is_current() {
    let path = root().join("include/xtoken.h");
    let made = made::header(root()).unwrap();
    if std::env::var_os("XTOKEN_WRITE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "include/xtoken.h is not what src/capi/ says: run `make header`");
}

#[test]
fn no_source_is_forgotten() {
    let found: BTreeSet<_> = read_dir(root().join("src/capi"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let known = SOURCES.iter().chain(&INTERNAL).map(|name| name.to_string()).collect();
    assert_eq!(found, known, "a new file belongs in one of the lists of this test");
}

#[test]
fn every_function_says_since_when() {
    let header = made::header(root()).unwrap();
    let functions: Vec<_> = header
        .split("\n\n")
        .filter_map(|paragraph| paragraph.strip_prefix("/**\n")?.split_once(" */\n"))
        .filter(|(_, declaration)| declaration.contains('('))
        .collect();
    assert!(functions.len() > 20, "only {} functions found", functions.len());
    for (comment, declaration) in functions {
        let last = comment.lines().last().unwrap();
        let version = last.strip_prefix(" * Since ").and_then(|rest| rest.strip_suffix('.'));
        let is_version =
            version.and_then(|text| text.split_once('.')).is_some_and(|(major, minor)| {
                major.parse::<u8>().is_ok() && minor.parse::<u8>().is_ok()
            });
        assert!(is_version, "the comment must end with \"Since 0.1.\" or later: {declaration}");
    }
}

#[test]
fn the_header_is_easy_to_read() {
    for line in made::header(root()).unwrap().lines() {
        assert!(line.chars().count() <= 100 && !line.ends_with(' '), "{line}");
        assert!(!line.contains("//") || line.contains("://"), "no comment of C99: {line}");
    }
}

#[test]
fn every_constant_is_an_enumerator() {
    let header = made::header(root()).unwrap();
    let sources = SOURCES.map(|name| read_to_string(root().join(format!("src/capi/{name}.rs"))));
    let constants = sources.iter().flatten().flat_map(|source| source.lines());
    let constants: Vec<_> =
        constants.filter_map(|line| line.strip_prefix("pub const ")?.split_once(':')).collect();
    assert!(constants.len() > 30, "only {} constants found", constants.len());
    for (name, _) in constants {
        assert!(header.contains(&format!("    {name} = ")), "{name}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
