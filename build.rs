//! Link arguments, nothing else.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // Interpreters unload modules at exit; code that fork handlers point to must stay mapped.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // All symbols at load time: a module for another Lua version fails there, not in mid-call.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,now");
    if std::env::var_os("CARGO_FEATURE_CAPI").is_some() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libxtoken.so.0");
    }
}
