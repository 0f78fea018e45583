"""make puts in place what Cargo has just built, wherever Cargo builds."""

import re
import shutil
import subprocess

import pytest

TARGETS = ["plugins", "capi", "cli"]
DELIVERED = [
    "lua/xtoken.so",
    "target/lua/5.4/xtoken.so",
    "target/capi/libxtoken.so",
    "target/capi/libxtoken.a",
    "target/cli/xtoken",
]


def host():
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search("^host: (.*)$", said, re.MULTILINE)[1]


@pytest.mark.parametrize(
    "environment, configuration",
    [
        ({}, ""),
        ({"CARGO_TARGET_DIR": "{elsewhere}"}, ""),
        ({"CARGO_BUILD_TARGET_DIR": "{elsewhere}"}, ""),
        ({"CARGO_BUILD_TARGET": "{host}"}, ""),
        ({"CARGO_TARGET_DIR": "{elsewhere}", "CARGO_BUILD_TARGET": "{host}"}, ""),
        ({}, '[build]\ntarget-dir = "{elsewhere}"\n'),
        ({}, '[build]\ntarget = "{host}"\n'),
    ],
)
def test_what_was_built_just_now_is_delivered(checkout, tmp_path, environment, configuration):
    places = {"elsewhere": tmp_path / "elsewhere", "host": host()}
    checkout.make(*TARGETS)
    checkout.write_source("two")
    checkout.write(".cargo/config.toml", configuration.format(**places))
    checkout.make(*TARGETS, **{name: value.format(**places) for name, value in environment.items()})
    for name in DELIVERED:
        content = (checkout.folder / name).read_bytes()
        assert b"this is two" in content and b"this is one" not in content, name


def test_a_build_that_fails_delivers_nothing_and_says_so(checkout):
    checkout.make("plugins")
    checkout.write("src/lib.rs", "nonsense")
    assert "error" in checkout.make("plugins", status=2)
    assert b"this is one" in (checkout.folder / "lua/xtoken.so").read_bytes()


def test_the_c_library_is_whole_when_cargo_has_nothing_to_do(checkout):
    checkout.make("capi")
    shutil.rmtree(checkout.folder / "target/capi")
    checkout.make("capi")
    assert "-lc" in (checkout.folder / "target/capi/native-static-libs").read_text()


@pytest.mark.parametrize("version", [None, "1.88.0"])
@pytest.mark.parametrize("target", ["plugins", "demo", "webchat"])
def test_a_rust_that_is_missing_or_too_old_is_said_at_once(checkout, tmp_path, target, version):
    cargo = tmp_path / "cargo"
    if version:
        cargo.write_text(f"#!/bin/sh\necho 'cargo {version} (of a test)'\n")
        cargo.chmod(0o755)
    said = checkout.make(target, f"CARGO={cargo}", status=2)
    assert "Rust 1.89 or later is needed, with cargo." in said
    assert f"This machine has {version or 'none'}." in said
    assert "apt-get install cargo-web rustc-web" in said and "https://rustup.rs" in said
    assert "Installing" not in said
