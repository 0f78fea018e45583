#!/usr/bin/env python3
"""Prints the vectors as lines for vectors.c, which describes them."""

import base64
import json
import pathlib

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"


def read(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def line(word, *values):
    as_text = (value.encode().hex() if isinstance(value, str) else value.hex() for value in values)
    print(word, *as_text, sep="\t")


def key(case):
    options = case.get("nonce_length", 32), case.get("nonce_policy", "exact")
    line("key\t%d\t%s" % options, case["otp_seed"], case["token_secret"])


def verify(now, decision, jid, token):
    line(f"verify\t{now}\t{decision}", jid, token)


for case in read("reference-decisions.json"):
    key(case)
    decision = {"accept": "ok", "reject": "refused"}[case["expect"]]
    verify(case["now"], decision, case["jid"], base64.b64decode(case["token"]))

conformance = read("conformance.json")
for case in conformance["mint"]:
    key(case)
    line(f"mint\t{case['now']}", case["jid"], case["nonce"], case["token"])
for case in conformance["refused_jids"]:
    line("refuse", case["jid"] if "jid" in case else base64.b64decode(case["jid_base64"]))
for case in conformance["verify"]:
    key(case)
    for shown in case["presentations"]:
        token = shown["token"] if "token" in shown else base64.b64decode(shown["token_base64"])
        decision = {"accepted": "ok"}.get(shown["decision"], shown["decision"])
        verify(shown["now"], decision, shown["jid"], token)
print("end")
