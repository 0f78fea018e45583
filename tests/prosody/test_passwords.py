"""token_passwords: passwords of Prosody's own modules beside tokens, on one host."""

import ssl
import time

import pytest
import scram
from client import Client
from fast import FAST, comes_back, outcome, request_arguments
from mint import mint
from redis_server import Redis

MODULES = ["internal_hashed", "internal_plain"]
PASSWORD = "correct horse"
SCRAMS = {
    "internal_hashed": {"SCRAM-SHA-1"},
    "internal_plain": {"SCRAM-SHA-1", "SCRAM-SHA-256"},
}


@pytest.fixture(params=MODULES)
def module(request):
    return request.param


@pytest.fixture
def serving(prosody, options, module):
    def server(settings=None, **host_options):
        values = {**options, "token_passwords": module, **host_options}
        return prosody({"localhost": values}, **(settings or {}))

    return server


@pytest.fixture
def token(key):
    return lambda user="alice": mint(f"{user}@localhost", key)


def register(server, user="alice", password=PASSWORD):
    done = server.run_prosodyctl("register", user, "localhost", password)
    assert done.returncode == 0, done.stdout


def plain(client, user, secret):
    return client.authenticate(f"\0{user}\0{secret}".encode(), "PLAIN")


def log_in(server, user, secret, mechanism="SCRAM-SHA-1"):
    with Client(server.port, "localhost") as client:
        if mechanism in ("PLAIN", "X-TOKEN"):
            outcome = client.authenticate(f"\0{user}\0{secret}".encode(), mechanism)
        else:
            outcome = scram.authenticate(client, user, secret, mechanism)
        if outcome == "success":
            assert client.bind().startswith(f"{user}@localhost/")
        return outcome


def test_both_log_in_on_one_host(serving, module, token, version):
    with serving() as server:
        register(server)
        with Client(server.port, "localhost") as client:
            expected = {"X-TOKEN", "PLAIN"} | SCRAMS[module]
            if (module, version) == ("internal_hashed", "13.0"):
                expected.add("OAUTHBEARER")
            assert client.mechanisms() == expected
        for mechanism in SCRAMS[module] | {"PLAIN"}:
            assert log_in(server, "alice", PASSWORD, mechanism) == "success", mechanism
            assert log_in(server, "alice", "wrong", mechanism) == "not-authorized", mechanism
            assert log_in(server, "nobody", PASSWORD, mechanism) == "not-authorized", mechanism
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        assert log_in(server, "bob", token("bob"), "X-TOKEN") == "success"
        assert log_in(server, "alice", PASSWORD, "X-TOKEN") == "not-authorized"
        assert "reason=bad-password user=alice" in server.log()
        assert "reason=bad-password user=nobody" in server.log()
        assert "raceback" not in server.log()


def test_channel_binding(serving, module):
    server = serving({"allow_unencrypted_plain_auth": False})
    server.make_certificate()
    with server:
        register(server)
        for mechanism in SCRAMS[module]:
            for secret, outcome in ((PASSWORD, "success"), ("wrong", "not-authorized")):
                with Client(server.port, "localhost") as client:
                    client.start_tls(ssl.TLSVersion.TLSv1_2)
                    assert f"{mechanism}-PLUS" in client.mechanisms()
                    made = scram.authenticate(client, "alice", secret, f"{mechanism}-PLUS")
                    assert made == outcome, mechanism
        with Client(server.port, "localhost") as client:
            client.start_tls(ssl.TLSVersion.TLSv1_2)
            for secret, outcome in (("wrong", "not-authorized"), (PASSWORD, "success")):
                mechanism = "SCRAM-SHA-1-PLUS"
                assert scram.authenticate(client, "alice", secret, mechanism) == outcome
        with Client(server.port, "localhost") as client:
            client.start_tls(ssl.TLSVersion.TLSv1_2)
            forged = scram.Scram("alice", PASSWORD, binding=b"of another connection")
            assert scram.exchange(client, forged, "SCRAM-SHA-1-PLUS") == "malformed-request"


def test_what_is_offered_before_tls(serving, module, token):
    server = serving({"allow_unencrypted_plain_auth": False})
    server.make_certificate()
    with server:
        register(server)
        with Client(server.port, "localhost") as client:
            assert not client.mechanisms() & {"X-TOKEN", "PLAIN"}
            message = f"\0alice\0{token()}".encode()
            assert client.authenticate(message) == "encryption-required"
            assert plain(client, "alice", PASSWORD) == "encryption-required"
            assert scram.authenticate(client, "alice", PASSWORD) == "success"


