"""token_allow_plain: a token as the password of PLAIN, for clients without X-TOKEN."""

import pytest
from client import Client
from mint import mint
from test_hostile import HOSTILE


@pytest.fixture
def server(prosody, options):
    with prosody({"localhost": {**options, "token_allow_plain": True}}) as server:
        yield server


def log_in(server, token, mechanism):
    with Client(server.port, "localhost") as client:
        outcome = client.authenticate(f"\0alice\0{token}".encode(), mechanism)
        if outcome == "success":
            assert client.bind().startswith("alice@localhost/")
        return outcome


@pytest.mark.parametrize("value", [None, False])
def test_it_is_not_offered_unless_configured(prosody, options, key, value):
    with prosody({"localhost": {**options, "token_allow_plain": value}}) as server:
        token = mint("alice@localhost", key)
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == {"X-TOKEN"}
        assert log_in(server, token, "PLAIN") == "invalid-mechanism"
        assert log_in(server, token, "X-TOKEN") == "success"


def test_a_token_is_spent_for_both_mechanisms(server, key):
    with Client(server.port, "localhost") as client:
        assert client.mechanisms() == {"PLAIN", "X-TOKEN"}
    for first, second in (("PLAIN", "X-TOKEN"), ("X-TOKEN", "PLAIN"), ("PLAIN", "PLAIN")):
        token = mint("alice@localhost", key)
        assert log_in(server, token, first) == "success"
        assert log_in(server, token, second) == "not-authorized"
    assert server.log().count("Token of alice: replayed") == 3
    assert server.log().count("EVENT authentication-success alice") == 3


def test_the_answers_are_those_of_x_token(server, key):
    for message, answer in HOSTILE.items():
        with Client(server.port, "localhost") as client:
            assert client.authenticate(message, "PLAIN") == answer, message
            assert client.authenticate(message, "PLAIN") == answer, message
            good = f"alice@localhost\0alice\0{mint('alice@localhost', key)}".encode()
            assert client.authenticate(good, "PLAIN") == "success", message
    assert "traceback" not in server.log()


def test_no_answer_of_the_ledger_is_a_temporary_failure(prosody, options, key):
    with prosody(
        {"localhost": {**options, "token_allow_plain": True}}, modules_enabled=["ill_native"]
    ) as server:
        server.reload_module("localhost")
        with Client(server.port, "localhost") as client:
            for _ in range(2):
                message = f"\0ledger\0{mint('ledger@localhost', key)}".encode()
                assert client.authenticate(message, "PLAIN") == "temporary-auth-failure"


@pytest.mark.parametrize(
    "settings",
    [
        {"c2s_require_encryption": True, "allow_unencrypted_plain_auth": True},
        {"c2s_require_encryption": False, "allow_unencrypted_plain_auth": False},
        {"c2s_require_encryption": False, "insecure_sasl_mechanisms": ["X-TOKEN"]},
    ],
)
def test_it_is_offered_on_encrypted_connections(prosody, options, key, settings):
    with prosody({"localhost": {**options, "token_allow_plain": True}}, **settings) as server:
        server.stop()
        server.make_certificate()
        server.start()
        token = mint("alice@localhost", key)
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == set()
            assert (
                client.authenticate(f"\0alice\0{token}".encode(), "PLAIN") == "encryption-required"
            )
            client.start_tls()
            assert client.mechanisms() == {"PLAIN", "X-TOKEN"}
            assert client.authenticate(f"\0alice\0{token}".encode(), "PLAIN") == "success"
