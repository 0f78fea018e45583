//! The function that `require` calls. The library exports no other.

use std::ffi::c_int;

use mlua::Lua;
use mlua::ffi::lua_State;

/// Makes the module. Raises an error if it was built for another Lua.
///
/// Most other Luas lack a function that this build needs, so the linker refuses it there (see
/// build.rs). Lua 5.5 has all that a build for 5.4 needs, but numbers the registry differently: the
/// first call would crash. So the version is compared first.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn luaopen_xtoken(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one that Lua calls with.
    unsafe {
        #[cfg(any(feature = "lua54", feature = "lua55"))]
        refuse_another_lua(state);
        Lua::entrypoint1(state, super::xtoken)
    }
}

/// Raises an error unless the Lua that calls is the one of this build.
#[cfg(any(feature = "lua54", feature = "lua55"))]
unsafe fn refuse_another_lua(state: *mut lua_State) {
    use mlua::ffi;

    let (needed, message) = if cfg!(feature = "lua54") {
        (504.0, c"this xtoken.so was built for Lua 5.4 and cannot be loaded by another")
    } else {
        (505.0, c"this xtoken.so was built for Lua 5.5 and cannot be loaded by another")
    };
    // SAFETY: both functions are the same in Lua 5.4 and 5.5. The error leaves this function and
    // its caller immediately, and nothing in them must be dropped.
    unsafe {
        if ffi::lua_version(state) != needed {
            ffi::luaL_error(state, message.as_ptr());
        }
    }
}
