//! Writes the manual pages of the command and its completions into a folder: see make/cli.mk.

#![allow(unreachable_pub, dead_code)]

#[path = "../src/bin/xtoken/arguments.rs"]
mod arguments;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

/// The sections that are not made from the arguments.
const SECTIONS: &str = include_str!("manual.roff");
const SEE_ALSO: &str = ".SH \"SEE ALSO\"\n.BR prosodyctl (8)\n";
/// The day of the last change of the text.
const CHANGED: &str = "2026-12-01";
/// The text at the foot of each page.
const SOURCE: &str = concat!("xtoken ", env!("CARGO_PKG_VERSION"));

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: manual FOLDER")?.into();
    let mut command = arguments::Arguments::command().disable_help_subcommand(true);
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, "xtoken", &folder)?;
    }
    command.build();
    let page = |command: &Command| Man::new(command.clone()).source(SOURCE).date(CHANGED);
    let mut all_examples = Vec::new();
    for subcommand in command.get_subcommands() {
        let manual = page(subcommand);
        let mut text = Vec::new();
        manual.render_title(&mut text)?;
        manual.render_name_section(&mut text)?;
        manual.render_synopsis_section(&mut text)?;
        manual.render_description_section(&mut text)?;
        manual.render_options_section(&mut text)?;
        let examples = examples(subcommand);
        let text = with_values(String::from_utf8(text)?, subcommand) + &section(&examples);
        fs::write(folder.join(manual.get_filename()), text)?;
        all_examples.extend(examples);
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
    page.write_all(section(&all_examples).as_bytes())?;
    page.write_all(SEE_ALSO.as_bytes())?;
    manual.render_version_section(&mut page)?;
    Ok(())
}

/// Returns the examples that the help of a subcommand has.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    help.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

/// Returns a section with examples as they are typed.
fn section(examples: &[String]) -> String {
    format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", examples.join("\n").replace('-', "\\-"))
}

/// Returns the page with the name of the value after each option in the synopsis, as in
/// `[--key FILE]`. clap_mangen leaves it out there.
fn with_values(page: String, command: &Command) -> String {
    let with_value = |page: String, option: &Arg| {
        let (Some(long), Some([value])) = (option.get_long(), option.get_value_names()) else {
            return page;
        };
        if !option.get_action().takes_values() {
            return page;
        }
        // Both "[--option]" and "[-o|--option]" end like this.
        let option = format!("\\fB\\-\\-{}\\fR", long.replace('-', "\\-"));
        page.replace(&format!("{option}]"), &format!("{option} \\fI{value}\\fR]"))
    };
    command.get_arguments().fold(page, with_value)
}
