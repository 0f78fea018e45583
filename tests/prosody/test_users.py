"""Which users may log in: accounts that exist, are missing or are disabled."""

import xml.etree.ElementTree as ElementTree
from select import select

import pytest
from client import STREAM, Client
from mint import mint
from server import PATIENCE, eventually

PING = "<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


@pytest.fixture
def serving(prosody, options):
    """serving("seen") makes a server with that value of token_known_users."""

    def server(known, **settings):
        settings = {"modules_disabled": ["s2s", "pep"], **settings}
        return prosody({"localhost": {**options, "token_known_users": known}}, **settings)

    return server


@pytest.fixture
def token(key):
    return lambda user: mint(f"{user}@localhost", key)


def log_in(server, user, token):
    with Client(server.port, "localhost") as client:
        outcome = client.log_in(user, token)
        if outcome == "success":
            client.bind()
        return outcome


def log_in_with_password(server, user, password):
    with Client(server.port, "localhost") as client:
        return client.authenticate(f"\0{user}\0{password}".encode(), "PLAIN")


def send_message(server, token, to):
    """Sends a message to Bob. Returns the error that came back, or None."""
    with Client(server.port, "localhost") as bob:
        assert bob.log_in("bob", token("bob")) == "success"
        bob.bind()
        bob.send(f"<message type='chat' to='{to}@localhost'><body>see you</body></message>{PING}")
        reply = bob.receive()
        if reply.get("id") == "ping":
            return None
        assert reply.get("type") == "error"
        return next(
            element.tag for element in reply.iter() if element.tag.startswith(STANZAS)
        ).removeprefix(STANZAS)


def messages_at_login(server, token, user):
    with Client(server.port, "localhost") as client:
        assert client.log_in(user, token(user)) == "success"
        client.bind()
        client.send(f"<presence/>{PING}")
        stanzas = iter(client.receive, None)
        before_pong = iter(lambda: next(stanzas), None)
        bodies = []
        for stanza in before_pong:
            if stanza.get("id") == "ping":
                return bodies
            bodies += [body.text for body in stanza.iter("{jabber:client}body")]


def test_everybody_is_a_user_by_default(serving, token):
    with serving(None) as server:
        assert send_message(server, token, "alice") is None
        assert messages_at_login(server, token, "alice") == ["see you"]
        assert "cannot be created" in server.prosodyctl(
            "register", "carol", "localhost", "password"
        )
        assert "carol" not in server.shell('user:list("localhost")')
        assert not (server.folder / "localhost/accounts").exists()


def test_a_user_is_known_once_seen(serving, token):
    with serving("seen") as server:
        assert send_message(server, token, "alice") == "service-unavailable"
        assert log_in(server, "alice", "1" * 40) == "not-authorized"
        assert send_message(server, token, "alice") == "service-unavailable"
        assert messages_at_login(server, token, "alice") == []
        assert send_message(server, token, "alice") is None
        server.stop()
        server.start()
        assert messages_at_login(server, token, "alice") == ["see you"]
        assert (
            server.log().count(
                "alice has logged in to localhost for the first time and has an account now"
            )
            == 1
        )
        users = server.shell('user:list("localhost")')
        assert "alice@localhost" in users and "bob@localhost" in users


def test_two_first_logins_at_once(serving, token):
    with serving("seen", storage="ill", modules_disabled=["s2s", "pep", "offline"]) as server:
        with Client(server.port, "localhost") as one, Client(server.port, "localhost") as other:
            for client in (one, other):
                client.log_in_later("slow", token("slow"))
            for client in (one, other):
                assert client.receive().tag.endswith("success")


def failure(server, user, token):
    with Client(server.port, "localhost") as client:
        client.log_in_later(user, token)
        return ElementTree.tostring(client.receive())


