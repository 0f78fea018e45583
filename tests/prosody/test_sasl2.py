"""X-TOKEN through SASL2 (XEP-0388), and FAST (XEP-0484) to come back without another token."""

import hashlib
import hmac
import re
import uuid

import pytest
from client import SASL, SASL2, Client
from mint import mint
from redis_server import Redis
from server import PLUGINS, ROOT

FAST = "{urn:xmpp:fast:0}"
FAST_MECHANISM = "HT-SHA-256-NONE"
# Of Debian 12 and its backports: the latter say in their README that they are not for 0.12.
SUITES = ["bookworm", "bookworm-backports"]


@pytest.fixture(params=SUITES)
def suite(request):
    return request.param


@pytest.fixture
def serving(prosody, options, suite):
    def server(*modules, **host_options):
        folders = [ROOT / f"target/prosody-modules/{suite}/usr/lib/prosody/modules/mod_{name}" for name in modules]
        for folder in folders:
            if not folder.exists():
                raise FileNotFoundError(f"{folder} is missing: tests/prosody/run fetches it")
        paths = [str(PLUGINS), str(ROOT / "tests/prosody/plugins"), *map(str, folders)]
        made = prosody({"localhost": {**options, **host_options}}, modules_enabled=modules, plugin_paths=paths)
        made.make_certificate()
        return made

    return server


def outcome(reply):
    if reply.tag == SASL2 + "success":
        return "success"
    assert reply.tag == SASL2 + "failure"
    return reply[0].tag.removeprefix(SASL)


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return outcome(client.authenticate_with_sasl2(b"\0alice\0" + token.encode()))


def test_a_token_logs_in_once(serving, key):
    with serving("sasl2") as server:
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


def test_refusals(serving, key):
    with serving("sasl2", token_known_users="existing") as server:
        assert log_in(server, "1" * 40) == "not-authorized"
        assert log_in(server, mint("alice@localhost", key)) == "not-authorized"
        assert "Account of alice: unknown-user" in server.log()
        with Client(server.port, "localhost") as client:
            message = b"bob\0alice\0" + mint("alice@localhost", key).encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "invalid-authzid"
        server.prosodyctl("register", "alice", "localhost", "whatever")
        assert log_in(server, mint("alice@localhost", key)) == "success"


def test_each_refused_login_has_one_line(serving, key):
    with serving("sasl2", token_known_users="existing") as server:
        assert log_in(server, mint("alice@localhost", key)) == "not-authorized"
        with Client(server.port, "localhost") as client:
            for message in (b"\0alice\0nonsense", b"\0alice"):
                client.authenticate_with_sasl2(message)
        reasons = re.findall(r"auth_token\tinfo\tLogin refused: address 127.0.0.1, host localhost, reason (.*), user", server.log())
        assert reasons[:2] == ["unknown-user", "malformed"]
        # That of Debian 12 lets nobody try twice.
        assert reasons[2:] in (["malformed-request"], ["invalid-mechanism"])


def test_plain_where_it_is_allowed(serving, key):
    with serving("sasl2", token_allow_plain=True) as server:
        message = b"\0alice\0" + mint("alice@localhost", key).encode()
        for expected in ("success", "not-authorized"):
            with Client(server.port, "localhost") as client:
                assert outcome(client.authenticate_with_sasl2(message, mechanism="PLAIN")) == expected


def test_on_encrypted_connections_only(serving, key):
    with serving("sasl2", allow_unencrypted_plain_auth=False) as server:
        with Client(server.port, "localhost") as client:
            offered = client.features.find(SASL2 + "authentication")
            assert offered is None or offered.find(SASL2 + "mechanism") is None
            message = b"\0alice\0" + mint("alice@localhost", key).encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "encryption-required"
            client.start_tls()
            assert outcome(client.authenticate_with_sasl2(message)) == "success"


