//! The pictures of the docs: each `docs/images/NAME.svg` is what Pikchr makes of `NAME.pikchr`.
//! `make pictures` writes them anew.
//!
//! A source begins with a line `# title: …` and lines `# desc: …`, which are read to people who do
//! not see the picture. It may use the colours of [`PALETTE`]. They follow the colour scheme of the
//! reader, and so does the paper, so that a picture can be read on a page of any colour.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use pikchr::{Pikchr, PikchrFlags};

/// Each colour with what Pikchr calls it, and its value on light and on dark paper.
const PALETTE: [(&str, &str, &str, &str); 6] = [
    ("ink", "0x000000", "#1f2328", "#e6edf3"),
    ("faint", "0x000001", "#59636e", "#9ba6b2"),
    ("plain", "0x000002", "#eef1f4", "#262c36"),
    ("good", "0x000003", "#cdeccf", "#1d4a2a"),
    ("bad", "0x000004", "#f8d3d0", "#5c2426"),
    ("strong", "0x000005", "#d6e4fa", "#1c3f6e"),
];
const PAPER: [&str; 2] = ["#ffffff", "#14181f"];
/// The widest picture that can still be read on a telephone.
const WIDEST: isize = 560;

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|name| name == "pikchr")).collect();
    sources.sort();
    sources
}

/// Returns what the lines `# NAME: …` say.
fn heading(source: &str, name: &str) -> String {
    let start = format!("# {name}: ");
    let lines: Vec<_> = source.lines().filter_map(|line| line.strip_prefix(&start)).collect();
    assert!(!lines.is_empty(), "there is no line \"{start}…\"");
    lines.join(" ").replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns the rules for one colour scheme, 0 (light) or 1 (dark).
fn rules(scheme: usize) -> String {
    let colours =
        PALETTE.map(|(name, _, light, dark)| format!("--{name}:{};", [light, dark][scheme]));
    format!("svg{{--paper:{};{}}}", PAPER[scheme], colours.concat())
}

fn picture(name: &str, source: &str) -> String {
    let palette = PALETTE.map(|(name, number, ..)| format!("{name} = {number}\n"));
    let text = palette.concat() + source;
    let made = Pikchr::render(&text, None, PikchrFlags::default()).unwrap();
    assert!(made.width() <= WIDEST, "{name} is {} pixels wide", made.width());
    let (_, body) = made.rendered().split_once(">\n").unwrap();
    let mut body = body.trim_end().to_owned();
    for (at, (name, ..)) in PALETTE.iter().enumerate() {
        let colour = format!("rgb(0,0,{at})");
        body =
            body.replace(&format!("fill=\"{colour}\""), &format!("style=\"fill:var(--{name})\""));
        body = body.replace(&colour, &format!("var(--{name})"));
    }
    let (width, height) = (made.width(), made.height());
    format!(
        "<!-- Made by `make pictures` from {name}.pikchr. -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"title desc\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
         <style>\n{}\n@media (prefers-color-scheme: dark){{{}}}\n\
         text{{font-family:system-ui,sans-serif}}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" style=\"fill:var(--paper)\"/>\n{body}\n",
        heading(source, "title"),
        heading(source, "desc"),
        rules(0),
        rules(1),
    )
}

#[test]
fn every_picture_is_what_its_source_says() {
    let sources = sources();
    assert!(sources.len() >= 4, "only {sources:?}");
    for path in sources {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let made = picture(name, &fs::read_to_string(&path).unwrap());
        let target = path.with_extension("svg");
        if std::env::var_os("XTOKEN_WRITE_PICTURES").is_some() {
            fs::write(&target, &made).unwrap();
        }
        let committed = fs::read_to_string(&target).unwrap_or_default();
        assert!(made == committed, "{target:?} is not what its source says: run `make pictures`");
    }
}

#[test]
fn every_picture_has_a_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|name| name == "svg") {
            assert!(file.with_extension("pikchr").exists(), "{file:?} has no source");
        }
    }
}
