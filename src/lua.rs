//! `require "xtoken"`: conversions only. Each function converts its arguments, calls one core
//! function and converts the result.
//!
//! What can go wrong in the course of things comes back as values: `false, reason` from a
//! verifier, `nil, message` from everything else. A method raises an error when it is called on
//! another object, and `verify` when an argument has a wrong type: both are bugs of the caller.
//!
//! ```text
//! verifier:verify(jid, token [, unix_time])  -> true, key_id, step_offset, nonce_length,
//!                                                 clock_skew | false, reason
//! verifier:explain(jid, token [, unix_time [, others]])  -> name, sentence
//! verifier:seed_bits([key_id])  -> bits of the weakest seed, or of that key's
//! ```
//!
//! `explain` says why a token is refused, to a person and never to a client, and spends nothing;
//! `others` lists addresses, or hosts for the same user, that may have been signed by mistake, 256 at
//! most. Like `verify` it waits for the ledger.
//!
//! `clock_skew` is the date of a dated token less the time of the verification, in seconds, and nil
//! for an undated one. Minters make dated tokens if `nonce_length` is 24 or more.
//!
//! Of the options, `nonce_policy = "dated"` refuses undated tokens as `undated`. `"report"` is for
//! a migration only: nonces of any length are accepted, and a user can log in to every account
//! whose name differs by leading digits.
//!
//! For an event loop, which must not wait for a server that is the ledger:
//!
//! ```text
//! verifier:begin(jid, token [, unix_time])  -> as verify | nil, ticket, key_id, step_offset,
//!                         nonce_length, clock_skew
//! verifier:begin_explain(jid, token [, unix_time [, others]])  -> as explain
//!                         | nil, ticket, sentence if it is good, sentence if it was spent
//! ledger:descriptor()  -> a file descriptor, readable until all answers were fetched, and now and
//!                         then for nothing; nil before the first ticket. Watch it; never read
//!                         from it or close it
//! ledger:finished([at_most])  -> { [ticket] = true | reason, … }: what was answered and was not
//!                         fetched yet, or some of it
//! ```
//!
//! Every ticket is answered once, within the ledger's deadline. Ledgers that answer at once give
//! no tickets.
//!
//! What a ledger says of itself, to whoever watches over it:
//!
//! ```text
//! ledger:trouble()     -> what keeps the ledger from answering, for a log; nil while it answers
//! ledger:closed_until([unix_time])  -> from when on, in Unix seconds, fresh tokens are accepted, if
//!                         those made now are refused because it is unknown which were spent
//! ledger:remembered()  -> how many spent tokens it remembers; nil if that is not known at once
//! ledger:probe()  -> true [, clock] | false, trouble
//!                         asks it for a sign of life and waits for it, at most until the deadline;
//!                         `clock` is that of another machine, in Unix seconds
//! ```

mod ledger;
#[allow(unsafe_code)]
mod open;
mod options;
mod time;
#[allow(unsafe_code)]
mod verifier;

use mlua::{
    AnyUserData, IntoLuaMulti, Lua, MetaMethod, MultiValue, Result, Table, UserData,
    UserDataFields, UserDataMethods, Value,
};

use crate::{Minter, key};
use ledger::new_ledger;
use options::{BadOption, Options};
use time::unix_time_or_now;

/// `xtoken.interface`, which the Lua files of the Prosody plugins compare. Increase it when they
/// need something here that is new or has changed.
const INTERFACE: u32 = 1;

fn xtoken(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.set("version", crate::VERSION)?;
    module.set("interface", INTERFACE)?;
    let verifiers = verifier::Class::new(lua)?;
    let new_verifier = move |lua: &Lua, options| new_verifier(lua, &verifiers, options);
    module.set("new_verifier", lua.create_function(new_verifier)?)?;
    module.set("new_minter", lua.create_function(new_minter)?)?;
    module.set("new_ledger", lua.create_function(new_ledger)?)?;
    module.set("generate_key", lua.create_function(generate_key)?)?;
    Ok(module)
}

/// `xtoken.new_verifier { … }` -> verifier | nil, message, option [, which of `keys`]
fn new_verifier(lua: &Lua, class: &verifier::Class, options: Value) -> Result<MultiValue> {
    let verifier = Options::read(&options).and_then(Options::into_verifier);
    or_message(lua, verifier, |verifier| class.wrap(verifier))
}

/// `xtoken.new_minter { … }` -> minter | nil, message, option [, which of `keys`]
fn new_minter(lua: &Lua, options: Value) -> Result<MultiValue> {
    let minter = Options::read(&options).and_then(Options::into_minter);
    or_message(lua, minter, |minter| lua.create_userdata(LuaMinter(minter)))
}

/// `xtoken.generate_key()` -> otp_seed, token_secret | nil, message
fn generate_key(lua: &Lua, (): ()) -> Result<MultiValue> {
    match key::generate() {
        Ok((seed, secret)) => (seed.as_str(), secret.as_str()).into_lua_multi(lua),
        Err(error) => (Value::Nil, error.to_string()).into_lua_multi(lua),
    }
}

struct LuaMinter(Minter);

impl UserData for LuaMinter {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field(MetaMethod::Type, "xtoken.minter");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // minter:mint(jid [, unix_time [, nonce]]) -> token | nil, message
        methods.add_method(
            "mint",
            |lua, this, (jid, time, nonce): (Value, Value, Value)| match mint(
                &this.0, &jid, &time, &nonce,
            ) {
                Ok(token) => token.into_lua_multi(lua),
                Err(message) => (Value::Nil, message).into_lua_multi(lua),
            },
        );
    }
}

fn mint(
    minter: &Minter,
    jid: &Value,
    time: &Value,
    nonce: &Value,
) -> std::result::Result<String, String> {
    let Value::String(jid) = jid else { return Err("jid must be a string".to_owned()) };
    let jid = &*jid.as_bytes();
    let now = unix_time_or_now(time)
        .ok_or_else(|| "unix_time must be whole seconds, 0 or later".to_owned())?;
    let token = match nonce {
        Value::Nil => minter.mint(jid, now),
        Value::String(nonce) => minter.mint_with_nonce(jid, now, &*nonce.as_bytes()),
        _ => return Err("nonce must be a string".to_owned()),
    };
    token.map_err(|error| error.to_string())
}

fn or_message<T>(
    lua: &Lua,
    result: std::result::Result<T, BadOption>,
    wrap: impl FnOnce(T) -> Result<AnyUserData>,
) -> Result<MultiValue> {
    match result {
        Ok(object) => wrap(object)?.into_lua_multi(lua),
        Err(bad) => (Value::Nil, bad.message, bad.option, bad.key).into_lua_multi(lua),
    }
}
