//! Imports run one way: no module uses one that uses it, at any depth.
//!
//! Modules are compared with their siblings, each together with the modules inside it. A module and
//! the modules inside it may use each other.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

/// The modules of the library. Each may use those of the levels above its own.
const LEVELS: [&[&str]; 8] = [
    &["taint", "planted"],
    &["token", "totp", "nonce", "jid", "rejection", "completions", "mac"],
    &["config", "key", "dating"],
    &["ledger", "mint"],
    &["verify"],
    &["explain"],
    &["submission"],
    &["capi", "lua"],
];

/// The path of a module, `["ledger", "memory"]`. That of the root is empty.
type Module = Vec<String>;
/// A module uses its sibling.
type Use = (Module, Module);

/// The modules of a crate with the paths that occur in their code.
struct Crate(BTreeMap<Module, Vec<Vec<String>>>);

impl Crate {
    fn read(root: &str, folder: &str, excluded: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let folder = source.join(folder);
        let mut modules = BTreeMap::new();
        for file in rust_files(&folder) {
            let below = file.strip_prefix(&folder).unwrap().with_extension("");
            let module: Module =
                below.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            if module[0] != excluded {
                let module = if module == [root] { Module::new() } else { module };
                modules.insert(module, paths(&fs::read_to_string(file).unwrap()));
            }
        }
        assert!(modules.contains_key(&Module::new()) && modules.len() > 4, "{:?}", modules.keys());
        Self(modules)
    }

    /// Returns each pair of siblings of which the first uses the second.
    fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for (module, paths) in &self.0 {
            for used in paths.iter().filter_map(|path| self.resolve(module, path)) {
                let common = module.iter().zip(&used).take_while(|(a, b)| a == b).count();
                if module.len() > common && used.len() > common {
                    uses.insert((module[..=common].to_vec(), used[..=common].to_vec()));
                }
            }
        }
        uses
    }

    /// Returns the module that defines what `path` names in the code of `module`, if this is a
    /// module of the crate. Follows other modules that import it from a third one.
    fn resolve(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut found = if path[0] == "crate" { Module::new() } else { module.clone() };
        let start = path.iter().take_while(|name| ["crate", "self", "super"].contains(&&***name));
        let (start, mut rest) = path.split_at(start.count());
        found.truncate(found.len() - start.iter().filter(|name| *name == "super").count());
        while let Some((name, after)) = rest.split_first() {
            let inner = [&found[..], from_ref(name)].concat();
            if !self.0.contains_key(&inner) {
                break;
            }
            (found, rest) = (inner, after);
        }
        if found == *module {
            return (!start.is_empty()).then_some(found);
        }
        let has_name = |path: &&Vec<String>| path.len() > 1 && path.last() == rest.first();
        let mut imports = self.0[&found].iter().filter(has_name);
        imports.find_map(|path| self.resolve(&found, path)).or(Some(found))
    }
}

/// Stands for `::`, so that every character that is no name is a token.
const SEPARATOR: &str = "§";

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Returns every path in code, without tests and comments: `a::{b, c::d}` as `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    let code = lines.collect::<Vec<_>>().join("\n").replace("::", SEPARATOR);
    let mut tokens = vec![String::new()];
    for character in code.chars() {
        let is_name = character.is_alphanumeric() || character == '_';
        if !is_name || !tokens.last().unwrap().chars().all(|c| c.is_alphanumeric() || c == '_') {
            tokens.push(String::new());
        }
        if !character.is_whitespace() {
            tokens.last_mut().unwrap().push(character);
        }
    }
    tokens.retain(|token| !token.is_empty());
    let (mut found, mut rest) = (Vec::new(), &tokens[..]);
    while !rest.is_empty() {
        rest = take_path(rest, &[], &mut found);
    }
    found
}

/// Adds the paths at the beginning of `tokens`, which continue `prefix`, and returns what follows.
fn take_path<'a>(
    tokens: &'a [String],
    prefix: &[String],
    found: &mut Vec<Vec<String>>,
) -> &'a [String] {
    let (token, mut rest) = tokens.split_first().unwrap();
    if token == "{" && !prefix.is_empty() {
        while rest.first().is_some_and(|token| token != "}") {
            rest = take_path(rest, prefix, found);
        }
        return rest.get(1..).unwrap_or_default();
    }
    let is_name = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !is_name {
        if token == "*" && !prefix.is_empty() {
            found.push(prefix.to_vec());
        }
        return rest;
    }
    let path = [prefix, from_ref(token)].concat();
    let continues =
        |token: &String| token == "{" || token == "*" || token.starts_with(char::is_alphabetic);
    match rest {
        [separator, next, ..] if separator == SEPARATOR && continues(next) => {
            take_path(&rest[1..], &path, found)
        }
        _ => {
            found.push(path);
            rest
        }
    }
}

/// Returns the uses that are part of a circle, or between two circles.
fn circles(uses: &BTreeSet<Use>) -> BTreeSet<Use> {
    let mut left = uses.clone();
    loop {
        let users: BTreeSet<_> = left.iter().map(|(user, _)| user.clone()).collect();
        let used: BTreeSet<_> = left.iter().map(|(_, used)| used.clone()).collect();
        let before = left.len();
        left.retain(|(a, b)| used.contains(a) && users.contains(b));
        if left.len() == before {
            return left;
        }
    }
}

#[test]
fn the_library_has_levels() {
    let level = |name: &str| {
        let level = LEVELS.iter().position(|level| level.contains(&name));
        level.unwrap_or_else(|| panic!("{name} is in no level"))
    };
    let library = Crate::read("lib", "", "bin");
    for module in library.0.keys().filter(|module| module.len() == 1) {
        level(&module[0]);
    }
    let uses = library.uses();
    let of_the_root = || uses.iter().filter(|(user, _)| user.len() == 1);
    assert!(of_the_root().count() > 20, "only {uses:?}");
    for (user, used) in of_the_root() {
        assert!(level(&user[0]) > level(&used[0]), "{user:?} uses {used:?}");
    }
}

#[test]
fn no_imports_form_a_circle() {
    let library = Crate::read("lib", "", "bin").uses();
    let command = Crate::read("main", "bin/xtoken", "").uses();
    assert_eq!([circles(&library), circles(&command)], [const { BTreeSet::new() }; 2]);
}

#[test]
fn circles_are_found() {
    let module = |name: &str| vec![name.to_owned()];
    let uses = |names: &[(&str, &str)]| {
        names.iter().map(|(user, used)| (module(user), module(used))).collect::<BTreeSet<_>>()
    };
    let circle = uses(&[("b", "c"), ("c", "d"), ("d", "b")]);
    let around = uses(&[("a", "b"), ("d", "e"), ("a", "e")]);
    assert_eq!(circles(&around), BTreeSet::new());
    assert_eq!(circles(&circle.union(&around).cloned().collect()), circle);
}
