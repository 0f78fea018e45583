"""Runs the recipes of examples/user-names/, and what Prosody has for the same."""

import functools
import json
import os
import subprocess
import sys

from server import ROOT
from versions import launcher
from webchat import tool

RECIPES = ROOT / "examples/user-names"
VECTORS = json.loads((ROOT / "tests/vectors/user-names.json").read_text("utf-8"))
BUILT = ROOT / "target/clients"

BUILD = {
    "Escape.java": ["javac", "-Xlint:all", "-Werror", "-d", BUILT, "Escape.java"],
    "escape.c": ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    + ["-o", BUILT / "escape-c", "escape.c"],
    "escape.go": ["go", "build", "-o", BUILT / "escape-go", "escape.go"],
    "escape.rs": ["rustc", "--edition", "2021", "-D", "warnings", "-o", BUILT / "escape-rs"]
    + ["escape.rs"],
}
RUN = {
    "Escape.java": ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", BUILT, "Escape"],
    "escape.c": [BUILT / "escape-c"],
    "escape.go": [BUILT / "escape-go"],
    "escape.lua": ["lua5.4", "escape.lua"],
    "escape.mjs": ["node", "escape.mjs"],
    "escape.php": ["php", "escape.php"],
    "escape.py": [sys.executable, "escape.py"],
    "escape.rb": ["ruby", "escape.rb"],
    "escape.rs": [BUILT / "escape-rs"],
    "escape.sh": ["sh", "escape.sh"],
}


def run(command, *arguments, locale="C.UTF-8", **options):
    """Returns the exit status, standard output and standard error of a command."""
    done = subprocess.run(
        [tool(command[0]), *command[1:], *arguments],
        cwd=RECIPES,
        env=os.environ | {"LC_ALL": locale},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        **options,
    )
    return done.returncode, done.stdout, done.stderr


@functools.cache
def build(recipe):
    """Compiles a recipe if necessary. Returns the command that runs it."""
    if recipe in BUILD:
        BUILT.mkdir(parents=True, exist_ok=True)
        status, _, errors = run(BUILD[recipe])
        assert status == 0, errors
    return RUN[recipe]


def by_prosody(version, function, names):
    """Returns what `escape` or `unescape` of Prosody's util.jid makes of each name."""
    folder = launcher(version).parents[1] / "lib/prosody"
    code = f"""
        package.path = "{folder}/?.lua;"..package.path
        package.cpath = "{folder}/?.so;"..package.cpath
        pcall(require, "loader") -- since 13.0
        local change = require "util.jid".{function}
        for name in io.lines() do print(change(name)) end
    """
    status, output, errors = run(["lua5.4", "-e", code], input="".join(f"{n}\n" for n in names))
    assert status == 0, errors
    return output.splitlines()
