//! Results on standard output, everything else on standard error, colours only on a terminal.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::builder::styling::AnsiColor;
use serde_json::Value;

use crate::failure::Failure;

/// The permission bit that lets others read a file.
pub(crate) const READABLE_BY_OTHERS: u32 = 0o004;

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    Ok(write(anstream::stdout(), text).map_err(|error| format!("standard output: {error}"))?)
}

pub(crate) fn print_json(result: &Value) -> Result<(), Failure> {
    print(&format!("{result}\n"))
}

pub(crate) fn accept(detail: &str) -> Result<(), Failure> {
    print(&line(AnsiColor::Green, "accepted", detail))
}

pub(crate) fn refuse(reason: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), &line(AnsiColor::Red, "refused", reason))?)
}

pub(crate) fn warn(text: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), &line(AnsiColor::Yellow, "warning", text))?)
}

pub(crate) fn note(text: &str) -> Result<(), Failure> {
    Ok(write(anstream::stderr(), text)?)
}

pub(crate) fn fail(error: &str) {
    // If standard error cannot be written, there is no other place to report that.
    let _ = write(anstream::stderr(), &line(AnsiColor::Red, "error", error));
}

/// Returns whether standard output is a file that other users can read.
pub(crate) fn is_readable_by_others() -> bool {
    let descriptor = io::stdout().as_fd().try_clone_to_owned();
    let metadata = descriptor.and_then(|descriptor| File::from(descriptor).metadata());
    metadata.is_ok_and(|file| file.is_file() && file.mode() & READABLE_BY_OTHERS != 0)
}

/// Returns the path if something exists there, else the name of the option. What is not a path may
/// be a secret that was typed in its place.
pub(crate) fn path_or_option(path: &Path, option: &str) -> String {
    if path.symlink_metadata().is_ok() { path.display().to_string() } else { option.to_owned() }
}

fn line(color: AnsiColor, label: &str, text: &str) -> String {
    let style = color.on_default().bold();
    format!("{style}{label}:{style:#} {text}\n")
}

/// Writes all of the text. A closed pipe is not an error: the reader has read enough.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
