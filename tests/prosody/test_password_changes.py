"""Beside passwords, a stolen token must not become a lasting password."""

import uuid

import pytest
import scram
from client import Client
from fast import FAST, FAST_MECHANISM, fast_message, hold_success, outcome
from mint import mint
from server import PATIENCE, Expression, eventually

REGISTER = "jabber:iq:register"
PASSWORD, NEW = "correct horse", "battery staple"
WITH_FAST = pytest.mark.parametrize("version", ["13.0"])


@pytest.fixture(params=["internal_hashed", "internal_plain"])
def module(request):
    return request.param


@pytest.fixture
def token(key):
    return lambda user="alice": mint(f"{user}@localhost", key)


@pytest.fixture
def serving(prosody, options, module):
    def server(*modules, **host_options):
        values = {**options, "token_passwords": module, **host_options}
        return prosody(
            {"localhost": values},
            modules_enabled=["register", "smacks", *modules],
            modules_disabled=["s2s", "offline", "pep"],
        )

    return server


def register(server, user="alice", password=PASSWORD):
    done = server.run_prosodyctl("register", user, "localhost", password)
    assert done.returncode == 0, done.stdout


def ask(client, payload, to=None, kind="set"):
    """Returns "result" or the condition of the error."""
    name = uuid.uuid4().hex
    address = f" to='{to}'" if to else ""
    client.send(f"<iq type='{kind}' id='{name}'{address}>{payload}</iq>")
    while True:
        reply = client.receive()
        if reply.get("id") == name:
            break
    if reply.get("type") == "result":
        return "result"
    return condition(reply)


def condition(reply):
    return reply.find("{jabber:client}error")[0].tag.partition("}")[2]


def change(client, to=None, user="alice", password=NEW):
    fields = f"<username>{user}</username><password>{password}</password>"
    return ask(client, f"<query xmlns='{REGISTER}'>{fields}</query>", to)


def remove(client, to=None):
    return ask(client, f"<query xmlns='{REGISTER}'><remove/></query>", to)


def log_in(client, secret, how):
    if how == "token":
        assert client.log_in("alice", secret) == "success"
    elif how == "PLAIN":
        assert client.authenticate(f"\0alice\0{secret}".encode(), "PLAIN") == "success"
    else:
        assert scram.authenticate(client, "alice", secret) == "success"


def is_password(server, password, user="alice"):
    with Client(server.port, "localhost") as client:
        return client.authenticate(f"\0{user}\0{password}".encode(), "PLAIN") == "success"


WAYS = [None, "localhost", "alice@localhost"]


@pytest.mark.parametrize("plain", [False, True])
def test_a_token_cannot_change_it(serving, token, plain):
    with serving(token_allow_plain=plain) as server:
        register(server)
        with Client(server.port, "localhost") as client:
            log_in(client, token(), "PLAIN" if plain else "token")
            client.bind()
            for to in WAYS:
                assert change(client, to) == "forbidden", to
                assert remove(client, to) == "forbidden", to
            assert ask(client, f"<query xmlns='{REGISTER}'/>", kind="get") == "result"
            assert ask(client, "<ping xmlns='urn:xmpp:ping'/>", "localhost", "get") == "result"
        assert is_password(server, PASSWORD) and not is_password(server, NEW)
        assert "raceback" not in server.log()


@pytest.mark.parametrize("known", ["all", "seen", "existing"])
def test_a_token_cannot_set_the_first_one(serving, token, known):
    with serving(token_known_users=known) as server:
        register(server)
        if known != "existing":
            assert "deleted" in server.shell('user:delete("alice@localhost")')
        with Client(server.port, "localhost") as client:
            log_in(client, token(), "token")
            client.bind()
            for to in WAYS:
                assert change(client, to) == "forbidden", to
        assert not is_password(server, NEW)


@pytest.mark.parametrize("how", ["PLAIN", "SCRAM-SHA-1"])
def test_a_password_can(serving, how):
    with serving() as server:
        old = PASSWORD
        register(server)
        for number, to in enumerate(WAYS):
            new = f"{NEW} {number}"
            with Client(server.port, "localhost") as client:
                log_in(client, old, how)
                client.bind()
                assert change(client, to, password=new) == "result", to
            assert is_password(server, new) and not is_password(server, old)
            old = new
        with Client(server.port, "localhost") as client:
            log_in(client, old, how)
            client.bind()
            assert remove(client) == "result"
        assert not is_password(server, old)


def test_a_failed_password_does_not_help_a_token(serving, token):
    with serving() as server:
        register(server)
        with Client(server.port, "localhost") as client:
            for mechanism in ("PLAIN", "SCRAM-SHA-1"):
                wrong = b"\0alice\0wrong" if mechanism == "PLAIN" else b"n,,n=alice,r=1"
                client.send(
                    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                    f"mechanism='{mechanism}'>{scram.encoded(wrong)}</auth>"
                )
                assert not client.receive().tag.endswith("success")
            log_in(client, token(), "token")
            client.bind()
            assert change(client) == "forbidden"


