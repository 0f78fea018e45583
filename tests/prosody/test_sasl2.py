"""X-TOKEN through SASL2 (XEP-0388), and later logins with FAST (XEP-0484)."""

import base64
import re

import pytest
from client import SASL2, Client
from fast import (
    FAST,
    FAST_MECHANISM,
    comes_back,
    fast,
    fast_arguments,
    fast_token,
    hold_success,
    log_in_over_tls,
    outcome,
    request_arguments,
)
from mint import mint
from redis_server import Redis
from server import PATIENCE, eventually


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return outcome(client.authenticate_with_sasl2(b"\0alice\0" + token.encode()))


def test_a_token_logs_in_once(with_modules, key):
    with with_modules("sasl2") as server:
        token = mint("alice@localhost", key)
        with Client(server.port, "localhost") as client:
            offered = client.features.find(SASL2 + "authentication")
            assert {element.text for element in offered.iter(SASL2 + "mechanism")} == {"X-TOKEN"}
            assert client.mechanisms() == {"X-TOKEN"}, "the old way too"
            success = client.authenticate_with_sasl2(b"\0alice\0" + token.encode())
            assert success.find(SASL2 + "authorization-identifier").text == "alice@localhost"
            assert client.bind_resource().startswith("alice@localhost/")
        assert log_in(server, token) == "not-authorized"
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", token) == "not-authorized", "spent for the old way too"
            token = mint("alice@localhost", key)
            assert client.log_in("alice", token) == "success"
        assert log_in(server, token) == "not-authorized"


def test_refusals(with_modules, key):
    with with_modules("sasl2", token_known_users="existing") as server:
        assert log_in(server, "1" * 40) == "not-authorized"
        assert log_in(server, mint("alice@localhost", key)) == "not-authorized"
        assert "Account of alice: unknown-user" in server.log()
        with Client(server.port, "localhost") as client:
            message = b"bob\0alice\0" + mint("alice@localhost", key).encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "invalid-authzid"
        server.prosodyctl("register", "alice", "localhost", "whatever")
        assert log_in(server, mint("alice@localhost", key)) == "success"


def test_each_refused_login_has_one_line(with_modules, key):
    with with_modules("sasl2", token_known_users="existing") as server:
        assert log_in(server, mint("alice@localhost", key)) == "not-authorized"
        with Client(server.port, "localhost") as client:
            for message in (b"\0alice\0nonsense", b"\0alice"):
                client.authenticate_with_sasl2(message)
        reasons = re.findall(
            r"auth_token\tinfo\tLogin refused: ip=127.0.0.1 host=localhost reason=(.*) user=",
            server.log(),
        )
        assert reasons == ["unknown-user", "malformed", "malformed-request"]


def test_a_refused_login_does_not_name_the_user_of_an_earlier_one(with_modules):
    with with_modules("sasl2") as server:
        with Client(server.port, "localhost") as client:
            client.authenticate_with_sasl2(b"\0alice\0nonsense")
            message = base64.b64encode(b"nonsense").decode()
            client.send(f"<response xmlns='urn:xmpp:sasl:2'>{message}</response>")
            client.receive()
        users = re.findall(r"Login refused: .* user=(.*)", server.log())
        assert users == ["alice", "-"]


def test_plain_where_it_is_allowed(with_modules, key):
    with with_modules("sasl2", token_allow_plain=True) as server:
        message = b"\0alice\0" + mint("alice@localhost", key).encode()
        for expected in ("success", "not-authorized"):
            with Client(server.port, "localhost") as client:
                assert (
                    outcome(client.authenticate_with_sasl2(message, mechanism="PLAIN")) == expected
                )


def test_on_encrypted_connections_only(with_modules, key):
    with with_modules("sasl2", allow_unencrypted_plain_auth=False) as server:
        with Client(server.port, "localhost") as client:
            offered = client.features.find(SASL2 + "authentication")
            assert offered is None or offered.find(SASL2 + "mechanism") is None
            message = b"\0alice\0" + mint("alice@localhost", key).encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "encryption-required"
            client.start_tls()
            assert outcome(client.authenticate_with_sasl2(message)) == "success"


