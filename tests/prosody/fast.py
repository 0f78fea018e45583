"""Clients that log in with SASL2 (XEP-0388), and again with tokens of FAST (XEP-0484)."""

import hashlib
import hmac
import uuid

from client import SASL, SASL2, Client

FAST = "{urn:xmpp:fast:0}"
FAST_MECHANISM = "HT-SHA-256-NONE"


def outcome(reply):
    if reply.tag == SASL2 + "success":
        return "success"
    assert reply.tag == SASL2 + "failure"
    return reply[0].tag.removeprefix(SASL)


USER_AGENT = f"<user-agent id='{uuid.uuid4()}'/>"


def fast_message(secret, user="alice"):
    return user.encode() + b"\0" + hmac.digest(secret.encode(), b"Initiator", hashlib.sha256)


def fast_arguments(secret, user="alice", attributes=""):
    return fast_message(secret, user), USER_AGENT, f"<fast xmlns='urn:xmpp:fast:0'{attributes}/>"


def fast(client, secret, user="alice", attributes=""):
    """Logs in with the last token of FAST that this client has."""
    return client.authenticate_with_sasl2(
        *fast_arguments(secret, user, attributes), mechanism=FAST_MECHANISM
    )


def request_arguments(token, user="alice"):
    """Returns the elements of a login with a token that asks for one of FAST."""
    return (
        f"\0{user}\0{token}".encode(),
        USER_AGENT,
        f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{FAST_MECHANISM}'/>",
    )


def fast_token(server, token, user="alice"):
    """Logs in with a token, and asks for one of FAST."""
    with Client(server.port, "localhost", user) as client:
        client.start_tls()
        offered = client.features.find(f"{SASL2}authentication/{SASL2}inline/{FAST}fast")
        assert FAST_MECHANISM in {element.text for element in offered}
        success = client.authenticate_with_sasl2(*request_arguments(token, user))
        assert outcome(success) == "success"
        assert client.bind_resource().startswith(f"{user}@localhost/")
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


def hold_success(server, priority):
    """Holds a login by SASL2 that has succeeded, as a storage might, where the log says HELD.

    Returns what lets it go on, and holds no others.
    """
    server.shell(
        ">prosody.held_in = prosody.hosts.localhost.events;"
        " prosody.held = function ()"
        ' local wait, done = require "util.async".waiter(); prosody.go_on = done;'
        ' prosody.log("info", "HELD"); wait() end;'
        f' prosody.held_in.add_handler("sasl2/c2s/success", prosody.held, {priority})'
    )
    return lambda: server.shell(
        '>prosody.held_in.remove_handler("sasl2/c2s/success", prosody.held); prosody.go_on()'
    )