@pytest.mark.parametrize("allowed", [False, True])
def test_the_shape_decides_about_plain(serving, token, allowed):
    with serving(token_allow_plain=allowed) as server:
        register(server)
        good, spent = token(), token()
        assert log_in(server, "alice", spent, "X-TOKEN") == "success"
        assert log_in(server, "alice", good, "PLAIN") == (
            "success" if allowed else "not-authorized"
        )
        # Refused without being spent.
        assert log_in(server, "alice", good, "X-TOKEN") == (
            "not-authorized" if allowed else "success"
        )
        before = server.log()
        # Tokens that are invalid are tokens, also those with another length of the nonce.
        shorter = good[:30] + good[31:]
        for text in (spent, good[:-2] + "A=", shorter, "1" + good):
            assert log_in(server, "alice", text, "PLAIN") == "not-authorized"
        assert "test password" not in server.log()[len(before) :]
        if not allowed:
            assert server.log().count("reason=token-in-plain user=alice") == 5
        # All else is a password.
        before = server.log()
        others = (good[:-1], good + " ", good.replace(" ", "  "), " " + good, good[:20], "1", "=")
        for text in others:
            assert log_in(server, "alice", text, "PLAIN") == "not-authorized", text
        assert "Token of alice" not in server.log()[len(before) :]
        assert server.log()[len(before) :].count("reason=bad-password user=alice") == len(others)


def test_a_password_cannot_look_like_a_token(serving, token, version):
    with serving() as server:
        done = server.run_prosodyctl("register", "alice", "localhost", token())
        assert done.returncode != 0 and "shape of a token" in done.stdout
        assert log_in(server, "alice", "anything", "PLAIN") == "not-authorized"


def test_no_password_asks_the_ledger(prosody, options, module, token):
    with Redis() as redis:
        redis.has_been_there()
        values = {**options, "token_passwords": module, "token_ledger": redis.url()}
        with prosody({"localhost": values}) as server:
            register(server)
            assert log_in(server, "alice", token(), "X-TOKEN") == "success"
            redis.pause()
            try:
                began = time.monotonic()
                for mechanism in ("PLAIN", "SCRAM-SHA-1"):
                    assert log_in(server, "alice", PASSWORD, mechanism) == "success"
                    assert log_in(server, "alice", "wrong", mechanism) == "not-authorized"
                # The ledger's deadline is 2 seconds for each question.
                assert time.monotonic() - began < 2
                before = server.log()
                assert log_in(server, "alice", token(), "X-TOKEN") == "temporary-auth-failure"
                assert "unavailable" in server.log()[len(before) :]
            finally:
                redis.resume()


def shell_lua(server, expression):
    """Returns the value of a Lua expression in the server."""
    return server.shell(f">return {expression}").partition("Result: ")[2].strip()


def test_other_modules_ask_for_passwords(serving, token):
    with serving() as server:
        register(server)
        ask = 'require "core.usermanager".test_password("{}", "localhost", "{}")'
        assert "true" in shell_lua(server, ask.format("alice", PASSWORD))
        for user, secret in (("alice", token()), ("alice", "wrong"), ("nobody", PASSWORD)):
            assert "true" not in shell_lua(server, ask.format(user, secret))
        assert "Token of alice" not in server.log()


def test_others_are_refused_with_a_sentence(prosody, options):
    for value in ("ldap", "internal", True, 1):
        with prosody({"localhost": {**options, "token_passwords": value}}) as server:
            assert 'token_passwords must be "internal_hashed" or "internal_plain"' in server.log()
            assert "ldap" not in server.log().partition("token_passwords must be")[2][:300]
            with Client(server.port, "localhost") as client:
                assert client.mechanisms() == set()


def test_a_module_that_cannot_be_loaded(serving, module):
    with serving(modules_disabled=[f"auth_{module}"]) as server:
        assert f"mod_auth_{module}, which token_passwords names, cannot be loaded" in server.log()
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == set()


@pytest.mark.parametrize("reload", ["auth_token", "auth_{}", "sasl_token", "saslauth", None])
def test_a_reload_keeps_both(serving, module, token, reload):
    with serving() as server:
        register(server)
        with Client(server.port, "localhost") as older, Client(server.port, "localhost") as other:
            for _ in range(2):
                if reload:
                    server.reload_module("localhost", reload.format(module))
                else:
                    server.reload_config()
            assert plain(older, "alice", PASSWORD) == "success"
            assert scram.authenticate(other, "alice", PASSWORD) == "success"
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            assert log_in(server, "alice", PASSWORD, mechanism) == "success"
            assert log_in(server, "alice", "wrong", mechanism) == "not-authorized"
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        provider = 'require "core.usermanager".get_provider("localhost").name'
        assert "token" in shell_lua(server, provider)
        assert "raceback" not in server.log()


