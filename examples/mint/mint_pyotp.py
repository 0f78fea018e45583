#!/usr/bin/env python3
"""Mints tokens like mint.py, for a web application that has pyotp already.

pyotp 2.12 and later refuse seeds below 112 bits (23 base32 characters). mint.py accepts them.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time

import pyotp


def mint(jid, otp_seed, token_secret, now=None, nonce=None):
    """Returns a fresh token for jid, a prepared "user@host". Only tests give now and nonce."""
    check_prepared(jid)
    now = int(time.time()) if now is None else now
    nonce = f"{now:012}{secrets.randbelow(10**20):020}" if nonce is None else nonce
    if not otp_seed or not token_secret:
        raise ValueError("the OTP seed or the token secret is empty")
    if not 0 <= now < 10**12:
        raise ValueError("the time is not in seconds")

    # Not at(now): before pyotp 2.12 it uses local time, which repeats an hour every autumn.
    otp = pyotp.TOTP(otp_seed, digits=8).generate_otp(now // 30)

    digits = otp + nonce
    signature = hmac.digest(token_secret.encode(), (digits + jid).encode(), hashlib.sha256)
    return f"{digits} {base64.b64encode(signature).decode()}"


def check_prepared(jid):
    """Raises ValueError if jid cannot be a prepared "user@host"."""
    barred = r"\s\x00-\x1f\x7f-\x9f\ud800-\udfff/@"
    # Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
    letters = re.findall("[A-\u0233\u0386-\u03ab\u0400-\u042f\u0531-\u0556]", jid)
    is_upper = any(letter.isupper() for letter in letters)
    if is_upper or not re.fullmatch(f"[^{barred}\"&':<>]+@[^{barred}]+", jid):
        raise ValueError(
            "the JID is not a prepared user@host: write it in lower case, without spaces or a"
            " /resource, and without \"&'/:<>@ in the user"
        )


if __name__ == "__main__":
    import argparse
    import os

    epilog = "The secrets are read from XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET."
    parser = argparse.ArgumentParser(epilog=epilog)
    parser.add_argument("jid")
    parser.add_argument("unix_time", nargs="?", type=int)
    parser.add_argument("nonce", nargs="?")
    arguments = parser.parse_args()
    seed, secret = os.environ.get("XTOKEN_OTP_SEED"), os.environ.get("XTOKEN_TOKEN_SECRET")
    if seed is None or secret is None:
        parser.error("set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET")
    try:
        print(mint(arguments.jid, seed, secret, arguments.unix_time, arguments.nonce))
    except ValueError as error:  # also for bytes that are not UTF-8
        parser.error(str(error))
