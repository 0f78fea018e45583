//! Checks that what documents name and link to exists.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_file_that_the_index_of_the_tests_names_exists() {
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

#[test]
fn every_place_in_the_map_for_contributors_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let mut found = 0;
    // The folder that rows with more indentation are in.
    let mut folder = root.to_owned();
    for row in page.lines().skip_while(|line| !line.starts_with("    ")) {
        let Some(row) = row.strip_prefix("    ") else { break };
        if !row.starts_with(' ') {
            folder = root.join(row.split_whitespace().next().unwrap());
        }
        let is_name = |word: &&str| word.ends_with('/') || Path::new(word).extension().is_some();
        for name in row.split([' ', ',', ';']).filter(is_name) {
            let places = [root.join(name), folder.join(name), folder.join("xtoken").join(name)];
            assert!(places.iter().any(|path| path.exists()), "there is no {name}");
            found += 1;
        }
    }
    assert!(found > 20, "only {found} places were found");
}

/// Returns the documents in a folder and the folders in it.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let is_foreign = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with('.') || ["target", "node_modules"].contains(&name)
    };
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut documents = Vec::new();
    for path in entries.filter(|path| !is_foreign(path)) {
        if path.is_dir() && !path.is_symlink() {
            documents.extend(self::documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents
}

/// Returns the text of a document without blocks of code.
fn prose(document: &Path) -> String {
    let text = fs::read_to_string(document).unwrap();
    let mut fence = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        fence ^= is_fence;
        !fence && !is_fence
    };
    text.lines().filter(is_prose).map(|line| format!("{line}\n")).collect()
}

/// Returns the anchors of the headings in a document, as GitHub makes them.
fn anchors(document: &Path) -> HashSet<String> {
    let text = prose(document);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let mut anchors = HashSet::new();
    for heading in headings.map(|line| line.trim_start_matches('#').trim()) {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let anchor: String = heading.to_lowercase().chars().filter(kept).collect();
        anchors.insert(anchor.replace(' ', "-"));
    }
    anchors
}

/// Returns what a document links to, without links to the web.
fn links(document: &Path) -> Vec<String> {
    let text = prose(document);
    let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    targets.filter(|target| !target.starts_with("https://")).map(str::to_owned).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut found = 0;
    for document in documents(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        for link in links(&document) {
            let (name, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match name {
                "" => document.clone(),
                name => document.parent().unwrap().join(name),
            };
            assert!(path.exists(), "{document:?} links to {link}");
            let has_anchor = anchor.is_empty() || anchors(&path).contains(anchor);
            assert!(has_anchor, "{document:?} links to {link}, which is no heading there");
            found += 1;
        }
    }
    assert!(found > 200, "only {found} links were found");
}

#[test]
fn the_summary_of_the_book_names_every_page_once() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = docs.join("SUMMARY.md");
    let mut named: Vec<_> = links(&summary).iter().map(|link| docs.join(link)).collect();
    let mut pages = documents(&docs);
    pages.retain(|page| *page != summary);
    named.sort();
    pages.sort();
    let missing: Vec<_> = pages.iter().filter(|page| !named.contains(page)).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not name {missing:?}");
    assert_eq!(named, pages, "docs/SUMMARY.md names a page that does not exist, or one twice");
}

/// Returns the blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let parts = text.split("\n```").skip(1).step_by(2);
    parts
        .filter_map(|part| part.strip_prefix(&format!("{language}\n")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_shows_the_configuration_that_is_tested() {
    let shown = blocks("README.md", "lua");
    assert_eq!(shown.len(), 1);
    assert!(blocks("docs/configure.md", "lua").contains(&shown[0]), "{}", shown[0]);
}

#[test]
fn every_reason_is_described() {
    let page = include_str!("../docs/reasons.md");
    let header = include_str!("../include/xtoken.h");
    for rejection in xtoken::Rejection::ALL {
        let name = rejection.name();
        let constant = format!("XTOKEN_{}", name.to_uppercase().replace('-', "_"));
        let number = header.split(&format!("{constant} = ")).nth(1).unwrap();
        let number = number.split([',', '\n']).next().unwrap();
        let row = format!("| `{name}` | `Rejection::{rejection:?}` | `{constant}` ({number}) |");
        assert!(page.contains(&row), "docs/reasons.md has no row {row}");
        assert!(
            page.contains(&format!("\n| `{name}` | ")),
            "docs/reasons.md does not explain {name}"
        );
    }
    let names = include_str!("../lua/xtoken/usernames.lib.lua");
    let metrics = include_str!("../lua/xtoken/metrics.lib.lua");
    let results = metrics.split("local results = {").nth(1).unwrap().split('}').next().unwrap();
    let quoted = |text: &str| -> Vec<String> {
        text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let of_prosody = quoted(names).into_iter().filter(|name| name.starts_with("name-"));
    let counted = quoted(results).into_iter().filter(|name| name != "accepted" && name != "other");
    for name in of_prosody.chain(counted) {
        assert!(page.contains(&format!("`{name}`")), "docs/reasons.md does not name {name}");
    }
}
