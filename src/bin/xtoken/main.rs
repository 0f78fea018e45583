//! The command `xtoken`: mints and verifies tokens, and explains why one is refused.
//!
//! It is a face like the others: it reads arguments, secrets and the clock, calls the core, and
//! prints. It knows nothing of Prosody.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod failure;
mod key_file;
mod key_files;
mod key_source;
mod minted;
mod new_file;
mod output;
mod token_source;
mod verifier;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use commands::Outcome;

fn main() -> ExitCode {
    if !(io::stdout().is_terminal() && io::stderr().is_terminal()) {
        // Scripts read this, so CLICOLOR_FORCE has no effect.
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
