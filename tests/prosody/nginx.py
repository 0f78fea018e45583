"""Prosody behind nginx, with the files of examples/proxy/."""

import contextlib
import http.client
import re
import shutil
import subprocess

from pages import as_included_file, with_replacements
from server import ROOT, Prosody, eventually, free_port
from websocket import WebSocket, connect

EXAMPLE = ROOT / "examples/proxy"
HOST = "example.com"
VISITOR = "127.0.0.2"  # an IP that is not a trusted proxy


class BehindNginx:
    """Prosody and nginx with the files of the example. Only paths and ports differ."""

    def __init__(self, version, configuration, site, application_port=None):
        self.http_port = free_port()
        self.application_port = application_port or free_port()  # which then nothing listens on
        self.prosody = Prosody(
            version, {}, http_ports=[self.http_port], https_ports=[], c2s_require_encryption=True,
            allow_unencrypted_plain_auth=False,
        )  # fmt: skip
        self.prosody.make_certificate()
        as_included_file(self.prosody, configuration)
        self.site = site

    def __enter__(self):
        self.prosody.__enter__()
        try:
            # Another process may have taken the port since. Then this tries the next one.
            while not self.prosody_serves():
                self.prosody.stop()
                self.http_port = free_port()
                self.prosody.settings["http_ports"] = [self.http_port]
                self.prosody.start()
            self.start_nginx()
        except BaseException:
            self.prosody.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.prosody.__exit__()

    def start_nginx(self):
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        if program is None:
            raise FileNotFoundError(
                "nginx is missing (make test-prosody and make test-clients install it)"
            )
        self.port, self.plain_port, folder = free_port(), free_port(), self.prosody.folder
        places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in places)
        server = with_replacements(
            self.site,
            {
                "listen [::]:80;": "",
                "listen [::]:443 ssl;": "",
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
                "127.0.0.1:5280": f"127.0.0.1:{self.http_port}",
                "127.0.0.1:8080": f"127.0.0.1:{self.application_port}",
                f"/etc/letsencrypt/live/{HOST}/fullchain.pem": folder / "cert.pem",
                f"/etc/letsencrypt/live/{HOST}/privkey.pem": folder / "key.pem",
            },
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n"
        )
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", program, "-c", folder / "nginx.conf"],
            stdin=subprocess.DEVNULL,
        )
        eventually(self.nginx_listens, 60, "nginx did not come up")

    def prosody_serves(self):
        """Waits until the port is open, which may be a moment after the one for clients."""
        opened = f"Activated service 'http' on [127.0.0.1]:{self.http_port}"
        failed = f"Failed to open server port {self.http_port} "
        known = [opened, failed]
        eventually(lambda: any(line in self.prosody.log() for line in known), 60, "no HTTP")
        return opened in self.prosody.log()

    def nginx_listens(self):
        assert self.process.poll() is None, (self.prosody.folder / "nginx.log").read_text()
        with contextlib.suppress(OSError), contextlib.closing(connect(self.port)):
            return True
        return False

    def web_socket(self, **headers):
        return WebSocket(connect(self.port, VISITOR), HOST, **headers)

    def ask(self, path, body=None, **headers):
        """Returns status and text of an answer over HTTPS."""
        client = http.client.HTTPConnection(HOST)
        client.sock = connect(self.port, VISITOR)
        with contextlib.closing(client):
            client.request("POST" if body else "GET", path, body, headers)
            answer = client.getresponse()
            return answer.status, answer.read().decode()

    def refused_ips(self):
        return re.findall(r"Login refused: ip=(\S+)", self.prosody.log())
