"""A small XMPP client that sends exactly the bytes of a test (RFC 6120)."""

import base64
import socket
import ssl
import xml.etree.ElementTree as ElementTree

SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
STREAM = "{http://etherx.jabber.org/streams}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
SASL2 = "{urn:xmpp:sasl:2}"
PATIENCE = 60  # seconds without an answer are a failure


class StreamClosed(Exception):
    """The server ended the stream."""


class Client:
    def __init__(self, port, host, user=None):
        """With `user`, the streams have a `from`, which a server may use but must not trust."""
        self.host = host
        self.sender = f" from='{user}@{host}'" if user else ""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.features = self.open_stream()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def open_stream(self):
        self.parser = ElementTree.XMLPullParser(("start", "end"))
        self.depth = 0
        self.send(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
            f"xmlns:stream='http://etherx.jabber.org/streams' to='{self.host}'{self.sender}>"
        )
        features = self.receive()
        assert features.tag == STREAM + "features", ElementTree.tostring(features)
        return features

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def receive(self):
        """Returns the next whole element below the stream's root."""
        while True:
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "end" and self.depth == 1:
                    return element
                if event == "end" and self.depth == 0:
                    raise StreamClosed
            data = self.socket.recv(65536)
            if not data:
                raise StreamClosed
            self.parser.feed(data)

    def mechanisms(self):
        return {element.text for element in self.features.iter(SASL + "mechanism")}

    def start_tls(self, newest=None):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        assert self.receive().tag == TLS + "proceed"
        context = ssl.create_default_context()
        context.check_hostname = False
        if newest:
            context.maximum_version = newest
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname=self.host)
        self.features = self.open_stream()

    def authenticate(self, message, mechanism="X-TOKEN"):
        """Sends one SASL message (bytes, or None for no initial response).

        Returns "success" or the condition of the failure, of SASL or of the whole stream.
        """
        text = "" if message is None else base64.b64encode(message).decode() or "="
        self.send(
            f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{text}</auth>"
        )
        reply = self.receive()
        if reply.tag == SASL + "success":
            return "success"
        assert reply.tag in (SASL + "failure", STREAM + "error"), ElementTree.tostring(reply)
        return reply[0].tag.partition("}")[2]

    def log_in(self, user, token):
        return self.authenticate(b"\0" + user.encode() + b"\0" + token.encode())

    def log_in_later(self, user, token, mechanism="X-TOKEN"):
        """Sends what log_in sends, and does not wait for the answer."""
        message = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
        self.send(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
            f"mechanism='{mechanism}'>{message}</auth>"
        )

    def send_sasl2(self, message, *children, mechanism="X-TOKEN"):
        text = base64.b64encode(message).decode()
        self.send(
            f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'>"
            f"<initial-response>{text}</initial-response>{''.join(children)}</authenticate>"
        )

    def authenticate_with_sasl2(self, *arguments, **options):
        """Does what authenticate does, by XEP-0388, and returns the whole reply of the server."""
        self.send_sasl2(*arguments, **options)
        reply = self.receive()
        if reply.tag == SASL2 + "success":
            self.features = self.receive()
        return reply

    def bind(self):
        """Binds a resource, which ends the login, and returns the full JID."""
        self.features = self.open_stream()
        return self.bind_resource()

    def bind_resource(self):
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        reply = self.receive()
        assert reply.get("type") == "result", ElementTree.tostring(reply)
        return reply.find(f".//{BIND}jid").text
