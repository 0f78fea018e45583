"""The login to a Redis: where its password may stand, and how it is replaced."""

import re
import subprocess

import pytest
from client import Client
from mint import mint
from redis_server import Redis
from server import ROOT, Expression, eventually

PASSWORD = "s3cret/of@redis%&+"


@pytest.fixture
def redis():
    with Redis(password=PASSWORD) as redis:
        redis.has_been_there()
        yield redis


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", token)


def change_password(redis, password):
    redis.command("CONFIG", "SET", "requirepass", password)
    redis.password = password
    redis.command("CLIENT", "KILL", "TYPE", "normal")


def place(redis):
    return f"redis://127.0.0.1:{redis.port}"


def test_credential_in_an_option_of_its_own(
    prosody, options, redis, key, version, tmp_path, monkeypatch
):
    file = tmp_path / "redis"
    file.write_text(PASSWORD + "\n")
    # 0.12 has no Credential().
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    value = "Credential('redis')" if version == "13.0" else f"io.open('{file}'):read('*a')"
    hosts = {
        name: {
            **options,
            "token_ledger": place(redis),
            "token_ledger_timeout": 1,
            "token_ledger_password": Expression(value),
        }
        for name in ("localhost", "localhost.example")
    }
    with prosody(hosts) as server:
        spent = mint("alice@localhost", key)
        assert [log_in(server, spent) for _ in range(2)] == ["success", "not-authorized"]

        change_password(redis, "an0ther")
        assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
        assert "Redis refuses the login" in server.log()
        file.write_text("an0ther\n")
        server.reload_config()
        assert log_in(server, mint("alice@localhost", key)) == "success"
        assert log_in(server, spent) == "not-authorized"

        assert "requires a restart" not in server.log()
        for password in (PASSWORD, "an0ther"):
            assert password not in server.log() + server.output()
        # One ledger for both hosts, and nothing in its place that has a password.
        show = '> require"util.serialization".serialize(prosody.xtoken, "oneline")'
        state = server.shell(show.replace('"oneline"', "{ fatal = false, maxdepth = 5 }"))
        assert "ledger_of_host" in state and state.count(place(redis)) >= 3, state
        assert "s3cret" not in state and "an0ther" not in state
        if version == "13.0":
            # Run by hand, it has no credentials.
            monkeypatch.delenv("CREDENTIALS_DIRECTORY")
            check = server.prosodyctl("mod_auth_token", "check", "localhost")
            assert "token_ledger_password cannot be read: Credential() requires" in check, check
        count = "> local n = 0 for _ in pairs(prosody.xtoken.ledgers) do n = n + 1 end return n"
        assert "1" in server.shell(count)


def test_a_password_file_is_replaced_without_a_reload(prosody, options, redis, key, tmp_path):
    file = tmp_path / "password"
    url = f"{place(redis)}?password_file={file}"
    with prosody(
        {"localhost": {**options, "token_ledger": url, "token_ledger_timeout": 1}}
    ) as server:
        assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
        assert f"{file}, the password_file of the ledger, does not exist" in server.log()
        file.write_text(PASSWORD + "\n")
        eventually(
            lambda: log_in(server, mint("alice@localhost", key)) == "success", 10, "it is read"
        )
        file.write_text("an0ther\n")
        change_password(redis, "an0ther")
        eventually(
            lambda: log_in(server, mint("alice@localhost", key)) == "success", 10, "it is read anew"
        )
        check = server.prosodyctl("mod_auth_token", "check", "localhost")
        assert f"{place(redis)} answers" in check, check
        assert not [p for p in (PASSWORD, "an0ther") if p in server.log() + check]


@pytest.mark.parametrize(
    "values, said, advice",
    [
        ({"token_ledger_timeout": 2000}, "0.01 to 60", "token_ledger_timeout"),
        ({"token_ledger_timeout": "2"}, "0.01 to 60", "token_ledger_timeout"),
        ({"token_ledger_password": 12345}, "a string in quotes", "token_ledger_password"),
        ({"token_ledger_password": "\n"}, "is empty", "token_ledger_password"),
        (
            {"token_ledger": "redis://:s3cret@h", "token_ledger_password": "s3cret"},
            "token_ledger has a password, too",
            "token_ledger_password",
        ),
        (
            {"token_ledger": "redis://h?password_file=/s3cret", "token_ledger_password": "s3cret"},
            "token_ledger has a password, too",
            "token_ledger_password",
        ),
        ({"token_ledger": "redis://:s3/cret@h"}, "percent-encode the password", "token_ledger"),
        ({"token_ledger": "redis://h:port"}, "redis+unix:///PATH", "token_ledger"),
        ({"token_ledger": "redis:h"}, "redis://[[USER]:PASSWORD@]HOST", "token_ledger"),
        ({"token_ledger": "redis://h/zero"}, "must be a number", "token_ledger"),
        ({"token_ledger": "redis://h?s3cret=1"}, "there are only prefix, timeout", "token_ledger"),
        ({"token_ledger": "redis://h?timeout=9"}, "10 to 60000", "token_ledger"),
        ({"token_ledger": "redis://h?ca_file=/ca.pem"}, "need TLS", "token_ledger"),
        ({"token_ledger": "rediss://h?ca_file=ca.pem"}, "absolute paths", "token_ledger"),
    ],
)
def test_what_is_wrong_is_said_without_a_secret(prosody, options, values, said, advice):
    with prosody({"localhost": {**options, "token_ledger": "redis://h", **values}}) as server:
        check = server.prosodyctl("mod_auth_token", "check", "localhost")
        for text in (server.log(), check):
            assert said in text, text
            assert "s3cret" not in text and "12345" not in text
        assert f"Set the option {advice} of VirtualHost" in server.log()


def test_a_horizon_set_by_hand_counts_for_a_node_that_is_connected(prosody, options, key):
    with Redis() as redis:
        with prosody({"localhost": {**options, "token_ledger": place(redis)}}) as server:
            assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            assert "The ledger cannot tell which of the last tokens were spent" in server.log()
            manual = (ROOT / "docs/ledgers.md").read_text()
            commands = re.search(r"```sh\n(redis\(\).*?)```", manual, re.DOTALL)[1]
            assert "-p 6379" in commands
            commands = commands.replace("-p 6379", f"-p {redis.port}")
            assert subprocess.check_output(["sh", "-c", commands]) == b"OK\n"
            token = mint("alice@localhost", key)
            assert [log_in(server, token) for _ in range(2)] == ["success", "not-authorized"]
