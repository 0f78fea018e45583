"""Logins of browsers behind a proxy that ends TLS.

What is offered to them, and what the log says if it is nothing.
"""

import re

import pytest
from client import Client
from server import PATIENCE, Expression, eventually, free_port
from web_client import KINDS

ADVICE = (
    "X-TOKEN is offered on encrypted connections only, as PLAIN is. A client of localhost came "
)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def web(prosody, options):
    """web(**settings) makes a server for browsers. Its options about encryption are Debian's."""

    def server(host_options=None, **settings):
        defaults = {"c2s_require_encryption": None, "allow_unencrypted_plain_auth": None}
        ports = {"http_ports": [free_port()], "https_ports": [], "http_interfaces": ["127.0.0.1"]}
        hosts = {"localhost": {**options, **(host_options or {})}}
        enabled = ["tls", "websocket", "bosh"]
        made = prosody(hosts, modules_enabled=enabled, **{**defaults, **ports, **settings})
        made.make_certificate()
        return made

    return server


def offered(server, kind, **headers):
    port = server.settings["http_ports"][0]
    is_open = lambda: f"Activated service 'http' on [127.0.0.1]:{port}" in server.log()
    eventually(is_open, PATIENCE, "Prosody does not listen for HTTP")
    return KINDS[kind](port, "localhost", **headers)


def advice(server):
    return re.findall(f"{ADVICE}.*", server.log())


def test_the_log_says_once_what_a_proxy_needs(web, kind):
    with web() as server:
        assert offered(server, kind) == set()
        assert offered(server, kind) == set()
        (line,) = advice(server)
        words = {"websocket": "WebSocket", "bosh": "BOSH"}
        assert line.startswith(f"{ADVICE}by {words[kind]}. If a proxy ends TLS")
        assert f"set consider_{kind}_secure = true in the global section" in line
        assert "allow_unencrypted_plain_auth" not in line
        (other,) = KINDS.keys() - {kind}
        offered(server, other)
        assert len(advice(server)) == 2
        (server.folder / "certs").mkdir()
        checked = server.run_prosodyctl("mod_auth_token", "check").stdout
        assert f"set consider_{kind}_secure = true in the global section" in checked


@pytest.mark.parametrize("require_encryption", [None, False])
def test_the_option_works_in_the_global_section_alone(web, kind, require_encryption):
    option = {f"consider_{kind}_secure": True}
    with web(c2s_require_encryption=require_encryption, **option) as server:
        assert offered(server, kind) == {"X-TOKEN"}
        assert advice(server) == []
    with web(option, c2s_require_encryption=require_encryption) as server:
        assert offered(server, kind) == set()
        assert len(advice(server)) == 1
        (server.folder / "certs").mkdir()
        done = server.run_prosodyctl("mod_auth_token", "check")
        place = f'warning  consider_{kind}_secure below VirtualHost "localhost" is ignored: move it'
        assert (done.returncode, place in done.stdout) == (1, True)
        assert f"set consider_{kind}_secure = true in the global section" in done.stdout


def test_a_trusted_proxy_can_say_that_it_ends_tls(web, kind):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    with web() as server:
        assert offered(server, kind, **forwarded) == {"X-TOKEN"}
    with web(trusted_proxies=["192.0.2.7"]) as server:
        assert offered(server, kind, **forwarded) == set()


def test_a_host_with_modules_of_its_own_answers_to_one_name(prosody, options):
    enabled = Expression('{ "saslauth", "tls", "disco", "report_auth", "websocket" }')
    host = {**options, "modules_enabled": enabled, "http_host": "www.example.com"}
    ports = {"http_ports": [free_port()], "https_ports": [], "http_interfaces": ["127.0.0.1"]}
    with prosody({"localhost": host}, **ports) as server:
        assert offered(server, "websocket", Host="www.example.com") == {"X-TOKEN"}
        with pytest.raises(AssertionError, match="404"):
            offered(server, "websocket", Host="localhost")
        (server.folder / "certs").mkdir()
        checked = server.run_prosodyctl("mod_auth_token", "check").stdout
        assert "WebSocket offers X-TOKEN at /xmpp-websocket of www.example.com alone" in checked


def test_clients_with_tls_are_not_in_the_log(web):
    with web() as server, Client(server.port, "localhost") as client:
        assert client.mechanisms() == set()
        client.start_tls()
        assert client.mechanisms() == {"X-TOKEN"}
        assert advice(server) == []


def test_without_any_tls_the_log_names_check(web):
    with web(modules_disabled=["tls", "s2s"]) as server:
        with pytest.raises(AssertionError, match="No stream features to proceed with"):
            Client(server.port, "localhost")
        (line,) = advice(server)
        assert "Prosody offers no TLS there: see prosodyctl mod_auth_token check" in line


def test_a_client_that_does_not_use_tls_is_told_of(web):
    with web(c2s_require_encryption=False) as server:
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == set()
        (line,) = advice(server)
        assert "came without TLS. Let it use TLS, or see allow_unencrypted_plain_auth" in line