def test_logins_that_wait_for_a_ledger(serving, key):
    with Redis() as redis:
        redis.has_been_there()
        with serving("sasl2", token_ledger=redis.url(), token_ledger_timeout=1) as server:
            token = mint("alice@localhost", key)
            assert [log_in(server, token) for _ in range(2)] == ["success", "not-authorized"]

            redis.pause()
            for _ in range(5):
                with Client(server.port, "localhost") as client:  # who leaves at once
                    client.send_sasl2(f"\0alice\0{mint('alice@localhost', key)}".encode())
            assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            redis.resume()
            assert log_in(server, mint("alice@localhost", key)) == "success"
            assert "raceback" not in server.log()


USER_AGENT = f"<user-agent id='{uuid.uuid4()}'/>"


def fast(client, secret, user="alice"):
    """Logs in with what FAST gave this client the last time."""
    message = user.encode() + b"\0" + hmac.digest(secret.encode(), b"Initiator", hashlib.sha256)
    return client.authenticate_with_sasl2(message, USER_AGENT, "<fast xmlns='urn:xmpp:fast:0'/>", mechanism=FAST_MECHANISM)


def fast_token(server, token):
    """Logs in with a token and asks for one of FAST."""
    with Client(server.port, "localhost", "alice") as client:
        client.start_tls()
        offered = client.features.find(f"{SASL2}authentication/{SASL2}inline/{FAST}fast")
        assert FAST_MECHANISM in {element.text for element in offered}
        request = f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{FAST_MECHANISM}'/>"
        success = client.authenticate_with_sasl2(b"\0alice\0" + token.encode(), USER_AGENT, request)
        assert outcome(success) == "success"
        assert client.bind_resource().startswith("alice@localhost/")
        return success.find(FAST + "token").get("token")


def comes_back(server, secret, user="alice"):
    with Client(server.port, "localhost", user) as client:
        client.start_tls()
        reply = fast(client, secret, user)
        if outcome(reply) == "success":
            assert client.bind_resource().startswith(f"{user}@localhost/")
        return outcome(reply)


def log_in_over_tls(server, token):
    with Client(server.port, "localhost", "alice") as client:
        client.start_tls()
        return outcome(client.authenticate_with_sasl2(b"\0alice\0" + token.encode()))


@pytest.fixture
def with_fast(serving):
    return lambda **host_options: serving("sasl2", "sasl2_fast", allow_unencrypted_plain_auth=False, **host_options)


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


@pytest.mark.parametrize("version, suite", [("13.0", "bookworm-backports")])
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


@pytest.mark.parametrize("version, suite", [("13.0", "bookworm-backports")])
def test_a_token_after_fast_failed_on_the_same_stream(with_fast, key):
    with with_fast() as server:
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            assert outcome(fast(client, "secret-token:nonsense")) == "not-authorized"
            message = f"\0alice\0{mint('alice@localhost', key)}".encode()
            assert outcome(client.authenticate_with_sasl2(message)) == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_fast_lets_in_only_whom_a_token_would(with_fast, key, suite):
    with with_fast() as server:
        secret = fast_token(server, mint("alice@localhost", key))
        assert comes_back(server, secret) == "success"
        server.hosts["localhost"]["token_known_users"] = "existing"
        server.write_config()
        server.reload_config()
        assert comes_back(server, secret) == "not-authorized"
        assert "host localhost, reason unknown-user, user alice" in server.log()

        server.prosodyctl("register", "alice", "localhost", "whatever")
        assert comes_back(server, secret) == "success"
        account = server.folder / "localhost/accounts/alice.dat"
        readable = account.read_text()
        account.write_text("return { damaged")
        assert comes_back(server, secret) == "temporary-auth-failure"
        account.write_text(readable)
        server.shell('user:disable("alice@localhost")')
        # The later module looks at the account, and removes the token.
        assert comes_back(server, secret) == ("account-disabled" if suite == "bookworm" else "credentials-expired")


@pytest.mark.parametrize("version, suite", [("13.0", "bookworm-backports")])
def test_a_token_after_fast_was_refused_for_want_of_an_account(with_fast, key):
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
