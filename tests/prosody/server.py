"""Real Prosody servers on loopback, on free ports, with everything in a temporary folder."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from versions import ROOT, launcher

PLUGINS = ROOT / "lua"
# Seconds after which a missing event is a failure. Slowness is no failure, so only faults take as
# long.
PATIENCE = 120


def options(**values):
    """Lua assignments from Python values; None leaves one out."""
    return "".join(f"{name} = {lua(value)}\n" for name, value in values.items() if value is not None)


def eventually(condition, patience, what):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Expression(str):
    """Lua that the configuration evaluates, not a string."""


def lua(value):
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(map(lua, value)) + " }"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {lua(item)}" for name, item in value.items()) + " }"
    return '"' + "".join(c if 31 < ord(c) < 127 and c not in '"\\' else "".join(f"\\{b:03}" for b in c.encode()) for c in value) + '"'


class Prosody:
    """A server. `hosts` maps a host to its options, `settings` are the global ones."""

    def __init__(self, version, hosts, **settings):
        self.version = version
        self.launcher = launcher(version)
        self.hosts, self.settings = hosts, settings
        self.process = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="xtoken-prosody-"))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        # A port that was free a moment ago may be taken by now; then the next one is tried.
        for _ in range(5):
            self.port = free_port()
            self.write_config()
            self.process = subprocess.Popen(
                # Ends with this process, however that ends.
                ["setpriv", "--pdeathsig", "KILL", self.launcher, "--config", self.config, "-F"],
                stdin=subprocess.DEVNULL,
                stdout=open(self.folder / "output", "ab"),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if self.is_up():
                return
            self.stop()
        raise RuntimeError(f"Prosody {self.version} did not come up:\n{self.output()}\n{self.log()}")

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def is_up(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if f"Activated service 'c2s' on [127.0.0.1]:{self.port}" in self.log():
                return True
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        return False

    @property
    def config(self):
        return self.folder / "prosody.cfg.lua"

    def write_config(self):
        modules = ["saslauth", "tls", "disco", "ping", "admin_shell", "report_auth"]
        settings = {
            "run_as_root": True,
            "daemonize": False,
            "pidfile": str(self.folder / "prosody.pid"),
            "data_path": str(self.folder),
            "plugin_paths": [str(PLUGINS), str(ROOT / "tests/prosody/plugins")],
            "admin_socket": str(self.folder / "admin.sock"),
            "modules_enabled": modules + list(self.settings.get("modules_enabled", [])),
            "modules_disabled": ["s2s", "offline", "pep", "register"],
            "interfaces": ["127.0.0.1"],
            "c2s_ports": [self.port],
            "c2s_direct_tls_ports": [],
            "legacy_ssl_ports": [],
            "c2s_require_encryption": False,
            "allow_unencrypted_plain_auth": True,
            "authentication": "token",
            "limits": None,
        }
        settings.update({name: value for name, value in self.settings.items() if name != "modules_enabled"})
        text = options(**settings)
        text += f'log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{self.folder}/prosody.log" }} }}\n'
        if (self.folder / "cert.pem").exists():
            text += f'ssl = {{ certificate = "{self.folder}/cert.pem", key = "{self.folder}/key.pem" }}\n'
        for host, values in self.hosts.items():
            text += f"VirtualHost {lua(host)}\n{options(**values)}"
        self.config.write_text(text)

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-days", "2", "-subj", "/CN=localhost", "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run_prosodyctl(self, *words, input="", **environment):
        """Runs prosodyctl with this server's configuration; `environment` is what it has beside ours."""
        return subprocess.run(
            [self.launcher.with_name("prosodyctl"), "--config", self.config, *words],
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, **environment},
        )

    def prosodyctl(self, *words, input=""):
        """What prosodyctl printed."""
        return self.run_prosodyctl(*words, input=input).stdout

    def shell(self, command):
        """Runs a command in the server's own shell and returns what it printed."""
        # It may be there a moment later than the port for clients.
        eventually(self.has_shell, PATIENCE, "the server has no shell")
        return self.prosodyctl("shell", command)

    def has_shell(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.folder / "admin.sock")) == 0

    def reload_config(self):
        assert "OK" in self.shell("config:reload()")

    def reload_module(self, host, module="auth_token"):
        return self.shell(f"module:reload({lua(module)}, {lua(host)})")

    def log(self):
        try:
            return (self.folder / "prosody.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def output(self):
        return (self.folder / "output").read_text(errors="replace")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
