//! A mount namespace, in which a test may mount anything.

use std::env;
use std::process::{Command, Stdio};

const INSIDE: &str = "XTOKEN_IN_NAMESPACE";

/// Runs this test again in a mount namespace of its own. Returns whether it runs in one already.
pub(crate) fn enter(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = command(&env::current_exe().unwrap().display().to_string())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .status();
    assert!(status.expect("unshare is missing: apt-get install util-linux").success());
    false
}

/// A command that runs a program in a mount namespace. Another user becomes root in a user
/// namespace first.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--", program]);
    command
}

#[allow(unsafe_code)]
fn is_root() -> bool {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

pub(crate) fn mount(arguments: &[&str]) {
    let mounted = Command::new("mount").args(arguments).status();
    assert!(mounted.expect("mount is missing: apt-get install mount").success());
}
