"""docs/proxies.md and examples/proxy/: nginx and Prosody as the files say."""

import base64
import contextlib
import http.client
import json
import re
import socket
import xml.etree.ElementTree as ElementTree

import pytest
from client import Client
from mint import mint
from nginx import EXAMPLE, HOST, VISITOR, BehindNginx
from pages import before_the_hosts, block, blocks, with_key, with_replacements, without_line
from server import PLUGINS, ROOT, eventually, free_port
from websocket import AUTH, connect

PAGE = "proxies.md"
HTTPBIND = "http://jabber.org/protocol/httpbind"


@pytest.fixture
def configuration(key):
    return with_key((EXAMPLE / "prosody.cfg.lua").read_text(), key)


@pytest.fixture
def nginx():
    return (EXAMPLE / "nginx-site.conf").read_text()


@pytest.fixture
def behind_nginx(version, configuration, nginx):
    with BehindNginx(version, configuration, nginx) as made:
        yield made


@pytest.mark.parametrize(
    "name, language",
    [("prosody.cfg.lua", "lua"), ("nginx-site.conf", "nginx"), ("environment", "sh")],
)
def test_the_page_shows_the_files(name, language):
    assert (EXAMPLE / name).read_text() in blocks(PAGE, language)


def test_web_socket_through_nginx(behind_nginx, key):
    assert "It works!" in behind_nginx.ask("/xmpp-websocket")[1]
    with behind_nginx.web_socket() as client:
        assert client.mechanisms() == {"X-TOKEN"}
        assert client.log_in("alice", mint(f"alice@{HOST}", key)) == "success"
        assert client.bind().startswith(f"alice@{HOST}/")
    with behind_nginx.web_socket() as client:
        assert client.log_in("alice", "wrong") == "not-authorized"
    assert behind_nginx.refused_ips() == [VISITOR]


def test_a_client_cannot_choose_the_ip_in_the_log(behind_nginx):
    forged = {"X_Forwarded_For": "192.0.2.1", "X_Real_IP": "192.0.2.1"}
    with behind_nginx.web_socket(**forged) as client:
        assert client.log_in("alice", "wrong") == "not-authorized"
    assert behind_nginx.refused_ips() == [VISITOR]


class Bosh:
    """A session of BOSH (XEP-0206)."""

    def __init__(self, server):
        self.server, self.rid, self.sid = server, 1000, None

    def request(self, content="", **attributes):
        self.rid += 1
        attributes |= {"rid": self.rid, **({"sid": self.sid} if self.sid else {})}
        written = "".join(f" {name}='{value}'" for name, value in attributes.items())
        body = f"<body xmlns='{HTTPBIND}'{written}>{content}</body>"
        status, text = self.server.ask("/http-bind", body, **{"Content-Type": "text/xml"})
        assert status == 200, text
        self.sid = self.sid or ElementTree.fromstring(text).get("sid")
        return text

    def open(self):
        return self.request(
            to=HOST, wait=60, hold=1, ver="1.6", **{"xml:lang": "en", "xmpp:version": "1.0",
            "xmlns:xmpp": "urn:xmpp:xbosh"},
        )  # fmt: skip

    def log_in(self, user, token):
        message = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
        return self.request(AUTH.format(mechanism="X-TOKEN", message=message))


def test_bosh_through_nginx(behind_nginx, key):
    session = Bosh(behind_nginx)
    assert "<mechanism>X-TOKEN</mechanism>" in session.open()
    assert "<success" in session.log_in("alice", mint(f"alice@{HOST}", key))
    refused = Bosh(behind_nginx)
    refused.open()
    assert "<not-authorized" in refused.log_in("alice", "wrong")
    assert behind_nginx.refused_ips() == [VISITOR]


def test_clients_find_both_addresses(behind_nginx):
    expected = {
        "urn:xmpp:alt-connections:websocket": f"wss://{HOST}/xmpp-websocket",
        "urn:xmpp:alt-connections:xbosh": f"https://{HOST}/http-bind",
    }
    status, text = behind_nginx.ask("/.well-known/host-meta")
    links = ElementTree.fromstring(text).iter("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link")
    assert (status, {link.get("rel"): link.get("href") for link in links}) == (200, expected)
    status, text = behind_nginx.ask("/.well-known/host-meta.json")
    assert {link["rel"]: link["href"] for link in json.loads(text)["links"]} == expected
    for rel, address in expected.items():
        assert behind_nginx.ask(address.partition(HOST)[2])[0] == 200, rel


def test_plain_http_is_redirected(behind_nginx):
    client = http.client.HTTPConnection(HOST)
    client.sock = socket.create_connection(("127.0.0.1", behind_nginx.plain_port))
    with contextlib.closing(client):
        client.request("GET", "/chat?x=1")
        answer = client.getresponse()
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/chat?x=1")


