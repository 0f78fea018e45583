#!/usr/bin/env python3
"""Prints a Lua module: the vectors, and tokens with nonces of other lengths by the same oracle."""

import base64
import json
import pathlib
import sys

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
sys.path.insert(0, str(VECTORS))

import conformance  # noqa: E402

OTHER_NONCES = [
    # name, otp_seed, token_secret, jid, Unix time, nonce
    (
        "20 digits, any bytes in the secret",
        "GEZDGNBVGY3TQOJQMY======",
        "with\0nul and \xff",
        "a@b",
        2000000000,
        "0123456789" * 2,
    ),
    ("1 digit", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "s" * 100, "a@b", 2**53, "5"),
    (
        "970 digits",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "s" * 64,
        "a@b",
        1700000000,
        "0123456789" * 97,
    ),
]


def read(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def lua(value):
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {lua(field)}" for name, field in value.items()) + " }"
    if isinstance(value, list):
        return "{\n" + "".join(f"{lua(field)};\n" for field in value) + "}"
    text = value.encode() if isinstance(value, str) else value
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'


def with_bytes(fields):
    """Lua's strings hold any bytes."""
    decoded = {
        name.removesuffix("_base64"): base64.b64decode(value)
        for name, value in fields.items()
        if name.endswith("_base64")
    }
    return fields | decoded


vectors = read("conformance.json")
fields = ("name", "otp_seed", "token_secret", "jid", "now", "nonce")
others = [
    {**dict(zip(fields, case)), "token": conformance.mint(*case[1:])} for case in OTHER_NONCES
]
module = {
    "decisions": [
        {**case, "token": base64.b64decode(case["token"])}
        for case in read("reference-decisions.json")
    ],
    "minted": vectors["mint"] + others,
    "refused_jids": [*map(with_bytes, vectors["refused_jids"])],
    "verified": [
        {**case, "presentations": [*map(with_bytes, case["presentations"])]}
        for case in vectors["verify"]
    ],
}
print("return", lua(module))
