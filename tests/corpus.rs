//! Runs the fuzz targets on the inputs in `fuzz/corpus/`, without libFuzzer.

// The targets call C, and are public for libFuzzer.
#![allow(unsafe_code, unreachable_pub)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each input is a file that ends so.
const ENDING: &str = "bin";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs a target on its inputs, and on some that are no good input for any.
fn replay(target: &str, run: fn(&[u8])) {
    let inputs = files(&folder().join("corpus").join(target));
    assert!(inputs.len() >= 10, "{target} has only {} inputs", inputs.len());
    for input in inputs {
        assert_eq!(input.extension().unwrap(), ENDING, "{input:?}");
        // Shown if the target panics.
        println!("{}", input.display());
        run(&fs::read(&input).unwrap());
    }
    for input in [&[][..], &[0; 100], &[0xff; 100]] {
        run(input);
    }
}

macro_rules! replay {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), fuzz::$target::run);
        })*

        #[test]
        fn every_target_is_replayed() {
            let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
            let targets = [$(stringify!($target)),*];
            for part in ["fuzz_targets", "corpus"] {
                let mut found: Vec<_> = files(&folder().join(part)).iter().map(name).collect();
                found.sort_by_key(|found| targets.iter().position(|target| target == found));
                assert_eq!(found, targets, "in {part}");
            }
        }
    };
}

replay!(token verify seeds options explain calls);

/// Returns the functions of `xtoken.h`, each with its result and its parameters, without spaces.
fn functions_of_the_header() -> BTreeSet<String> {
    let header = fs::read_to_string(folder().join("../include/xtoken.h")).unwrap();
    let code: String = header.split("/*").map(|part| part.rsplit("*/").next().unwrap()).collect();
    let lines: Vec<_> = code.lines().filter(|line| !line.starts_with('#')).collect();
    let statements = lines.join(" ").replace("XTOKEN_MUST_USE", " ").replace("(void)", "()");
    let statements = statements.split([';', '{', '}']).filter(|statement| statement.contains('('));
    statements.map(|statement| statement.split_whitespace().collect()).collect()
}

/// Returns the functions that are declared for Rust, as the header would have them.
fn functions_for_rust() -> BTreeSet<String> {
    let code = fs::read_to_string(folder().join("src/declarations.rs")).unwrap();
    let functions = code.split("pub fn ").skip(1).map(|function| {
        let (function, _) = function.split_once(';').unwrap();
        let (name, rest) = function.split_once('(').unwrap();
        let (parameters, result) = rest.split_once(')').unwrap();
        let parameters = parameters.split(',').filter_map(|parameter| {
            let (name, rust) = parameter.trim().split_once(": ")?;
            Some(c_type(rust) + name)
        });
        let parameters: Vec<_> = parameters.collect();
        let result = result.trim().strip_prefix("-> ").map_or("void".to_owned(), c_type);
        format!("{result}{name}({})", parameters.join(","))
    });
    functions.collect()
}

fn c_type(rust: &str) -> String {
    if let Some(to) = rust.strip_prefix("*const ") {
        return format!("const{}*", c_type(to));
    }
    if let Some(to) = rust.strip_prefix("*mut ") {
        return format!("{}*", c_type(to));
    }
    match rust {
        "usize" => "size_t".to_owned(),
        "c_char" => "char".to_owned(),
        "u8" | "u32" | "u64" => format!("uint{}_t", &rust[1..]),
        "i32" => "int32_t".to_owned(),
        _ => rust.to_owned(),
    }
}

#[test]
fn every_function_of_the_header_is_called_as_it_is_declared_there() {
    let (header, rust) = (functions_of_the_header(), functions_for_rust());
    assert!(header.len() > 20, "{header:?}");
    assert_eq!(rust, header);
    let calls = fs::read_to_string(folder().join("src/calls.rs")).unwrap();
    for function in rust {
        let (before, _) = function.split_once('(').unwrap();
        let name = &before[before.rfind("xtoken_").unwrap()..];
        assert!(calls.contains(&format!("call!({name}(")), "{name} is not called");
    }
}