def test_logins_that_wait_for_a_ledger(with_modules, key):
    with Redis() as redis:
        redis.has_been_there()
        with with_modules("sasl2", token_ledger=redis.url(), token_ledger_timeout=1) as server:
            token = mint("alice@localhost", key)
            assert [log_in(server, token) for _ in range(2)] == ["success", "not-authorized"]

            redis.pause()
            for _ in range(5):
                with Client(server.port, "localhost") as client:  # leaves at once
                    client.send_sasl2(f"\0alice\0{mint('alice@localhost', key)}".encode())
            assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            redis.resume()
            assert log_in(server, mint("alice@localhost", key)) == "success"
            assert "raceback" not in server.log()


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_brings_a_client_back_without_a_token(with_fast, key):
    with with_fast(token_known_users="seen") as server:
        token = mint("alice@localhost", key)
        secret = fast_token(server, token)
        for _ in range(3):
            assert comes_back(server, secret) == "success"
        server.stop()
        server.start()
        assert comes_back(server, secret) == "success"
        assert comes_back(server, secret + "x") == "not-authorized"
        assert comes_back(server, secret, "bob") == "not-authorized"
        assert comes_back(server, token) == "not-authorized"
        assert log_in_over_tls(server, token) == "not-authorized"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_ends_with_the_account(with_fast, key):
    with with_fast(token_known_users="seen") as server:
        secret = fast_token(server, mint("alice@localhost", key))
        server.shell('user:disable("alice@localhost")')
        assert comes_back(server, secret) == "credentials-expired"
        assert log_in_over_tls(server, mint("alice@localhost", key)) == "account-disabled"
        server.shell('user:enable("alice@localhost")')
        assert comes_back(server, secret) != "success"

        secret = fast_token(server, mint("alice@localhost", key))
        server.prosodyctl("deluser", "alice@localhost")
        assert comes_back(server, secret) == "not-authorized"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_begins_anew_as_soon_as_the_account_is_enabled(with_fast, key):
    """Within the same second, too: what is granted before and after is told apart."""
    with with_fast(token_known_users="seen") as server:
        older = []
        for _ in range(3):
            older.append(fast_token(server, mint("alice@localhost", key)))
            server.shell(
                '>local users = require "core.usermanager";'
                ' users.disable_user("alice", "localhost"); users.enable_user("alice", "localhost")'
            )
            secret = fast_token(server, mint("alice@localhost", key))
            assert comes_back(server, secret) == "success"
            assert comes_back(server, older[-1]) != "success"
            # Both have one client id, and the present token of it is the one that came back.
            assert comes_back(server, secret) == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_login_that_began_before_the_account_was_disabled_gets_no_token(with_fast, key):
    with with_fast(token_known_users="seen", sasl2_fast_token_min_ttl=0) as server:
        secret = fast_token(server, mint("alice@localhost", key))
        for enable in (True, False):
            with Client(server.port, "localhost", "alice") as client:
                client.start_tls()
                held = server.log().count("HELD")
                go_on = hold_success(server, 500)
                client.send_sasl2(*request_arguments(mint("alice@localhost", key)))
                eventually(lambda: server.log().count("HELD") > held, PATIENCE, "it has begun")
                server.shell('user:disable("alice@localhost")')
                if enable:
                    server.shell('user:enable("alice@localhost")')
                go_on()
                success = client.receive()
                assert outcome(success) == "success" and success.find(FAST + "token") is None
        assert comes_back(server, secret) != "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_token_after_fast_failed_on_the_same_stream(with_fast, key):
    with with_fast() as server:
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            assert outcome(fast(client, "secret-token:nonsense")) == "not-authorized"
            message = f"\0alice\0{mint('alice@localhost', key)}".encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_lets_in_only_whom_a_token_would(with_fast, key):
    with with_fast() as server:
        secret = fast_token(server, mint("alice@localhost", key))
        assert comes_back(server, secret) == "success"
        server.hosts["localhost"]["token_known_users"] = "existing"
        server.write_config()
        server.reload_config()
        assert comes_back(server, secret) == "not-authorized"
        assert "host=localhost reason=unknown-user user=alice" in server.log()

        server.prosodyctl("register", "alice", "localhost", "whatever")
        assert comes_back(server, secret) == "success"
        account = server.folder / "localhost/accounts/alice.dat"
        readable = account.read_text()
        account.write_text("return { damaged")
        assert comes_back(server, secret) == "temporary-auth-failure"
        account.write_text(readable)
        server.shell('user:disable("alice@localhost")')
        assert comes_back(server, secret) == "credentials-expired"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_token_after_fast_was_refused_without_an_account(with_fast, key):
    with with_fast() as server:
        secret = fast_token(server, mint("alice@localhost", key))
        server.hosts["localhost"]["token_known_users"] = "seen"
        server.write_config()
        server.reload_config()
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            assert outcome(fast(client, secret)) == "not-authorized"
            message = f"\0alice\0{mint('alice@localhost', key)}".encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "success"
        assert comes_back(server, secret) == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_where_the_storage_fails(with_fast):
    settings = {"storage": "ill", "modules_disabled": ["s2s", "pep", "offline", "register"]}
    with with_fast(settings=settings) as server:
        for user in ("raise", "fail"):
            assert comes_back(server, "secret-token:nonsense", user) == "temporary-auth-failure"
        assert comes_back(server, "secret-token:nonsense", "bob") == "not-authorized"
        with Client(server.port, "localhost", "bob") as client:
            client.start_tls()
            assert (
                outcome(fast(client, "secret-token:nonsense", "raise\nEVENT")) == "not-authorized"
            )
        assert "\nEVENT" not in server.log() and "raceback" not in server.log()


