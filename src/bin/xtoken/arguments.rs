//! The arguments of the command. Its help, manual and completions are all made from this file.

use std::env::args_os;
use std::ffi::OsString;
use std::io::ErrorKind::BrokenPipe;
use std::mem::swap;
use std::path::PathBuf;
use std::process::exit;
use std::time::UNIX_EPOCH;

use clap::ValueHint::{DirPath, FilePath};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use xtoken::config::NoncePolicy;

/// Mint and verify the one-time tokens with which users log in to Prosody
///
/// A web application mints a token for a user who is signed in, and Prosody verifies it. This
/// command does both. Use it to find out why a login fails, to test a web application, or in
/// scripts.
#[derive(Parser)]
#[command(name = "xtoken", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const PROTOCOL: &str = "Protocol";

const AFTER_HELP: &str = "\
Secrets are never arguments, because every user of the machine can see those in `ps`. They come \
from a file (--key) or from the environment (XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET).

On a Prosody server, `prosodyctl mod_auth_token` mints, verifies and explains with the keys and \
the ledger of Prosody's configuration.

Exit status: 0 accepted or done, 1 refused, 2 wrong arguments or another error.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print a new otp_seed and token_secret
    ///
    /// The two lines can be used in Prosody's configuration as they are, and in a file for --key.
    /// Both values consist of letters and digits, so they mean the same in every configuration
    /// file.
    #[command(after_long_help = GENERATE_KEY_EXAMPLES)]
    GenerateKey {
        #[command(flatten)]
        format: Format,
        /// Write the two lines into this new file instead
        ///
        /// Only its owner can read and write the file, whatever the umask. Replaces no file, and
        /// prints nothing.
        #[arg(short, long, value_name = "FILE", value_hint = FilePath)]
        #[arg(conflicts_with_all = ["files", "json"])]
        output: Option<PathBuf>,
        /// Write the key into the files otp_seed and token_secret in this folder instead
        ///
        /// Makes the folder if it does not exist, and replaces no file. The owner can read and
        /// write the files, the group can read them, and others can do neither, whatever the
        /// umask. Prints the two lines that name them in Prosody's configuration.
        #[arg(long, value_name = "DIR", value_hint = DirPath)]
        files: Option<PathBuf>,
    },

    /// Mint a token
    #[command(after_long_help = MINT_EXAMPLES)]
    Mint(Minted),

    /// Accept or refuse a token as a server would
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(Presented),

    /// Say why a token is refused, and what to do about it
    ///
    /// Tries what a minter may have done in another way: how it wrote the token, what it signed and
    /// with what, how it made the OTP, and by which clock. Does not spend the token.
    #[command(after_long_help = EXPLAIN_EXAMPLES)]
    Explain {
        #[command(flatten)]
        presented: Presented,
        /// Another JID, or another host of the user, that the minter may have signed
        #[arg(long, value_name = "JID_OR_HOST")]
        also: Vec<OsString>,
    },

    /// Show the parts of a token, or where it is malformed
    ///
    /// Needs no key, so it cannot say whether the token is genuine.
    #[command(after_long_help = INSPECT_EXAMPLES)]
    Inspect {
        #[command(flatten)]
        format: Format,
        #[command(flatten)]
        token: TokenSource,
    },

    /// Print the conformance vectors: JSON to test a minter with
    #[command(after_long_help = VECTORS_EXAMPLES)]
    Vectors,
}

// The examples of the help and of the manual. A test runs them in this order, in an empty folder.

const GENERATE_KEY_EXAMPLES: &str = "\
Examples:
  xtoken generate-key --output xtoken.key
  xtoken generate-key --files secrets";

const MINT_EXAMPLES: &str = "\
Examples:
  xtoken mint alice@example.com --key xtoken.key >token
  xtoken mint alice@example.com --key xtoken.key --at 2026-12-01T12:00:00Z --verbose";

const VERIFY_EXAMPLES: &str = "\
Examples:
  xtoken verify alice@example.com --key xtoken.key <token
  xtoken verify alice@example.com --key xtoken.key --ledger sqlite:ledger <token";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  xtoken explain alice@example.com --key xtoken.key <token
  xtoken explain alice@example.com --key xtoken.key --also old.example --json <token";

const INSPECT_EXAMPLES: &str = "\
Examples:
  xtoken inspect <token";

const VECTORS_EXAMPLES: &str = "\
Examples:
  xtoken vectors >vectors.json";

#[derive(Args)]
pub(crate) struct Format {
    /// Print JSON, for scripts; the manual xtoken(1) lists the fields
    #[arg(long)]
    pub(crate) json: bool,
}

