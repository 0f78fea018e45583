//! The ledger object.

use std::sync::Arc;

use mlua::{
    IntoLuaMulti, Lua, MetaMethod, MultiValue, Result, UserData, UserDataFields, UserDataMethods,
    Value,
};

use super::bad_option::{BadOption, or_message};
use super::time::unix_time_or_now;
use crate::config::ConfigError;
use crate::ledger::{self, Ledger, Unavailable};

/// `xtoken.new_ledger(url [, former])` -> ledger | nil, message, "ledger"
pub(super) fn new_ledger(lua: &Lua, (url, former): (Value, Value)) -> Result<MultiValue> {
    let former = former.as_userdata().and_then(|former| former.borrow::<LuaLedger>().ok());
    let ledger = match (&url, former) {
        (Value::String(url), None) => ledger::open(&*url.as_bytes()),
        (Value::String(url), Some(former)) => ledger::reopen(&*url.as_bytes(), &*former.0),
        _ => Err(ConfigError::Ledger),
    };
    let ledger = ledger.map_err(BadOption::from);
    or_message(lua, ledger, |ledger| lua.create_userdata(LuaLedger(ledger)))
}

pub(super) struct LuaLedger(pub(super) Arc<dyn Ledger>);

impl LuaLedger {
    /// Returns the ledger on which a method is called.
    fn ledger(&self) -> &dyn Ledger {
        #[cfg(planted_panics)]
        crate::planted::panic();
        &*self.0
    }
}

impl UserData for LuaLedger {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field(MetaMethod::Type, "xtoken.ledger");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("last_error", |_, this, ()| Ok(this.ledger().last_error()));
        methods.add_method("probe", |lua, this, ()| probe(lua, this.ledger()));
        methods.add_method("start", |lua, this, (deviation, time): (u64, Value)| {
            start(lua, this.ledger(), deviation, &time)
        });
        methods.add_method("spent_count", |_, this, ()| Ok(this.ledger().spent_count()));
        methods.add_method("closed_until", |_, this, time: Value| {
            Ok(unix_time_or_now(&time).and_then(|now| this.ledger().closed_until(now)))
        });
    }
}

fn probe(lua: &Lua, ledger: &dyn Ledger) -> Result<MultiValue> {
    match ledger.probe() {
        Ok(probe) => (true, probe.clock, probe.has_lost).into_lua_multi(lua),
        Err(unavailable) => failure(lua, ledger, unavailable),
    }
}

fn start(lua: &Lua, ledger: &dyn Ledger, deviation: u64, time: &Value) -> Result<MultiValue> {
    match unix_time_or_now(time).map(|now| ledger.start(deviation, now)) {
        Some(Some(Ok(()))) => true.into_lua_multi(lua),
        Some(Some(Err(unavailable))) => failure(lua, ledger, unavailable),
        Some(None) => Value::Nil.into_lua_multi(lua),
        None => (false, "unix_time must be whole seconds, 0 or later").into_lua_multi(lua),
    }
}

fn failure(lua: &Lua, ledger: &dyn Ledger, unavailable: Unavailable) -> Result<MultiValue> {
    let message = ledger.last_error().unwrap_or_else(|| unavailable.to_string());
    (false, message).into_lua_multi(lua)
}
