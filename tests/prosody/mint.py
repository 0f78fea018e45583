"""Mints tokens with Python's standard library alone, so that the tests do not trust xtoken."""

import base64
import pathlib
import secrets
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vectors"))

import conformance  # noqa: E402

# From linux/time.h. Python has no name for it.
CLOCK_REALTIME_COARSE = 5


def mint(jid, key, *, steps=0, nonce=None, now=None):
    """Returns a token for `jid`, dated unless `nonce` is given. `steps` moves its time by steps."""
    now = int(time.time() if now is None else now) + 30 * steps
    nonce = conformance.dated(now, f"{secrets.randbelow(10**20):020}") if nonce is None else nonce
    return conformance.mint(*key, jid, now, nonce)


def new_key():
    return base64.b32encode(secrets.token_bytes(20)).decode(), secrets.token_urlsafe(32)


def os_time():
    """Returns the time of Lua's os.time, with fractions.

    Linux sets that clock at each tick, so it is some milliseconds behind the one of time.time().
    """
    return time.clock_gettime(CLOCK_REALTIME_COARSE)


def early_in_a_step():
    """Waits until the present step has some seconds left, for tests of a token's age."""
    while (left := 30 - os_time() % 30) < 8:
        time.sleep(left)
