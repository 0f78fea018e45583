"""Logs in on a Prosody of another machine, which qemu runs.

usage: prosody.py LAUNCHER PLUGINS
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "prosody"))

import server  # noqa: E402
from client import Client  # noqa: E402
from mint import mint, new_key  # noqa: E402

launcher, plugins = map(pathlib.Path, sys.argv[1:])
server.launcher = lambda _version: launcher
server.PLUGINS = plugins
seed, secret = key = new_key()
options = {"otp_seed": seed, "token_secret": secret}


def log_in(prosody, token):
    with Client(prosody.port, "localhost") as client:
        client.start_tls()
        outcome = client.log_in("alice", token)
        if outcome == "success":
            assert client.bind().startswith("alice@localhost/")
        return outcome


with server.Prosody("of another machine", {"localhost": options}) as prosody:
    prosody.stop()
    prosody.make_certificate()
    prosody.start()
    token = mint("alice@localhost", key)
    outcomes = [log_in(prosody, token), log_in(prosody, token)]
    prosody.stop()
    # A file keeps what was spent.
    prosody.start()
    outcomes += [log_in(prosody, token), log_in(prosody, mint("alice@localhost", key))]
    expected = ["success", "not-authorized", "not-authorized", "success"]
    assert outcomes == expected, f"{outcomes}\n{prosody.log()}"
    assert "Token of alice: replayed" in prosody.log(), prosody.log()
print("logins over TLS, before and after a restart: " + ", ".join(outcomes))
