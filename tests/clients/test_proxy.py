"""The web chat in Chromium, behind the nginx of examples/proxy/."""

import contextlib
import re
import socket
import socketserver
import subprocess
import threading

import pytest
from nginx import EXAMPLE, HOST, VISITOR, BehindNginx
from pages import block, with_key
from server import ROOT
from webchat import FOLDER, browse, tool

START = block("proxies.md", "sh", "npm start")


@contextlib.contextmanager
def application(key, folder):
    """The web chat, started as the page says. Yields its port."""
    there = folder / "examples/webchat"
    there.mkdir(parents=True)
    (there / "server.mjs").symlink_to(FOLDER / "server.mjs")
    (there.parent / "proxy").symlink_to(EXAMPLE)
    program = START.replace("npm ci --ignore-scripts", ":")  # `make test-clients` has done it
    program = program.replace("npm start", f"exec {tool('node')} server.mjs")
    otp_seed, token_secret = key
    values = f"s/SEED='…'/SEED={otp_seed}/; s/SECRET='…'/SECRET={token_secret}/; s/8080/0/"
    comment = "# then write your secrets and your host into it"
    assert comment in program
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "sh", "-euc"]
        + [program.replace(comment, f'\nsed -i "{values}" chat.env')],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield int(re.search(r":(\d+)/", process.stdout.readline())[1])
        finally:
            process.terminate()
    assert (there / "chat.env").stat().st_mode & 0o777 == 0o600


class Passage(socketserver.StreamRequestHandler):
    """Passes a connection on, so that it comes from the visitor's IP."""

    def handle(self):
        there = socket.create_connection(self.server.target, source_address=(VISITOR, 0))
        with there, contextlib.suppress(OSError):
            back = threading.Thread(target=copy, args=(there, self.connection))
            back.start()
            copy(self.connection, there)
            back.join()


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def passage(port):
    """Yields the port at which Chromium reaches nginx as a visitor from elsewhere does."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passage)
    server.target, server.daemon_threads = ("127.0.0.1", port), True
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def site(key, tmp_path):
    """Yields nginx in front of the web chat and Prosody."""
    configuration = with_key((EXAMPLE / "prosody.cfg.lua").read_text(), key)
    nginx = (EXAMPLE / "nginx-site.conf").read_text()
    with (
        application(key, tmp_path) as port,
        BehindNginx("13.0", configuration, nginx, port) as server,
    ):
        yield server


def test_two_pages_talk_through_nginx(site, monkeypatch):
    with passage(site.port) as port:
        monkeypatch.setenv("XTOKEN_RESOLVE", f"MAP {HOST}:443 127.0.0.1:{port}")
        arguments = (f"https://{HOST}/", ROOT / "docs/proxies.md")
        assert browse("webchat", *arguments, script="visitors.mjs") == 0
    assert set(site.refused_ips()) == {VISITOR}
    line = block("proxies.md", "text", "Login refused").replace("203.0.113.7", VISITOR)
    assert line in site.prosody.log()
