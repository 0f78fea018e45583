#!/usr/bin/env python3
"""Starts a Prosody on this machine, logs in with a token, and shows which tokens it refuses."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/prosody"))

from client import Client  # noqa: E402
from server import PLUGINS, Prosody  # noqa: E402
from versions import any_version, launcher, version_of  # noqa: E402

HOST = "localhost"


def native(code, *arguments):
    """Runs a line of Lua with the native module and returns what it printed."""
    command = [
        "lua5.4",
        "-e",
        f"package.cpath = {str(PLUGINS / '?.so')!r}; xtoken = require 'xtoken'; {code}",
        "-",
    ]
    done = subprocess.run(
        command + list(arguments), check=True, input="", stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def expect(what, wanted, got):
    print(f"   {what}: {got}")
    if got != wanted:
        sys.exit(f"This should have been: {wanted}. The demo failed.")


def main():
    print("1. The web application and Prosody share two secrets. Fresh ones for this demo:")
    otp_seed, token_secret = native("print((table.concat({xtoken.generate_key()}, ' ')))").split()
    print(f'   otp_seed = "{otp_seed}"\n   token_secret = "{token_secret}"')

    version = any_version()
    print(f"2. Prosody {version_of(launcher(version))} starts with")
    print(f'   plugin_paths = {{ "{PLUGINS}" }}, authentication = "token".')
    # The demo uses the loopback interface only, so it needs no TLS.
    with Prosody(version, {HOST: {"otp_seed": otp_seed, "token_secret": token_secret}}) as server:
        print(f"   It listens on 127.0.0.1, port {server.port}.")

        print(f"3. The web application makes a token for alice@{HOST}:")
        code = (
            "local key = {otp_seed=arg[1], token_secret=arg[2]}; "
            "print(assert(assert(xtoken.new_minter(key)):mint(arg[3])))"
        )
        token = native(code, otp_seed, token_secret, f"alice@{HOST}")
        print(f"   {token}")

        print("4. Alice's client connects and presents it in the SASL mechanism X-TOKEN.")
        with Client(server.port, HOST) as alice:
            print(f"   Prosody offers: {', '.join(sorted(alice.mechanisms()))}")
            expect("Prosody answers", "success", alice.log_in("alice", token))
            print(f"   Alice is online as {alice.bind()}")

        print("5. A thief has seen the token and presents it once more.")
        with Client(server.port, HOST) as thief:
            expect("Prosody answers", "not-authorized", thief.log_in("alice", token))

        print("6. A thief changes one digit of a fresh token.")
        token = native(code, otp_seed, token_secret, f"alice@{HOST}")
        damaged = token[:20] + ("1" if token[20] == "0" else "0") + token[21:]
        with Client(server.port, HOST) as thief:
            expect("Prosody answers", "not-authorized", thief.log_in("alice", damaged))
            expect("to the unchanged one", "success", thief.log_in("alice", token))

    print("7. Prosody is stopped and its folder is removed. The demo succeeded.")


main()
