"""A checkout whose crate builds in a moment: the real Makefile and scripts, and a small library."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = [
    "Makefile",
    "make",
    "packaging",
    "scripts",
    "lua",
    "tests/vectors",
    "tests/prosody",
]

MANIFEST = """
[package]
name = "xtoken-auth"
version = "7.8.9"
edition = "2024"
rust-version = "1.89"
[lib]
name = "xtoken"
crate-type = ["rlib", "cdylib", "staticlib"]
[[example]]
name = "manual"
path = "packaging/manual.rs"
[features]
lua51 = []
lua52 = []
lua53 = []
lua54 = []
lua55 = []
luajit = []
capi = []
cli = []
sqlite = []
sqlite-bundled = []
redis = []
"""
HEADER = """/*
 * xtoken: a library that is built in a moment.
 */
#define XTOKEN_VERSION "7.8.9"

/**
 * Returns which library this is.
 *
 * Since 0.1.
 */
const char *xtoken_which(void);
"""
LIBRARY = """
#[unsafe(no_mangle)]
pub extern "C" fn xtoken_which() -> *const u8 {
    c"this is %s".as_ptr().cast()
}
"""
COMMAND = 'fn main() { println!("this is %s"); }\n'
MANUAL = """
fn main() {
    let folder = std::env::args().nth(1).unwrap();
    let of = ["", "-generate-key", "-mint", "-verify", "-explain", "-inspect", "-vectors"];
    let names = of.map(|name| format!("xtoken{name}.1")).into_iter();
    for name in names.chain(["xtoken.bash", "_xtoken", "xtoken.fish"].map(String::from)) {
        std::fs::write(format!("{folder}/{name}"), "").unwrap();
    }
}
"""


class Checkout:
    def __init__(self, folder):
        self.folder = folder
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, folder / name)
        for library in (folder / "lua").glob("*.so"):
            library.unlink()
        self.write("Cargo.toml", MANIFEST)
        self.write("include/xtoken.h", HEADER)
        self.write("build.rs", "fn main() {}\n")
        self.write("packaging/manual.rs", MANUAL)
        self.write("src/bin/xtoken/arguments.rs", "")
        self.write_source("one")
        lock = ["cargo", "--quiet", "generate-lockfile", "--offline"]
        subprocess.run(lock, cwd=folder, check=True)

    def write(self, name, text):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def write_source(self, version):
        """Makes everything that is built from now on contain "this is VERSION"."""
        self.write("src/lib.rs", LIBRARY % version)
        self.write("src/bin/xtoken/main.rs", COMMAND % version)

    def make(self, *arguments, status=0, **environment):
        """Returns what make printed; it must end with this status."""
        inherited = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == status, done.stdout
        return done.stdout


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "checkout")
