"""A fresh system of Debian in a folder, and Prosody in it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests/prosody"))

from client import Client  # noqa: E402
from mint import mint, new_key  # noqa: E402

HOST = "example.com"
PATIENCE = 120  # seconds
CONFIGURATION = """
VirtualHost "{host}"
    authentication = "token"
    otp_seed = "{otp_seed}"
    token_secret = "{token_secret}"
"""
BASES = PROJECT / "target/roots"


class Failure(Exception):
    """A step that did not do what it should."""


def say(*words):
    print(" ", *words, flush=True)


def quietly(*command, **environment):
    """Returns what a command printed; shows it only if the command fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise Failure(f"{command[0]} ended with status {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def base(release):
    """A minimal system without services, made once: each root is a copy of it."""
    folder = BASES / release
    if not folder.exists():
        say("debootstrap", release)
        new = BASES / f"{release}.new"
        shutil.rmtree(new, ignore_errors=True)
        BASES.mkdir(parents=True, exist_ok=True)
        archive = quietly(PROJECT / "scripts/debian-archive").strip()
        quietly("debootstrap", "--variant=minbase", release, new, archive)
        # Tests start services themselves.
        policy = new / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        new.rename(folder)
    return folder


class Root:
    def __init__(self, path):
        self.path = path

    @classmethod
    def fresh(cls, release):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"xtoken-{release}-"))
        quietly("cp", "-a", base(release), folder / "root")
        return cls(folder / "root")

    def remove(self):
        shutil.rmtree(self.path.parent)

    def __truediv__(self, path):
        return self.path / path.lstrip("/")

    def run(self, *command, status=0, stdin=None):
        """Runs a command in the root, as root. Returns what it printed."""
        say("#", *command)
        done = subprocess.run(
            ["chroot", self.path, *command],
            env={"PATH": os.environ["PATH"], "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"},
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != status:
            status = done.returncode
            raise Failure(f"{command[0]} ended with status {status}:\n{done.stdout[-3000:]}")
        return done.stdout

    # --- Prosody ---

    def owner(self):
        """The user and the group of the service."""
        state = (self / "var/lib/prosody").stat()
        return state.st_uid, state.st_gid

    def make_certificate(self):
        """What certbot leaves for the host."""
        live = self / "etc/letsencrypt/live"
        (live / HOST).mkdir(parents=True)
        live.chmod(0o700)
        elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subject = ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        files = ["-keyout", live / HOST / "privkey.pem", "-out", live / HOST / "fullchain.pem"]
        quietly("openssl", "req", "-x509", *elliptic, *subject, *files)

    def configure(self, key):
        """Adds a host to the stock configuration, with three options and its certificate."""
        otp_seed, token_secret = key
        config = f"/etc/prosody/conf.d/{HOST}.cfg.lua"
        text = CONFIGURATION.format(host=HOST, otp_seed=otp_seed, token_secret=token_secret)
        (self / config).write_text(text)
        self.run("chown", "root:prosody", config)
        self.run("chmod", "640", config)
        self.run("prosodyctl", "--root", "cert", "import", HOST, "/etc/letsencrypt/live")

    def start_prosody(self, *command, **environment):
        """Starts the service as systemd does, and waits until it listens."""
        uid, gid = self.owner()
        runtime = self / "run/prosody"
        runtime.mkdir(exist_ok=True)
        os.chown(runtime, uid, gid)
        command = command or ("/usr/bin/prosody", "-F")
        say("#", *command, f"(user {uid}, group {gid})")
        server = subprocess.Popen(
            ["chroot", f"--userspec={uid}:{gid}", self.path, *command],
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
        )
        connect(server).socket.close()
        return server


def connect(server=None):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return Client(5222, HOST)
        except ConnectionRefusedError:
            if server and server.poll() is not None:
                raise Failure(f"Prosody ended with status {server.returncode}") from None
            if time.monotonic() > deadline:
                raise Failure("Prosody did not come up") from None
            time.sleep(0.1)


def expect(actual, expected, what):
    if actual != expected:
        raise Failure(f"{what}: {actual!r} instead of {expected!r}")


def stop(server):
    server.terminate()
    server.wait()


def attempt(user, token):
    """Returns the outcome of a login over TLS."""
    with connect() as client:
        client.start_tls()
        return client.log_in(user, token)


def log_in(key, user="alice"):
    """Logs in over TLS with a fresh token, and is refused with the same one."""
    token = mint(f"{user}@{HOST}", key)
    with connect() as client:
        expect(client.mechanisms(), set(), "mechanisms offered without TLS")
        client.start_tls()
        expect(client.log_in(user, token), "success", "the first login")
        say(client.bind(), "is logged in")
    expect(attempt(user, token), "not-authorized", "the second login with one token")


def serve_through_an_upgrade(root, upgrade):
    """Runs a server, upgrades the plugins beneath it, and restarts it. Spent tokens stay spent."""
    key = new_key()
    root.configure(key)
    server = root.start_prosody()
    print(root.run("prosodyctl", "mod_auth_token", "check"))
    log_in(key)

    spent = mint(f"bob@{HOST}", key)
    expect(attempt("bob", spent), "success", "a login before the upgrade")
    upgrade()
    if server.poll() is not None:
        raise Failure("the upgrade ended the server")
    expect(attempt("bob", spent), "not-authorized", "a spent token after the upgrade")
    log_in(key)
    stop(server)
    server = root.start_prosody()
    expect(attempt("bob", spent), "not-authorized", "a spent token after the restart")
    log_in(key)
    stop(server)


def expect_ledger(root):
    if not (root / "var/lib/prosody/token_ledger.sqlite").exists():
        raise Failure("the ledger is gone, so spent tokens could be accepted again")
