"""docs/ending-sessions.md: the commands that end the chat of a user who has signed out."""

import os
import re
import subprocess

import pytest
from client import Client, StreamClosed
from fast import comes_back, fast_token
from mint import mint
from pages import block, blocks
from server import eventually

PAGE = "ending-sessions.md"
HOST = "example.com"


@pytest.fixture
def server(prosody, options):
    with prosody({HOST: options}) as server:
        eventually(server.has_shell, 60, "the server has no shell")
        yield server


@pytest.fixture
def token(key):
    return lambda user="alice", host=HOST: mint(f"{user}@{host}", key)


def session(server, token, user="alice"):
    client = Client(server.port, HOST)
    assert client.log_in(user, token(user)) == "success"
    client.bind()
    return client


def is_closed(client):
    try:
        client.send("<iq type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>")
        while client.receive().get("id") != "q":
            pass  # a stream error, before the end of the stream
        return False
    except (StreamClosed, ConnectionError):
        return True


def run(server, tmp_path, *command):
    """Runs a command of an operator. `prosodyctl` is the one of this server."""
    program = tmp_path / "prosodyctl"
    prosodyctl = server.launcher.with_name("prosodyctl")
    program.write_text(f'#!/bin/sh\nexec {prosodyctl} --config {server.config} "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def run_line(server, tmp_path, line):
    status, output = run(server, tmp_path, "sh", "-c", line)
    assert (status, "OK: " in output) == (0, True), output
    return output


def test_the_command_closes_all_sessions_of_one_user(server, token, tmp_path):
    line, shown = block(PAGE, "console", "# prosodyctl").splitlines()
    with session(server, token) as one, session(server, token) as two:
        with session(server, token, "bob") as bob:
            assert shown in run_line(server, tmp_path, line.removeprefix("# "))
            assert (is_closed(one), is_closed(two)) == (True, True)
            assert not is_closed(bob)
    none = run_line(server, tmp_path, line.removeprefix("# "))
    assert "Total: 0 sessions closed" in none


def test_the_command_closes_one_session(server, token, tmp_path):
    with session(server, token) as one, session(server, token) as two:
        one.send("<iq type='get' id='me'><query xmlns='jabber:iq:roster'/></iq>")
        jid = one.receive().get("to")
        run_line(server, tmp_path, f"prosodyctl shell c2s close {jid}")
        assert (is_closed(one), is_closed(two)) == (True, False)


def test_a_token_minted_before_is_why_it_is_done_twice(server, token, tmp_path):
    early = token()
    run_line(server, tmp_path, "prosodyctl shell c2s close alice@example.com")
    with Client(server.port, HOST) as client:
        assert client.log_in("alice", early) == "success"


@pytest.fixture
def end_chat(tmp_path):
    program = tmp_path / "end-chat"
    program.write_text(block(PAGE, "sh", "# Ends the chat sessions"))
    program.chmod(0o755)
    return program


def test_the_program_for_the_web_application(server, token, tmp_path, end_chat):
    escaped = r"alice\40mail.com"  # as docs/user-names.md says
    with session(server, token, "bob") as bob:
        for user in ("alice", escaped):
            with session(server, token, user) as client:
                status, output = run(server, tmp_path, end_chat, f"{user}@example.com")
                assert (status, "Total: 1 sessions closed" in output) == (0, True), output
                assert is_closed(client)
        assert not is_closed(bob)


@pytest.mark.parametrize(
    "argument",
    [
        None,
        "",
        "alice",
        "@example.com",
        "alice@elsewhere.example",
        "Alice@example.com",
        "alice@bob@example.com",
        "-x@example.com",
        'a"..os.exit()..@example.com',
        "alice@example.com\nprint(1)",
        "alice@example.com/web",
        "älice@example.com",
    ],
)
def test_the_program_takes_users_only(tmp_path, end_chat, argument):
    (tmp_path / "prosodyctl").write_text("#!/bin/sh\necho it was run\n")
    (tmp_path / "prosodyctl").chmod(0o755)
    done = subprocess.run(
        [end_chat, *([] if argument is None else [argument])],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode, "it was run" in done.stdout) == (2, False)
    assert done.stdout == "end-chat: not a user of this server\n"


DISABLE, ENABLE = (
    line.partition(" #")[0].strip() for line in block(PAGE, "sh", "# later").splitlines()
)


def test_a_disabled_account_is_out_at_once(prosody, options, token, tmp_path):
    with prosody({HOST: options}) as server:
        eventually(server.has_shell, 60, "the server has no shell")
        if server.version == "0.12":
            assert run(server, tmp_path, "sh", "-c", DISABLE)[0] == 1
            return
        early = token()
        with session(server, token) as client:
            run_line(server, tmp_path, DISABLE)
            assert is_closed(client)
        for presented in (early, token()):
            with Client(server.port, HOST) as client:
                assert client.log_in("alice", presented) == "account-disabled"
        run_line(server, tmp_path, ENABLE)
        session(server, token).socket.close()


def test_a_deleted_account_is_out_at_once(prosody, options, token, tmp_path):
    (line,) = (text for text in blocks(PAGE, "sh") if "user delete" in text)
    accounts = block("accounts.md", "sh", "user list")
    (listing,) = re.findall("^.* user list .*$", accounts, re.MULTILINE)
    with prosody({HOST: {**options, "token_known_users": "existing"}}) as server:
        eventually(server.has_shell, 60, "the server has no shell")
        server.prosodyctl("register", "alice", HOST, "unused")
        assert "alice@example.com" in run_line(server, tmp_path, listing)
        early = token()
        with session(server, token) as client:
            run_line(server, tmp_path, line)
            assert is_closed(client)
        with Client(server.port, HOST) as client:
            assert client.log_in("alice", early) == "not-authorized"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_ends_with_the_account_and_not_with_the_session(with_fast, token, tmp_path):
    here = [text.replace(HOST, "localhost") for text in blocks(PAGE, "sh")]
    (both,) = (text for text in here if "disable" in text and "later" not in text)
    with with_fast() as server:
        eventually(server.has_shell, 60, "the server has no shell")
        secret = fast_token(server, token(host="localhost"))
        run_line(server, tmp_path, "prosodyctl shell c2s close alice@localhost")
        assert comes_back(server, secret) == "success"
        run_line(server, tmp_path, both)
        assert comes_back(server, secret) == "credentials-expired"
