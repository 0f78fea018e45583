//! The verifier object: the one place where Lua's C API is called by hand.
//!
//! Through mlua a call of `verify` costs about 260 ns on top of the verification's 270, most of
//! it for handing over two strings; by hand it costs about 60. A login is worth a few of them,
//! but the event loop of a server that is flooded with tokens pays for each.

mod explain;

use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use mlua::ffi::{self, lua_State};
use mlua::{AnyUserData, Function, Lua, Result, Value};

use super::time::{now, whole_number};
use crate::verify::{Accepted, Begun, Verifier};
use crate::{Key, Rejection};

/// Makes verifier objects: userdata that hold a pointer to a [`Verifier`] of their own.
pub(super) struct Class {
    /// Returns such a userdata with a null pointer.
    construct: Function,
}

impl Class {
    pub(super) fn new(lua: &Lua) -> Result<Self> {
        // SAFETY: `open_class` keeps to the protocol of a C function.
        let open = unsafe { lua.create_c_function(open_class) }?;
        Ok(Self { construct: open.call(())? })
    }

    pub(super) fn wrap(&self, verifier: Verifier) -> Result<AnyUserData> {
        let object: AnyUserData = self.construct.call(())?;
        let slot = object.to_pointer().cast::<*mut Verifier>().cast_mut();
        // SAFETY: `construct` made the userdata large enough for one pointer.
        unsafe { slot.write(Box::into_raw(Box::new(verifier))) };
        Ok(object)
    }
}

/// Leaves `construct` on the stack. Every closure has the metatable as its upvalue, by which
/// [`receiver`] recognises its objects.
unsafe extern "C-unwind" fn open_class(state: *mut lua_State) -> c_int {
    type Method = (&'static CStr, ffi::lua_CFunction);
    let methods: [Method; 5] = [
        (c"verify", verify),
        (c"begin", begin),
        (c"explain", explain::explain),
        (c"begin_explain", explain::begin_explain),
        (c"seed_bits", seed_bits),
    ];
    // SAFETY: each call pushes or pops as its comment says; eight slots are always there.
    unsafe {
        ffi::lua_createtable(state, 0, 4); // metatable
        ffi::lua_createtable(state, 0, 5); // metatable, methods
        for (name, function) in methods {
            ffi::lua_pushvalue(state, -2);
            ffi::lua_pushcclosure(state, function, 1);
            ffi::lua_setfield(state, -2, name.as_ptr());
        }
        ffi::lua_setfield(state, -2, c"__index".as_ptr()); // metatable
        ffi::lua_pushvalue(state, -1);
        ffi::lua_pushcclosure(state, collect, 1);
        ffi::lua_setfield(state, -2, c"__gc".as_ptr());
        ffi::lua_pushstring(state, c"xtoken.verifier".as_ptr());
        ffi::lua_setfield(state, -2, c"__name".as_ptr());
        // Hides the metatable, so that nobody gets hold of __gc.
        ffi::lua_pushboolean(state, 0);
        ffi::lua_setfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_pushcclosure(state, construct, 1); // construct
    }
    1
}

unsafe extern "C-unwind" fn construct(state: *mut lua_State) -> c_int {
    // SAFETY: the userdata is written before anybody sees it, and popped as the result.
    unsafe {
        let slot = ffi::lua_newuserdata(state, size_of::<*mut Verifier>());
        slot.cast::<*mut Verifier>().write(std::ptr::null_mut());
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_setmetatable(state, -2);
    }
    1
}

/// `verifier:verify(jid, token [, unix_time])` -> true, key_id, step_offset, nonce_length,
/// clock_skew | false, reason
unsafe extern "C-unwind" fn verify(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        decide(state, |verifier, jid, token, now| {
            verifier.verify(jid, token, now).map(Begun::Accepted)
        })
    }
}

/// `verifier:begin(jid, token [, unix_time])` -> as `verify` | nil, ticket, key_id, step_offset,
/// nonce_length, clock_skew
unsafe extern "C-unwind" fn begin(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe { decide(state, |verifier, jid, token, now| verifier.begin(jid, token, now)) }
}

type Decision = std::result::Result<Begun, Rejection>;
type BadArgument = (c_int, &'static CStr);

unsafe fn decide(
    state: *mut lua_State,
    how: impl FnOnce(&Verifier, &[u8], &[u8], u64) -> Decision,
) -> c_int {
    // A panic must not cross; a Lua error must not jump over anything that wants to be dropped.
    // SAFETY: `state` is the one Lua called with.
    let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { try_decide(state, how) }));
    let outcome = outcome.map_err(std::mem::forget);
    // SAFETY: nothing here wants to be dropped; a C function has room for these results.
    unsafe {
        match outcome {
            Ok(Ok((verifier, Ok(Begun::Accepted(accepted))))) => {
                ffi::lua_pushboolean(state, 1);
                1 + push_accepted(state, verifier, &accepted)
            }
            Ok(Ok((verifier, Ok(Begun::Pending(accepted, ticket))))) => {
                ffi::lua_pushnil(state);
                ffi::lua_pushinteger(state, ticket as ffi::lua_Integer);
                2 + push_accepted(state, verifier, &accepted)
            }
            Ok(Ok((_, Err(rejection)))) => {
                let name = rejection.name();
                ffi::lua_pushboolean(state, 0);
                ffi::lua_pushlstring(state, name.as_ptr().cast(), name.len());
                2
            }
            Ok(Err((argument, expected))) => ffi::luaL_argerror(state, argument, expected.as_ptr()),
            Err(()) => ffi::luaL_error(state, c"xtoken: internal error".as_ptr()),
        }
    }
}

