"""Starts the samples of examples/servers/ as their README says."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

from client import Client
from server import PATIENCE, ROOT, eventually, free_port
from webchat import FOLDER as WEBCHAT
from webchat import WebChat, tool

FOLDER = ROOT / "examples/servers"
NAMES = {"flask": "Flask", "express": "Express, TypeScript", "php": "PHP"}
SOURCES = {"flask": "app.py", "express": "server.ts", "php": "index.php"}


README = (FOLDER / "README.md").read_text()


def command_of(sample):
    """Returns the command of README.md that starts a sample, or the web chat."""
    if sample == "webchat":
        return "npm start"
    return last_code_in_row(rf"\[{NAMES[sample]}\]")


def command_in_production(sample):
    return last_code_in_row(NAMES[sample].partition(",")[0])


def last_code_in_row(beginning):
    (row,) = re.findall(rf"^\| {beginning}.*$", README, re.MULTILINE)
    return re.findall("`([^`]+)`", row)[-1]


def environment(key=None, **more):
    """Returns the environment of a sample. Names with None are left out."""
    names = ("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET")
    variables = {**os.environ, **dict(zip(names, key or (None, None))), **more}
    # Debian's Python, which has Debian's Flask, comes before every other.
    variables["PATH"] = "/usr/bin:/bin:" + variables["PATH"]
    return {name: value for name, value in variables.items() if value is not None}


class Sample:
    """A sample or the web chat, on a free port, for a `with`.

    `folder` may be that of a changed copy.
    """

    def __init__(self, name, variables, folder=None, command=None):
        self.folder = folder or (WEBCHAT if name == "webchat" else FOLDER / name)
        self.command = command or command_of(name)
        self.variables = variables
        self.log_file = pathlib.Path(tempfile.mkdtemp(prefix="xtoken-sample-")) / "log"

    def __enter__(self):
        self.running = self.starting()
        self.running.__enter__()
        try:
            eventually(self.is_up, PATIENCE, f"{self.command} does not answer")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.running.__exit__(None, None, None)

    @contextlib.contextmanager
    def starting(self):
        """Starts the sample, and does not wait until it answers."""
        self.start()
        try:
            yield
        finally:
            self.process.terminate()
            self.process.wait()
            shutil.rmtree(self.log_file.parent, ignore_errors=True)

    def start(self):
        self.port = free_port()
        self.address = f"http://localhost:{self.port}/"
        command = self.command.replace("8080", str(self.port))
        assignments, command = re.fullmatch("((?:[A-Z_]+=\\S+ )*)(.*)", command).groups()
        if command == "npm start":  # npm itself would outlive a test that is killed
            command = json.loads((self.folder / "package.json").read_text())["scripts"]["start"]
        assigned = (assignment.split("=") for assignment in assignments.split())
        program, *arguments = command.split()
        path = shutil.which(program, path=self.variables["PATH"]) or tool(program)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", path, *arguments],
                cwd=self.folder,
                env={**self.variables, **dict(assigned), "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_up(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError), socket.create_connection(("localhost", self.port)):
            return True
        return False

    def log(self):
        return self.log_file.read_text(errors="replace")


class SampleChat(WebChat):
    """Prosody, and a sample as the web application."""

    def __init__(self, version, key, sample):
        super().__init__(version, key)
        self.sample = sample

    def start_application(self):
        service = f"ws://localhost:{self.port}/xmpp-websocket"
        self.application = Sample(self.sample, environment(self.key, XMPP_WEBSOCKET=service))
        self.application.__enter__()
        self.address = self.application.address

    def end_application(self):
        self.application.__exit__()

    def client(self):
        client = Client(self.prosody.port, "localhost")
        client.start_tls()
        return client


def source(name):
    return (FOLDER / name / SOURCES[name]).read_text()


def copy_with(name, parent, code):
    """Returns the folder of a copy of a sample, with other code."""
    folder = parent / "examples/servers" / name
    shutil.copytree(FOLDER / name, folder, symlinks=True, ignore=ignored)
    for there in ("mint", "webchat"):
        (parent / "examples" / there).symlink_to(ROOT / "examples" / there)
    (folder / SOURCES[name]).write_text(code)
    if name == "express":
        (folder / "node_modules").symlink_to(FOLDER / "express/node_modules")
        subprocess.run([tool("npm"), "run", "--silent", "build"], cwd=folder, check=True)
    return folder


ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
