"""What docs/minting.md says about `.env` files, asked of programs that read them."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/minting.md").read_text("utf-8")
MODULES = ROOT / "tests/clients/node_modules"

# Each prints the variables of the file .env that its arguments name, and NUL after each.
READERS = {
    "python-dotenv": [
        sys.executable,
        "-c",
        "import dotenv, sys; values = dotenv.dotenv_values('.env')\n"
        "for name in sys.argv[1:]: print(values[name], end='\\0')",
    ],
    "dotenv (Node.js)": [
        "node",
        "-e",
        f"const {{ parse }} = require('{MODULES}/dotenv');"
        "const values = parse(require('fs').readFileSync('.env'));"
        "for (const name of process.argv.slice(1)) process.stdout.write(`${values[name]}\\0`)",
    ],
    "`node --env-file`": [
        "node",
        "--env-file=.env",
        "-e",
        "for (const name of process.argv.slice(1))"
        "  process.stdout.write(`${process.env[name]}\\0`)",
    ],
    "phpdotenv": [
        "php",
        "-r",
        "require 'Dotenv/autoload.php';"
        "$values = Dotenv\\Dotenv::createArrayBacked('.')->load();"
        "foreach (array_slice($argv, 1) as $name) echo $values[$name], chr(0);",
    ],
    "dotenv (Ruby)": [
        "ruby",
        "-e",
        "require 'dotenv'; Dotenv.load; ARGV.each { |name| print ENV.fetch(name), 0.chr }",
    ],
    "a shell": [
        "sh",
        "-c",
        '. ./.env; for name; do eval "printf \'%s\\\\0\' \\"\\$$name\\""; done',
        "sh",
    ],
}


def read(reader, values, folder):
    """Returns what a reader finds in a file with a line for each value, or None if it fails."""
    names = [f"SECRET_{number}" for number in range(len(values))]
    lines = [f"{name}={value}\n" for name, value in zip(names, values)]
    (folder / ".env").write_text("".join(lines))
    command = READERS[reader]
    assert shutil.which(command[0]), f"{command[0]} is missing (make test-clients installs it)"
    done = subprocess.run(
        [*command, *names],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else None


def commands():
    """Returns the command for each of the two secrets."""
    found = re.findall(r"^(head -c .*?) +# (\w+)$", DOCUMENT, re.MULTILINE)
    return {name: command for command, name in found}


def generated():
    """Returns fresh secrets, those of the two commands and those of the library."""
    made = {
        name: subprocess.check_output(["sh", "-c", command], text=True, timeout=60)
        for name, command in commands().items()
    }
    assert set(made) == {"otp_seed", "token_secret"}
    program = "print(require 'xtoken'.generate_key())"
    printed = subprocess.check_output(
        ["lua5.4", "-e", program],
        env=os.environ | {"LUA_CPATH": f"{ROOT}/lua/?.so"},
        text=True,
        timeout=60,
    )
    return [value.removesuffix("\n") for value in made.values()] + printed.split()


@pytest.mark.parametrize("reader", READERS)
def test_generated_secrets_arrive_unchanged(reader, tmp_path):
    secrets = generated()
    assert [len(secret) for secret in secrets] == [32, 52, 32, 52]
    for secret in secrets:
        assert re.fullmatch("[A-Z2-7]+", secret)
    quoted = [f"{quote}{secret}{quote}" for secret in secrets for quote in ("", '"', "'")]
    assert read(reader, quoted, tmp_path) == [secret for secret in secrets for _ in range(3)]


TABLE = re.findall(r"^\| `SECRET=(.+?)` \| (.+) \|$", DOCUMENT, re.MULTILINE)


def test_the_table_is_found():
    named = {reader for _, readers in TABLE for reader in readers.split(", ")}
    assert len(TABLE) == 5 and named == set(READERS)


@pytest.mark.parametrize("shown, readers", TABLE, ids=[shown for shown, _ in TABLE])
def test_other_characters_change(shown, readers, tmp_path):
    value = shown.strip('"')
    changing = [name for name in READERS if read(name, [shown], tmp_path) != [value]]
    assert changing == readers.split(", ")
