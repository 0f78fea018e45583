"""mint --nonce and --verbose: to compare a token with that of another minter."""

import base64
import hashlib
import hmac
import json
import re

import pytest
from conftest import ALICE, NOW, accepted, at, is_wrong
from mint import mint

NONCE = f"{NOW:012}{'7' * 20}"


def test_a_given_nonce_makes_the_token_of_another_minter(xtoken, secrets, key):
    for nonce in [NONCE, "0" * 32, "7" * 32]:
        done = xtoken("mint", ALICE, *at(NOW), "--nonce", nonce, env=secrets)
        assert (done.stdout, done.stderr) == (mint(ALICE, key, now=NOW, nonce=nonce) + "\n", "")
    short = ["--nonce", "0123456789", "--nonce-length", "10"]
    token = xtoken("mint", ALICE, *at(NOW), *short, env=secrets).stdout
    assert token == mint(ALICE, key, now=NOW, nonce="0123456789") + "\n"
    assert accepted(xtoken("verify", ALICE, *at(NOW), *short[2:], input=token, env=secrets))


@pytest.mark.parametrize("nonce", ["", "7", "7" * 31, "7" * 33, "7" * 100_000])
def test_a_nonce_of_another_length(xtoken, secrets, nonce):
    done = xtoken("mint", ALICE, f"--nonce={nonce}", env=secrets)
    assert is_wrong(done, f"--nonce has {len(nonce)} digits", "give 32 digits", "--nonce-length")
    if len(nonce) > 1:
        assert nonce not in done.stderr


@pytest.mark.parametrize(
    "nonce", ["x" * 32, "7" * 31 + " ", "７" * 32, b"\xff" * 32, "-" + "7" * 31]
)
def test_a_nonce_that_is_not_all_digits(xtoken, secrets, nonce):
    option = b"--nonce=" + (nonce.encode() if isinstance(nonce, str) else nonce)
    assert is_wrong(xtoken("mint", ALICE, option, env=secrets), "only the digits 0 to 9")


def test_milliseconds_are_refused_with_a_nonce_too(xtoken, secrets):
    done = xtoken("mint", ALICE, *at(NOW * 1000), "--nonce", NONCE, env=secrets)
    assert is_wrong(done, "not milliseconds")


def verbose(xtoken, secrets, *more, jid=ALICE, now=NOW):
    """Returns what standard error says of each part, and standard output."""
    done = xtoken("mint", jid, *at(now), "--verbose", *more, env=secrets)
    assert done.returncode == 0 and not set(secrets.values()) & set(re.split(r"\W", done.stderr))
    lines = re.sub(r"\n {11}", " ", done.stderr).splitlines()
    return dict(re.split(" +", line, maxsplit=1) for line in lines), done.stdout


def test_verbose_says_what_the_token_is_made_of(xtoken, secrets, key):
    said, token = verbose(xtoken, secrets, "--nonce", NONCE)
    otp = token[:8]
    assert said == {
        "JID": ALICE,
        "time": f"{NOW} (2023-11-14T22:13:30Z)",
        "step": f"{NOW // 30} (the time / 30, rounded down)",
        "OTP": otp,
        "nonce": f"{NONCE} (32 digits, dated 2023-11-14T22:13:30Z)",
        "signed": f"{otp}{NONCE}{ALICE} (57 bytes, by HMAC-SHA-256 with token_secret as it is)",
        "valid": "once, from 2023-11-14T22:13:00Z until 2023-11-14T22:14:30Z "
        "(if the server has the default deviation of 1)",
    }
    signature = hmac.digest(key[1].encode(), said["signed"].split()[0].encode(), hashlib.sha256)
    assert token == f"{otp}{NONCE} " + base64.b64encode(signature).decode() + "\n"


@pytest.mark.parametrize("now, good", [(-31, False), (-30, True), (59, True), (60, False)])
def test_verbose_says_when_a_server_accepts_the_token(xtoken, secrets, now, good):
    """The times are those of the test above."""
    _, token = verbose(xtoken, secrets)
    done = xtoken("verify", ALICE, *at(NOW + now), input=token, env=secrets)
    assert (done.returncode == 0) == good


def test_verbose_says_whether_the_token_is_dated(xtoken, secrets):
    said = lambda *more, **how: verbose(xtoken, secrets, *more, **how)[0]["nonce"]
    assert "dated 2023-11-14T22:13:30Z)" in said()
    assert "undated: the first 12 are not a time" in said("--nonce", "7" * 32)
    assert "undated: a dated nonce has 24 or more" in said("--nonce-length", "23")
    # A token is dated if its date is in the step of its OTP.
    assert ", dated 2023-11-14T22:13:59Z)" in said("--nonce", f"{NOW + 29:012}{'7' * 20}")
    assert "undated" in said("--nonce", f"{NOW + 30:012}{'7' * 20}")
    # RFC 3339 has no year of five digits.
    assert "dated Unix time 999999999999)" in said(now=999_999_999_999)


def test_verbose_and_json_have_a_stream_each(xtoken, secrets):
    said, printed = verbose(xtoken, secrets, "--json", jid="名前@例え.example")
    answer = json.loads(printed)
    assert answer["token"].startswith(said["OTP"]) and answer["jid"] == "名前@例え.example"
    assert f"({8 + 32 + len(answer['jid'].encode())} bytes" in said["signed"]


def test_verbose_says_nothing_of_a_token_that_was_not_made(xtoken, secrets):
    assert is_wrong(
        xtoken("mint", ALICE, "--verbose", "--nonce", "7", env=secrets), "--nonce has 1"
    )
