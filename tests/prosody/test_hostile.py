"""Every input gets one answer immediately, and the server continues."""

import base64
import collections
import json
import pathlib
import time

import pytest
from client import Client
from mint import mint

VECTORS = pathlib.Path(__file__).parents[1] / "vectors/reference-decisions.json"


def answer(client, message):
    start = time.monotonic()
    outcome = client.authenticate(message)
    took = time.monotonic() - start
    assert took < 1, f"{took:.1f} s for {message[:100]!r}"
    return outcome


def still_works(server, key):
    with Client(server.port, "localhost") as client:
        return client.log_in("carol", mint("carol@localhost", key)) == "success"


def test_every_recorded_kind_is_answered(server, key):
    kinds = collections.defaultdict(list)
    for case in json.loads(VECTORS.read_text()):
        kinds[case["kind"]].append(case)
    assert len(kinds) > 30
    for kind, cases in kinds.items():
        with Client(server.port, "localhost") as client:
            for case in cases:
                user = case["jid"].rpartition("@")[0].encode()
                outcome = answer(client, b"\0" + user + b"\0" + base64.b64decode(case["token"]))
                assert outcome in ("not-authorized", "malformed-request"), (kind, outcome)
        assert still_works(server, key), kind
    assert "Traceback" not in server.log() and "traceback" not in server.log()


def damaged(token):
    """Yields a token that is valid now, changed in the ways of the recorded kinds."""
    digits, signature = token.split(" ")

    def flip(text, at):
        return text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]

    yield "flipdigit", flip(digits, 3) + " " + signature
    yield "flipnonce", flip(digits, 30) + " " + signature
    yield "flipsig", digits + " " + flip(signature, 10)
    yield "emptynonce", digits[:8] + " " + signature
    yield "extrapad", token + "="
    yield "fullwidth", digits.translate({48 + n: 0xFF10 + n for n in range(10)}) + " " + signature
    yield "softhyphen", digits + "\u00ad " + signature
    yield "hex", digits + " " + base64.b64decode(signature).hex()
    yield "junkprefix", "x" + token
    yield "long", digits + "1" * 900 + " " + signature
    yield "longer", "1" * 5000 + " " + signature
    yield "newline", token + "\n"
    yield "nodigits", " " + signature
    yield "noncanon", digits + " " + signature[:42] + chr(ord(signature[42]) + 1) + "="
    yield "noncelen", digits + "0 " + signature
    yield "nopad", token.rstrip("=")
    yield "nospace", digits + signature
    yield "short", digits[:-1] + " " + signature
    yield "sigonly", signature
    yield "spaceprefix", " " + token
    yield "swap", signature + " " + digits
    yield "tab", digits + "\t" + signature
    yield "tail", token + "AAAA"
    yield "trailspace", token + " "
    yield "twospaces", digits + "  " + signature
    yield "urlsafe", digits + " " + signature[:20] + "-_" + signature[22:]
    yield "upper", digits + " " + signature.upper()
    yield "nul", digits + "\0 " + signature
    yield "junk after NUL", token + "\0junk"
    yield "trailing NUL", token + "\0"


def test_a_damaged_token_is_refused_and_a_good_one_on_the_same_stream_is_not(server, key):
    for kind, token in damaged(mint("alice@localhost", key)):
        with Client(server.port, "localhost") as client:
            outcome = answer(client, b"\0alice\0" + token.encode())
            assert outcome in ("not-authorized", "malformed-request"), kind
            assert client.log_in("alice", mint("alice@localhost", key)) == "success", kind
    failures = server.log().count("EVENT authentication-failure")
    assert failures == sum(1 for _ in damaged(mint("alice@localhost", key)))


HOSTILE = {
    None: "malformed-request",
    b"": "malformed-request",
    b"\0": "malformed-request",
    b"\0\0": "malformed-request",
    b"\0\0\0\0\0": "malformed-request",
    b"no nul at all": "malformed-request",
    b"\0alice": "malformed-request",
    b"\0alice\0": "malformed-request",
    b"\0\0token": "malformed-request",
    b"\0alice\0token": "not-authorized",
    b"\0alice\0token\0": "malformed-request",
    b"\0alice\0token\0junk": "malformed-request",
    b"bob\0alice\0token": "invalid-authzid",
    b"\0\xff\xfe\0token": "malformed-request",
    b"\0alice\0\xff\xfe": "not-authorized",
    b"\xff\0alice\0token": "invalid-authzid",
    b"\0\xe2\x80\xae\0token": "malformed-request",
    b"\0" + b"a" * 5000 + b"\0token": "malformed-request",
    b"\0alice\0" + b"7" * 1_500: "not-authorized",
    b"\0alice\0" + b"7" * 6_000: "malformed-request",
    bytes(range(256)) * 25: "malformed-request",
}


@pytest.mark.parametrize("message", HOSTILE, ids=lambda message: repr(message)[:40])
def test_a_hostile_message_is_answered(server, key, message):
    with Client(server.port, "localhost") as client:
        assert answer(client, message) == HOSTILE[message]
        assert server.log().count("EVENT authentication-failure") == 1
        assert client.log_in("alice", mint("alice@localhost", key)) == "success"
    assert "traceback" not in server.log()


def test_what_is_larger_than_prosody_reads_is_answered(server, key):
    """Before a login, 0.12 reads 10 kB and then closes the stream. 13.0 reads more, and refuses."""
    for message in (b"\0alice\0" + b"7" * 150_000, bytes(range(256)) * 500):
        with Client(server.port, "localhost") as client:
            assert answer(client, message) in ("malformed-request", "policy-violation")
        assert still_works(server, key)


def test_what_is_not_base64_is_answered(server, key):
    with Client(server.port, "localhost") as client:
        client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TOKEN'>!!!</auth>")
        assert client.receive()[0].tag.endswith("incorrect-encoding")
        assert client.log_in("alice", mint("alice@localhost", key)) == "success"


def test_a_native_module_that_fails_is_answered_for(prosody, options, key):
    with prosody({"localhost": options}, modules_enabled=["ill_native"]) as server:
        server.reload_module("localhost")
        assert "verified by xtoken ill" in server.log()
        with Client(server.port, "localhost") as client:
            for user in ("raise", "ledger"):
                message = f"\0{user}\0{mint(user + '@localhost', key)}".encode()
                assert answer(client, message) == "temporary-auth-failure"
            assert "EVENT authentication-failure temporary-auth-failure" in server.log()
            assert client.log_in("alice", mint("alice@localhost", key)) == "success"
