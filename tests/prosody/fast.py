"""Clients that speak SASL2 (XEP-0388), and come back with tokens of FAST (XEP-0484)."""

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
    """Logs in with what FAST gave this client the last time."""
    return client.authenticate_with_sasl2(*fast_arguments(secret, user, attributes), mechanism=FAST_MECHANISM)


def fast_token(server, token, user="alice"):
    """Logs in with a token and asks for one of FAST."""
    with Client(server.port, "localhost", user) as client:
        client.start_tls()
        offered = client.features.find(f"{SASL2}authentication/{SASL2}inline/{FAST}fast")
        assert FAST_MECHANISM in {element.text for element in offered}
        request = f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{FAST_MECHANISM}'/>"
        success = client.authenticate_with_sasl2(f"\0{user}\0{token}".encode(), USER_AGENT, request)
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
