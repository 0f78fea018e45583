//! What the command is told. Its help, its manual and its completions are all made from this.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use clap::ValueHint::FilePath;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use xtoken::setting::NoncePolicy;

/// Make and verify the one-time tokens with which users log in to Prosody
///
/// A web application makes a token for a signed-in user, Prosody verifies it. This command does
/// both: to look into a login that fails, to test an application, or as a part of a script.
#[derive(Parser)]
#[command(name = "xtoken", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Print JSON, for scripts; the manual xtoken(1) lists the fields
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Secrets are never arguments, which every user of the machine can see in `ps`. They come from a file \
(--key), from Prosody's configuration (--prosody-config), or from the environment \
(XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET).

Exit status: 0 accepted or done, 1 refused, 2 the arguments or the configuration are wrong.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print a fresh otp_seed and token_secret
    ///
    /// The two lines go into Prosody's configuration as they are, and into a file for --key.
    GenerateKey,

    /// Make a token
    ///
    /// Of several keys in Prosody's configuration the first that is valid makes it.
    Mint {
        #[command(flatten)]
        user: User,
        #[command(flatten)]
        keys: KeySource,
        #[command(flatten)]
        protocol: Protocol,
    },

    /// Decide about a token as a server would
    Verify(Presented),

    /// Say why a token is refused, and what to do about it
    ///
    /// Tries what else may have been signed and what other time it was made at. The token is not
    /// used up.
    Explain {
        #[command(flatten)]
        presented: Presented,
        /// Another address, or another host of the user, that may have been signed
        #[arg(long, value_name = "ADDRESS_OR_HOST")]
        also: Vec<OsString>,
    },

    /// Show the parts of a token, or where it stops being one
    ///
    /// Needs no secrets, and cannot say whether the token is genuine.
    Inspect {
        #[command(flatten)]
        token: TokenSource,
    },

    /// Print the conformance vectors: JSON to test an application's own minting with
    Vectors,
}

/// A token, who presents it, and who decides about it.
#[derive(Args)]
pub(crate) struct Presented {
    #[command(flatten)]
    pub(crate) user: User,
    #[command(flatten)]
    pub(crate) token: TokenSource,
    #[command(flatten)]
    pub(crate) keys: KeySource,
    #[command(flatten)]
    pub(crate) protocol: Protocol,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Args)]
pub(crate) struct User {
    /// The user's bare address in its prepared form, that is lower case: alice@example.com
    pub(crate) jid: OsString,
}

#[derive(Args)]
pub(crate) struct TokenSource {
    /// The token; without it or for -, standard input is read, less a line break at its end
    ///
    /// Other users of the machine see it in `ps`, and until it is used it is worth a login.
    pub(crate) token: Option<OsString>,
}

#[derive(Args)]
#[command(next_help_heading = "Secrets")]
pub(crate) struct KeySource {
    /// A file with the two lines that generate-key prints, which others must not be able to read
    #[arg(long, value_name = "FILE", value_hint = FilePath, conflicts_with = "prosody_config")]
    pub(crate) key: Option<PathBuf>,
    /// Prosody's configuration: its keys, token_nonce_length, token_nonce_policy, token_deviation
    /// and token_ledger
    ///
    /// Prosody's own loader reads it, with everything that it includes, so Prosody must be
    /// installed here and whoever runs this must be able to read the configuration.
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) prosody_config: Option<PathBuf>,
    /// The host in Prosody's configuration [default: that of JID]
    #[arg(long, value_name = "HOST", requires = "prosody_config")]
    pub(crate) host: Option<OsString>,
    /// Which Prosody reads its configuration
    #[arg(long, value_name = "PROGRAM", requires = "prosody_config", default_value = "prosodyctl")]
    pub(crate) prosodyctl: PathBuf,
}

#[derive(Args)]
#[command(next_help_heading = "Protocol")]
pub(crate) struct Protocol {
    /// Another time than now: Unix seconds, or UTC as in 2026-12-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<u64>,
    /// Digits of the nonce; one that is minted is dated from 24 on [default: 32]
    #[arg(long, value_name = "DIGITS")]
    pub(crate) nonce_length: Option<usize>,
}

#[derive(Args)]
#[command(next_help_heading = "Protocol")]
pub(crate) struct Server {
    /// Which nonces are accepted: exact, of that length; dated, of that length and with a date that
    /// the one-time password proves; or report, of any length [default: exact]
    #[arg(long, value_name = "POLICY", value_parser = nonce_policy(), hide_possible_values = true)]
    pub(crate) nonce_policy: Option<NoncePolicy>,
    /// Steps of 30 seconds, 0 to 10, that the clocks may be apart [default: 1]
    #[arg(long, value_name = "STEPS")]
    pub(crate) deviation: Option<u64>,
    /// Where used tokens are remembered: memory:, sqlite:PATH or redis://HOST
    ///
    /// Without it XTOKEN_LEDGER says where, the place for a URL with a password. Without both it
    /// is the ledger in Prosody's configuration, if that is read, and else nothing is remembered
    /// once the command has ended: a token is good more than once.
    #[arg(long, value_name = "URL")]
    pub(crate) ledger: Option<OsString>,
}

fn nonce_policy() -> impl TypedValueParser<Value = NoncePolicy> {
    PossibleValuesParser::new(NoncePolicy::NAMES.map(|(name, _)| name)).try_map(NoncePolicy::named)
}

/// Returns what was typed, or ends the process with a message.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| without_values(error).exit())
}

/// Returns the error without what was typed: that may be a secret, and standard error may be a log.
fn without_values(mut error: clap::Error) -> clap::Error {
    let mut typed = vec![ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    if error.kind() == ErrorKind::UnknownArgument {
        // Otherwise it is the name of an option or a command of xtoken.
        typed.push(ContextKind::InvalidArg);
    }
    for kind in typed {
        if error.get(kind).is_some() {
            error.insert(kind, ContextValue::String("…".to_owned()));
        }
    }
    // Removes the advice how to pass it as a value: that repeats it.
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
