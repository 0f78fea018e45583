"""Runs the web chat of examples/webchat/ with a Prosody that has WebSocket."""

import os
import pathlib
import signal
import subprocess

from programs import run_node, tool
from server import ROOT, Prosody, free_port

FOLDER = ROOT / "examples/webchat"
SCRIPTS = pathlib.Path(__file__).parent


class WebChat:
    """Prosody and the web application. `address` is the URL for a browser."""

    def __init__(self, version, key, is_encrypted=True, **options):
        self.key = key
        self.address = None
        self.port = free_port()
        self.prosody = Prosody(
            version,
            {"localhost": {**dict(zip(("otp_seed", "token_secret"), key)), **options}},
            modules_enabled=["websocket", "roster", "blocklist", "smacks"],
            modules_disabled=["s2s", "pep", "register"],
            http_ports=[self.port],
            https_ports=[],
            # As docs/tutorial.md says, so plain TCP connections are no exception.
            consider_websocket_secure=is_encrypted,
            allow_unencrypted_plain_auth=False,
            c2s_require_encryption=True,
            # Browsers leave it to the server to close the connection.
            c2s_close_timeout=0.1,
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
        self.end_application()
        self.prosody.__exit__()

    def end_application(self):
        self.application.terminate()
        self.application.wait()

    def start_application(self):
        otp_seed, token_secret = self.key
        self.application = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", tool("node"), FOLDER / "server.mjs"],
            env={
                **os.environ,
                "XTOKEN_OTP_SEED": otp_seed,
                "XTOKEN_TOKEN_SECRET": token_secret,
                "XMPP_WEBSOCKET": f"ws://localhost:{self.port}/xmpp-websocket",
                # The same port as before, if it ran before.
                "PORT": self.address.split(":")[2].strip("/") if self.address else "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.application.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(f"{FOLDER} did not start: exit status {self.application.wait()}")

    def close(self):
        """Ends every session, as an administrator can."""
        assert "OK" in self.prosody.shell("c2s:closeall()")

    def restart(self):
        self.prosody.stop()
        self.prosody.start()

    def kill(self):
        """Ends Prosody as a power cut does, and starts it again."""
        self.prosody.stop(signal.SIGKILL)
        self.prosody.start()

    def disable(self):
        """Disables the account of alice, also on 0.12, which has no command for it."""
        accounts = self.prosody.folder / "localhost/accounts"
        accounts.mkdir(parents=True)
        (accounts / "alice.dat").write_text('return { ["disabled"] = true };')

    def signal(self, number):
        self.prosody.process.send_signal(number)

    def browse(self, scenario, *arguments, script="browser.mjs"):
        requests = {
            "close": self.close,
            "restart": self.restart,
            "disable": self.disable,
            "freeze": lambda: self.signal(signal.SIGSTOP),
            "thaw": lambda: self.signal(signal.SIGCONT),
            "stop": self.prosody.stop,
            "start": self.prosody.start,
            "kill": self.kill,
            "end application": self.end_application,
            "start application": self.start_application,
        }
        return browse(scenario, self.address, *arguments, script=script, **requests)


def browse(scenario, address, *arguments, script="browser.mjs", **requests):
    """Runs a scenario of a script, does what it asks, and returns its exit status."""
    arguments = [tool("chromium"), scenario, address, *arguments]
    return run_node(SCRIPTS / script, *arguments, requests=requests)
