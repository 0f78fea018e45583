"""The mutants that cargo-mutants proposes, and those that no test can tell from the original."""

import json
import pathlib
import re
import subprocess
import tomllib

PROJECT = pathlib.Path(__file__).resolve().parents[2]
TOOL = PROJECT / "target/tools/bin/cargo-mutants"
EXPLAINED = pathlib.Path(__file__).with_name("explained.toml")

# The core without the ledgers in files and servers, which have a model of their own, and the face
# for C.
FILES = [
    *(f"src/{name}.rs" for name in "completions config dating explain jid key ledger mac".split()),
    *(f"src/{name}.rs" for name in "mint nonce rejection submission token totp verify".split()),
    *(f"src/{folder}/*.rs" for folder in "capi completions config explain".split()),
    *(f"src/ledger/{name}.rs" for name in "clock history memory".split()),
    *(f"src/ledger/{folder}/*.rs" for folder in "history memory".split()),
]
NO_CODE = ["src/ledger/history/tests.rs", "src/*/interleaved.rs", "src/ledger/*/interleaved.rs"]


class Mutant:
    """A change of one place in the code."""

    def __init__(self, number, listed):
        self.number = number
        self.file = listed["file"]
        # A constant outside of functions has none.
        self.function = listed["function"] and listed["function"]["span"]
        self.span = listed["span"]
        self.replacement = listed["replacement"]
        place, self.change = re.fullmatch(r"(.*?:\d+:\d+): (.*)", listed["name"]).groups()
        self.place = place
        lines = (PROJECT / self.file).read_text("utf-8").splitlines()
        self.code = lines[self.span["start"]["line"] - 1].strip()

    def __str__(self):
        return f"{self.place}: {self.change}"


def listed():
    """Returns every mutant."""
    command = [TOOL, "mutants", "--list", "--json", "--no-config"]
    command += [f"--file={name}" for name in FILES] + [f"--exclude={name}" for name in NO_CODE]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    return [Mutant(number, entry) for number, entry in enumerate(json.loads(done.stdout))]


class Explained:
    """The mutants that survive, and why."""

    def __init__(self):
        self.entries = tomllib.loads(EXPLAINED.read_text("utf-8")).get("survivor", [])
        self.found = set()

    def has(self, mutant):
        for number, entry in enumerate(self.entries):
            is_this = re.fullmatch(entry["change"], mutant.change) and entry["code"] in mutant.code
            if is_this and entry["file"] == mutant.file:
                self.found.add(number)
                return True
        return False

    def stale(self, tried):
        """Returns the entries for mutants that were tried and did not survive."""
        files = {mutant.file for mutant in tried}
        entries = (entry for number, entry in enumerate(self.entries) if number not in self.found)
        return [entry for entry in entries if entry["file"] in files]
