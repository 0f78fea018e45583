//! What is said: results on standard output, everything else on standard error, colours on a
//! terminal only.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use clap::builder::styling::AnsiColor;
use serde_json::Value;

use crate::Failure;

const GOOD: AnsiColor = AnsiColor::Green;
const BAD: AnsiColor = AnsiColor::Red;
const WARNING: AnsiColor = AnsiColor::Yellow;

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    Ok(write(anstream::stdout(), text).map_err(|error| format!("standard output: {error}"))?)
}

pub(crate) fn print_json(result: &Value) -> Result<(), Failure> {
    print(&format!("{result}\n"))
}

pub(crate) fn accept(how: &str) -> Result<(), Failure> {
    print(&line(GOOD, "accepted", how))
}

pub(crate) fn refuse(reason: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), &line(BAD, "refused", reason))?)
}

pub(crate) fn warn(problem: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), &line(WARNING, "warning", problem))?)
}

pub(crate) fn fail(problem: &str) {
    // There is nobody left to tell that nobody can be told.
    let _ = write(anstream::stderr(), &line(BAD, "error", problem));
}

pub(crate) fn ask(question: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), question)?)
}

/// Returns the path if a message may show it, else `option`: a path to nothing may be a secret that
/// was typed in its place.
pub(crate) fn shown(path: &Path, option: &str) -> String {
    if path.symlink_metadata().is_ok() { path.display().to_string() } else { option.to_owned() }
}

fn line(color: AnsiColor, what: &str, text: &str) -> String {
    let style = color.on_default().bold();
    format!("{style}{what}:{style:#} {text}\n")
}

/// Who closes a pipe has read enough.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
