"""Spent tokens stay spent over a reload, and reloaded files fit the native module."""

import pytest
from client import Client
from mint import mint, new_key
from redis_server import Redis
from server import PATIENCE, PLUGINS, eventually


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", token)


def test_a_reload_keeps_spent_tokens_spent(server, key):
    spent, kept = mint("alice@localhost", key), mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    for _ in range(3):
        assert "Reloaded" in server.reload_module("localhost")
    assert server.log().count("are verified by xtoken") == 4
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, kept) == "success"


def test_reloading_the_mechanism_changes_nothing(server, key):
    spent, kept = mint("alice@localhost", key), mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    assert "Reloaded" in server.reload_module("localhost", "sasl_token")
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, kept) == "success"


def configure(server, key):
    server.hosts["localhost"] = dict(zip(("otp_seed", "token_secret"), key))
    server.write_config()
    server.reload_config()
    return server.reload_module("localhost")


def test_other_keys_and_back(server, key):
    other = new_key()
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    configure(server, other)
    assert log_in(server, mint("alice@localhost", key)) == "not-authorized"
    assert log_in(server, mint("alice@localhost", other)) == "success"
    configure(server, key)
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, mint("alice@localhost", key)) == "success"


def test_a_mistake_in_between_forgets_nothing(server, key):
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    configure(server, (key[0], ""))
    assert log_in(server, mint("alice@localhost", key)) != "success"
    server.hosts["localhost"] = dict(zip(("otp_seed", "token_secret"), key))
    server.write_config()
    server.reload_config()
    assert "Loaded" in server.shell('module:load("auth_token", "localhost")')
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, mint("alice@localhost", key)) == "success"


def test_an_older_stream_follows_the_configuration(server, key):
    other = new_key()
    with Client(server.port, "localhost") as client:
        configure(server, other)
        assert client.log_in("alice", mint("alice@localhost", key)) == "not-authorized"
        assert client.log_in("alice", mint("alice@localhost", other)) == "success"


def test_an_older_stream_cannot_log_in_when_the_reload_failed(server, key):
    with Client(server.port, "localhost") as client:
        configure(server, (key[0], ""))
        assert client.log_in("alice", mint("alice@localhost", key)) == "not-authorized"


def test_what_was_reloaded_leaves_with_its_keys(server, key):
    server.shell('>prosody.unloaded = setmetatable({}, { __mode = "k" })')
    for _ in range(3):
        assert log_in(server, mint("alice@localhost", key)) == "success"
        server.shell(
            ">prosody.unloaded[require "
            '"core.modulemanager".get_module("localhost", "auth_token")] = true'
        )
        assert "Reloaded" in server.reload_module("localhost")
    assert log_in(server, mint("alice@localhost", key)) == "success"
    for _ in range(3):
        server.shell(">collectgarbage()")
    assert "Result: nil" in server.shell(">return (next(prosody.unloaded))")


def test_a_module_runs_each_library_once(server):
    """Every copy would be visited by each garbage collection."""
    module = "prosody.hosts.localhost.modules.auth_token.module"
    for library in ("users", "prosody_internals"):
        ask = f'{module}:require("xtoken/{library}")'
        assert "Result: true" in server.shell(f">return {ask} == {ask}")


# After an upgrade, the process still has the old native module. Its interface number is another, or
# missing.
OLDER = {
    "without a number": "nil",
    "with another number": "0",
}


def downgrade(server, number):
    """Replaces the native module by one with this interface number."""
    server.shell(
        ">local old = {}; for name, value in pairs(package.loaded.xtoken) do "
        "old[name] = value; end "
        f"old.interface = {number}; package.loaded.xtoken = old"
    )


@pytest.mark.parametrize("number", OLDER.values(), ids=OLDER)
def test_a_native_module_of_another_version_is_not_used(server, key, number):
    assert log_in(server, mint("alice@localhost", key)) == "success"
    with Client(server.port, "localhost") as client:
        downgrade(server, number)
        assert "Reloaded" not in server.reload_module("localhost")
        problem = (
            f"{PLUGINS}/xtoken.so and the Lua files in {PLUGINS} are of "
            f"different versions of xtoken. "
            "Install both from one version, then restart Prosody: a running "
            "one keeps the xtoken.so "
            "that it has loaded"
        )
        assert server.log().count("Nobody can log in") == 1
        assert f"\terror\tNobody can log in to localhost: {problem}\n" in server.log()
        assert "traceback" not in server.log()
        # Connected and new clients get an answer at once.
        assert client.log_in("alice", mint("alice@localhost", key)) == "not-authorized"
    assert log_in(server, mint("alice@localhost", key)) == "invalid-mechanism"
    assert problem.split(".")[0] in server.shell('module:load("auth_token", "localhost")')
    # prosodyctl is another process, which loads the present file.
    assert "are of different versions" not in server.prosodyctl("mod_auth_token", "check")
    server.stop()
    server.start()
    assert log_in(server, mint("alice@localhost", key)) == "success"


def test_a_login_that_waits_is_answered_when_the_reload_fails(prosody, options, key):
    with Redis() as redis:
        redis.has_been_there()
        with prosody({"localhost": {**options, "token_ledger": redis.url()}}) as server:
            assert log_in(server, mint("alice@localhost", key)) == "success"
            redis.pause()
            with Client(server.port, "localhost") as client:
                client.log_in_later("alice", mint("alice@localhost", key))
                logins = lambda: server.log().count("mechanism='X-TOKEN'")  # noqa: E731
                eventually(lambda: logins() == 2, PATIENCE, "the login has not come")
                downgrade(server, "nil")
                assert "Reloaded" not in server.reload_module("localhost")
                redis.resume()
                assert client.receive().tag.split("}")[1] in ("success", "failure")
