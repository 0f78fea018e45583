"""Real Prosody servers on free ports of the loopback interface, each in a temporary folder."""

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
# Seconds after which a missing event is a failure. This is long, because a slow machine must not
# fail a test.
PATIENCE = 120


def options(**values):
    """Returns Lua assignments from Python values. A value of None is left out."""
    return "".join(
        f"{name} = {lua(value)}\n" for name, value in values.items() if value is not None
    )


def eventually(condition, patience, what):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Expression(str):
    """A Lua expression in the configuration, instead of a string."""


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
    return (
        '"'
        + "".join(
            c if 31 < ord(c) < 127 and c not in '"\\' else "".join(f"\\{b:03}" for b in c.encode())
            for c in value
        )
        + '"'
    )


class Prosody:
    """A server. `hosts` maps a host to its options, `settings` are the global options."""

    # Another user than that of the tests, if the server must not be root.
    user = None
    # The least that is logged.
    log_level = "debug"

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
        # Another process may have taken the port since. Then this tries the next one.
        for _ in range(5):
            self.port = free_port()
            self.write_config()
            self.process = subprocess.Popen(
                # The server ends when this process ends, in any way.
                ["setpriv", "--pdeathsig", "KILL", *self.as_user()]
                + [self.launcher, "--config", self.config, "-F"],
                stdin=subprocess.DEVNULL,
                stdout=open(self.folder / "output", "ab"),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if self.is_up():
                return
            self.stop()
        raise RuntimeError(
            f"Prosody {self.version} did not come up:\n{self.output()}\n{self.log()}"
        )

    def as_user(self):
        """Returns the options of setpriv for the user of the server, who gets its folder."""
        if self.user is None:
            return []
        for path in (self.folder, *self.folder.glob("prosody.log")):
            shutil.chown(path, self.user, self.user)
        return ["--reuid", self.user, "--regid", self.user, "--clear-groups"]

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        deadline = time.monotonic() + PATIENCE
        while how == signal.SIGTERM and not self.is_idle() and time.monotonic() < deadline:
            time.sleep(0.001)
        self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def is_idle(self):
        """Returns whether the server waits for events, or has ended.

        Prosody 0.12 handles SIGTERM between any two instructions of Lua. If one of them removes a
        session, as a client has just left, stopping fails with a traceback, then and ever after.
        """
        if self.process.poll() is not None:
            return True
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        # The state of the main thread comes after the name, which may have any character.
        return stat.rpartition(")")[2].split()[0] not in "RD"

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
            "run_as_root": self.user is None,
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
        settings.update(
            {name: value for name, value in self.settings.items() if name != "modules_enabled"}
        )
        text = options(**settings)
        to = f'to = "file", filename = "{self.folder}/prosody.log"'
        log = f'levels = {{ min = "{self.log_level}" }}, {to}'
        text += f"log = {{ {{ {log} }} }}\n"
        if (self.folder / "cert.pem").exists():
            files = f'certificate = "{self.folder}/cert.pem", key = "{self.folder}/key.pem"'
            text += f"ssl = {{ {files} }}\n"
        for host, values in self.hosts.items():
            text += f"VirtualHost {lua(host)}\n{options(**values)}"
        self.config.write_text(text)

    def make_certificate(self):
        """Makes one certificate for all hosts."""
        names = ",".join(
            f"DNS:{host.encode('idna').decode()}" for host in self.hosts or ["localhost"]
        )
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ]
            + [
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                f"subjectAltName={names}",
                "-keyout",
                self.folder / "key.pem",
                "-out",
                self.folder / "cert.pem",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run_prosodyctl(self, *words, input="", **environment):
        """Runs prosodyctl with this server's configuration. `environment` is added to ours."""
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
        """Returns what prosodyctl printed."""
        return self.run_prosodyctl(*words, input=input).stdout

    def shell(self, command):
        """Runs a command in the server's shell, and returns what it printed."""
        # The shell may be ready a moment later than the port for clients.
        eventually(self.has_shell, PATIENCE, "the server has no shell")
        return self.prosodyctl("shell", command)

    def has_shell(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.folder / "admin.sock")) == 0

    def reload_config(self):
        """Returns what the shell printed: that it was done, or why a host goes on as before."""
        printed = self.shell("config:reload()")
        assert "OK" in printed or "log in as before the reload" in printed, printed
        return printed

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
