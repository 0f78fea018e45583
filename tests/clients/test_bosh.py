"""Logins over BOSH, in a browser whose page is of another origin than Prosody."""

import pathlib
import re
import urllib.request

import pytest
from application import Application
from http_port import has_opened
from server import Prosody, free_port
from webchat import browse

PAGES = pathlib.Path(__file__).with_name("bosh")


@pytest.fixture
def server(version, options):
    """As docs/proxies.md says: the plain port is for a proxy that does TLS."""
    return Prosody(
        version,
        {"localhost": options},
        modules_enabled=["bosh", "roster", "blocklist"],
        http_ports=[free_port()],
        https_ports=[],
        c2s_require_encryption=True,
        allow_unencrypted_plain_auth=False,
        consider_bosh_secure=True,
    )


def url(server):
    return f"http://localhost:{server.settings['http_ports'][0]}/http-bind"


def test_in_chromium(server, key):
    users = {"/strophe.html": "alice", "/converse.html": "bob"}
    with server, Application(PAGES, key, users, url(server)) as application:
        has_opened(server)
        assert browse("exchange", application.address, script="bosh.mjs") == 0


def test_nobody_is_signed_in(key):
    with Application(PAGES, key, {}, "") as application:
        assert browse("signedOut", application.address, script="bosh.mjs") == 0


def mechanisms(server, **headers):
    """Returns what is offered to a client that opens a session."""
    body = (
        '<body xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" to="localhost"'
        ' rid="1" wait="60" hold="1" ver="1.6" xmpp:version="1.0"/>'
    )
    request = urllib.request.Request(url(server), body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return re.findall("<mechanism>(.*?)</mechanism>", answer.read().decode())


def test_a_header_in_place_of_the_option(server):
    del server.settings["consider_bosh_secure"]
    with server:
        has_opened(server)
        assert mechanisms(server) == []
        # Prosody believes a proxy on this machine.
        assert mechanisms(server, **{"X-Forwarded-Proto": "https"}) == ["X-TOKEN"]
