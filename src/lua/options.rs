//! The option table of `new_verifier` and `new_minter`.

use std::sync::Arc;

use mlua::{BorrowedBytes, Table, Value};

use super::bad_option::BadOption;
use super::ledger::LuaLedger;
use super::time::whole_number;
use crate::config::{ConfigError, NoncePolicy, check_deviation};
use crate::key::Key;
use crate::ledger::{self, Ledger};
use crate::token::DEFAULT_NONCE_LENGTH;
use crate::totp::OTP_DEVIATION;
use crate::{Minter, Verifier};

const NAMES: [&str; 7] =
    ["otp_seed", "token_secret", "keys", "nonce_length", "nonce_policy", "deviation", "ledger"];
const KEY_NAMES: [&str; 5] = ["id", "otp_seed", "token_secret", "not_before", "not_after"];

/// The options, checked.
pub(super) struct Options {
    keys: Vec<Key>,
    nonce_length: usize,
    nonce_policy: NoncePolicy,
    deviation: u64,
    ledger: Option<Arc<dyn Ledger>>,
}

type Result<T> = std::result::Result<T, BadOption>;

impl Options {
    pub(super) fn read(options: &Value) -> Result<Self> {
        let Value::Table(options) = options else {
            return Err(BadOption::new(
                None,
                format!("options must be a table, not {}", kind(options)),
            ));
        };
        refuse_unknown(options, &NAMES)?;
        let whole = |name, otherwise| number(options, name, otherwise);
        Ok(Self {
            keys: keys(options)?,
            nonce_length: whole("nonce_length", DEFAULT_NONCE_LENGTH as u64)?
                .try_into()
                .map_err(|_| ConfigError::NonceLength)?,
            nonce_policy: nonce_policy(&get(options, "nonce_policy")?)?,
            deviation: whole("deviation", OTP_DEVIATION)?,
            ledger: ledger(&get(options, "ledger")?)?,
        })
    }

    pub(super) fn into_verifier(self) -> Result<Verifier> {
        let ledger = match self.ledger {
            Some(ledger) => ledger,
            None => ledger::open("memory:")?,
        };
        Ok(Verifier::new(self.keys, ledger)?
            .with_nonce_length(self.nonce_length)?
            .with_nonce_policy(self.nonce_policy)?
            .with_deviation(self.deviation)?)
    }

    /// Makes a minter for the first key.
    pub(super) fn into_minter(self) -> Result<Minter> {
        check_deviation(self.deviation)?;
        self.nonce_policy.check(self.nonce_length)?;
        let key = self.keys.into_iter().next().ok_or(ConfigError::NoKey)?;
        Ok(Minter::new(key).with_nonce_length(self.nonce_length)?)
    }
}

/// Reads the one key of `otp_seed` and `token_secret`, or the list `keys` of such pairs.
fn keys(options: &Table) -> Result<Vec<Key>> {
    match get(options, "keys")? {
        Value::Nil => Ok(vec![key(options)?]),
        Value::Table(list) => {
            if !get(options, "otp_seed")?.is_nil() || !get(options, "token_secret")?.is_nil() {
                let message = "give either keys or otp_seed and token_secret, not both";
                return Err(BadOption::new("keys", message));
            }
            let keys = (1..).zip(list.sequence_values::<Value>()).map(|(at, entry)| match entry {
                Ok(Value::Table(entry)) => {
                    listed_key(&entry, at).map_err(|error| BadOption { key: Some(at), ..error })
                }
                _ => Err(BadOption::new("keys", "keys must be a list of tables")),
            });
            let keys = keys.collect::<Result<Vec<_>>>()?;
            // A key after a hole or under a name would silently not be used.
            if keys.len() != list.pairs::<Value, Value>().count() {
                return Err(BadOption::new("keys", "keys must be a list of tables"));
            }
            refuse_same_ids(&keys)?;
            Ok(keys)
        }
        _ => Err(BadOption::new("keys", "keys must be a list of tables")),
    }
}

