"""Tokens made with Python's standard library alone: nothing of xtoken's is trusted here."""

import base64
import hashlib
import hmac
import secrets
import struct
import time


def mint(jid, key, *, steps=0, nonce=None, now=None):
    """A token for `jid`; `steps` moves its time by so many steps of 30 seconds."""
    otp_seed, token_secret = key
    seed = base64.b32decode(otp_seed.upper() + "=" * (-len(otp_seed) % 8))
    step = int(time.time() if now is None else now) // 30 + steps
    digest = hmac.digest(seed, struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 15
    otp = (struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF) % 10**8
    if nonce is None:
        nonce = "".join(secrets.choice("0123456789") for _ in range(32))
    digits = f"{otp:08}{nonce}"
    signature = hmac.digest(token_secret.encode(), (digits + jid).encode(), hashlib.sha256)
    return f"{digits} {base64.b64encode(signature).decode()}"


def new_key():
    return base64.b32encode(secrets.token_bytes(20)).decode(), secrets.token_urlsafe(32)
