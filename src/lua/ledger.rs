//! The ledger object.

use std::sync::Arc;

use mlua::{
    IntoLua, IntoLuaMulti, Lua, MetaMethod, MultiValue, Result, Table, UserData, UserDataFields,
    UserDataMethods, Value,
};

use super::options::BadOption;
use super::or_message;
use super::time::unix_time_or_now;
use crate::Rejection;
use crate::ledger::{self, Ledger, Spent, Unavailable};
use crate::setting::SettingError;

/// `xtoken.new_ledger(url)` -> ledger | nil, message, "ledger"
pub(super) fn new_ledger(lua: &Lua, url: Value) -> Result<MultiValue> {
    let ledger = match &url {
        Value::String(url) => ledger::open(&*url.as_bytes()).map_err(BadOption::from),
        _ => Err(SettingError::Ledger.into()),
    };
    or_message(lua, ledger, |ledger| lua.create_userdata(LuaLedger(ledger)))
}

pub(super) struct LuaLedger(pub(super) Arc<dyn Ledger>);

impl UserData for LuaLedger {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field(MetaMethod::Type, "xtoken.ledger");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("trouble", |_, this, ()| Ok(this.0.trouble()));
        methods.add_method("probe", |lua, this, ()| probe(lua, &*this.0));
        methods.add_method("remembered", |_, this, ()| Ok(this.0.remembered()));
        methods.add_method("closed_until", |_, this, time: Value| {
            Ok(unix_time_or_now(&time).and_then(|now| this.0.closed_until(now)))
        });
        methods.add_method("descriptor", |_, this, ()| {
            Ok(this.0.deferred().and_then(|ledger| ledger.descriptor()))
        });
        methods.add_method("finished", |lua, this, at_most: Option<usize>| {
            finished(lua, &*this.0, at_most.unwrap_or(usize::MAX))
        });
    }
}

fn probe(lua: &Lua, ledger: &dyn Ledger) -> Result<MultiValue> {
    match ledger.probe() {
        Ok(probe) => (true, probe.clock).into_lua_multi(lua),
        Err(error) => {
            let trouble = ledger.trouble().unwrap_or_else(|| error.to_string());
            (false, trouble).into_lua_multi(lua)
        }
    }
}

fn finished(lua: &Lua, ledger: &dyn Ledger, at_most: usize) -> Result<Table> {
    let finished = ledger.deferred().map(|ledger| ledger.finished(at_most)).unwrap_or_default();
    let outcomes = lua.create_table_with_capacity(0, finished.len())?;
    for (ticket, outcome) in finished {
        let outcome = match outcome {
            Ok(Spent::First) => Value::Boolean(true),
            Ok(Spent::Again) => Rejection::Replayed.name().into_lua(lua)?,
            Err(Unavailable) => Rejection::Unavailable.name().into_lua(lua)?,
        };
        outcomes.raw_set(ticket, outcome)?;
    }
    Ok(outcomes)
}
