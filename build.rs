//! Sets the arguments of the linker for the Lua module, and nothing else. scripts/c-library links
//! the C library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "freebsd") => {
            // Interpreters unload modules at exit, but fork handlers still point to code of the
            // library.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
            // A module for another version of Lua fails when it is loaded, not in the middle of a
            // call.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,now");
        }
        // The interpreter has the functions of Lua.
        Ok("macos") => println!("cargo::rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup"),
        _ => {}
    }
}