def received(server, headers):
    """Returns the headers that the web application gets."""
    with socket.create_server(("127.0.0.1", server.application_port)) as application:
        client = connect(server.port, VISITOR)
        with contextlib.closing(client):
            client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n\r\n".encode())
            with application.accept()[0] as there, there.makefile("rb") as lines:
                lines.readline()
                return http.client.parse_headers(lines)


def test_the_web_application_can_rely_on_the_headers(behind_nginx):
    forged = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
    http_2 = "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    names = "Connection: Upgrade, HTTP2-Settings, X-Forwarded-Proto"
    headers = received(behind_nginx, forged + http_2 + names)
    assert headers.get_all("X-Forwarded-For") == [VISITOR]
    assert headers.get_all("X-Forwarded-Proto") == ["https"]
    assert headers.get_all("Host") == [HOST]
    assert (headers["Upgrade"], headers["Connection"]) == (None, "close")
    headers = received(behind_nginx, "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade")
    assert (headers["Upgrade"], headers["Connection"]) == ("websocket", "upgrade")


def test_nothing_else_of_prosody_is_reached(behind_nginx):
    # They are the web application's, which is not running.
    for path in ("/", "/metrics", "/http-bind/x", "/xmpp-websocket/x", "/admin"):
        assert behind_nginx.ask(path)[0] == 502, path


CONSIDER = re.compile("^consider_.*\n", re.MULTILINE)


def is_offered(server):
    with server.web_socket() as client:
        over_web_socket = client.mechanisms() == {"X-TOKEN"}
    over_bosh = "X-TOKEN" in Bosh(server).open()
    assert over_web_socket == over_bosh
    assert ("not considered secure" in server.ask("/xmpp-websocket")[1]) != over_web_socket
    return over_web_socket


@pytest.mark.parametrize("with_header", [True, False])
def test_the_header_instead_of_the_options(version, configuration, nginx, with_header):
    if not with_header:
        nginx = nginx.replace("proxy_set_header X-Forwarded-Proto $scheme;", "")
    with BehindNginx(version, CONSIDER.sub("", configuration), nginx) as server:
        assert is_offered(server) == with_header


def test_the_options_below_a_host_have_no_effect(version, configuration, nginx):
    nginx = nginx.replace("proxy_set_header X-Forwarded-Proto $scheme;", "")
    lines = "".join(CONSIDER.findall(configuration))
    moved = CONSIDER.sub("", configuration)
    with BehindNginx(version, moved + lines, nginx) as server:
        assert not is_offered(server)
        assert "Login refused" not in server.prosody.log()


def test_without_the_header_the_log_has_the_ip_of_the_proxy(version, configuration, nginx):
    nginx = nginx.replace("proxy_set_header X-Forwarded-For $remote_addr;", "")
    with BehindNginx(version, configuration, nginx) as server:
        with server.web_socket() as client:
            assert client.log_in("alice", "wrong") == "not-authorized"
        assert server.refused_ips() == ["127.0.0.1"]


def test_another_host_header_is_not_found(version, configuration, nginx):
    nginx = nginx.replace(f"Host {HOST};", "Host chat.example.com;")
    with BehindNginx(version, configuration, nginx) as server, server.web_socket() as client:
        assert client.status == 404


def test_the_proxy_protocol_on_the_port_of_clients(prosody, options):
    """Checks the part on HAProxy, with what HAProxy sends before the client's first byte."""
    folder = ROOT / "target/prosody-modules/bookworm-backports/usr/lib/prosody/modules"
    port = free_port()
    page = with_replacements(block(PAGE, "lua", "net_proxy"), {"15222": port})
    server = prosody(
        {HOST: options},
        plugin_paths=[str(PLUGINS), str(ROOT / "tests/prosody/plugins"), f"{folder}/mod_net_proxy"],
        modules_enabled=["net_proxy"],
    )
    before_the_hosts(server, without_line(page, "modules_enabled"))
    with server:
        eventually(lambda: f"[127.0.0.1]:{port}" in server.log(), 60, "no port for the proxy")
        with ProxiedClient(port, HOST) as client:
            assert client.log_in("alice", "wrong") == "not-authorized"
        assert "Login refused: ip=192.0.2.7 " in server.log()


class ProxiedClient(Client):
    """A client whose bytes a proxy passes on, with the PROXY protocol, version 2."""

    HEADER = (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"  # the signature, PROXY, TCP over IPv4, 12 bytes
        + bytes([192, 0, 2, 7, 192, 0, 2, 1])
        + (40000).to_bytes(2, "big")
        + (5222).to_bytes(2, "big")
    )

    def open_stream(self):
        self.socket.sendall(self.HEADER)
        return super().open_stream()