def test_only_those_who_exist(serving, token):
    with serving("existing") as server:
        spent = token("alice")
        refused = failure(server, "alice", spent)
        assert refused == failure(server, "alice", "1" * 40), (
            "a client learns nothing about accounts"
        )
        assert "Account of alice: unknown-user" in server.log()
        assert "EVENT authentication-failure not-authorized" in server.log()

        server.prosodyctl("register", "bob", "localhost", "whatever")
        assert send_message(server, token, "alice") == "service-unavailable"
        server.prosodyctl("adduser", "alice@localhost", input="\n\n")
        assert "alice@localhost" in server.shell('user:list("localhost")')
        assert send_message(server, token, "alice") is None
        assert log_in(server, "alice", spent) == "not-authorized", (
            "it was spent when alice was unknown"
        )
        assert messages_at_login(server, token, "alice") == ["see you"]

        assert "Passwords cannot be set" in server.prosodyctl(
            "passwd", "alice@localhost", input="\n\n"
        )
        assert log_in(server, "alice", token("alice")) == "success"


@pytest.mark.parametrize("known", ["existing", "seen"])
def test_a_user_can_be_deleted(serving, token, known):
    with serving(known) as server:
        for user in ("alice", "bob"):
            server.prosodyctl("register", user, "localhost", "whatever")
        assert send_message(server, token, "alice") is None
        assert list(server.folder.glob("localhost/offline/alice*"))
        server.prosodyctl("deluser", "alice@localhost")
        assert "alice" not in server.shell('user:list("localhost")')
        assert not list(server.folder.glob("localhost/*/alice*"))
        assert send_message(server, token, "alice") == "service-unavailable"
        assert log_in(server, "alice", token("alice")) == (
            "success" if known == "seen" else "not-authorized"
        )


def test_users_who_had_passwords_are_known_and_keep_them(serving, token):
    with serving("existing", authentication="internal_hashed") as server:
        server.prosodyctl("register", "alice", "localhost", "a password")
        assert log_in_with_password(server, "alice", "a password") == "success"

        def change_to(authentication):
            server.stop()
            server.settings["authentication"] = authentication
            server.start()

        change_to("token")
        assert log_in(server, "alice", token("alice")) == "success"
        assert log_in(server, "bob", token("bob")) == "not-authorized"
        server.prosodyctl("passwd", "alice@localhost", input="another\nanother\n")
        if server.version == "13.0":
            server.shell('user:disable("alice@localhost")')
            server.shell('user:enable("alice@localhost")')
        change_to("internal_hashed")
        assert log_in_with_password(server, "alice", "a password") == "success"


def test_a_disabled_account(serving, token):
    """Only 13.0 disables accounts. 0.12 respects the mark, too, after a downgrade."""
    with serving(None) as server:
        accounts = server.folder / "localhost/accounts"
        accounts.mkdir(parents=True)
        (accounts / "alice.dat").write_text('return { ["disabled"] = true };')
        with Client(server.port, "localhost") as client:
            spent = token("alice")
            assert client.log_in("alice", spent) == "account-disabled"
            assert client.log_in("alice", spent) == "not-authorized"
            assert client.log_in("alice", "1" * 40) == "not-authorized", (
                "a client learns nothing about accounts"
            )
            assert client.log_in("bob", token("bob")) == "success"
        assert "Account of alice: account-disabled" in server.log()
        assert "EVENT authentication-failure account-disabled" in server.log()


