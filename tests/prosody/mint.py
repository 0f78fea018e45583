"""Tokens made with Python's standard library alone: nothing of xtoken's is trusted here."""

import base64
import pathlib
import secrets
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vectors"))

import conformance  # noqa: E402


def mint(jid, key, *, steps=0, nonce=None, now=None):
    """A token for `jid`, dated unless a nonce is given; `steps` moves its time by as many steps."""
    now = int(time.time() if now is None else now) + 30 * steps
    nonce = conformance.dated(now, f"{secrets.randbelow(10**20):020}") if nonce is None else nonce
    return conformance.mint(*key, jid, now, nonce)


def new_key():
    return base64.b32encode(secrets.token_bytes(20)).decode(), secrets.token_urlsafe(32)


def early_in_a_step():
    """Returns when the present step has some seconds left, for what depends on the age of a token."""
    left = 30 - time.time() % 30
    if left < 8:
        time.sleep(left)
