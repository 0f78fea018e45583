#!/usr/bin/env python3
"""Prints a Lua module: the recorded decisions, and tokens made with the standard library only.

The tokens are the oracle of mint_spec.lua: this file shares no line with what it checks.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import struct

VECTORS = pathlib.Path(__file__).parent.parent / "vectors" / "reference-decisions.json"
MINTED = [
    # otp_seed, token_secret, jid, Unix time, nonce
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret", "alice@example.com", 0, "0" * 32),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret", "alice@example.com", 29, "0" * 32),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret", "alice@example.com", 30, "0" * 32),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret", "alice@example.com", 1111111109, "9" * 32),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret", "7alice@example.com", 20000000000, "12" * 16),
    ("gezdgnbvgy3tqojq", "s", "名前@münchen.example", 1234567890, "12" * 16),
    ("GEZDGNBVGY3TQOJQMY======", "with\0nul and \xff", "a@b", 2000000000, "0123456789" * 2),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "s" * 100, "a@b", 2**53, "5"),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "s" * 64, "a@b", 1700000000, "0123456789" * 97),
]


def mint(otp_seed, token_secret, jid, time, nonce):
    seed = base64.b32decode(otp_seed.upper())
    digest = hmac.new(seed, struct.pack(">Q", time // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    code = (struct.unpack(">I", digest[at:at + 4])[0] & 0x7FFFFFFF) % 100_000_000
    digits = b"%08d" % code + nonce.encode()
    signature = hmac.new(token_secret.encode(), digits + jid.encode(), hashlib.sha256).digest()
    return digits + b" " + base64.b64encode(signature)


def lua(value):
    if isinstance(value, int):
        return str(value)
    text = value.encode() if isinstance(value, str) else value
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'


def table(**fields):
    return "{ " + ", ".join(f"{name} = {lua(value)}" for name, value in fields.items()) + " };"


print("return {\ndecisions = {")
for case in json.loads(VECTORS.read_text("utf-8")):
    print(table(**{**case, "token": base64.b64decode(case["token"])}))
print("};\nminted = {")
for values in MINTED:
    names = ("otp_seed", "token_secret", "jid", "time", "nonce")
    print(table(**dict(zip(names, values)), token=mint(*values)))
print("};\n}")
