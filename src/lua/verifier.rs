//! The verifier object. Only here and in the modules inside, Lua's C API is called by hand.
//!
//! Through mlua a call of `verify` costs about 260 ns on top of the verification's 270, mostly for
//! passing two strings. By hand it costs about 60. A single login would not notice, but the event
//! loop of a server that is flooded with tokens pays for each.

mod arguments;
mod results;

use std::ffi::{CStr, c_int};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::ffi::{self, lua_State};
use mlua::{AnyUserData, Function, Lua, Result};

use crate::Key;
use crate::submission::{Explanation, Submission};
use crate::verify::Verifier;
use arguments::{BadArgument, Question, count, optional, question, receiver, string, unix_time};
use results::{Results, Said, push_completion};

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
    let methods: [Method; 7] = [
        (c"verify", verify),
        (c"explain", explain),
        (c"submit", submit),
        (c"submit_explain", submit_explain),
        (c"completions", completions),
        (c"descriptor", descriptor),
        (c"seed_bits", seed_bits),
    ];
    // SAFETY: each call pushes or pops as its comment says; eight slots are always there.
    unsafe {
        ffi::lua_createtable(state, 0, 4); // metatable
        ffi::lua_createtable(state, 0, 7); // metatable, methods
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
        // Hides the metatable, so that no Lua code can call __gc.
        ffi::lua_pushboolean(state, 0);
        ffi::lua_setfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_pushcclosure(state, construct, 1); // construct
    }
    1
}

unsafe extern "C-unwind" fn construct(state: *mut lua_State) -> c_int {
    // SAFETY: the userdata is written before Lua code sees it, and popped as the result.
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
        call(state, |verifier| {
            let (jid, token) = (string(state, 2)?, string(state, 3)?);
            let result = verifier.verify(jid, token, unix_time(state, 4)?);
            Ok(Results::of_verified(result))
        })
    }
}

/// `verifier:submit(jid, token [, unix_time])` -> as `verify` | nil, ticket
unsafe extern "C-unwind" fn submit(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        call(state, |verifier| {
            let (jid, token) = (string(state, 2)?, string(state, 3)?);
            Ok(match verifier.submit(jid, token, unix_time(state, 4)?) {
                Ok(Submission::Accepted(accepted)) => Results::Accepted(accepted),
                Ok(Submission::Pending(ticket)) => Results::Pending(ticket),
                Err(rejection) => Results::Refused(rejection),
            })
        })
    }
}

/// `verifier:explain(jid, token [, unix_time [, others]])` -> name, sentence
unsafe extern "C-unwind" fn explain(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        call(state, |verifier| {
            let Question { jid, token, now, others } = question(state)?;
            Ok(Results::Explained(Said::of(&verifier.explain(jid, token, now, &others))))
        })
    }
}

/// `verifier:submit_explain(jid, token [, unix_time [, others]])` -> as `explain` | nil, ticket
unsafe extern "C-unwind" fn submit_explain(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        call(state, |verifier| {
            let Question { jid, token, now, others } = question(state)?;
            Ok(match verifier.submit_explain(jid, token, now, &others) {
                Explanation::Findings(findings) => Results::Explained(Said::of(&findings)),
                Explanation::Pending(ticket) => Results::Pending(ticket),
            })
        })
    }
}

/// `verifier:completions([at_most])` -> { [ticket] = { what `verify` or `explain` returns }, … }
unsafe extern "C-unwind" fn completions(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with; eight slots are there for the results.
    unsafe {
        let (verifier, at_most) = match receiver(state)
            .and_then(|verifier| Ok((verifier, optional(state, 2, |s, at| count(s, at))?)))
        {
            Ok((verifier, at_most)) => (verifier, at_most.unwrap_or(u64::MAX)),
            Err((argument, expected)) => {
                return ffi::luaL_argerror(state, argument, expected.as_ptr());
            }
        };
        ffi::lua_createtable(state, 0, 1);
        let mut pushed = 0;
        while (pushed as u64) < at_most {
            // One at a time: a Lua error must not jump over a list that must be dropped.
            let next = AssertUnwindSafe(|| {
                #[cfg(planted_panics)]
                crate::planted::panic();
                let completion = verifier.peek_completion(pushed)?;
                Some((completion.ticket, Results::of_decision(completion.decision)))
            });
            match catch_unwind(next).map_err(std::mem::forget) {
                Ok(Some((ticket, results))) => push_completion(state, ticket, &results),
                Ok(None) => break,
                Err(()) => {
                    // Else the next call would panic again.
                    verifier.discard_completions(pushed + 1);
                    return ffi::luaL_error(state, c"xtoken: internal error".as_ptr());
                }
            }
            pushed += 1;
        }
        // Only now: after a Lua error, such as for lack of memory, the next call finds them again.
        verifier.discard_completions(pushed);
    }
    1
}

/// `verifier:descriptor()` -> a file descriptor | nil
unsafe extern "C-unwind" fn descriptor(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        call(state, |verifier| {
            Ok(Results::Number(verifier.descriptor().map(|descriptor| descriptor.as_raw_fd() as _)))
        })
    }
}

/// `verifier:seed_bits([key_id])` -> bits of the weakest seed, or of that key's; nil if there is
/// no such key
unsafe extern "C-unwind" fn seed_bits(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with; the string stays on the stack.
    unsafe {
        call(state, |verifier| {
            let id = optional(state, 2, |state, index| string(state, index))?;
            let named = |key: &&Key| Some(key.id().as_bytes()) == id;
            let bits = match id {
                None => Some(verifier.seed_bits()),
                Some(_) => verifier.keys().iter().find(named).map(Key::seed_bits),
            };
            Ok(Results::Number(bits.map(|bits| bits as _)))
        })
    }
}

/// Calls a method on the receiver, and pushes its results or raises an error.
unsafe fn call<'a>(
    state: *mut lua_State,
    method: impl FnOnce(&'a Verifier) -> std::result::Result<Results, BadArgument>,
) -> c_int {
    // A panic must not cross; a Lua error must not jump over anything that must be dropped.
    let called = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(planted_panics)]
        crate::planted::panic();
        // SAFETY: `state` is the one Lua called with.
        unsafe { method(receiver(state)?) }
    }));
    // SAFETY: nothing here must be dropped; a C function has room for these results.
    unsafe {
        match called.map_err(std::mem::forget) {
            Ok(Ok(results)) => results.push(state),
            Ok(Err((argument, expected))) => ffi::luaL_argerror(state, argument, expected.as_ptr()),
            Err(()) => ffi::luaL_error(state, c"xtoken: internal error".as_ptr()),
        }
    }
}

unsafe extern "C-unwind" fn collect(state: *mut lua_State) -> c_int {
    // SAFETY: through `debug`, Lua code can call this with anything, so the argument is checked.
    // The pointer is replaced, so that it is not used afterwards.
    unsafe {
        if receiver(state).is_ok() {
            let slot = ffi::lua_touserdata(state, 1).cast::<*mut Verifier>();
            let verifier = Box::from_raw(slot.replace(std::ptr::null_mut()));
            // Dropping runs no foreign code. A panic must not reach Lua.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                #[cfg(planted_panics)]
                crate::planted::panic();
                drop(verifier);
            }));
        }
    }
    0
}
