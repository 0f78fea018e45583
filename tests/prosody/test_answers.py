"""Each element of a login gets one answer, whatever its form, and in any order."""

import base64
import random
import re

import pytest
from client import Client, StreamClosed
from fast import FAST_MECHANISM, USER_AGENT, fast_token, outcome
from mint import mint

SASL_1 = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
SASL_2 = "xmlns='urn:xmpp:sasl:2'"
FAST = "<fast xmlns='urn:xmpp:fast:0'/>"
TEXT = base64.b64encode(b"\0alice\0nonsense").decode()
HT_TEXT = base64.b64encode(b"alice\0nonsense").decode()


def auth(content="", mechanism=" mechanism='X-TOKEN'", name="auth"):
    return f"<{name} {SASL_1}{mechanism}>{content}</{name}>"


def authenticate(*content, mechanism=" mechanism='X-TOKEN'"):
    return f"<authenticate {SASL_2}{mechanism}>{''.join(content)}</authenticate>"


def initial(content):
    return f"<initial-response>{content}</initial-response>"


def with_fast_mechanism(*content, mechanism=FAST_MECHANISM):
    return authenticate(*content, mechanism=f" mechanism='{mechanism}'")


SASL_1_LOGINS = {
    auth("<a/>"): "malformed-request",
    auth(f"<a/>{TEXT}"): "malformed-request",
    auth(f"{TEXT}<a/>"): "malformed-request",
    auth(): "malformed-request",
    auth("="): "malformed-request",
    auth("!"): "incorrect-encoding",
    auth(TEXT): "not-authorized",
    auth(TEXT, ""): "invalid-mechanism",
    auth(TEXT, " mechanism=''"): "invalid-mechanism",
    auth(HT_TEXT, f" mechanism='{FAST_MECHANISM}'"): "invalid-mechanism",
    auth(TEXT, "", "response"): "not-authorized",
    auth("", "", "response"): "not-authorized",
    auth("<a/>", "", "response"): "malformed-request",
    auth("", "", "abort"): "aborted",
}
SASL_2_LOGINS = {
    authenticate(mechanism=""): "invalid-mechanism",
    authenticate(initial(TEXT), mechanism=""): "invalid-mechanism",
    authenticate(initial(TEXT), mechanism=" mechanism=''"): "invalid-mechanism",
    authenticate(initial(TEXT), mechanism=" mechanism='NONSENSE'"): "invalid-mechanism",
    authenticate(): "malformed-request",
    authenticate("<initial-response/>"): "malformed-request",
    authenticate(initial("=")): "malformed-request",
    authenticate(initial("<a/>")): "malformed-request",
    authenticate(initial("!")): "incorrect-encoding",
    authenticate(initial(TEXT)): "not-authorized",
    authenticate(initial(TEXT), "<user-agent/>"): "not-authorized",
    authenticate(initial(TEXT), "<request-token xmlns='urn:xmpp:fast:0'/>"): "not-authorized",
    f"<response {SASL_2}>{TEXT}</response>": "invalid-mechanism",
    f"<response {SASL_2}/>": "invalid-mechanism",
}
# After a login of this stream, FAST is not available on it any more.
FAST_LOGINS = {
    with_fast_mechanism(initial(HT_TEXT)): "invalid-mechanism",
    with_fast_mechanism(USER_AGENT, FAST): "malformed-request",
    with_fast_mechanism("<initial-response/>", USER_AGENT, FAST): "malformed-request",
    with_fast_mechanism(initial("="), USER_AGENT, FAST): "malformed-request",
    with_fast_mechanism(initial(HT_TEXT), FAST): "malformed-request",
    with_fast_mechanism(initial(HT_TEXT), "<user-agent/>", FAST): "malformed-request",
    with_fast_mechanism(initial(HT_TEXT), USER_AGENT, FAST): "not-authorized",
    with_fast_mechanism(initial(HT_TEXT), USER_AGENT, FAST, mechanism="X-TOKEN"): (
        "invalid-mechanism"
    ),
    authenticate(initial(HT_TEXT), USER_AGENT, FAST, mechanism=""): "invalid-mechanism",
}
# The module of Debian 12 fails there. xtoken answers, and the log has the traceback.
ILL = {
    with_fast_mechanism(initial(HT_TEXT), USER_AGENT, FAST, mechanism="HT-SHA-256-UNIQ"): (
        "temporary-auth-failure"
    ),
}
WITH_FAST = pytest.mark.parametrize("version", ["13.0"])


def condition(client):
    reply = client.receive()
    return reply[0].tag.rpartition("}")[2]


def may_answer(login):
    """Returns the conditions that may answer a login after others on the same stream."""
    if "<response" in login:
        return None  # depends on whether the login before it has ended
    if "<fast" in login and "malformed-request" not in FAST_LOGINS[login]:
        return {FAST_LOGINS[login], "malformed-request"}
    return {(SASL_1_LOGINS | SASL_2_LOGINS | FAST_LOGINS)[login]}