@pytest.mark.parametrize("version", ["13.0"])
@pytest.mark.parametrize("known", [None, "existing", "seen"])
def test_disabling_closes_sessions_until_the_account_is_enabled(serving, token, known):
    with serving(known) as server:
        if known:
            assert "Created alice@localhost" in server.shell(
                'user:create("alice@localhost", "whatever")'
            )
        with Client(server.port, "localhost") as alice:
            assert alice.log_in("alice", token("alice")) == "success"
            alice.bind()
            assert "User disabled" in server.shell('user:disable("alice@localhost")')
            goodbye = alice.receive()
            assert goodbye.tag == STREAM + "error" and "Account disabled" in ElementTree.tostring(
                goodbye, "unicode"
            )
        assert log_in(server, "alice", token("alice")) == "account-disabled"
        server.stop()
        server.start()
        assert log_in(server, "alice", token("alice")) == "account-disabled"
        assert "User enabled" in server.shell('user:enable("alice@localhost")')
        assert log_in(server, "alice", token("alice")) == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_password_is_taken_for_a_new_user_at_once_or_never(serving, token):
    with serving("existing") as server:
        server.shell('>require "core.usermanager".create_user("bob", nil, "localhost")')
        assert "bob@localhost" in server.shell('user:list("localhost")')
        assert "Passwords cannot be set" in server.shell(
            'user:password("bob@localhost", "hunter2")'
        )


@pytest.mark.parametrize("version", ["13.0"])
def test_nobody_is_created_by_disabling(serving, token):
    with serving("existing") as server:
        assert "No such user" in server.shell('user:disable("alice@localhost")')
        assert "No such user" in server.shell(
            '>require "core.usermanager".disable_user("alice", "localhost")'
        )
        assert log_in(server, "alice", token("alice")) == "not-authorized"


@pytest.mark.parametrize("known", [None, "existing", "seen"])
def test_an_account_that_cannot_be_read(serving, token, known):
    with serving(known) as server:
        for user in ("alice", "bob"):
            server.prosodyctl("register", user, "localhost", "whatever")
        accounts = server.folder / "localhost/accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        (accounts / "alice.dat").write_text("return { damaged")
        assert log_in(server, "alice", token("alice")) == "temporary-auth-failure"
        assert (
            "alice cannot log in to localhost because the storage of accounts fails: Error reading"
            in server.log()
        )
        assert log_in(server, "bob", token("bob")) == "success"


@pytest.mark.parametrize("known", [None, "existing", "seen"])
def test_a_storage_that_fails(serving, token, known):
    with serving(known, storage="ill", modules_disabled=["s2s", "pep", "offline"]) as server:
        reasons = {"raise": "on fire", "fail": "full of water"}
        if known == "seen":
            reasons["unseen"] = "in stone"
        for user, reason in reasons.items():
            with Client(server.port, "localhost") as client:
                for _ in range(2):
                    assert client.log_in(user, token(user)) == "temporary-auth-failure"
            assert f"{user} cannot log in to localhost" in server.log() and reason in server.log()
        assert log_in(server, "bob", token("bob")) == (
            "not-authorized" if known == "existing" else "success"
        )


def test_a_storage_that_takes_its_time(serving, token):
    with serving("seen", storage="ill", modules_disabled=["s2s", "pep", "offline"]) as server:
        with Client(server.port, "localhost") as slow, Client(server.port, "localhost") as leaving:
            slow.log_in_later("slow", token("slow"))
            leaving.log_in_later("slow", token("slow"))
            leaving.socket.close()
            assert log_in(server, "bob", token("bob")) == "success"
            assert not select([slow.socket], [], [], 0)[0], "bob waits for nobody"
            assert slow.receive().tag.endswith("success")
            slow.bind()
        # For each login, and for the bind.
        both = lambda: server.log().count("Account of slow: admitted") == 3  # noqa: E731
        eventually(both, PATIENCE, "the one that left is not admitted")
        assert log_in(server, "bob", token("bob")) == "success"
        assert "raceback" not in server.log()


def test_reloading_the_configuration_is_enough(serving, token):
    with serving("all") as server:
        for known, outcome in (
            ("existing", "not-authorized"),
            ("nobody", "not-authorized"),
            ("seen", "success"),
        ):
            server.hosts["localhost"]["token_known_users"] = known
            server.write_config()
            server.reload_config()
            assert log_in(server, "alice", token("alice")) == outcome, known
        assert "log in as before the reload: token_known_users must be" in server.log()
