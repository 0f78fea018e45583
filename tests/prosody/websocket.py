"""A small client for XMPP over WebSocket (RFC 7395). It sends each message in one frame."""

import base64
import os
import re
import socket
import ssl
import struct

PATIENCE = 60  # seconds without an answer are a failure
OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{host}' version='1.0'/>"
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{message}</auth>"
BIND = (
    "<iq xmlns='jabber:client' type='set' id='bind'>"
    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
)


def connect(port, ip="127.0.0.1"):
    """Returns a TLS connection that comes from the given IP of the loopback interface."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(ip, 0))
    return context.wrap_socket(plain, server_hostname="example.com")


class WebSocket:
    def __init__(self, connection, host, path="/xmpp-websocket", **headers):
        self.connection, self.host = connection, host
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: keep-alive, Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: xmpp",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.stream = connection.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        while self.stream.readline().strip():
            pass
        if self.status == 101:
            self.features = self.open_stream()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.connection.close()

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        length = (
            bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 254, len(data))
        )
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.connection.sendall(b"\x81" + length + mask + masked)

    def receive(self):
        """Returns the next message as text."""
        _, length = self.stream.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", self.stream.read(2))
        return self.stream.read(length).decode()

    def open_stream(self):
        self.send(OPEN.format(host=self.host))
        assert self.receive().startswith("<open")
        return self.receive()

    def mechanisms(self):
        return set(re.findall("<mechanism>(.*?)</mechanism>", self.features))

    def log_in(self, user, token):
        message = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
        self.send(AUTH.format(mechanism="X-TOKEN", message=message))
        reply = self.receive()
        return "success" if reply.startswith("<success") else re.search(r"<([a-z-]+)/>", reply)[1]

    def bind(self):
        """Binds a resource, which ends the login, and returns the full JID."""
        self.open_stream()
        self.send(BIND)
        return re.search("<jid>(.*?)</jid>", self.receive())[1]