/// Refuses two keys with the same id, and says which, by their positions.
fn refuse_same_ids(keys: &[Key]) -> Result<()> {
    for (second, key) in keys.iter().enumerate() {
        if let Some(first) = keys.iter().take(second).position(|other| other.id() == key.id()) {
            let message = format!(
                "keys {} and {} have the same id: give each an id of its own",
                first + 1,
                second + 1
            );
            return Err(BadOption::new("keys", message));
        }
    }
    Ok(())
}

fn key(pair: &Table) -> Result<Key> {
    let (seed, secret) = (string(pair, "otp_seed")?, string(pair, "token_secret")?);
    Ok(Key::new(&*seed, &*secret)?)
}

/// Reads one of `keys`. Without an id, its position is its id.
fn listed_key(entry: &Table, at: usize) -> Result<Key> {
    refuse_unknown(entry, &KEY_NAMES)?;
    let key = key(entry)?;
    let key = match get(entry, "id")? {
        Value::Nil => key.with_id(at.to_string())?,
        _ => key.with_id(&*string(entry, "id")?)?,
    };
    let first = number(entry, "not_before", 0)?;
    let last = number(entry, "not_after", u64::MAX)?;
    Ok(key.with_validity(first..=last)?)
}

fn number(options: &Table, name: &'static str, otherwise: u64) -> Result<u64> {
    match get(options, name)? {
        Value::Nil => Ok(otherwise),
        value => whole_number(&value).ok_or_else(|| {
            BadOption::new(name, format!("{name} must be a whole number from 0 on"))
        }),
    }
}

fn nonce_policy(value: &Value) -> Result<NoncePolicy> {
    match value {
        Value::Nil => Ok(NoncePolicy::default()),
        Value::String(name) => Ok(NoncePolicy::named(&*name.as_bytes())?),
        _ => Err(ConfigError::NoncePolicy.into()),
    }
}

fn string(options: &Table, name: &'static str) -> Result<BorrowedBytes> {
    match get(options, name)? {
        Value::String(string) => Ok(string.as_bytes()),
        Value::Nil => Err(BadOption::new(name, format!("{name} is missing"))),
        value => Err(BadOption::new(
            name,
            format!("{name} must be a string in quotes, not {}", kind(&value)),
        )),
    }
}

fn ledger(value: &Value) -> Result<Option<Arc<dyn Ledger>>> {
    match value {
        Value::Nil => Ok(None),
        Value::String(url) => Ok(Some(ledger::open(&*url.as_bytes())?)),
        Value::UserData(object) => match object.borrow::<LuaLedger>() {
            Ok(ledger) => Ok(Some(Arc::clone(&ledger.0))),
            Err(_) => Err(ConfigError::Ledger.into()),
        },
        _ => Err(ConfigError::Ledger.into()),
    }
}

fn get(options: &Table, name: &'static str) -> Result<Value> {
    options.raw_get(name).map_err(|error| BadOption::new(name, error.to_string()))
}

/// Refuses a misspelt option, which would otherwise be ignored silently.
fn refuse_unknown(options: &Table, known: &[&str]) -> Result<()> {
    for pair in options.pairs::<Value, Value>() {
        let (name, _) = pair.map_err(|error| BadOption::new(None, error.to_string()))?;
        let is_known = |name: &Value| match name {
            Value::String(name) => known.iter().any(|known| name == known),
            _ => false,
        };
        if !is_known(&name) {
            // Without the name, which may be a secret that was written in the wrong place.
            return Err(BadOption::new(
                None,
                format!("unknown option: there are only {}", known.join(", ")),
            ));
        }
    }
    Ok(())
}

/// Returns what Lua calls the type of a value: `integer` is no type there.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) | Value::Number(_) => "a number",
        other => other.type_name(),
    }
}
