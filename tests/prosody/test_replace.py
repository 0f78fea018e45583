"""A running server survives when make replaces its plugins."""

import shutil
import subprocess

import pytest
from client import Client
from mint import mint
from server import PLUGINS, ROOT

COPIED = ["Makefile", "make", "packaging", "scripts"]
COPIED += ["Cargo.toml", "Cargo.lock", "build.rs", "src", "lua"]


@pytest.fixture
def checkout(tmp_path):
    """A checkout in which everything is built, with a native module that can be replaced."""
    folder = tmp_path / "checkout"
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        folder.mkdir(exist_ok=True)
        copy(ROOT / name, folder / name)
    built = folder / "target/lua/5.4/xtoken.so"
    built.parent.mkdir(parents=True)
    (folder / "target/build-tools").touch()
    # What is built must be newer.
    subprocess.run(["make", "--silent", "target/options", "CARGO=false"], cwd=folder, check=True)
    shutil.copy(PLUGINS / "xtoken.so", built)
    return folder


@pytest.mark.parametrize("target", ["plugins", "install-plugins"])
def test_logins_go_on_after_make(prosody, options, key, checkout, target):
    built, installed = checkout / "target/lua/5.4/xtoken.so", checkout / "installed"

    def make():
        command = ["make", target, f"PROSODYDIR={installed}", "CARGO=false"]
        subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.DEVNULL)

    def log_in():
        with Client(server.port, "localhost") as client:
            return client.log_in("alice", mint("alice@localhost", key))

    make()
    folder = checkout / "lua" if target == "plugins" else installed
    paths = [str(folder), str(ROOT / "tests/prosody/plugins")]
    with prosody({"localhost": options}, plugin_paths=paths) as server:
        assert log_in() == "success"
        # Not a library: a process that read this instead of the old one would crash.
        good = built.read_bytes()
        built.write_bytes(b"\0" * len(good))
        make()
        assert (folder / "xtoken.so").read_bytes() == built.read_bytes()
        assert [log_in() for _ in range(3)] == ["success"] * 3
        built.write_bytes(good)
        make()
        server.stop()
        server.start()
        assert log_in() == "success"
