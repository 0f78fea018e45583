//! The arguments of the methods of a verifier, read from Lua's stack.
//!
//! What is borrowed from the stack stays in memory until the function that Lua called returns.

use std::ffi::{CStr, c_int, c_void};
use std::slice;

use mlua::Value;
use mlua::ffi::{self, lua_State};

use crate::explain::MAX_OTHERS;
use crate::lua::time::{now, whole_number};
use crate::verify::Verifier;

/// The index of an argument, and what was expected there.
pub(super) type BadArgument = (c_int, &'static CStr);

type Result<T> = std::result::Result<T, BadArgument>;

/// The arguments of `explain`.
pub(super) struct Question<'a> {
    pub(super) jid: &'a [u8],
    pub(super) token: &'a [u8],
    pub(super) now: u64,
    pub(super) others: Vec<&'a [u8]>,
}

/// Reads the arguments of `explain`.
pub(super) unsafe fn question<'a>(state: *mut lua_State) -> Result<Question<'a>> {
    // SAFETY: see above.
    unsafe {
        Ok(Question {
            jid: string(state, 2)?,
            token: string(state, 3)?,
            now: unix_time(state, 4)?,
            others: optional(state, 5, |state, index| list(state, index))?.unwrap_or_default(),
        })
    }
}

/// Returns the verifier that a method was called on.
pub(super) unsafe fn receiver<'a>(state: *mut lua_State) -> Result<&'a Verifier> {
    let bad = (1, c"xtoken.verifier expected, call methods with a colon");
    // SAFETY: a userdata with this metatable holds a pointer to a verifier; null once collected.
    unsafe {
        let is_userdata = ffi::lua_type(state, 1) == ffi::LUA_TUSERDATA;
        if !is_userdata || ffi::lua_getmetatable(state, 1) == 0 {
            return Err(bad);
        }
        let is_ours = ffi::lua_rawequal(state, -1, ffi::lua_upvalueindex(1)) != 0;
        ffi::lua_settop(state, -2);
        let slot: *mut c_void =
            if is_ours { ffi::lua_touserdata(state, 1) } else { return Err(bad) };
        slot.cast::<*const Verifier>().read().as_ref().ok_or(bad)
    }
}

pub(super) unsafe fn string<'a>(state: *mut lua_State, index: c_int) -> Result<&'a [u8]> {
    // SAFETY: what is a string already is neither converted nor moved.
    unsafe {
        if ffi::lua_type(state, index) != ffi::LUA_TSTRING {
            return Err((index, c"string expected"));
        }
        let mut length = 0;
        let start = ffi::lua_tolstring(state, index, &mut length);
        Ok(slice::from_raw_parts(start.cast(), length))
    }
}

/// Returns what `read` makes of an argument; `None` if it was left out.
pub(super) unsafe fn optional<T>(
    state: *mut lua_State,
    index: c_int,
    read: impl FnOnce(*mut lua_State, c_int) -> Result<T>,
) -> Result<Option<T>> {
    // SAFETY: looks at one value of the stack.
    match unsafe { ffi::lua_type(state, index) } {
        ffi::LUA_TNIL | ffi::LUA_TNONE => Ok(None),
        _ => read(state, index).map(Some),
    }
}

/// Reads Unix seconds; those of the clock if they were left out.
pub(super) unsafe fn unix_time(state: *mut lua_State, index: c_int) -> Result<u64> {
    // SAFETY: looks at one value of the stack.
    let time = unsafe { optional(state, index, |state, index| Ok(whole(state, index))) }?;
    time.unwrap_or_else(|| Some(now())).ok_or((index, c"whole Unix seconds expected, 0 or later"))
}

/// Reads a count, 0 or more.
pub(super) unsafe fn count(state: *mut lua_State, index: c_int) -> Result<u64> {
    // SAFETY: looks at one value of the stack.
    unsafe { whole(state, index) }.ok_or((index, c"whole number expected, 0 or more"))
}

unsafe fn whole(state: *mut lua_State, index: c_int) -> Option<u64> {
    // SAFETY: looks at one value of the stack, which is a number where it is read as one.
    let number = unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TNUMBER if ffi::lua_isinteger(state, index) != 0 => {
                Value::Integer(ffi::lua_tointegerx(state, index, std::ptr::null_mut()) as i64)
            }
            ffi::LUA_TNUMBER => {
                Value::Number(ffi::lua_tonumberx(state, index, std::ptr::null_mut()))
            }
            _ => return None,
        }
    };
    whole_number(&number)
}

/// Reads the strings of a list. The table keeps them in memory.
unsafe fn list<'a>(state: *mut lua_State, index: c_int) -> Result<Vec<&'a [u8]>> {
    let bad = (index, c"list of strings expected, 256 at most");
    let mut strings = Vec::with_capacity(MAX_OTHERS);
    // SAFETY: pushes one value at a time and pops it; what is a string is not converted.
    unsafe {
        if ffi::lua_type(state, index) != ffi::LUA_TTABLE {
            return Err(bad);
        }
        for position in 1.. {
            ffi::lua_rawgeti(state, index, position);
            let is_full = strings.len() == MAX_OTHERS;
            let is_end = ffi::lua_type(state, -1) == ffi::LUA_TNIL;
            let read = if is_end { Ok(&[][..]) } else { string(state, -1) };
            ffi::lua_settop(state, -2);
            if is_end {
                break;
            }
            strings.push(read.ok().filter(|_| !is_full).ok_or(bad)?);
        }
    }
    Ok(strings)
}
