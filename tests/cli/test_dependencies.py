"""The libraries do not depend on the crates of the command, nor it on theirs."""

import subprocess

from conftest import ROOT


def crates(*features):
    tree = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    shown = subprocess.run(
        [*tree, *features], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return {line.split()[0] for line in shown.splitlines()}


def test_the_libraries_and_the_command_share_the_core_only():
    command = crates("--features", "cli")
    assert {"clap", "anstream", "serde_json", "tempfile", "toml"} <= command
    assert not {"mlua", "rusqlite", "redis"} & command
    for features in ["capi", "lua54"]:
        library = crates("--features", f"{features},sqlite,redis")
        assert (
            "hmac" in library
            and not {"clap", "anstream", "serde_json", "tempfile", "toml"} & library
        )
