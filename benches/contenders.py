"""The servers whose logins are measured, and a login.

All servers have the same modules, and keep the same log. They differ in who authenticates:

    accept    PLAIN, with a module that accepts everything: plugins/mod_auth_accept.lua
    accept-again
              the same once more: how far its ratio is from 1 says how exact the others are
    scram     SCRAM-SHA-1, with Prosody's internal_hashed
    memory, file, redis
              X-TOKEN, with the plugins of xtoken and this ledger
    reference X-TOKEN, with the Lua implementation in the folder that REFERENCE names

Each login is a connection of its own: it opens a stream, authenticates, binds a resource and closes
the stream.
"""

import contextlib
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/prosody"))

import scram  # noqa: E402
from client import Client  # noqa: E402
from mint import mint, new_key  # noqa: E402
from redis_server import Redis  # noqa: E402
from server import PLUGINS, Prosody  # noqa: E402

HOST = "localhost"
USER = "alice"
PASSWORD = "correct horse battery"
KEY = new_key()


class Server(Prosody):
    log_level = "info"


def by_token(client, token):
    return client.log_in(USER, token)


def by_plain(client, _):
    return client.authenticate(f"\0{USER}\0{PASSWORD}".encode(), "PLAIN")


def by_scram(client, _):
    return scram.authenticate(client, USER, PASSWORD)


def described(redis):
    """Yields the name of each server, its options, its modules, and how to log in to it."""
    keys = {"otp_seed": KEY[0], "token_secret": KEY[1]}
    own = {"plugin_paths": [str(ROOT / "benches/plugins")]}
    yield "accept", {"authentication": "accept"}, own, by_plain
    yield "accept-again", {"authentication": "accept"}, own, by_plain
    yield "scram", {"authentication": "internal_hashed"}, own, by_scram
    for name, url in (("memory", "memory:"), ("file", "file"), ("redis", redis.url())):
        xtoken = {"plugin_paths": [str(PLUGINS)], "authentication": "token"}
        yield name, {**keys, "token_ledger": url}, xtoken, by_token
    reference = os.environ.get("REFERENCE")
    if reference:
        paths = [reference, f"{reference}/mod_auth_token"]
        theirs = {"plugin_paths": paths, "modules_enabled": ["sasl_token"]}
        yield "reference", {**keys, "authentication": "token"}, theirs, by_token


@contextlib.contextmanager
def all_of(version, kind=Server):
    """Gives the name of each server, one that is not started, and how to log in to it."""
    with Redis() as redis:
        redis.has_been_there()
        yield [
            (name, kind(version, {HOST: options}, **settings), authenticate)
            for name, options, settings, authenticate in described(redis)
        ]


def prepare(name, server):
    """Makes the account of the user, where a server needs one."""
    if name == "scram":
        server.prosodyctl("register", USER, HOST, PASSWORD)


def log_in(server, authenticate, count):
    """Logs in so many times."""
    # All clients do the same work between two messages: none mints meanwhile.
    tokens = [mint(f"{USER}@{HOST}", KEY) for _ in range(count)]
    for token in tokens:
        with Client(server.port, HOST) as client:
            outcome = authenticate(client, token)
            assert outcome == "success", f"{outcome}\n{server.log()}"
            client.bind()
            client.send("</stream:stream>")
            while client.socket.recv(65536):
                pass
