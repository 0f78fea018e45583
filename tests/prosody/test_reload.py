"""What was spent stays spent while the server runs."""

from client import Client
from mint import mint, new_key


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
        server.shell('>prosody.unloaded[require "core.modulemanager".get_module("localhost", "auth_token")] = true')
        assert "Reloaded" in server.reload_module("localhost")
    assert log_in(server, mint("alice@localhost", key)) == "success"
    for _ in range(3):
        server.shell(">collectgarbage()")
    assert "Result: nil" in server.shell(">return (next(prosody.unloaded))")
