"""JIDs that no server has, and hosts that are written in another way: what the command says."""

import json

import pytest
from conftest import ALICE, NOW, at, is_wrong
from mint import mint


@pytest.mark.parametrize(
    "jid, advice",
    [
        ("", "user@host"),
        ("alice", "user@host"),
        ("@example.com", "user@host"),
        ("alice@", "user@host"),
        ("alice@mail.com@example.com", "write those of the user as \\40 (XEP-0106)"),
        ("alice@example.com\n", "no white space or control characters"),
        (b"\xff@b", "UTF-8"),
        ("Alice@example.com", "write it in lower case"),
        ("alice@Example.com", "write it in lower case"),
        ("a@b/phone", "remove the slash and what follows"),
        *((f"a{sign}b@example.com", "give the user another name") for sign in " \"&'/:<>"),
        ("u" * 1024 + "@h", "more than 1,023 bytes before or after the @: use a shorter name"),
        ("u@" + "h" * 1024, "more than 1,023 bytes"),
        ("ü" * 512 + "@h", "more than 1,023 bytes"),
        ("u" * 100_000 + "@" + "h" * 20_000, "more than 1,023 bytes"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_jid_that_no_server_has(xtoken, secrets, key, jid, advice):
    assert is_wrong(xtoken("mint", jid, env=secrets), advice)
    assert is_wrong(xtoken("verify", jid, "x", env=secrets), advice)
    token = mint(ALICE, key, now=NOW)
    done = xtoken("explain", jid, token, *at(NOW), "--json", env=secrets)
    first = json.loads(done.stdout)["findings"][0]
    assert (done.returncode, done.stderr) == (1, "")
    assert first["name"] in ("invalid-jid", "long-jid")
    assert "no user of a server has this JID: " in first["message"] and advice in first["message"]


def test_the_longest_jid(xtoken, secrets):
    longest = "u" * 1023 + "@" + "h" * 1023
    token = xtoken("mint", longest, env=secrets).stdout
    for command in ("verify", "explain"):
        assert xtoken(command, longest, input=token, env=secrets).returncode == 0


DNS, UNICODE = "alice@chat.xn--mnchen-3ya.example", "alice@chat.münchen.example"


@pytest.mark.parametrize("command", ["mint", "verify", "explain"])
def test_a_host_in_the_form_for_dns(xtoken, secrets, key, command):
    """Prosody can have such a host if its configuration names it so. Hence a warning."""
    words = [DNS] if command == "mint" else [DNS, mint(DNS, key, now=NOW)]
    done = xtoken(command, *words, *at(NOW), env=secrets)
    assert done.returncode == 0
    assert done.stderr == (
        "warning: XMPP writes a host in Unicode, not as xn--: use alice@chat.münchen.example, "
        "unless the server's own configuration has xn--\n"
    )
    for jid in [UNICODE, "xn--mnchen-3ya@example.com", "alice@xn--", "alice@xn--99999999999.de"]:
        words = [jid] if command == "mint" else [jid, mint(jid, key, now=NOW)]
        assert "not as xn--" not in xtoken(command, *words, *at(NOW), env=secrets).stderr


@pytest.mark.parametrize("jid", ["\x1b[31ma@xn--mnchen-3ya", "a@xn--31m-dda", "A@xn--mnchen-3ya"])
def test_no_jid_is_proposed_that_would_be_refused(xtoken, secrets, jid):
    """Those with control characters, in Unicode or as they are, would be commands to a terminal."""
    assert xtoken("explain", jid, "x", env=secrets).stderr == ""


def test_a_minter_that_signs_the_form_for_dns(xtoken, secrets, key):
    done = xtoken("explain", UNICODE, mint(DNS, key, now=NOW), *at(NOW), env=secrets)
    assert done.returncode == 1 and "must write the host in Unicode before signing" in done.stdout


def test_a_token_that_is_too_long(xtoken, secrets):
    token = "7" * 1024
    for command in ("verify", "explain", "inspect"):
        jid = [] if command == "inspect" else [ALICE]
        done = xtoken(command, *jid, token, env=secrets)
        assert done.returncode == 1
        if command != "verify":
            assert "1024 bytes" in done.stdout + done.stderr
