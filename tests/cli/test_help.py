"""The help: its examples can be run as shown, and each option that it lists has an effect."""

import itertools
import re
import subprocess

import pytest
from conftest import ALICE, NOW, PATH, XTOKEN, accepted
from mint import mint, new_key

SYNTAX = re.MULTILINE


def help_of(*command):
    command = [XTOKEN, *command, "--help"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


COMMANDS = re.findall("^  ([a-z-]+) ", help_of().partition("Commands:")[2], SYNTAX)[:-1]
OPTIONS = {
    command: set(re.findall("^ +(?:-[a-z], )?(--[a-z-]+)", help_of(command), SYNTAX)) - {"--help"}
    for command in COMMANDS
}


# Examples


def examples(command):
    return re.findall("^  (xtoken .*)$", help_of(command).partition("\nExamples:\n")[2], SYNTAX)


def test_every_example_does_what_it_shows(tmp_path):
    """In the order of the help, in one folder, as a reader types them."""
    for command in COMMANDS:
        assert examples(command), command
        for line in examples(command):
            assert line.startswith(f"xtoken {command}")
            env = {"PATH": f"{XTOKEN.parent}:{PATH}"}
            done = subprocess.run(
                ["sh", "-c", line], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
            )
            assert done.returncode == 0, done.stderr
            assert done.stderr == "" or "--verbose" in line
    names = {path.name for path in tmp_path.iterdir()}
    assert {"xtoken.key", "secrets", "token", "ledger", "vectors.json"} <= names


def test_the_short_help_has_no_examples():
    short = subprocess.run([XTOKEN, "mint", "-h"], stdout=subprocess.PIPE, text=True).stdout
    assert "Examples" not in short and all(len(line) <= 200 for line in short.splitlines())


# Each option of each command changes something, or is refused.

KEY, OTHER = new_key(), new_key()
ENVIRONMENT = dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), KEY))
# In the step before, and undated.
TOKEN = mint(ALICE, KEY, now=NOW - 30, nonce="7" * 32)
AT = {"--at": str(NOW)}
PRESENTED = ([ALICE, TOKEN], AT)

# What is typed after each command, and the options beside the one that is tried.
USUAL = {
    "generate-key": ([], {}),
    "mint": ([ALICE], {**AT, "--nonce": "7" * 32}),
    "verify": PRESENTED,
    "explain": PRESENTED,
    "inspect": ([TOKEN], {}),
    "vectors": ([], {}),
}
# The value with which each option changes something.
VALUES = {
    "--json": None,
    "--verbose": None,
    "--output": "new",
    "--files": "new",
    "--key": "key",
    "--at": str(NOW),
    "--nonce": "7" * 32,
    "--nonce-length": "31",
    "--nonce-policy": "dated",
    "--deviation": "0",
    "--ledger": "sqlite:/nonexistent/ledger",
    "--also": "old.example",
}


def special_case(option):
    """Returns what is typed beside an option whose effect the usual case does not show."""
    if option == "--ledger":
        return [ALICE, mint(ALICE, KEY)], {}
    if option == "--also":
        return [ALICE, mint("alice@old.example", KEY, now=NOW)], AT
    return None


def words(options):
    return [f"{name}={value}" if value else name for name, value in options.items()]


def test_every_option_has_a_value_here():
    assert set(VALUES) == set().union(*OPTIONS.values())


@pytest.mark.parametrize("command, option", list(itertools.product(COMMANDS, VALUES)))
def test_an_option_has_an_effect_or_is_refused(xtoken, tmp_path, command, option):
    positional, beside = USUAL[command]
    if option in OPTIONS[command]:
        positional, beside = special_case(option) or USUAL[command]
    (tmp_path / "key").write_text('otp_seed = "{}"\ntoken_secret = "{}"\n'.format(*OTHER))
    (tmp_path / "key").chmod(0o600)
    without = {name: value for name, value in beside.items() if name != option}

    def outcome(options):
        done = xtoken(command, *positional, *words(options), env=ENVIRONMENT)
        comparable = re.sub(r"\b[A-Z2-7]{32,52}\b", "KEY", done.stdout)
        return done.returncode, comparable, done.stderr

    tried = outcome({**without, option: VALUES[option]})
    if option in OPTIONS[command]:
        assert tried != outcome(without)
    else:
        assert tried[:2] == (2, "") and "unexpected argument" in tried[2]


def test_an_option_belongs_to_a_command(xtoken):
    for option in VALUES:
        assert xtoken(option, "vectors").returncode == 2
    assert accepted(xtoken("verify", ALICE, mint(ALICE, KEY), env=ENVIRONMENT))
