"""A token logs its user in once."""

import time

import pytest
from client import Client
from mint import mint, new_key


def log_in(server, user, token, host="localhost"):
    with Client(server.port, host) as client:
        outcome = client.log_in(user, token)
        if outcome == "success":
            assert client.bind().startswith(f"{user}@{host}/")
        return outcome


def test_a_token_logs_in_once(server, key):
    token = mint("alice@localhost", key)
    assert log_in(server, "alice", token) == "success"
    assert log_in(server, "alice", token) == "not-authorized"
    log = server.log()
    assert "EVENT authentication-success alice" in log
    assert "EVENT authentication-failure not-authorized" in log
    assert "Token of alice: replayed" in log


def test_over_tls(prosody, options, key):
    with prosody({"localhost": options}, c2s_require_encryption=True) as server:
        server.stop()
        server.make_certificate()
        server.start()
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == set()
            client.start_tls()
            assert client.mechanisms() == {"X-TOKEN"}
            assert client.log_in("alice", mint("alice@localhost", key)) == "success"
            assert client.bind().startswith("alice@localhost/")


@pytest.mark.parametrize(
    "settings",
    [
        {"c2s_require_encryption": True, "allow_unencrypted_plain_auth": True},
        {"c2s_require_encryption": False, "allow_unencrypted_plain_auth": False},
        {"c2s_require_encryption": False, "insecure_sasl_mechanisms": ["PLAIN"]},
    ],
)
def test_tls_required_and_missing(prosody, options, key, settings):
    with prosody({"localhost": options}, **settings) as server:
        token = mint("alice@localhost", key)
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == set()
            assert client.log_in("alice", token) == "encryption-required"
            assert client.log_in("alice", token) == "encryption-required"
        server.stop()
        server.make_certificate()
        server.start()
        with Client(server.port, "localhost") as client:
            client.start_tls()
            assert client.log_in("alice", token) == "success"


def test_an_older_token_in_between_does_not_free_it(server, key):
    step = None
    while step != int(time.time()) // 30:  # try again: b is too old if a step began
        step = int(time.time()) // 30
        a, b = mint("alice@localhost", key), mint("alice@localhost", key, steps=-1)
        outcomes = [log_in(server, "alice", token) for token in (a, b, a, b)]
    assert outcomes == ["success"] * 2 + ["not-authorized"] * 2


def test_the_token_of_7alice_is_not_one_of_alice(server, key):
    token = mint("7alice@localhost", key)
    digits, signature = token.split(" ")
    assert log_in(server, "alice", f"{digits}7 {signature}") == "not-authorized"
    assert log_in(server, "alice", token) == "not-authorized"
    assert log_in(server, "7alice", token) == "success"


def test_the_window(server, key):
    for steps, outcome in {
        -3: "not-authorized",
        1: "success",
        0: "success",
        3: "not-authorized",
    }.items():
        assert log_in(server, "alice", mint("alice@localhost", key, steps=steps)) == outcome


def test_two_users_and_a_name_that_is_prepared(server, key):
    assert log_in(server, "alice", mint("alice@localhost", key)) == "success"
    assert log_in(server, "bob", mint("alice@localhost", key)) == "not-authorized"
    assert log_in(server, "bob", mint("bob@localhost", key)) == "success"
    with Client(server.port, "localhost") as client:
        assert client.log_in("ALICE", mint("alice@localhost", key)) == "success"
        assert client.bind().startswith("alice@localhost/")
    assert log_in(server, "名前", mint("名前@localhost", key)) == "success"


def test_hosts_do_not_mix(prosody):
    keys = {host: new_key() for host in ("localhost", "other.localhost")}
    hosts = {
        host: {"otp_seed": seed, "token_secret": secret} for host, (seed, secret) in keys.items()
    }
    with prosody(hosts) as server:
        for host in hosts:
            for signer, key in keys.items():
                outcome = log_in(server, "alice", mint(f"alice@{host}", key), host)
                assert outcome == ("success" if signer == host else "not-authorized"), (
                    host,
                    signer,
                )
            other = next(name for name in hosts if name != host)
            assert (
                log_in(server, "alice", mint(f"alice@{other}", keys[host]), host)
                == "not-authorized"
            )


def test_the_authorization_identity(server, key):
    def with_authzid(authzid):
        with Client(server.port, "localhost") as client:
            message = f"{authzid}\0alice\0{mint('alice@localhost', key)}"
            return client.authenticate(message.encode())

    for own in ("", "alice", "alice@localhost", "Alice@LOCALHOST"):
        assert with_authzid(own) == "success", own
    for other in (
        "bob",
        "bob@localhost",
        "alice@other.localhost",
        "alice@localhost/phone",
        "@",
        "\u00ad",
    ):
        assert with_authzid(other) == "invalid-authzid", other


def test_a_refused_authorization_identity_does_not_cost_the_token(server, key):
    token = mint("alice@localhost", key)
    with Client(server.port, "localhost") as client:
        assert client.authenticate(f"bob\0alice\0{token}".encode()) == "invalid-authzid"
        assert client.log_in("alice", token) == "success"


def test_another_nonce_length(prosody, options, key):
    with prosody({"localhost": {**options, "token_nonce_length": 16}}) as server:
        assert (
            log_in(server, "alice", mint("alice@localhost", key, nonce="0123456789012345"))
            == "success"
        )
        assert log_in(server, "alice", mint("alice@localhost", key)) == "not-authorized"


def test_another_deviation(prosody, options, key):
    with prosody({"localhost": {**options, "token_deviation": 5}}) as server:
        assert log_in(server, "alice", mint("alice@localhost", key, steps=-4)) == "success"
        assert log_in(server, "alice", mint("alice@localhost", key, steps=-7)) == "not-authorized"


def test_nothing_secret_is_logged(server, key):
    accepted, refused = mint("alice@localhost", key), mint("bob@localhost", key)
    log_in(server, "alice", accepted)
    log_in(server, "alice", accepted)
    log_in(server, "alice", refused)
    log = server.log()
    assert "Token of alice: bad-signature" in log
    for secret in (*key, *accepted.split(" "), *refused.split(" ")):
        assert secret not in log
