"""Browsers' ways to a server: WebSocket (RFC 7395) and BOSH (XEP-0206), over plain HTTP.

A proxy that ends TLS talks to Prosody like this.
"""

import base64
import http.client
import os
import re
import socket

from client import PATIENCE

MECHANISM = re.compile("<mechanism[^>]*>([^<]+)</mechanism>")


def websocket_mechanisms(port, host, **headers):
    """Returns the mechanisms that a client is offered by WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "xmpp",
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET /xmpp-websocket HTTP/1.1\r\n{text}\r\n".encode())
        with connection.makefile("rb") as stream:
            status = stream.readline()
            assert b" 101 " in status, status
            while stream.readline().strip():
                pass
            frame = f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{host}' version='1.0'/>"
            # Masked with zeros, which change nothing.
            connection.sendall(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame.encode())
            while True:
                received = read_frame(stream)
                if "features" in received:
                    return set(MECHANISM.findall(received))


def read_frame(stream):
    _, length = stream.read(2)
    if length == 126:
        length = int.from_bytes(stream.read(2), "big")
    return stream.read(length).decode()


def bosh_mechanisms(port, host, **headers):
    """Returns the mechanisms that a client is offered by BOSH."""
    body = (
        f"<body rid='1' to='{host}' wait='1' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0' "
        "xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh'/>"
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/http-bind", body, {"Host": host, **headers})
        received = connection.getresponse().read().decode()
    finally:
        connection.close()
    assert "features" in received, received
    return set(MECHANISM.findall(received))


KINDS = {"websocket": websocket_mechanisms, "bosh": bosh_mechanisms}
