import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
XTOKEN = ROOT / "target/cli/xtoken"
PATH = "/usr/local/bin:/usr/bin:/bin"
ALICE = "alice@example.com"
NOW = 1_700_000_010

# The minter of the other tests.
sys.path.insert(0, str(ROOT / "tests/prosody"))

from mint import new_key  # noqa: E402


@pytest.fixture
def xtoken(tmp_path):
    """xtoken(*arguments, input=…, env=…): runs the command in an empty folder and environment."""
    assert XTOKEN.exists(), f"{XTOKEN} is missing (make cli)"

    def run(*arguments, input=b"", env={}, **how):
        if isinstance(input, str):
            input = input.encode()
        done = subprocess.run(
            [XTOKEN, *arguments],
            input=input,
            env={"PATH": PATH, **env},
            cwd=tmp_path,
            timeout=20,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
        )
        done.stdout, done.stderr = (
            (output or b"").decode("utf-8", "replace") for output in (done.stdout, done.stderr)
        )
        return done

    return run


@pytest.fixture
def key():
    return new_key()


@pytest.fixture
def secrets(key):
    """The key as environment variables."""
    return dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key))


def at(now):
    return ["--at", str(now)]


def accepted(done):
    assert done.stderr == ""
    return (done.returncode, done.stdout) == (0, "accepted: key default\n")


def refused(done, reason):
    assert done.stdout == ""
    return done.returncode == 1 and done.stderr.startswith(f"refused: {reason}: ")


def is_wrong(done, *words):
    """Nothing is on standard output, and standard error says what is wrong with these words."""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and "panicked" not in done.stderr
    return all(word in done.stderr for word in words)
