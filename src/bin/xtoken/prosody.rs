//! `--prosody-config FILE`: keys and settings as Prosody itself reads them.

use std::ffi::OsStr;
use std::path::{self, Path};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use xtoken::Key;
use xtoken::setting::NoncePolicy;
use zeroize::Zeroizing;

use crate::keys::Known;
use crate::{Failure, output};

/// Lua runs it before a script. What the options mean is known to the plugin alone.
const LUA_INIT: &str = concat!(
    "package.preload['xtoken.token_keys'] = function ()\n",
    include_str!("../../../lua/token_keys.lib.lua"),
    "\nend\npackage.preload['xtoken.token_ledger_url'] = function ()\n",
    include_str!("../../../lua/token_ledger_url.lib.lua"),
    "\nend\n",
    include_str!("prosody.lua"),
);

pub(crate) fn read(prosodyctl: &Path, config: &Path, host: &OsStr) -> Result<Known, Failure> {
    config
        .metadata()
        .map_err(|error| format!("{}: {error}", output::shown(config, "--prosody-config")))?;
    let mut command = Command::new(prosodyctl);
    // Each version of Lua prefers its own.
    for version in ["5_2", "5_3", "5_4", "5_5"] {
        command.env_remove(format!("LUA_INIT_{version}"));
    }
    let output = command
        .env("LUA_INIT", LUA_INIT)
        .arg(path::absolute(config)?)
        .arg(host)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            format!(
                "prosodyctl cannot be run: {error}: --prosody-config needs Prosody on this \
                 machine, and --prosodyctl says where it is"
            )
        })?;
    let answer = Zeroizing::new(output.stdout);
    let mut answer: Value = serde_json::from_slice(&answer).map_err(|_| {
        "the program that was run as prosodyctl did not start Prosody's loader: name the \
         prosodyctl of a Prosody with --prosodyctl"
    })?;
    if let Some(problem) = answer.get("problem").and_then(Value::as_str) {
        return Err(problem.into());
    }

    let mut keys = Vec::new();
    let entries = answer.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten();
    for (number, entry) in (1..).zip(entries) {
        // Named by its position: the id of a key that cannot be used may be a secret.
        keys.push(key(entry).map_err(|error| format!("key {number}: {error}"))?);
    }
    Ok(Known {
        keys,
        nonce_length: number(&answer, "token_nonce_length")?.map(usize::try_from).transpose()?,
        nonce_policy: nonce_policy(&answer)?,
        deviation: number(&answer, "token_deviation")?,
        ledger: Some(bytes(&mut answer, "ledger")?),
    })
}

/// What may be any bytes is base64 in JSON.
fn bytes(object: &mut Value, field: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = match object.get_mut(field).map(Value::take) {
        Some(Value::String(text)) => Zeroizing::new(text),
        _ => return Err(format!("Prosody handed over no {field}").into()),
    };
    let bytes = STANDARD.decode(text.as_bytes());
    bytes.map(Zeroizing::new).map_err(|_| format!("Prosody handed over a damaged {field}").into())
}

fn key(entry: &mut Value) -> Result<Key, Failure> {
    let mut bytes = |field| bytes(entry, field);
    let (id, otp_seed, token_secret) = (bytes("id")?, bytes("otp_seed")?, bytes("token_secret")?);
    let first = number(entry, "not_before")?.unwrap_or(0);
    let last = number(entry, "not_after")?.unwrap_or(u64::MAX);
    Ok(Key::new(&*otp_seed, &*token_secret)?.with_id(&*id)?.with_validity(first..=last)?)
}

fn nonce_policy(answer: &Value) -> Result<Option<NoncePolicy>, Failure> {
    let Some(value) = answer.get("token_nonce_policy") else { return Ok(None) };
    let policy = NoncePolicy::named(value.as_str().unwrap_or_default());
    policy.map(Some).map_err(|error| format!("token_nonce_policy: {error}").into())
}

fn number(object: &Value, field: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = object.get(field) else { return Ok(None) };
    let number = value.as_u64();
    if number.is_none() {
        return Err(format!("{field} in Prosody's configuration must be a whole number").into());
    }
    Ok(number)
}
