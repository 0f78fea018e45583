//! The command `xtoken`: makes and verifies tokens, and says what is wrong with them.
//!
//! A face like the others: it reads arguments, secrets and the clock, calls the core, and prints.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod input;
mod key_file;
mod keys;
mod output;
mod prosody;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use commands::Outcome;

/// What keeps a command from its work: a sentence for the person who typed it.
type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    if !(io::stdout().is_terminal() && io::stderr().is_terminal()) {
        // Whatever CLICOLOR_FORCE says: scripts read this.
        anstream::ColorChoice::Never.write_global();
    }
    match commands::run(arguments::parse()) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(failure) => {
            output::fail(&failure.to_string());
            ExitCode::from(2)
        }
    }
}