def test_the_option_can_be_changed_by_a_reload(prosody, options, token):
    with prosody({"localhost": options}) as server:
        for passwords, offered in (
            ("internal_plain", "SCRAM-SHA-256"),
            (None, None),
            ("internal_hashed", "SCRAM-SHA-1"),
            ("nonsense", "SCRAM-SHA-1"),
        ):
            with Client(server.port, "localhost") as older:
                server.hosts["localhost"]["token_passwords"] = passwords
                server.write_config()
                server.reload_config()
                with Client(server.port, "localhost") as client:
                    scrams = {name for name in client.mechanisms() if name.startswith("SCRAM")}
                    assert offered in scrams if offered else not scrams
                if passwords is None:
                    # By the configuration that is in force now, there are no passwords.
                    assert plain(older, "alice", PASSWORD) == "not-authorized"
                    assert scram.authenticate(older, "alice", PASSWORD) == "not-authorized"
            if passwords in MODULES:
                register(server)
                assert log_in(server, "alice", PASSWORD) == "success"
            assert log_in(server, "alice", token(), "X-TOKEN") == "success"


def begin_scram(client, user, password):
    """Begins a login, and returns what ends it."""
    login = scram.Scram(user, password)
    sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
    client.send(f"<auth {sasl} mechanism='SCRAM-SHA-1'>{scram.encoded(login.first())}</auth>")
    final = scram.encoded(login.final(scram.decoded(client.receive())))

    def end():
        client.send(f"<response {sasl}>{final}</response>")
        reply = client.receive()
        return "success" if reply.tag.endswith("success") else reply[0].tag.partition("}")[2]

    return end


@pytest.mark.parametrize("known", ["all", "seen", "existing"])
def test_a_password_that_changes_while_a_login_waits(serving, known):
    with serving(token_known_users=known) as server:
        register(server)
        later, other = "another horse", "of somebody else"
        steps = (
            (PASSWORD, ["1"], "success"),
            (PASSWORD, [f"user:password('alice@localhost', '{later}')"], "not-authorized"),
            (later, ["user:delete('alice@localhost')"], "not-authorized"),
            (
                None,
                [f"user:password('alice@localhost', '{other}')"]
                if known == "all"
                else [f"user:create('alice@localhost', '{other}')"],
                None,
            ),
            (
                other,
                [
                    "user:delete('alice@localhost')",
                    f"user:create('alice@localhost', '{later}')",
                    f"user:password('alice@localhost', '{later}')",
                ],
                "not-authorized",
            ),
            (later, ["1"], "success"),
        )
        for secret, commands, expected in steps:
            with Client(server.port, "localhost") as client:
                end = begin_scram(client, "alice", secret) if secret else lambda: None
                for command in commands:
                    server.shell(command)
                assert end() == expected, commands
        assert "raceback" not in server.log()


def test_no_password_is_empty(serving, token):
    with serving() as server:
        server.shell("1")
        server.shell("user:create('alice@localhost', '')")
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            assert log_in(server, "alice", "", mechanism) != "success"
        # Another program may have written one.
        folder = server.folder / "localhost/accounts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bob.dat").write_text('return { ["password"] = ""; };')
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            assert log_in(server, "bob", "", mechanism) != "success"
        assert log_in(server, "bob", token("bob"), "X-TOKEN") == "success"


def test_an_account_that_cannot_have_its_password_is_not_made(serving, token):
    with serving() as server:
        server.shell("1")
        for user, password in (("alice", token()), ("bob", "\\7"), ("carol", "")):
            assert "OK" not in server.shell(f'user:create("{user}@localhost", "{password}")')
            assert accounts(server) == set(), user
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        # One that was there stays.
        server.shell(f"user:password('alice@localhost', '{token()}')")
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"


# --- Accounts


def accounts(server):
    return {path.stem for path in server.folder.glob("localhost/accounts/*.dat")}


def ctl(server, command, user, password=None):
    """Runs a command that asks for a password twice."""
    answers = f"{password}\n{password}\n" if password else ""
    return server.prosodyctl(command, f"{user}@localhost", input=answers)


@pytest.mark.parametrize("known", [None, "seen", "existing"])
def test_the_commands_of_prosodyctl(serving, token, known):
    with serving(token_known_users=known) as server:
        server.shell("1")
        ctl(server, "adduser", "alice", PASSWORD)
        assert accounts(server) == {"alice"}
        assert log_in(server, "alice", PASSWORD) == "success"
        assert "exists" in ctl(server, "adduser", "alice", "other")
        ctl(server, "passwd", "alice", "another horse")
        assert log_in(server, "alice", "another horse") == "success"
        assert log_in(server, "alice", PASSWORD) == "not-authorized"
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        ctl(server, "deluser", "alice")
        assert accounts(server) == set()
        assert log_in(server, "alice", "another horse") == "not-authorized"
        assert log_in(server, "alice", token(), "X-TOKEN") == (
            "not-authorized" if known == "existing" else "success"
        )


