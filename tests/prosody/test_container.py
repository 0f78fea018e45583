"""The configuration of the container in packaging/container, as docs/containers.md describes it."""

import re
import socket
import ssl

import pytest
from client import Client
from mint import mint
from pages import with_replacements
from server import PATIENCE, PLUGINS, ROOT, Prosody, eventually, free_port, options
from web_client import websocket_mechanisms

HOST = "example.com"
FILE = (ROOT / "packaging/container/prosody.cfg.lua").read_text()
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


class Container(Prosody):
    """Prosody with the configuration of the container. Only paths and ports differ."""

    def __init__(self, version, key):
        super().__init__(version, {HOST: {}})
        self.http, self.https = free_port(), free_port()
        secrets = self.folder / "secrets"
        secrets.mkdir()
        for name, secret in zip(("otp_seed", "token_secret"), key):
            (secrets / name).write_text(secret + "\n")
        self.make_certificate()
        for name, kind in (("cert", "crt"), ("key", "key")):
            (self.folder / f"{name}.pem").rename(secrets / f"{HOST}.{kind}")

    def write_config(self):
        moved = {
            "/run/secrets": self.folder / "secrets",
            "/run/prosody": self.folder,
            "/var/lib/prosody": self.folder,
            'info = "*console"': f'debug = "{self.folder}/prosody.log"',
        }
        ours = {"run_as_root": True, "plugin_paths": [str(PLUGINS)], "c2s_ports": [self.port]}
        ours |= {"http_ports": [self.http], "https_ports": [self.https]}
        ours |= {"c2s_interfaces": ["127.0.0.1"], "c2s_direct_tls_ports": []}
        self.config.write_text(options(**ours) + with_replacements(FILE, moved))

    def wait_for(self, service, port):
        is_open = lambda: re.search(rf"Activated service '{service}' on .*:{port}\b", self.log())
        eventually(is_open, PATIENCE, f"Prosody does not listen for {service}")


@pytest.fixture
def container(version, key, monkeypatch):
    monkeypatch.setenv("XMPP_HOST", HOST)
    monkeypatch.delenv("XMPP_PROXY", raising=False)
    with Container(version, key) as server:
        yield server


def test_a_proxy_in_another_container_is_believed_if_it_is_named(container, monkeypatch):
    container.wait_for("http", container.http)
    # Another IP of this machine than the one of localhost, as that of a container is.
    socket.create_connection(("127.0.0.2", container.http), timeout=PATIENCE).close()
    assert websocket_mechanisms(container.http, HOST, **FORWARDED) == set()
    container.stop()
    monkeypatch.setenv("XMPP_PROXY", "127.0.0.0/8")
    (container.folder / "prosody.log").unlink()
    container.start()
    container.wait_for("http", container.http)
    assert websocket_mechanisms(container.http, HOST, **FORWARDED) == {"X-TOKEN"}
    assert websocket_mechanisms(container.http, HOST) == set()


def test_browsers_come_without_a_proxy_and_clients_log_in(container, key):
    container.wait_for("https", container.https)
    trusting = ssl.create_default_context(cafile=container.folder / f"secrets/{HOST}.crt")
    address = ("127.0.0.2", container.https)
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        trusting.wrap_socket(connection, server_hostname=HOST).close()
    with Client(container.port, HOST) as client:
        client.start_tls()
        assert client.log_in("alice", mint(f"alice@{HOST}", key)) == "success"
