#!/usr/bin/env python3
"""As mint.py, for an application that has pyotp already.

pyotp 2.12 and later refuse seeds below 112 bits (23 base32 characters); mint.py takes them.
"""

import base64
import hashlib
import hmac
import secrets
import time

import pyotp


def mint(jid, otp_seed, token_secret, now=None, nonce=None):
    """A fresh token for jid, which is "user@host" as prepared. Only tests give now and nonce."""
    now = int(time.time()) if now is None else now
    nonce = f"{now:012}{secrets.randbelow(10**20):020}" if nonce is None else nonce
    if not otp_seed or not token_secret:
        raise ValueError("the OTP seed or the token secret is empty")
    if not 0 <= now < 10**12:
        raise ValueError("the time is not in seconds")

    # Not at(now): before pyotp 2.12 that goes through local time, which repeats an hour every autumn.
    otp = pyotp.TOTP(otp_seed, digits=8).generate_otp(now // 30)

    digits = otp + nonce
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