def test_a_web_user_gets_a_password_later(serving, token):
    with serving() as server:
        server.shell("1")
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        assert accounts(server) == {"alice"}
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            assert log_in(server, "alice", PASSWORD, mechanism) == "not-authorized"
            assert log_in(server, "alice", "", mechanism) != "success"
        ctl(server, "passwd", "alice", PASSWORD)
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            assert log_in(server, "alice", PASSWORD, mechanism) == "success"
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        assert "raceback" not in server.log()


def test_everybody_is_a_user(serving, token, version):
    with serving(token_known_users="all") as server:
        server.shell("1")
        assert log_in(server, "alice", token(), "X-TOKEN") == "success"
        assert accounts(server) == set()
        ctl(server, "passwd" if version != "0.12" else "adduser", "bob", PASSWORD)
        assert accounts(server) == {"bob"}
        assert log_in(server, "bob", PASSWORD) == "success"
        ctl(server, "deluser", "bob")
        assert log_in(server, "bob", PASSWORD) == "not-authorized"
        assert log_in(server, "bob", token("bob"), "X-TOKEN") == "success"


def disable(server, user):
    """Prosody 0.12 has no command for it."""
    if server.version == "0.12":
        provider = 'require "core.usermanager".get_provider("localhost")'
        assert "true" in shell_lua(server, f'{provider}.disable("{user}", {{}})')
    else:
        assert "disabled" in server.shell(f'user:disable("{user}@localhost")')


def test_a_disabled_account_is_refused_by_all(serving, token):
    with serving() as server:
        register(server)
        disable(server, "alice")
        for secret, mechanism in (
            (token(), "X-TOKEN"),
            (PASSWORD, "PLAIN"),
            (PASSWORD, "SCRAM-SHA-1"),
        ):
            assert log_in(server, "alice", secret, mechanism) == "account-disabled", mechanism
        assert log_in(server, "alice", "wrong", "SCRAM-SHA-1") != "success"
        assert log_in(server, "alice", token()[:-3], "X-TOKEN") == "not-authorized"
        # A new password does not enable it.
        ctl(server, "passwd", "alice", "another horse")
        assert log_in(server, "alice", "another horse") == "account-disabled"
        if server.version != "0.12":
            server.shell('user:enable("alice@localhost")')
            assert log_in(server, "alice", "another horse") == "success"


@pytest.mark.parametrize("version", ["13.0"])
def test_a_disabled_account_is_refused_by_fast(with_modules, module, version):
    server = with_modules(
        "sasl2",
        "sasl2_fast",
        token_passwords=module,
        settings={"allow_unencrypted_plain_auth": False},
    )
    with server:
        register(server)
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            children = request_arguments("unused")[1:]
            reply = scram.authenticate_with_sasl2(client, "alice", PASSWORD, *children)
            assert outcome(reply) == "success"
            client.bind_resource()
            secret = reply.find(FAST + "token").get("token")
        assert comes_back(server, secret) == "success"
        disable(server, "alice")
        assert comes_back(server, secret) == "credentials-expired"


def test_a_storage_that_fails(prosody, options, module):
    values = {**options, "token_passwords": module, "storage": "ill"}
    with prosody({"localhost": values}) as server:
        for user in ("raise", "fail"):
            for mechanism in ("PLAIN", "SCRAM-SHA-1"):
                outcome = log_in(server, user, PASSWORD, mechanism)
                assert outcome in ("temporary-auth-failure", "not-authorized"), (user, mechanism)
        assert "reason=unavailable user=raise" in server.log()


# --- What prosodyctl reports


def check(server):
    return server.prosodyctl("mod_auth_token", "check")


def test_check_names_what_is_offered_to_whom(serving, module):
    scrams = "SCRAM-SHA-1" if module == "internal_hashed" else "SCRAM-SHA-1, SCRAM-SHA-256"
    with serving() as server:
        register(server)
        report = check(server)
        assert "to users of the web application: X-TOKEN, with a token" in report
        assert (
            f"to users who have a password: {scrams} and PLAIN, by mod_auth_{module} "
            "(token_passwords); accounts, with a password or without: 1" in report
        )
        assert f"token_passwords = {module}" in report
        assert "allow_registration" not in report
        server.hosts["localhost"].update(allow_registration=True, token_allow_plain=True)
        server.hosts["localhost"]["modules_disabled"] = [f"auth_{module}"]
        server.write_config()
        report = check(server)
        assert "X-TOKEN and PLAIN (token_allow_plain), with a token" in report
        assert "anybody can set a password for a user of your web application" in report
        assert f'"auth_{module}" is in modules_disabled' in report


def test_check_without_passwords(server):
    report = check(server)
    assert "to users of the web application: X-TOKEN, with a token" in report
    assert "users who have a password" not in report
