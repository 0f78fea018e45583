//! `--key FILE`: a key in the two lines that `generate-key` prints, which are TOML and Lua at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use xtoken::Key;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;

/// The most bytes that are read. A key file needs far fewer.
const MAX_LENGTH: u64 = 64 * 1024;

/// The permission bits that a key file must not have: others could exchange the key. The Prosody
/// plugins follow the same rule.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Reads a key. Errors name the file but never repeat its content.
pub(crate) fn read(path: &Path) -> Result<Key, Failure> {
    let name = output::path_or_option(path, "--key");
    let failure = |error: &str| Failure::from(format!("{name}: {error}"));
    let io_failure = |error: io::Error| failure(&error.to_string());
    let file = File::open(path).map_err(io_failure)?;
    let metadata = file.metadata().map_err(io_failure)?;
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        let problem = "others can write it: run chmod 600, and make a new key if somebody has";
        return Err(failure(problem));
    }
    // No reason to refuse the file: the secrets of a container often have the mode 444, which
    // cannot be changed there.
    if metadata.mode() & output::READABLE_BY_OTHERS != 0 {
        output::warn(&format!(
            "{name}: others can read it: run chmod 600, unless nobody else has access to this \
             container"
        ))?;
    }
    // Large enough from the start: a buffer that grows leaves a copy of the secrets in memory.
    let capacity = usize::try_from(metadata.len().min(MAX_LENGTH)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    file.take(MAX_LENGTH).read_to_end(&mut bytes).map_err(io_failure)?;
    let text = str::from_utf8(&bytes).map_err(|_| failure("it is not UTF-8"))?;
    parse(text).map_err(|error| failure(&error))
}

fn parse(source: &str) -> Result<Key, String> {
    // The error quotes the line, which may hold a secret, so only its number is kept.
    let table = DeTable::parse(source).map_err(|error| {
        let before = error.span().and_then(|span| source.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("line {line} must be NAME = \"VALUE\", as xtoken generate-key writes it")
    })?;
    let (mut otp_seed, mut token_secret) = (None, None);
    for (name, value) in table.get_ref() {
        let field = match name.get_ref().as_ref() {
            "otp_seed" => &mut otp_seed,
            "token_secret" => &mut token_secret,
            _ => {
                return Err(
                    "it must hold only otp_seed and token_secret: remove the rest".to_owned()
                );
            }
        };
        let DeValue::String(text) = value.get_ref() else {
            return Err(format!("{} must be a string in quotes", name.get_ref()));
        };
        let written = source.get(value.span()).unwrap_or_default();
        if written.contains('\\') || written.starts_with(r#"""""#) || written.starts_with("'''") {
            return Err(format!(
                "{} must be in plain quotes without a backslash, since Lua and TOML read the rest \
                 differently: set such a value in the environment",
                name.get_ref()
            ));
        }
        *field = Some(text);
    }
    let missing =
        |name| format!("it has no {name}: it needs the two lines that xtoken generate-key prints");
    let otp_seed = otp_seed.ok_or_else(|| missing("otp_seed"))?;
    let token_secret = token_secret.ok_or_else(|| missing("token_secret"))?;
    Key::new(otp_seed.as_bytes(), token_secret.as_bytes()).map_err(|error| error.to_string())
}
