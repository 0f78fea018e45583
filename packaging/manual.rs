//! Writes the manual pages of the command and its completions into a folder: see cli.mk.

#![allow(unreachable_pub, dead_code)]

#[path = "../src/bin/xtoken/arguments.rs"]
mod arguments;

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

/// What the arguments alone do not say: environment, files, exit status, JSON, examples.
const SECTIONS: &str = include_str!("manual.roff");
/// When what the pages say changed.
const CHANGED: &str = "2026-11-25";
/// What stands at the foot of each page.
const SOURCE: &str = concat!("xtoken ", env!("CARGO_PKG_VERSION"));

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: manual FOLDER")?.into();
    let mut command = arguments::Arguments::command().disable_help_subcommand(true);
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, "xtoken", &folder)?;
    }
    command.build();
    let page = |command: &Command| Man::new(command.clone()).source(SOURCE).date(CHANGED);
    for subcommand in command.get_subcommands() {
        page(subcommand).generate_to(&folder)?;
    }

    let manual = page(&command);
    let mut page = File::create(folder.join(manual.get_filename()))?;
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_subcommands_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    page.write_all(SECTIONS.as_bytes())?;
    manual.render_version_section(&mut page)?;
    Ok(())
}
