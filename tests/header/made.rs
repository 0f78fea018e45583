//! Makes the header: cbindgen's text, with enumerators in place of `#define`s.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::read_to_string;
use std::num::ParseIntError;
use std::path::Path;

/// In the order in which the header is read.
pub(crate) const SOURCES: [&str; 7] =
    ["version", "status", "config", "ledger_url", "verifier", "minter", "generate"];

/// Returns the text of the header.
pub(crate) fn header(root: &Path) -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    config.after_includes = config.after_includes.as_deref().map(with_version).transpose()?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    let mut types = BTreeMap::new();
    for name in SOURCES {
        let path = root.join(format!("src/capi/{name}.rs"));
        types.extend(types_of_constants(&read_to_string(&path)?));
        builder = builder.with_src(path);
    }
    let mut made = Vec::new();
    builder.generate()?.write(&mut made);
    Ok(with_enumerators(&String::from_utf8(made)?, &types))
}

/// Fills in the version of the crate.
fn with_version(text: &str) -> Result<String, ParseIntError> {
    let parts = [
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
    ];
    let mut text = text.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    let mut number = "0x".to_owned();
    for (placeholder, part) in parts {
        text = text.replace(placeholder, part);
        number += &format!("{:02x}", part.parse::<u8>()?);
    }
    Ok(text.replace("@NUMBER@", &number))
}

/// Returns the type of each `pub const` by its name.
fn types_of_constants(source: &str) -> BTreeMap<String, String> {
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    constants
        .filter_map(|line| line.split_once(" = ")?.0.split_once(": "))
        .map(|(name, of)| (name.to_owned(), of.to_owned()))
        .collect()
}

/// Replaces each `#define` that cbindgen made of a Rust constant. Programs that read the header
/// without a preprocessor, as with cffi or LuaJIT's ffi, see only enumerators.
///
/// The constants of a type become one anonymous enum, after the type.
fn with_enumerators(header: &str, types: &BTreeMap<String, String>) -> String {
    let mut enums: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let paragraphs = || header.split("\n\n").map(|text| text.trim_matches('\n'));
    for constant in paragraphs().filter_map(Constant::read) {
        if let Some(of) = types.get(constant.name) {
            enums.entry(of).or_default().push(constant.enumerator());
        }
    }
    let mut made = Vec::new();
    for paragraph in paragraphs().filter(|text| !text.is_empty()) {
        let of = Constant::read(paragraph).and_then(|constant| types.get(constant.name));
        if of.is_none() {
            made.push(paragraph.to_owned());
        }
        let of = of.map_or_else(|| defined_type(paragraph), String::as_str);
        if let Some(enumerators) = enums.remove(of) {
            made.push(format!("enum {{\n{}\n}};", enumerators.join(",\n")));
        }
    }
    made.join("\n\n") + "\n"
}

/// Returns the name that a `typedef` defines, or nothing.
fn defined_type(paragraph: &str) -> &str {
    let name =
        paragraph.rsplit_once("\ntypedef int32_t ").and_then(|(_, end)| end.strip_suffix(';'));
    name.unwrap_or_default()
}

struct Constant<'a> {
    comment: &'a str,
    name: &'a str,
    value: &'a str,
}

impl<'a> Constant<'a> {
    fn read(paragraph: &'a str) -> Option<Self> {
        let (comment, define) = paragraph.split_once("\n#define ")?;
        let (name, value) = define.split_once(' ')?;
        Some(Self { comment, name, value })
    }

    fn enumerator(&self) -> String {
        let comment = match self.comment.lines().collect::<Vec<_>>()[..] {
            ["/**", line, " */"] => format!("/**{} */", line.trim_start_matches(" *")),
            _ => self.comment.replace('\n', "\n    "),
        };
        format!("    {comment}\n    {} = {}", self.name, self.value)
    }
}
