#!/usr/bin/env python3
"""Makes the tokens with which the users of a web application log in to Prosody."""

import base64
import hashlib
import hmac
import secrets
import struct
import time


def mint(jid, otp_seed, token_secret, now=None, nonce=None):
    """A fresh token for jid, which is "user@host" as prepared. Only tests give now and nonce."""
    now = int(time.time()) if now is None else now
    nonce = f"{now:012}{secrets.randbelow(10**20):020}" if nonce is None else nonce
    if not otp_seed or not token_secret:
        raise ValueError("the OTP seed or the token secret is empty")
    if not 0 <= now < 10**12:
        raise ValueError("the time is not in seconds")

    seed = base64.b32decode(otp_seed + "=" * (-len(otp_seed) % 8), casefold=True)
    digest = hmac.digest(seed, struct.pack(">Q", now // 30), hashlib.sha1)
    offset = digest[-1] & 15
    otp = (struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF) % 10**8

    digits = f"{otp:08}{nonce}"
    signature = hmac.digest(token_secret.encode(), (digits + jid).encode(), hashlib.sha256)
    return f"{digits} {base64.b64encode(signature).decode()}"


if __name__ == "__main__":
    import argparse
    import os

    parser = argparse.ArgumentParser(epilog="The secrets are read from XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET.")
    parser.add_argument("jid")
    parser.add_argument("unix_time", nargs="?", type=int)
    parser.add_argument("nonce", nargs="?")
    arguments = parser.parse_args()
    seed, secret = os.environ.get("XTOKEN_OTP_SEED"), os.environ.get("XTOKEN_TOKEN_SECRET")
    if seed is None or secret is None:
        parser.error("set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET")
    try:
        print(mint(arguments.jid, seed, secret, arguments.unix_time, arguments.nonce))
    except ValueError as error:  # also what is not UTF-8
        parser.error(str(error))