def command(node, **fields):
    values = "".join(
        f"<field var='{name.replace('_', '-')}'><value>{value}</value></field>"
        for name, value in fields.items()
    )
    form = f"<x xmlns='jabber:x:data' type='submit'>{values}</x>"
    return (
        "<command xmlns='http://jabber.org/protocol/commands' action='complete' "
        f"node='http://jabber.org/protocol/admin#{node}'{{}}>{form}</command>"
    )


def execute(client, node, **fields):
    begin = command(node).replace("complete", "execute").format("")
    client.send(f"<iq type='set' id='begin' to='localhost'>{begin}</iq>")
    while True:
        reply = client.receive()
        if reply.get("id") == "begin":
            break
    if reply.get("type") == "error":
        return condition(reply)
    session = reply[0].get("sessionid")
    payload = command(node, **fields).format(f" sessionid='{session}'")
    return ask(client, payload, "localhost")


@pytest.mark.parametrize("how", ["token", "PLAIN"])
def test_commands_of_administrators(serving, token, how):
    with serving("admin_adhoc", "invites_adhoc", admins=["alice@localhost"]) as server:
        register(server)
        register(server, "bob")
        expected = "forbidden" if how == "token" else "result"
        with Client(server.port, "localhost") as client:
            log_in(client, token() if how == "token" else PASSWORD, how)
            client.bind()
            form = {"FORM_TYPE": "http://jabber.org/protocol/admin"}
            changed = execute(
                client, "change-user-password", accountjid="bob@localhost", password=NEW, **form
            )
            added = execute(
                client,
                "add-user",
                accountjid="carol@localhost",
                password=NEW,
                password_verify=NEW,
                **form,
            )
            # Without the first step, a form with a password is refused, too.
            sent = ask(client, command("nonsense", password=NEW).format(""), "localhost")
            assert sent == ("forbidden" if how == "token" else "service-unavailable")
            # The command that makes an invitation is there from 13.0 on.
            node = "xmpp:prosody.im/mod_invites_adhoc#password-reset"
            invite = command("").replace("http://jabber.org/protocol/admin#", node).format("")
            invited = ask(client, invite.replace("complete", "execute"), "localhost")
            assert (invited == "forbidden") == (how == "token")
        assert (changed, added) == (expected, expected)
        assert is_password(server, NEW, "bob") == (how == "PLAIN")
        assert is_password(server, NEW, "carol") == (how == "PLAIN")


@pytest.mark.parametrize("how", ["token", "PLAIN"])
@pytest.mark.parametrize("user, allowed", [("admin", False), ("user", True), ("user", False)])
def test_invitations_to_register(serving, token, how, user, allowed):
    admins = ["alice@localhost"] if user == "admin" else []
    with serving("invites_adhoc", admins=admins, allow_user_invites=allowed) as server:
        register(server)
        with Client(server.port, "localhost") as client:
            log_in(client, token() if how == "token" else PASSWORD, how)
            client.bind()
            node = "urn:xmpp:invite#invite"
            invite = command("").replace("http://jabber.org/protocol/admin#", node).format("")
            invited = ask(client, invite.replace("complete", "execute"), "localhost")
        # Without leave to invite new users, it is for contacts only.
        is_refused = how == "token" and (user == "admin" or allowed)
        assert invited == ("forbidden" if is_refused else "result")
        assert "raceback" not in server.log()


def resume(server, id, secret, how):
    client = Client(server.port, "localhost")
    log_in(client, secret, how)
    client.open_stream()
    client.send(f"<resume xmlns='urn:xmpp:sm:3' h='0' previd='{id}'/>")
    reply = client.receive()
    assert reply.tag == "{urn:xmpp:sm:3}resumed", reply.tag
    return client


@pytest.mark.parametrize("first", ["token", "PLAIN"])
def test_a_resumed_session_is_what_resumed_it(serving, token, first):
    with serving() as server:
        register(server)
        secret = {"token": token, "PLAIN": lambda: PASSWORD, "SCRAM-SHA-1": lambda: PASSWORD}
        with Client(server.port, "localhost") as client:
            log_in(client, secret[first](), first)
            client.bind()
            client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
            enabled = client.receive()
            assert enabled.tag == "{urn:xmpp:sm:3}enabled"
        for how, expected in (
            ("token", "forbidden"),
            ("SCRAM-SHA-1", "result"),
            ("token", "forbidden"),
            ("PLAIN", "result"),
        ):
            with resume(server, enabled.get("id"), secret[how](), how) as client:
                assert change(client, password=PASSWORD) == expected, how
        assert "raceback" not in server.log()


# --- SASL2 and FAST


@pytest.fixture
def with_sasl2(with_modules, module):
    def server(*more, **options):
        made = with_modules(
            "sasl2",
            *more,
            settings={
                "modules_enabled": ["register"],
                "modules_disabled": ["s2s", "offline", "pep"],
                "allow_unencrypted_plain_auth": False,
            },
            token_passwords=module,
            **options,
        )
        return made

    return server


def agent(id):
    return f"<user-agent id='{id}'/>"


REQUEST = f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{FAST_MECHANISM}'/>"