/// A token to mint.
#[derive(Args)]
pub(crate) struct Minted {
    #[command(flatten)]
    pub(crate) user: User,
    #[command(flatten)]
    pub(crate) format: Format,
    /// Print on standard error what the token is made of, to compare it with another minter
    ///
    /// Prints the JID, the time and its step, the OTP, the nonce and its date, what is signed, and
    /// how long the token is valid. Prints no secret.
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) key: KeySource,
    #[command(flatten)]
    pub(crate) protocol: Protocol,
    /// The nonce, for tests: as many digits as --nonce-length [default: the time, then random]
    ///
    /// A token with the same nonce, in the same step, is the same token again: servers refuse it.
    #[arg(long, value_name = "NONCE", help_heading = PROTOCOL)]
    pub(crate) nonce: Option<OsString>,
}

/// A token, the user who presents it, and how it is verified.
#[derive(Args)]
pub(crate) struct Presented {
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) user: User,
    #[command(flatten)]
    pub(crate) token: TokenSource,
    #[command(flatten)]
    pub(crate) key: KeySource,
    #[command(flatten)]
    pub(crate) protocol: Protocol,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Args)]
pub(crate) struct User {
    /// The user's bare address (JID) in lower case, as the server prepares it: alice@example.com
    pub(crate) jid: OsString,
}

#[derive(Args)]
pub(crate) struct TokenSource {
    /// The token; without it, or with -, it is read from standard input
    ///
    /// The one line feed that ends the input is removed, and nothing else: no carriage return, no
    /// second line, no spaces. A server strips nothing, either. Other users of the machine can see
    /// an argument in `ps`, and can log in with the token until it is spent.
    pub(crate) token: Option<OsString>,
}

#[derive(Args)]
#[command(next_help_heading = "Secrets")]
pub(crate) struct KeySource {
    /// A file with the two lines that generate-key prints; only its owner should be able to read it
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Args)]
#[command(next_help_heading = PROTOCOL)]
pub(crate) struct Protocol {
    /// Another time than now: Unix seconds, or UTC as in 2026-12-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<u64>,
    /// Digits of the nonce; minted nonces of 24 or more are dated [default: 32]
    #[arg(long, value_name = "DIGITS")]
    pub(crate) nonce_length: Option<usize>,
}

#[derive(Args)]
#[command(next_help_heading = PROTOCOL)]
pub(crate) struct Server {
    /// Which nonces are accepted: exact, of --nonce-length; dated, of that length and with a date
    /// that the OTP proves; or report, of any length [default: exact]
    #[arg(long, value_name = "exact|dated|report", value_parser = nonce_policy())]
    #[arg(hide_possible_values = true)]
    pub(crate) nonce_policy: Option<NoncePolicy>,
    /// Steps of 30 seconds, 0 to 10, that the clocks may be apart [default: 1]
    #[arg(long, value_name = "STEPS")]
    pub(crate) deviation: Option<u64>,
    /// What remembers spent tokens: memory:, sqlite:PATH or redis://HOST [default: memory:]
    ///
    /// Set XTOKEN_LEDGER in the environment instead if the URL has a password. memory: ends with
    /// the command, so it accepts the same token again.
    #[arg(long, value_name = "URL")]
    pub(crate) ledger: Option<OsString>,
}

fn nonce_policy() -> impl TypedValueParser<Value = NoncePolicy> {
    PossibleValuesParser::new(NoncePolicy::NAMES.map(|(name, _)| name)).try_map(NoncePolicy::named)
}

/// Returns the parsed arguments, or ends the process with the help or a message.
pub(crate) fn parse() -> Arguments {
    let mut typed: Vec<_> = args_os().collect();
    // Until 0.2, scripts could write `xtoken --json verify`.
    if let [_, first, second, ..] = typed.as_mut_slice()
        && first == "--json"
    {
        swap(first, second);
    }
    Arguments::try_parse_from(typed).unwrap_or_else(|error| {
        let error = without_values(error);
        let is_printed = error.print().map_or_else(|e| e.kind() == BrokenPipe, |()| true);
        exit(if is_printed { error.exit_code() } else { 2 })
    })
}

/// Removes what was typed from the error: it may be a secret, and standard error may be a log.
fn without_values(mut error: clap::Error) -> clap::Error {
    let mut typed = vec![ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    if error.kind() == ErrorKind::UnknownArgument {
        // With other kinds, this is the name of an option or a command of xtoken.
        typed.push(ContextKind::InvalidArg);
    }
    for kind in typed {
        if error.get(kind).is_some() {
            error.insert(kind, ContextValue::String("…".to_owned()));
        }
    }
    // The advice on how to pass it as a value repeats it.
    error.remove(ContextKind::Suggested);
    error
}

fn parse_time(text: &str) -> Result<u64, String> {
    if let Ok(unix_time) = text.parse() {
        return Ok(unix_time);
    }
    humantime::parse_rfc3339(text)
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map(|since_epoch| since_epoch.as_secs())
        .ok_or_else(|| "use Unix seconds, or UTC as in 2026-12-01T12:00:00Z".to_owned())
}
