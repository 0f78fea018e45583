//! `--key FILE`: a key in the two lines that `generate-key` prints, which are TOML and Lua at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use xtoken::Key;
use zeroize::Zeroizing;

use crate::{Failure, output};

/// Far more than two secrets need.
const MAX_LENGTH: u64 = 64 * 1024;

/// As for the files that the plugin reads: the group may read, nobody but the owner may write, and
/// others may nothing.
const MAY_BE_SET: u32 = 0o750;

pub(crate) fn read(path: &Path) -> Result<Key, Failure> {
    let shown = output::shown(path, "--key");
    let said = |problem: &str| Failure::from(format!("{shown}: {problem}"));
    let io = |error: io::Error| said(&error.to_string());
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.mode() & 0o777 & !MAY_BE_SET != 0 {
        return Err(said("others may read or write it: chmod 600, and make a new key if one has"));
    }
    // Large enough from the start: a buffer that has to grow leaves a copy behind.
    let capacity = usize::try_from(metadata.len().min(MAX_LENGTH)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    file.take(MAX_LENGTH).read_to_end(&mut bytes).map_err(io)?;
    let text = str::from_utf8(&bytes).map_err(|_| said("it is not UTF-8"))?;
    parse(text).map_err(|problem| said(&problem))
}

fn parse(source: &str) -> Result<Key, String> {
    // Leaves out what the error says of the line: the secrets are there.
    let table = DeTable::parse(source).map_err(|error| {
        let before = error.span().and_then(|span| source.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("line {line} is not as xtoken generate-key writes it: NAME = \"VALUE\"")
    })?;
    let (mut otp_seed, mut token_secret) = (None, None);
    for (name, value) in table.get_ref() {
        let field = match name.get_ref().as_ref() {
            "otp_seed" => &mut otp_seed,
            "token_secret" => &mut token_secret,
            _ => {
                return Err(
                    "it has more than otp_seed and token_secret: leave the rest out".to_owned()
                );
            }
        };
        let DeValue::String(text) = value.get_ref() else {
            return Err(format!("{} must be text in quotes", name.get_ref()));
        };
        let written = source.get(value.span()).unwrap_or_default();
        if written.contains('\\') || written.starts_with(r#"""""#) || written.starts_with("'''") {
            return Err(format!(
                "{} must be in plain quotes without a backslash, which Lua and TOML read \
                 differently: put another value into the environment",
                name.get_ref()
            ));
        }
        *field = Some(text);
    }
    let missing = |name| format!("it has no {name}: put in the two lines of xtoken generate-key");
    let otp_seed = otp_seed.ok_or_else(|| missing("otp_seed"))?;
    let token_secret = token_secret.ok_or_else(|| missing("token_secret"))?;
    Key::new(otp_seed.as_bytes(), token_secret.as_bytes()).map_err(|error| error.to_string())
}
