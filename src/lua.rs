//! `require "xtoken"`: conversions only. Each function converts its arguments, calls one function
//! of the core and converts the result.
//!
//! Expected failures are returned as values: `false, reason` from a verifier, `nil, message` from
//! everything else. A method raises an error if it is called on another object. A method of a
//! verifier also raises one if an argument has a wrong type. Both are bugs of the caller.
//!
//! ```text
//! verifier:verify(jid, token [, unix_time])  -> true, key_id, step_offset, nonce_length,
//!                                                 clock_skew | false, reason
//! verifier:explain(jid, token [, unix_time [, others]])  -> name, sentence
//! verifier:seed_bits([key_id])  -> bits of the weakest seed, or of that key's
//! ```
//!
//! `explain` says why a token is refused, to a person and never to a client. It spends nothing.
//! `others` lists JIDs, or hosts for the same user, that may have been signed by mistake, 256 at
//! most. It computes for some milliseconds, in the worst case about 50, or more on a processor
//! without instructions for SHA; and like `verify` it waits for the ledger.
//!
//! `clock_skew` is the date of a dated token minus the time of the verification, in seconds; nil
//! for an undated token. Minters make dated tokens if `nonce_length` is 24 or more. For what is no
//! prepared `user@host`, such as `Alice@example.com`, `mint` returns nil and a message.
//!
//! Of the options, `nonce_policy = "dated"` refuses undated tokens as `undated`. `"report"` is for
//! a migration only: nonces of any length are accepted, and a user can log in to every account
//! whose name differs by leading digits.
//!
//! For an event loop, which must not wait for a ledger in a server:
//!
//! ```text
//! verifier:submit(jid, token [, unix_time])  -> as verify | nil, ticket
//! verifier:submit_explain(jid, token [, unix_time [, others]])  -> as explain | nil, ticket
//! verifier:descriptor()  -> a file descriptor, readable while there are completions, and at times
//!                         when there are none; nil before the first ticket. Watch it; never read
//!                         from it or close it
//! verifier:completions([at_most])  -> { [ticket] = { what verify or explain returns }, … }: takes
//!                         what was answered, or some of it
//! ```
//!
//! Every ticket is answered once, within the ledger's deadline. Tickets belong to one verifier,
//! also where several share a ledger. Ledgers that answer immediately give no tickets.
//!
//! A ledger that several verifiers share:
//!
//! ```text
//! xtoken.new_ledger(url [, former])  -> ledger | nil, message, "ledger"
//!                         `former`: a ledger of the same server, which this one replaces with
//!                         another login or timeout. What it knows is not lost
//! ```
//!
//! What a ledger says about itself, for its operator:
//!
//! ```text
//! ledger:last_error()  -> why the ledger does not answer, for a log; nil while it answers
//! ledger:closed_until([unix_time])  -> the Unix time (seconds) from which on new tokens are
//!                         accepted, if those minted now are refused because it is unknown which
//!                         were spent; else nil
//! ledger:spent_count()  -> how many spent tokens it remembers; nil if it would have to ask a
//!                         server for that
//! ledger:start(deviation [, unix_time])  -> true | false, error | nil
//!                         does now what the first token would do: opens or makes a file, or
//!                         connects. nil while a server has not answered: call it again, within
//!                         the ledger's deadline
//! ledger:probe()  -> true, clock, has_lost | false, error
//!                         checks that the ledger answers and can be written, and waits for that
//!                         until its deadline; `clock` is that of another machine, in Unix seconds,
//!                         else nil. `has_lost`: tokens were lost, and it will refuse others for
//!                         a while after it was started
//! ```

mod bad_option;
mod ledger;
#[allow(unsafe_code)]
mod open;
mod options;
mod time;
#[allow(unsafe_code)]
mod verifier;

use std::error::Error as _;

use mlua::{
    IntoLuaMulti, Lua, MetaMethod, MultiValue, Result, Table, UserData, UserDataFields,
    UserDataMethods, Value,
};

use crate::{Minter, key};
use bad_option::or_message;
use ledger::new_ledger;
use options::Options;
use time::unix_time_or_now;

/// `xtoken.interface`. The Lua files of the Prosody plugins compare it. Increase it when they need
/// something that is new here or has changed.
const INTERFACE: u32 = 3;

fn xtoken(lua: &Lua) -> Result<Table> {
    #[cfg(planted_panics)]
    crate::planted::panic();
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

/// `xtoken.generate_key()` -> otp_seed, token_secret | nil, message. Both are letters and digits.
fn generate_key(lua: &Lua, (): ()) -> Result<MultiValue> {
    #[cfg(planted_panics)]
    crate::planted::panic();
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
    #[cfg(planted_panics)]
    crate::planted::panic();
    let Value::String(jid) = jid else { return Err("jid must be a string".to_owned()) };
    let jid = &*jid.as_bytes();
    let now = unix_time_or_now(time)
        .ok_or_else(|| "unix_time must be whole seconds, 0 or later".to_owned())?;
    let token = match nonce {
        Value::Nil => minter.mint(jid, now),
        Value::String(nonce) => minter.mint_with_nonce(jid, now, &*nonce.as_bytes()),
        _ => return Err("nonce must be a string".to_owned()),
    };
    token.map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