def has_no_more(client):
    """Returns whether the client has all answers: the next is the one to a ping."""
    client.send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
    return client.receive().get("id") == "last"


def assert_answered(server, logins, any_of=()):
    for login, expected in logins.items():
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            client.send(login)
            assert condition(client) in (expected, *any_of), login
            assert has_no_more(client), login


def test_each_form_of_a_login_is_answered(server):
    server.make_certificate()
    server.stop()
    server.start()
    assert_answered(server, SASL_1_LOGINS)
    assert "raceback" not in server.log()
    with Client(server.port, "localhost") as client:
        client.send(authenticate(mechanism=""))
        assert condition(client) == "unsupported-stanza-type", "there is no SASL2"


def test_each_form_of_a_login_with_sasl2_is_answered(with_modules):
    with with_modules("sasl2") as server:
        assert_answered(server, SASL_1_LOGINS | SASL_2_LOGINS)
        assert "raceback" not in server.log()


@WITH_FAST
def test_each_form_of_a_login_with_fast_is_answered(with_fast):
    with with_fast() as server:
        assert_answered(server, SASL_2_LOGINS | FAST_LOGINS)
        assert "raceback" not in server.log()
        assert_answered(server, ILL, {"malformed-request"})


def assert_answered_in_any_order(server, key, logins, rounds):
    """Sends logins in random order on one stream, all at once, and a good one at the end."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for _ in range(rounds):
        some = chance.choices(list(logins), k=chance.randint(2, 8))
        with Client(server.port, "localhost", "alice") as client:
            client.start_tls()
            client.send("".join(some))
            conditions = [condition(client) for _ in some]
            assert has_no_more(client), (seed, some, conditions)
            for login, answer in zip(some, conditions):
                assert answer in (may_answer(login) or {answer}), (seed, some, conditions)
            message = f"\0alice\0{mint('alice@localhost', key)}".encode()
            if chance.random() < 0.5 and any("sasl:2" in login for login in logins):
                assert outcome(client.authenticate_with_sasl2(message)) == "success", (seed, some)
            else:
                assert client.authenticate(message) == "success", (seed, some)
    assert "raceback" not in server.log(), seed


def test_logins_in_any_order_are_answered(with_modules, key):
    with with_modules("sasl2") as server:
        assert_answered_in_any_order(server, key, SASL_1_LOGINS | SASL_2_LOGINS, 60)


@WITH_FAST
def test_logins_in_any_order_are_answered_with_fast(with_fast, key):
    logins = SASL_1_LOGINS | SASL_2_LOGINS | FAST_LOGINS
    with with_fast() as server:
        fast_token(server, mint("alice@localhost", key))
        assert_answered_in_any_order(server, key, logins, 60)


@WITH_FAST
@pytest.mark.parametrize("form", [1, 2])
def test_a_login_after_one_by_fast_is_the_hosts(with_fast, key, form):
    with with_fast() as server:
        fast_token(server, mint("alice@localhost", key))
        for login in FAST_LOGINS:
            with Client(server.port, "localhost", "alice") as client:
                client.start_tls()
                client.send(login)
                condition(client)
                message = f"\0alice\0{mint('alice@localhost', key)}".encode()
                if form == 1:
                    assert client.authenticate(message) == "success", login
                else:
                    assert outcome(client.authenticate_with_sasl2(message)) == "success", login


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_module_that_fails_in_a_login_is_answered_for(with_modules, key, step):
    """A storage may raise an error, for instance. A client that is logged in by then is closed."""
    with with_modules("sasl2") as server:
        server.shell(
            '>prosody.hosts.localhost.events.add_handler("sasl2/c2s/success",'
            f' function () error("ill") end, {1500 if step == "before" else 500})'
        )
        with Client(server.port, "localhost") as client:
            client.send_sasl2(f"\0alice\0{mint('alice@localhost', key)}".encode())
            expected = "temporary-auth-failure" if step == "before" else "internal-server-error"
            assert condition(client) == expected
            if step == "before":
                assert client.authenticate(f"\0alice\0{mint('alice@localhost', key)}".encode())
            else:
                with pytest.raises(StreamClosed):
                    client.receive()
        assert "A login failed: " in server.log()


def test_a_refused_login_names_no_user_of_an_earlier_one(with_modules):
    with with_modules("sasl2") as server:
        with Client(server.port, "localhost") as client:
            for login in (
                authenticate(initial(TEXT)),
                authenticate(mechanism=" mechanism='NONSENSE'"),
                authenticate(mechanism=""),
                authenticate(initial("!")),
            ):
                client.send(login)
                condition(client)
        refused = r"Login refused: .* reason=(\S+) user=(.*)"
        assert re.findall(refused, server.log()) == [
            ("malformed", "alice"),
            ("invalid-mechanism", "-"),
            ("invalid-mechanism", "-"),
            ("incorrect-encoding", "-"),
        ]