def sasl2(server, secret, how, *children):
    """Logs in by SASL2, and returns the client and the reply."""
    client = Client(server.port, "localhost", "alice")
    client.start_tls()
    if how == "SCRAM-SHA-1":
        reply = scram.authenticate_with_sasl2(client, "alice", secret, *children)
    elif how == "FAST":
        id, secret = secret
        inline = "<fast xmlns='urn:xmpp:fast:0'/>"
        reply = client.authenticate_with_sasl2(
            fast_message(secret), agent(id), inline, *children, mechanism=FAST_MECHANISM
        )
    else:
        message = f"\0alice\0{secret}".encode()
        mechanism = "X-TOKEN" if how == "token" else how
        reply = client.authenticate_with_sasl2(message, *children, mechanism=mechanism)
    assert outcome(reply) == "success", how
    client.bind_resource()
    return client, reply


def granted(reply):
    return reply.find(FAST + "token").get("token")


@pytest.mark.parametrize("how", ["token", "PLAIN", "SCRAM-SHA-1"])
def test_sasl2(with_sasl2, token, how):
    with with_sasl2() as server:
        register(server)
        secret = token() if how == "token" else PASSWORD
        client, _ = sasl2(server, secret, how)
        with client:
            assert change(client) == ("forbidden" if how == "token" else "result")


@WITH_FAST
@pytest.mark.parametrize("how", ["token", "PLAIN", "SCRAM-SHA-1"])
@pytest.mark.parametrize("rotated", [False, True])
def test_fast_remembers_what_it_came_from(with_sasl2, token, how, rotated):
    expected = "forbidden" if how == "token" else "result"
    rotation = {"sasl2_fast_token_min_ttl": Expression("-1")} if rotated else {}
    with with_sasl2("sasl2_fast", **rotation) as server:
        register(server)
        id = uuid.uuid4()
        secret = token() if how == "token" else PASSWORD
        client, reply = sasl2(server, secret, how, agent(id), REQUEST)
        client.socket.close()
        secret = granted(reply)
        for _ in range(3):
            client, reply = sasl2(server, (id, secret), "FAST")
            client.socket.close()
            assert (reply.find(FAST + "token") is not None) == rotated
            if rotated:
                secret = granted(reply)
        server.reload_module("localhost")
        client, _ = sasl2(server, (id, secret), "FAST")
        with client:
            assert change(client) == expected


@WITH_FAST
def test_fast_tokens_of_one_client_are_told_apart(with_sasl2, token):
    with with_sasl2("sasl2_fast") as server:
        register(server)
        id = uuid.uuid4()
        _, reply = sasl2(server, PASSWORD, "PLAIN", agent(id), REQUEST)
        good = granted(reply)
        client, _ = sasl2(server, (id, good), "FAST")
        client.socket.close()
        # The thief of a token takes the id of that client.
        _, reply = sasl2(server, token(), "token", agent(id), REQUEST)
        bad = granted(reply)
        client, _ = sasl2(server, (id, bad), "FAST")
        with client:
            assert change(client) == "forbidden"
        _, reply = sasl2(server, PASSWORD, "SCRAM-SHA-1", agent(id), REQUEST)
        client, _ = sasl2(server, (id, granted(reply)), "FAST")
        with client:
            assert change(client) == "result"


@WITH_FAST
def test_fast_tokens_of_logins_at_once_are_told_apart(with_sasl2, token):
    with with_sasl2("sasl2_fast") as server:
        register(server)
        id = uuid.uuid4()
        # A login by password has got its token, and waits before that is noted.
        go_on = hold_success(server, 74.8)
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            client.send_sasl2(
                f"\0alice\0{PASSWORD}".encode(), agent(id), REQUEST, mechanism="PLAIN"
            )
            eventually(lambda: "HELD" in server.log(), PATIENCE, "the login is held")
            server.shell('>prosody.held_in.remove_handler("sasl2/c2s/success", prosody.held)')
            # The thief of a token takes the id of that client.
            _, reply = sasl2(server, token(), "token", agent(id), REQUEST)
            go_on()
            assert outcome(client.receive()) == "success"
        client, _ = sasl2(server, (id, granted(reply)), "FAST")
        with client:
            assert change(client) == "forbidden"


@WITH_FAST
def test_a_new_password_ends_the_tokens_of_fast(with_sasl2, token):
    with with_sasl2("sasl2_fast") as server:
        register(server)
        id = uuid.uuid4()
        _, reply = sasl2(server, token(), "token", agent(id), REQUEST)
        # Granted in the second of the change.
        assert "true" in server.shell(
            '>local store = require "core.storagemanager".open("localhost", "fast_tokens");'
            ' local tokens = store:get("alice");'
            " for _, one in pairs(tokens) do"
            ' one.issued_at = require "util.time".now() end; store:set("alice", tokens);'
            f' return require "core.usermanager".set_password("alice", "{NEW}", "localhost")'
        )
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            reply = client.authenticate_with_sasl2(
                fast_message(granted(reply)),
                agent(id),
                "<fast xmlns='urn:xmpp:fast:0'/>",
                mechanism=FAST_MECHANISM,
            )
            assert outcome(reply) == "credentials-expired"
