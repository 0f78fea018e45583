//! Unix time from Lua. Lua converts fractions where it is asked for an integer, so the type is
//! checked here.

use mlua::Value;

/// Reads the argument `unix_time`: whole seconds, 0 or later. Returns the time of the clock if it
/// was left out.
pub(super) fn unix_time_or_now(argument: &Value) -> Option<u64> {
    match argument {
        Value::Nil => Some(now()),
        time => whole_number(time),
    }
}

/// Reads a whole number, 0 or more. Lua before 5.3 and LuaJIT have only floats; what is beyond 2^64
/// counts as 2^64 - 1.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    match *value {
        Value::Integer(number) => u64::try_from(number).ok(),
        Value::Number(number) if number >= 0.0 && number.fract() == 0.0 => Some(number as u64),
        _ => None,
    }
}

/// Returns the time of the clock in Unix seconds, as `os.time()` does; 0 before 1970.
///
/// `SystemTime` reads nanoseconds, which takes ten times as long, and may be a few milliseconds
/// ahead of `os.time()`, which minters in Lua use.
#[allow(unsafe_code)]
pub(super) fn now() -> u64 {
    // SAFETY: a null pointer is allowed.
    let seconds = unsafe { libc::time(std::ptr::null_mut()) };
    u64::try_from(seconds).unwrap_or(0)
}
