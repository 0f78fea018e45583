//! A Rust program that depends on this crate, with the default features, gets the core alone.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const PROGRAM: &str = r#"
fn main() {
    let key = xtoken::Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "a secret").unwrap();
    println!("{}", xtoken::Minter::new(key).mint("alice@example.com", 0).unwrap());
}
"#;

/// Returns what a command printed. It must succeed.
fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Writes the program, with the versions of Cargo.lock, and builds it. Returns its folder.
fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("program");
    let manifest = format!(
        "[package]\nname = \"program\"\nedition = \"2024\"\n\
         [dependencies]\nxtoken-auth = {{ path = {ROOT:?} }}\n\
         [workspace]\n"
    );
    let _ = fs::remove_dir_all(folder.join("target"));
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), PROGRAM).unwrap();
    fs::copy(Path::new(ROOT).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    output(cargo(&folder).args(["build", "--quiet", "--target-dir", "target"]));
    folder
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder).env_remove("CARGO_BUILD_TARGET");
    cargo
}

/// Returns the symbols that the compiled crate defines for linkers.
fn symbols(folder: &Path) -> Vec<String> {
    let compiled = fs::read_dir(folder.join("target/debug/deps")).unwrap();
    let compiled = compiled.map(|entry| entry.unwrap().path()).find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libxtoken") && name.ends_with(".rlib")
    });
    let listed = output(Command::new("nm").args(["-g", "--defined-only"]).arg(compiled.unwrap()));
    listed.lines().filter_map(|line| Some(line.split_once(" T ")?.1.to_owned())).collect()
}

#[test]
fn a_rust_program_gets_no_c_function_and_no_libc() {
    let folder = program();
    let token = output(&mut Command::new(folder.join("target/debug/program")));
    assert_eq!(token.trim().len(), 85, "{token}");

    let symbols = symbols(&folder);
    assert!(symbols.iter().any(|name| name.contains("Minter")), "{symbols:?}");
    let of_c: Vec<_> = symbols.iter().filter(|name| name.starts_with("xtoken_")).collect();
    assert!(of_c.is_empty(), "{of_c:?}");

    // rustix and getrandom reach the system through libc; this crate itself does not name it.
    let tree = ["tree", "--locked", "--package=xtoken-auth", "--edges=normal", "--depth=1"];
    let crates = output(cargo(&folder).args(tree).args(["--prefix=none", "--format={p}"]));
    let crates: Vec<_> = crates.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"rustix"), "{crates:?}");
    for optional in ["libc", "mlua", "clap", "rusqlite", "redis"] {
        assert!(!crates.contains(&optional), "{crates:?}");
    }
}
