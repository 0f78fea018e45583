//! `include/xtoken.h` is what `src/capi/` says.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

/// In the order in which the header is to be read.
const SOURCES: [&str; 6] = ["status", "config", "verifier", "minter", "generate", "version"];
/// Nothing in these is for C programs.
const INTERNAL: [&str; 3] = ["bytes", "fork", "guard"];

#[test]
fn the_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/xtoken.h");
    let made = header(root).unwrap();
    if std::env::var_os("XTOKEN_WRITE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "include/xtoken.h is not what src/capi/ says: run `make header`");
}

#[test]
fn no_source_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi");
    let found: BTreeSet<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let known = SOURCES.iter().chain(&INTERNAL).map(|name| name.to_string()).collect();
    assert_eq!(found, known, "a new file belongs in one of the lists of this test");
}

fn header(root: &Path) -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let numbers = [
        ("@VERSION@", env!("CARGO_PKG_VERSION")),
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
    ];
    config.after_includes = config.after_includes.map(|text| {
        numbers.iter().fold(text, |text, (placeholder, number)| text.replace(placeholder, number))
    });
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(root.join(format!("src/capi/{name}.rs")));
    }
    let mut made = Vec::new();
    builder.generate()?.write(&mut made);
    Ok(String::from_utf8(made)?)
}
