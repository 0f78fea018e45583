//! `require "xtoken"`: conversions only. Each function converts its arguments, calls one core
//! function and converts the result.
//!
//! What can go wrong in the course of things comes back as values: `false, reason` from a
//! verifier, `nil, message` from everything else. Only an argument of a wrong type, which is a
//! bug of the caller, raises an error.

mod options;
mod time;
#[allow(unsafe_code)]
mod verifier;

use std::sync::Arc;

use mlua::{
    AnyUserData, IntoLuaMulti, Lua, LuaString, MultiValue, Result, Table, UserData,
    UserDataMethods, Value,
};

use crate::ledger::{self, Ledger};
use crate::{Minter, key};
use options::{BadOption, Options};
use time::unix_time_or_now;

#[mlua::lua_module]
fn xtoken(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.set("version", crate::VERSION)?;
    let verifiers = verifier::Class::new(lua)?;
    let new_verifier = move |lua: &Lua, options| new_verifier(lua, &verifiers, options);
    module.set("new_verifier", lua.create_function(new_verifier)?)?;
    module.set("new_minter", lua.create_function(new_minter)?)?;
    module.set("new_ledger", lua.create_function(new_ledger)?)?;
    module.set("generate_key", lua.create_function(generate_key)?)?;
    Ok(module)
}

/// `xtoken.new_verifier { … }` -> verifier | nil, message, option
fn new_verifier(lua: &Lua, class: &verifier::Class, options: Value) -> Result<MultiValue> {
    let verifier = Options::read(&options).and_then(Options::into_verifier);
    or_message(lua, verifier, |verifier| class.wrap(verifier))
}

/// `xtoken.new_minter { … }` -> minter | nil, message, option
fn new_minter(lua: &Lua, options: Value) -> Result<MultiValue> {
    let minter = Options::read(&options).and_then(Options::into_minter);
    or_message(lua, minter, |minter| lua.create_userdata(LuaMinter(minter)))
}

/// `xtoken.new_ledger(url)` -> ledger | nil, message, "ledger"
fn new_ledger(lua: &Lua, url: LuaString) -> Result<MultiValue> {
    let ledger = ledger::open(&*url.as_bytes()).map_err(BadOption::from);
    or_message(lua, ledger, |ledger| lua.create_userdata(LuaLedger(ledger)))
}

/// `xtoken.generate_key()` -> otp_seed, token_secret | nil, message
fn generate_key(lua: &Lua, (): ()) -> Result<MultiValue> {
    match key::generate() {
        Ok((seed, secret)) => (seed.as_str(), secret.as_str()).into_lua_multi(lua),
        Err(error) => (Value::Nil, error.to_string()).into_lua_multi(lua),
    }
}

struct LuaLedger(Arc<dyn Ledger>);

impl UserData for LuaLedger {}

struct LuaMinter(Minter);

impl UserData for LuaMinter {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // minter:mint(jid [, unix_time [, nonce]]) -> token | nil, message
        type Arguments = (LuaString, Value, Option<LuaString>);
        methods.add_method("mint", |lua, this, (jid, time, nonce): Arguments| {
            let (jid, now) = (jid.as_bytes(), unix_time_or_now(&time)?);
            let token = match nonce {
                Some(nonce) => this.0.mint_with_nonce(&*jid, now, &*nonce.as_bytes()),
                None => this.0.mint(&*jid, now),
            };
            match token {
                Ok(token) => token.into_lua_multi(lua),
                Err(error) => (Value::Nil, error.to_string()).into_lua_multi(lua),
            }
        });
    }
}

fn or_message<T>(
    lua: &Lua,
    result: std::result::Result<T, BadOption>,
    wrap: impl FnOnce(T) -> Result<AnyUserData>,
) -> Result<MultiValue> {
    match result {
        Ok(object) => wrap(object)?.into_lua_multi(lua),
        Err(bad) => (Value::Nil, bad.message, bad.option).into_lua_multi(lua),
    }
}