def renewed(server, secret):
    """Logs in with FAST, and returns the next token of FAST."""
    with Client(server.port, "localhost", "alice") as client:
        client.start_tls()
        success = fast(client, secret)
        assert outcome(success) == "success"
        return success.find(FAST + "token").get("token")


def end_fast(server, value):
    server.hosts["localhost"]["token_fast_not_before"] = value
    server.write_config()
    server.reload_config()


@pytest.mark.parametrize("version", ["13.0"])
def test_tokens_of_fast_end_with_all_that_came_of_them(with_fast, key):
    with with_fast(sasl2_fast_token_min_ttl=0) as server:
        secret = fast_token(server, mint("alice@localhost", key))
        line = [secret, renewed(server, secret)]
        assert "tokens of FAST can be renewed without end" in server.prosodyctl(
            "mod_auth_token", "check"
        )
        # A day in the past, before these tokens of FAST were granted.
        end_fast(server, "2026-01-01")
        for secret in reversed(line):
            assert comes_back(server, secret) in ("credentials-expired", "not-authorized")
        checked = server.prosodyctl("mod_auth_token", "check")
        assert re.search(r"ok       tokens of FAST granted before 20[0-9TZ:-]* have ended", checked)

        # What is granted in the rest of that second stays.
        secret = renewed(server, fast_token(server, mint("alice@localhost", key)))
        for start_anew in ([server.reload_config], [server.stop, server.start]):
            for step in start_anew:
                step()
            secret = renewed(server, secret)
        assert "Reloaded" in server.reload_module("localhost")
        secret = renewed(server, secret)
        assert comes_back(server, line[1]) == "not-authorized"

        end_fast(server, "soon")
        assert "token_fast_not_before is not a time" in server.log()
        secret = renewed(server, secret)
        end_fast(server, "2026-01-02")
        assert comes_back(server, secret) == "credentials-expired"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_login_that_began_before_tokens_of_fast_ended_gets_none(with_fast, key):
    with with_fast(sasl2_fast_token_min_ttl=0) as server:
        secret = fast_token(server, mint("alice@localhost", key))
        begin = [
            lambda client: client.send_sasl2(*request_arguments(mint("alice@localhost", key))),
            lambda client: client.send_sasl2(*fast_arguments(secret), mechanism=FAST_MECHANISM),
        ]
        for number, begin_login in enumerate(begin):
            with Client(server.port, "localhost", "alice") as client:
                client.start_tls()
                go_on = hold_success(server, 500)
                begin_login(client)
                eventually(lambda: server.log().count("HELD") > number, PATIENCE, "it has begun")
                end_fast(server, f"2026-01-0{1 + number}")
                go_on()
                success = client.receive()
                assert outcome(success) == "success" and success.find(FAST + "token") is None
            end_fast(server, None)


@pytest.mark.parametrize("version", ["13.0"])
def test_tokens_of_fast_are_renewed_when_an_older_session_is_resumed(with_fast, key):
    settings = {"modules_enabled": ["smacks"]}
    modules = ("sasl2_bind2", "sasl2_sm")
    with with_fast(*modules, settings=settings, sasl2_fast_token_min_ttl=0) as server:
        enable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            message, *children = request_arguments(mint("alice@localhost", key))
            bind = f"<bind xmlns='urn:xmpp:bind:0'>{enable}</bind>"
            success = client.authenticate_with_sasl2(message, *children, bind)
            session = success.find(".//{urn:xmpp:sm:3}enabled").get("id")
        end_fast(server, "2026-01-01")

        def resumes():
            secret = fast_token(server, mint("alice@localhost", key))
            resume = f"<resume xmlns='urn:xmpp:sm:3' previd='{session}' h='0'/>"
            with Client(server.port, "localhost", "alice") as client:
                client.start_tls()
                client.send_sasl2(*fast_arguments(secret), resume, mechanism=FAST_MECHANISM)
                success = client.receive()
                if outcome(success) == "credentials-expired":
                    return False
            assert success.find("{urn:xmpp:sm:3}resumed") is not None
            return success.find(FAST + "token") is not None

        eventually(resumes, PATIENCE, "a token is renewed")


@pytest.mark.parametrize("version", ["13.0"])
def test_a_moment_to_come(with_fast, key):
    with with_fast(token_fast_not_before=2**33) as server:
        secret = fast_token(server, mint("alice@localhost", key))
        assert comes_back(server, secret) == "credentials-expired"
        assert log_in_over_tls(server, mint("alice@localhost", key)) == "success"
