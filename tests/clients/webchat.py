"""The web chat of examples/webchat/ beside a Prosody that speaks WebSocket."""

import os
import pathlib
import shutil
import signal
import subprocess
import threading

from server import ROOT, Prosody, free_port

FOLDER = ROOT / "examples/webchat"
PATIENCE = 120  # seconds for all of a scenario
BROWSER = pathlib.Path(__file__).with_name("browser.mjs")


def tool(name):
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is missing (make test-clients installs it)")
    return path


class WebChat:
    """Prosody and the web application; `address` is where a browser finds it."""

    def __init__(self, version, key, **options):
        self.key = key
        self.port = free_port()
        self.prosody = Prosody(
            version,
            {"localhost": {**dict(zip(("otp_seed", "token_secret"), key)), **options}},
            modules_enabled=["websocket", "roster", "blocklist"],
            http_ports=[self.port],
            https_ports=[],
            # What examples/webchat/README.md says, so no exception for plain TCP connections.
            consider_websocket_secure=True,
            allow_unencrypted_plain_auth=False,
            c2s_require_encryption=True,
        )

    def __enter__(self):
        self.prosody.make_certificate()
        self.prosody.__enter__()
        try:
            self.start_application()
        except BaseException:
            self.prosody.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.application.terminate()
        self.application.wait()
        self.prosody.__exit__()

    def start_application(self):
        otp_seed, token_secret = self.key
        self.application = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", tool("node"), FOLDER / "server.mjs"],
            env={
                **os.environ,
                "XTOKEN_OTP_SEED": otp_seed,
                "XTOKEN_TOKEN_SECRET": token_secret,
                "XMPP_WEBSOCKET": f"ws://localhost:{self.port}/xmpp-websocket",
                "PORT": "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.application.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(f"{FOLDER} did not start: exit status {self.application.wait()}")

    def close(self):
        """Ends every session, as an administrator may."""
        assert "OK" in self.prosody.shell("c2s:closeall()")

    def restart(self):
        self.prosody.stop()
        self.prosody.start()

    def signal(self, number):
        self.prosody.process.send_signal(number)

    def browse(self, scenario, *arguments):
        requests = {
            "close": self.close,
            "restart": self.restart,
            "freeze": lambda: self.signal(signal.SIGSTOP),
            "thaw": lambda: self.signal(signal.SIGCONT),
        }
        return browse(scenario, self.address, *arguments, **requests)


def browse(scenario, address, *arguments, **requests):
    """Runs a scenario of browser.mjs, does what it asks for, and returns its exit status."""
    browser = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", tool("node"), BROWSER, tool("chromium"), scenario, address, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = threading.Timer(PATIENCE, browser.kill)
    deadline.start()
    try:
        with browser:
            for request in browser.stdout:
                requests[request.strip()]()
                browser.stdin.write("done\n")
                browser.stdin.flush()
    finally:
        deadline.cancel()
    return browser.returncode
