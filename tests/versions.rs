//! Checks that every file which names the version of the library names the one of this crate.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Returns what stands between the two, at each place.
fn between(text: &str, before: &str, after: char) -> Vec<String> {
    let places = text.split(before).skip(1);
    places.map(|rest| rest.split(after).next().unwrap().to_owned()).collect()
}

#[test]
fn the_header_has_this_version() {
    assert_eq!(between(&read("include/xtoken.h"), "XTOKEN_VERSION \"", '"'), [VERSION]);
}

/// The newest section is that of this version, or of the one that will follow it.
#[test]
fn the_changelog_ends_with_this_version() {
    let sections = between(&read("CHANGELOG.md"), "\n## [", ']');
    let released: Vec<_> = sections.iter().filter(|name| *name != "Unreleased").collect();
    assert!(released.first().is_none_or(|name| *name == VERSION), "{released:?}");
    assert!(sections.len() <= released.len() + 1, "more than one section is unreleased");
    assert!(!sections.is_empty());
}

#[test]
fn the_debian_packages_have_this_version() {
    let newest = between(&read("packaging/debian/changelog"), "xtoken (", '-');
    assert_eq!(newest.first().unwrap(), VERSION);
}

/// make fills in the version, and tests/make/test_rock.py reads the result.
#[test]
fn the_rock_has_no_version_of_its_own() {
    let rockspec = read("packaging/mod_auth_token.rockspec.in");
    assert_eq!(between(&rockspec, "\nversion = \"", '"'), ["@VERSION@-1"]);
}

#[test]
fn the_shared_library_and_its_debian_package_have_the_same_number() {
    let packages = between(&read("packaging/debian/control"), "\nPackage: libxtoken", '\n');
    let of_package = packages.iter().find(|name| *name != "-dev").unwrap();
    let of_library = between(&read("make/c.mk"), "SOVERSION := ", '\n');
    assert_eq!(of_library, [of_package.as_str()]);
}

#[test]
fn what_documents_show_is_this_version() {
    for name in ["docs/configure.md", "docs/prosodyctl.md", "docs/tutorial.md"] {
        let shown = between(&read(name), "xtoken ", ' ');
        let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
        let words = shown.iter().map(|word| word.split('`').next().unwrap());
        let versions: Vec<_> = words.filter(is_version).collect();
        assert!(!versions.is_empty(), "{name} shows no version");
        assert!(versions.iter().all(|version| *version == VERSION), "{name} shows {versions:?}");
    }
}

/// What is new since the newest release will be in the next one.
#[test]
fn the_header_says_since_which_version_each_function_exists() {
    let numbers = |text: &str| -> (u64, u64) {
        let mut numbers = text.split('.').map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    let (major, minor) = numbers(VERSION);
    let is_ahead = read("CHANGELOG.md").contains("\n## [Unreleased]");
    let newest = (major, minor + u64::from(is_ahead));
    let lines = between(&read("include/xtoken.h"), " * Since ", '\n');
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines {
        assert!(numbers(line.trim_end_matches('.')) <= newest, "Since {line}");
    }
}
