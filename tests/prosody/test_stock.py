"""The configuration of Debian's package, with the plugins and lines of docs/configure.md."""

import os
import re
import shutil
import ssl
import subprocess

import pytest
from client import Client
from mint import mint
from server import PLUGINS, ROOT, Prosody, options

HOST = "example.com"
FOLDER = "/usr/local/lib/prosody/modules"  # which the file names
CONFIGURE = (ROOT / "docs/configure.md").read_text()
LOGIN_FAILS = (ROOT / "docs/login-fails.md").read_text()
STOCK_HOST = 'VirtualHost "localhost"\n'


class Stock(Prosody):
    """Prosody with the configuration of its package. Only paths and ports differ."""

    def __init__(self, version, key):
        super().__init__(version, {})
        self.web_ports = {"http_ports": [], "https_ports": []}
        package = ROOT / f"target/prosody-{version}/etc/prosody"
        shutil.copytree(package, self.folder, dirs_exist_ok=True)
        for folder in ("conf.d", "certs"):
            (self.folder / folder).mkdir(exist_ok=True)
        self.text = self.moved(self.config.read_text())
        host = re.compile(r"^```lua\n(VirtualHost.*?)```", re.MULTILINE | re.DOTALL)
        (written,) = host.findall(CONFIGURE)
        for name, value in zip(("otp_seed", "token_secret"), key):
            written = written.replace(f'{name} = "…"', f'{name} = "{value}"')
        assert "…" not in written
        (self.folder / f"conf.d/{HOST}.cfg.lua").write_text(written)

    def moved(self, text):
        for there, here in (
            (f'plugin_paths = {{ "{FOLDER}" }}', f'plugin_paths = {{ "{self.folder}{FOLDER}" }}'),
            ("/run/prosody/prosody.pid", f"{self.folder}/prosody.pid"),
            ('info = "/var/log/prosody/prosody.log"', f'debug = "{self.folder}/prosody.log"'),
            ('error = "/var/log/prosody/prosody.err"', f'error = "{self.folder}/prosody.err"'),
            ('{ levels = { "error" }; to = "syslog";  };', ""),
        ):
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        return text

    def write_config(self):
        ports = {"c2s_ports": [self.port], **self.web_ports}
        ports |= {"s2s_ports": [], "s2s_direct_tls_ports": [], "c2s_direct_tls_ports": []}
        ours = {"run_as_root": True, "data_path": str(self.folder), "interfaces": ["127.0.0.1"]}
        ours |= {"admin_socket": str(self.folder / "admin.sock")}
        assert self.text.count(STOCK_HOST) == 1
        self.config.write_text(self.text.replace(STOCK_HOST, options(**ports, **ours) + STOCK_HOST))

    def import_certificate(self):
        self.hosts = {HOST: {}}
        self.make_certificate()
        for name, kind in (("cert", "crt"), ("key", "key")):
            (self.folder / f"{name}.pem").rename(self.folder / f"certs/{HOST}.{kind}")

    def install(self):
        """Installs the plugins as root would, but below this server's folder."""
        environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        install = ["make", "-s", "install-plugins", f"DESTDIR={self.folder}"]
        subprocess.run(install, cwd=ROOT, env=environment, check=True)


@pytest.fixture
def stock(version, key):
    server = Stock(version, key)
    server.port = 5222  # for prosodyctl, until the server is started
    server.write_config()
    yield server
    server.__exit__()


def test_the_lines_of_the_page_lead_to_a_login_over_tls(stock, key):
    stock.install()
    stock.import_certificate()
    stock.start()
    with Client(stock.port, HOST) as client:
        assert client.mechanisms() == set()
        client.start_tls()
        assert client.mechanisms() == {"X-TOKEN"}
        assert client.log_in("alice", mint(f"alice@{HOST}", key)) == "success"
        assert client.bind().startswith(f"alice@{HOST}/")
    found = stock.run_prosodyctl("mod_auth_token", "check")
    assert (found.returncode, "errors: 0, warnings: 0" in found.stdout) == (0, True)
    assert f"mod_auth_token is {stock.folder}{FOLDER}/mod_auth_token.lua" in found.stdout
    assert f"{stock.folder}{FOLDER}/xtoken.so" in found.stdout


@pytest.mark.parametrize("line", ["", "consider_websocket_secure = true\n"])
def test_the_stock_file_with_websocket_is_right(stock, line):
    stock.install()
    stock.import_certificate()
    assert stock.text.count('--"websocket";') == 1
    stock.text = line + stock.text.replace('--"websocket";', '"websocket";')
    stock.web_ports = {}
    stock.write_config()
    found = stock.run_prosodyctl("mod_auth_token", "check")
    assert (found.returncode, "errors: 0, warnings: 0" in found.stdout) == (0, True)
    assert "ok       WebSocket offers X-TOKEN at /xmpp-websocket" in found.stdout


def test_without_a_certificate_nobody_can_log_in(stock):
    stock.install()
    found = stock.run_prosodyctl("mod_auth_token", "check")
    assert (found.returncode, "error    no certificate: " in found.stdout) == (2, True)
    stock.start()
    with Client(stock.port, HOST) as client:
        assert client.mechanisms() == set()
        with pytest.raises(ssl.SSLError):
            client.start_tls()


LINE = f'plugin_paths = {{ "{PLUGINS}" }}\n'
MOVE = "You need to move the following option: plugin_paths"
DUPLICATE = "Duplicate option 'plugin_paths'"
FAILED = "Failed to load module 'xtoken': "


@pytest.mark.parametrize(
    "place, works, said",
    [
        ("below a host", False, MOVE),
        ("above", False, DUPLICATE),
        ("below", True, DUPLICATE),
        ("instead", True, None),
    ],
)
def test_what_is_said_of_a_line_of_plugin_paths(stock, place, works, said):
    """Checks the table of docs/login-fails.md."""
    (line,) = re.findall("^plugin_paths.*\n", stock.text, re.MULTILINE)
    added = {"above": LINE + line, "below": line + LINE, "instead": LINE, "below a host": line}
    stock.text = stock.text.replace(line, added[place])
    stock.text += LINE if place == "below a host" else ""
    stock.import_certificate()
    stock.write_config()
    found = stock.run_prosodyctl("mod_xtoken", "check")
    assert (found.returncode == 0) == works
    assert (f"mod_auth_token is {PLUGINS}" in found.stdout) == works
    assert works or FAILED in found.stdout
    config = stock.run_prosodyctl("check", "config").stdout
    assert [text for text in (MOVE, DUPLICATE) if text in config] == ([said] if said else [])
    assert all(words in LOGIN_FAILS for words in (f"`{MOVE}`", f"`{DUPLICATE}`", FAILED))


def test_a_line_below_a_host_is_told_where_the_plugins_are_found(stock):
    stock.install()
    stock.import_certificate()
    stock.text += LINE
    stock.write_config()
    found = stock.run_prosodyctl("mod_xtoken", "check")
    ignored = 'warning  plugin_paths below VirtualHost "localhost" is ignored'
    assert (found.returncode, ignored in found.stdout) == (1, True)
    assert f"mod_auth_token is {stock.folder}{FOLDER}" in found.stdout
