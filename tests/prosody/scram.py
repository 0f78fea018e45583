"""Logins with a password by SCRAM (RFC 5802), with or without channel binding (RFC 5929)."""

import base64
import hashlib
import hmac
import uuid
import xml.etree.ElementTree as ElementTree

from client import SASL, SASL2


def encoded(data):
    return base64.b64encode(data).decode()


def decoded(element):
    return base64.b64decode(element.text or "")


class Scram:
    """One login; `binding` is the data of tls-unique for a mechanism that ends with -PLUS."""

    def __init__(self, user, password, hash_name="sha1", binding=None):
        self.password, self.hash_name = password, hash_name
        self.header = b"n,," if binding is None else b"p=tls-unique,,"
        self.binding = binding or b""
        user = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={user},r={uuid.uuid4().hex}"

    def first(self):
        return self.header + self.bare.encode()

    def final(self, challenge):
        challenge = challenge.decode()
        fields = dict(part.split("=", 1) for part in challenge.split(","))

        def digest(key, data):
            return hmac.digest(key, data, self.hash_name)

        salted = hashlib.pbkdf2_hmac(
            self.hash_name,
            self.password.encode(),
            base64.b64decode(fields["s"]),
            int(fields["i"]),
        )
        client_key = digest(salted, b"Client Key")
        bound = encoded(self.header + self.binding)
        without_proof = f"c={bound},r={fields['r']}"
        message = f"{self.bare},{challenge},{without_proof}".encode()
        signature = digest(hashlib.new(self.hash_name, client_key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.expected = b"v=" + base64.b64encode(digest(digest(salted, b"Server Key"), message))
        return f"{without_proof},p={encoded(proof)}".encode()


def authenticate(client, user, password, mechanism="SCRAM-SHA-1"):
    """Returns "success" or the condition of the failure."""
    binding = None
    if mechanism.endswith("-PLUS"):
        binding = client.socket.get_channel_binding("tls-unique")
    hash_name = "sha256" if "256" in mechanism else "sha1"
    return exchange(client, Scram(user, password, hash_name, binding), mechanism)


def exchange(client, scram, mechanism):
    sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
    first = encoded(scram.first())
    client.send(f"<auth {sasl} mechanism='{mechanism}'>{first}</auth>")
    reply = client.receive()
    if reply.tag == SASL + "challenge":
        final = encoded(scram.final(decoded(reply)))
        client.send(f"<response {sasl}>{final}</response>")
        reply = client.receive()
    if reply.tag == SASL + "success":
        assert decoded(reply) == scram.expected, "the server has not proved that it knows the user"
        return "success"
    assert reply.tag == SASL + "failure", ElementTree.tostring(reply)
    return reply[0].tag.removeprefix(SASL)


def authenticate_with_sasl2(client, user, password, *children):
    """Does the same by XEP-0388, and returns the whole reply."""
    scram = Scram(user, password)
    client.send_sasl2(scram.first(), *children, mechanism="SCRAM-SHA-1")
    reply = client.receive()
    if reply.tag == SASL2 + "challenge":
        final = encoded(scram.final(decoded(reply)))
        client.send(f"<response xmlns='urn:xmpp:sasl:2'>{final}</response>")
        reply = client.receive()
    if reply.tag == SASL2 + "success":
        client.features = client.receive()
    return reply
