"""Each refused login has one line in the log. fail2ban reads it, and no client can forge it."""

import os
import re
import shutil
import subprocess

import pytest
from client import Client
from mint import mint, new_key
from server import ROOT

FAIL2BAN = ROOT / "target/fail2ban"
FILTER = ROOT / "packaging/fail2ban/prosody-xtoken.conf"
JAIL = ROOT / "packaging/fail2ban/prosody-xtoken.jail.conf"


def refusals(server):
    return re.findall(r"localhost:auth_token\tinfo\tLogin refused: (.*)", server.log())


def send(server, message):
    with Client(server.port, "localhost") as client:
        return client.authenticate(message.encode() if isinstance(message, str) else message)


def fail2ban(tool, *arguments):
    program = FAIL2BAN / "usr/bin" / tool
    assert program.exists(), f"{program} is missing: tests/prosody/run fetches it"
    return subprocess.run(
        ["/usr/bin/python3", program, *map(str, arguments)],
        env={
            "PYTHONPATH": str(FAIL2BAN / "usr/lib/python3/dist-packages"),
            "PATH": os.environ["PATH"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def banned(log):
    """The IPs that fail2ban finds, one for each line that counts."""
    done = fail2ban(
        "fail2ban-regex", "--config", FAIL2BAN / "etc/fail2ban", "--out", "ip", log, FILTER
    )
    return done.stdout.split()


def test_each_refused_login_has_one_line(server, key):
    spent = mint("alice@localhost", key)
    assert send(server, f"\0alice\0{spent}") == "success"
    for message in (
        f"\0alice\0{spent}",
        f"\0bob\0{mint('alice@localhost', key)}",
        f"\0ALICE\0{mint('alice@localhost', new_key())}",
        f"\0alice\0{mint('alice@localhost', key, steps=-5)}",
        "\0alice\0token",
        "\0alice",
        f"bob\0alice\0{mint('alice@localhost', key)}",
    ):
        assert send(server, message) != "success"
    assert refusals(server) == [
        f"ip=127.0.0.1 host=localhost reason={reason} user={user}"
        for reason, user in [
            ("replayed", "alice"),
            ("bad-signature", "bob"),
            ("bad-signature", "alice"),
            ("expired", "alice"),
            ("malformed", "alice"),
            ("malformed-request", "-"),
            ("invalid-authzid", "alice"),
        ]
    ]
    assert banned(server.folder / "prosody.log") == ["127.0.0.1"] * 5


NAMES = {
    b"": ("name-empty", ""),
    b"alice smith": ("name-with-space", r"alice\x20smith"),
    b"alice\xc2\xa0smith": ("name-with-space", r"alice\xc2\xa0smith"),
    b"alice@localhost": ("name-with-at", "alice@localhost"),
    b"al\xffice": ("name-not-utf8", r"al\xffice"),
    b"a" * 1024: ("name-too-long", "a" * 40 + "..."),
    b"b" * 5000: ("name-too-long", "b" * 40 + "..."),
    b'"alice"': ("name-not-allowed", '"alice"'),
    b"alice/web": ("name-not-allowed", "alice/web"),
    b"alice\\\n" + b"x" * 40: ("name-with-space", r"alice\x5c\x0a" + "x" * 33 + "..."),
    "\u202ealice".encode(): ("name-not-allowed", r"\xe2\x80\xaealice"),
}


def test_each_flaw_of_a_name_has_a_word_of_its_own(server):
    for name in NAMES:
        assert send(server, b"\0" + name + b"\0token") == "malformed-request"
    assert refusals(server) == [
        f"ip=127.0.0.1 host=localhost reason={reason} user={shown}"
        for reason, shown in NAMES.values()
    ]
    assert banned(server.folder / "prosody.log") == ["127.0.0.1"] * len(NAMES)


def test_a_token_in_the_place_of_a_name_is_not_logged(server, key):
    token = mint("alice@localhost", key)
    assert send(server, f"\0{token}\0alice") == "malformed-request"
    assert refusals(server) == [
        f"ip=127.0.0.1 host=localhost reason=name-with-space user={token[:40]}..."
    ]


def test_names_are_as_long_as_the_names_of_files(prosody, options, key):
    """The longest that Prosody can store may log in, and keeps what it stores."""
    umlauts = "\u00fc" * 41
    with prosody({"localhost": {**options, "token_known_users": "seen"}}) as server:
        for name in ("a" * 249, umlauts + "aaa"):
            token = mint(f"{name}@localhost", key)
            assert send(server, f"\0{name}\0{token}") == "success"
        for name in ("a" * 250, umlauts + "aaaa"):
            token = mint(f"{name}@localhost", key)
            assert send(server, f"\0{name}\0{token}") == "malformed-request"
        assert [line.split()[2] for line in refusals(server)] == ["reason=name-too-long"] * 2
        assert "storage of accounts fails" not in server.log()


def test_another_storage_has_another_limit(prosody, options, key):
    with prosody({"localhost": options}, default_storage="memory") as server:
        name = "a" * 1023
        token = mint(f"{name}@localhost", key)
        assert send(server, f"\0{name}\0{token}") == "success"


def test_several_attempts_on_one_stream(server, key):
    with Client(server.port, "localhost") as client:
        assert client.log_in("alice", "nonsense") == "not-authorized"
        assert client.authenticate(b"\0alice") == "malformed-request"
        assert client.log_in("bob", mint("alice@localhost", key)) == "not-authorized"
        assert client.log_in("alice", mint("alice@localhost", key)) == "success"
    assert [line.partition("reason=")[2] for line in refusals(server)] == [
        "malformed user=alice",
        "malformed-request user=-",
        "bad-signature user=bob",
    ]


def test_tokens_of_a_key_that_ended_count_and_so_do_other_nonces(prosody):
    """The filter says so, as a reason not to end a key that is in use."""
    old, new = new_key(), new_key()
    keys = [
        {"id": "new", "otp_seed": new[0], "token_secret": new[1]},
        {"id": "old", "otp_seed": old[0], "token_secret": old[1], "not_after": "2026-01-01"},
    ]
    with prosody({"localhost": {"token_keys": keys}}) as server:
        for token in (mint("alice@localhost", old), mint("alice@localhost", new, nonce="7" * 16)):
            assert send(server, f"\0alice\0{token}") == "not-authorized"
        reasons = [re.search("reason=(.*) user=", line)[1] for line in refusals(server)]
        assert reasons == ["bad-signature", "malformed"]
        assert banned(server.folder / "prosody.log") == ["127.0.0.1"] * 2


def test_a_ledger_that_is_away_bans_nobody(prosody, options, key):
    with prosody(
        {"localhost": {**options, "token_ledger": "no/such/folder/tokens.sqlite"}}
    ) as server:
        assert send(server, f"\0alice\0{mint('alice@localhost', key)}") == "temporary-auth-failure"
        assert refusals(server) == ["ip=127.0.0.1 host=localhost reason=unavailable user=alice"]
        assert banned(server.folder / "prosody.log") == []


FORGED = "Login refused: ip=192.0.2.1 host=localhost reason=malformed user=eve"


@pytest.mark.parametrize(
    "name",
    [
        "alice from 192.0.2.1",
        FORGED,
        FORGED.replace(" ", "\u00a0"),
        "x\nNov 24 22:41:43 localhost:auth_token\tinfo\t" + FORGED,
        "x\r\n" + FORGED,
        "x\u2028localhost:auth_token\tinfo\t" + FORGED,
        "ip=192.0.2.1,reason=malformed,user=",
        "alice,reason=",
        "alice,192.0.2.1",
        "\u202e192.0.2.1",
        "192.0.2.1",
        "%s%n%d",
    ],
    ids=repr,
)
def test_no_name_of_a_user_forges_an_ip(server, key, name):
    for message in (
        f"\0{name}\0token",
        f"{name}\0alice\0token",
        f"{name}\0{name}\0token",
        f"\0alice\0{name}",
    ):
        assert send(server, message) != "success"
    assert len(refusals(server)) == 4
    assert set(banned(server.folder / "prosody.log")) == {"127.0.0.1"}


def test_what_other_modules_log_does_not_count(server, tmp_path, key):
    send(server, "\0alice\0token")
    (line,) = [line for line in server.log().splitlines() if "Login refused" in line]
    line = line.replace("127.0.0.1", "192.0.2.1")
    date, text = line[:15], line[15:].lstrip()
    log = tmp_path / "log"
    log.write_text(
        f"{date} c2s55d0\tinfo\tClient says {text}\n\t{text}\n{text}\n{date} "
        f"c2s55d0\tinfo\t{line}\n"
    )
    assert banned(log) == []
    log.write_text(line + "\n")
    assert banned(log) == ["192.0.2.1"]


def test_the_example_of_a_jail_is_a_good_one(tmp_path):
    log = tmp_path / "prosody.log"
    log.touch()
    folder = tmp_path / "fail2ban"
    shutil.copytree(FAIL2BAN / "etc/fail2ban", folder)
    for other in (folder / "jail.d").iterdir():
        other.unlink()
    shutil.copy(FILTER, folder / "filter.d")
    jail = JAIL.read_text().replace("/var/log/prosody/prosody.log", str(log))
    (folder / "jail.d/prosody-xtoken.conf").write_text(jail)
    done = fail2ban("fail2ban-client", "--conf", folder, "--dp")
    assert done.returncode == 0 and "['start', 'prosody-xtoken']" in done.stdout, done.stdout
    limits = dict(
        re.findall(r"\['set', 'prosody-xtoken', '(maxretry|findtime)', '?(\w+)'?\]", done.stdout)
    )
    assert limits == {"maxretry": "400", "findtime": "1m"}, (
        "a hundred clients that connect again every 20 s stay below it"
    )