unsafe fn try_decide<'a>(
    state: *mut lua_State,
    how: impl FnOnce(&Verifier, &[u8], &[u8], u64) -> Decision,
) -> std::result::Result<(&'a Verifier, Decision), BadArgument> {
    // SAFETY: what is on the stack stays in memory until the function that Lua called returns.
    unsafe {
        let verifier = receiver(state)?;
        let (jid, token) = (string(state, 2)?, string(state, 3)?);
        Ok((verifier, how(verifier, jid, token, unix_time(state, 4)?)))
    }
}

/// Pushes key_id, step_offset, nonce_length, clock_skew.
unsafe fn push_accepted(state: *mut lua_State, verifier: &Verifier, accepted: &Accepted) -> c_int {
    let id = verifier.keys().get(accepted.key).map_or("", Key::id);
    // SAFETY: the string is copied; a C function has room for these results.
    unsafe {
        ffi::lua_pushlstring(state, id.as_ptr().cast(), id.len());
        ffi::lua_pushinteger(state, accepted.step_offset as ffi::lua_Integer);
        ffi::lua_pushinteger(state, accepted.nonce_length as ffi::lua_Integer);
        match accepted.clock_skew {
            Some(seconds) => ffi::lua_pushinteger(state, seconds as ffi::lua_Integer),
            None => ffi::lua_pushnil(state),
        }
    }
    4
}

/// `verifier:seed_bits([key_id])` -> bits of the weakest seed, or of that key's; nil if there is
/// no such key
unsafe extern "C-unwind" fn seed_bits(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with; the string stays on the stack.
    let asked = unsafe {
        receiver(state).and_then(|verifier| {
            let id = optional(state, 2, |state, index| string(state, index))?;
            Ok((verifier, id))
        })
    };
    match asked {
        Ok((verifier, id)) => {
            let named = |key: &&Key| Some(key.id().as_bytes()) == id;
            let bits = match id {
                None => Some(verifier.seed_bits()),
                Some(_) => verifier.keys().iter().find(named).map(Key::seed_bits),
            };
            // SAFETY: a C function has room for a result.
            unsafe {
                match bits {
                    Some(bits) => ffi::lua_pushinteger(state, bits as ffi::lua_Integer),
                    None => ffi::lua_pushnil(state),
                }
            }
            1
        }
        // SAFETY: nothing here wants to be dropped.
        Err((argument, expected)) => unsafe {
            ffi::luaL_argerror(state, argument, expected.as_ptr())
        },
    }
}

unsafe extern "C-unwind" fn collect(state: *mut lua_State) -> c_int {
    // SAFETY: through `debug` anybody can call this with anything, so it looks first; the pointer
    // is taken out, so that nobody finds it afterwards.
    unsafe {
        if receiver(state).is_ok() {
            let slot = ffi::lua_touserdata(state, 1).cast::<*mut Verifier>();
            let verifier = Box::from_raw(slot.replace(std::ptr::null_mut()));
            // Dropping runs no foreign code; should it panic, that must not reach Lua.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(verifier)));
        }
    }
    0
}

/// The verifier that a method was called on.
unsafe fn receiver<'a>(state: *mut lua_State) -> std::result::Result<&'a Verifier, BadArgument> {
    let bad = (1, c"xtoken.verifier expected, call methods with a colon");
    // SAFETY: a userdata with our metatable holds a pointer of ours, null once it is collected.
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

unsafe fn string<'a>(
    state: *mut lua_State,
    index: c_int,
) -> std::result::Result<&'a [u8], BadArgument> {
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

/// What `read` makes of an argument, `None` if it was left out.
unsafe fn optional<T>(
    state: *mut lua_State,
    index: c_int,
    read: impl FnOnce(*mut lua_State, c_int) -> std::result::Result<T, BadArgument>,
) -> std::result::Result<Option<T>, BadArgument> {
    // SAFETY: looks at one value of the stack.
    match unsafe { ffi::lua_type(state, index) } {
        ffi::LUA_TNIL | ffi::LUA_TNONE => Ok(None),
        _ => read(state, index).map(Some),
    }
}

unsafe fn unix_time(state: *mut lua_State, index: c_int) -> std::result::Result<u64, BadArgument> {
    // SAFETY: looks at one value of the stack.
    let argument = unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TNIL | ffi::LUA_TNONE => return Ok(now()),
            ffi::LUA_TNUMBER if ffi::lua_isinteger(state, index) != 0 => {
                Value::Integer(ffi::lua_tointegerx(state, index, std::ptr::null_mut()) as i64)
            }
            ffi::LUA_TNUMBER => {
                Value::Number(ffi::lua_tonumberx(state, index, std::ptr::null_mut()))
            }
            _ => Value::Nil,
        }
    };
    whole_number(&argument).ok_or((index, c"whole Unix seconds expected, 0 or later"))
}
