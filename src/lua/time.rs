//! Moments from Lua. Lua turns fractions into integers where it is asked for an integer, so the
//! type is checked here.

use std::time::{SystemTime, UNIX_EPOCH};

use mlua::Value;

/// The argument `unix_time`: whole seconds from 0 on, or the clock's when it is left out.
pub(super) fn unix_time_or_now(argument: &Value) -> Option<u64> {
    match argument {
        Value::Nil => Some(now()),
        time => whole_number(time),
    }
}

/// A number from 0 on without a fraction. Lua before 5.3 and LuaJIT have only floats; what is
/// beyond 2^64 counts as 2^64 - 1.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    match *value {
        Value::Integer(number) => u64::try_from(number).ok(),
        Value::Number(number) if number >= 0.0 && number.fract() == 0.0 => Some(number as u64),
        _ => None,
    }
}

/// A clock before 1970 counts as 0.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
