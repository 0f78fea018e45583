import pathlib
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
XTOKEN = ROOT / "target/cli/xtoken"
PATH = "/usr/local/bin:/usr/bin:/bin"

# The servers and the minter of the other tests.
sys.path.insert(0, str(ROOT / "tests/prosody"))

from mint import new_key  # noqa: E402


@pytest.fixture
def tmp_path():
    """A short one: Prosody 13.0 fails where it warns of a line in a file whose path has 60 bytes or more."""
    with tempfile.TemporaryDirectory(prefix="xtoken-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def xtoken(tmp_path):
    """xtoken(*arguments, input=…, env=…): runs the command in an empty folder and an empty environment."""
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
        done.stdout, done.stderr = ((output or b"").decode("utf-8", "replace") for output in (done.stdout, done.stderr))
        return done

    return run


@pytest.fixture
def key():
    return new_key()


@pytest.fixture
def secrets(key):
    """The key as an environment."""
    return dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key))
