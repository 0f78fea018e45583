"""A login that waits for the ledger goes by the options that are in force when it is decided."""

import datetime
import time

import pytest
from client import Client
from mint import mint, new_key, os_time
from redis_server import Redis
from server import PATIENCE, eventually


def key_options(key, **more):
    return {**dict(zip(("otp_seed", "token_secret"), key)), **more}


def is_removed(key):
    return {"token_keys": [key_options(new_key(), id="new")]}


def has_other_secrets(key):
    return {"token_keys": [key_options(new_key(), id="old")]}


def has_another_secret(key):
    return {"token_keys": [key_options((key[0], new_key()[1]), id="old")]}


def has_ended(key):
    return {"token_keys": [key_options(key, id="old", not_after="2026-01-01")]}


def has_not_begun(key):
    return {"token_keys": [key_options(key, id="old", not_before="2126-01-01")]}


def has_another_nonce_length(key):
    return {"token_keys": [key_options(key, id="old")], "token_nonce_length": 40}


def is_for_known_users(key):
    return {"token_keys": [key_options(key, id="old")], "token_known_users": "existing"}


def is_there(key):
    return {"token_keys": [key_options(key, id="old")]}


def has_another_name(key):
    return {"token_keys": [key_options(new_key(), id="new"), key_options(key, id="renamed")]}


REFUSED = [
    is_removed,
    has_other_secrets,
    has_another_secret,
    has_ended,
    has_not_begun,
    has_another_nonce_length,
    is_for_known_users,
]
ACCEPTED = [is_there, has_another_name]

# What Prosody logs when a session waits.
WAITS = "changed state from ready to waiting"


@pytest.fixture
def waiting(prosody, key):
    """Returns a server whose Redis is paused, that Redis, and a function that sets options."""
    with Redis() as redis:
        redis.has_been_there()
        ledger = {"token_ledger": redis.url(), "token_ledger_timeout": 60}
        hosts = {"localhost": {**ledger, **is_there(key), "token_allow_plain": True}}

        with prosody(hosts) as server:

            def set_options(options):
                server.hosts["localhost"] = {**ledger, **options}
                server.write_config()
                server.reload_config()

            with Client(server.port, "localhost") as client:
                assert client.log_in("alice", mint("alice@localhost", key)) == "success"
            redis.pause()
            yield server, redis, set_options


def outcome(waiting, key, change, mechanism="X-TOKEN"):
    """Returns what a client is answered if `change` is called while its login waits."""
    server, redis, _ = waiting
    with Client(server.port, "localhost") as client:
        before = server.log().count("Token of alice")
        waits = server.log().count(WAITS)
        client.log_in_later("alice", mint("alice@localhost", key), mechanism)
        eventually(lambda: server.log().count(WAITS) > waits, PATIENCE, "the login waits")
        change()
        assert server.log().count("Token of alice") == before, "it still waits"
        redis.resume()
        reply = client.receive()
    assert "raceback" not in server.log()
    return reply[0].tag.partition("}")[2] if len(reply) else reply.tag.partition("}")[2]


@pytest.mark.parametrize("change", [*REFUSED, *ACCEPTED])
@pytest.mark.parametrize("module_too", [False, True], ids=["config", "module"])
def test_a_login_that_waits_while_its_key_changes(waiting, key, change, module_too):
    server, _, set_options = waiting

    def reload():
        set_options(change(key))
        if module_too:
            assert "Reloaded" in server.reload_module("localhost")

    expected = "not-authorized" if change in REFUSED else "success"
    assert outcome(waiting, key, reload) == expected
    if change in REFUSED[:5]:
        assert "reason=bad-signature user=alice" in server.log()


def test_a_login_that_waits_while_its_key_ends(waiting, key):
    server, redis, set_options = waiting
    left, seconds = 0, 2
    # The reload may take its time, and the login must come before the key ends.
    while left < seconds / 2:
        seconds *= 2
        end = int(time.time()) + seconds
        stamp = datetime.datetime.fromtimestamp(end, datetime.timezone.utc)
        not_after = f"{stamp:%Y-%m-%dT%H:%M:%SZ}"
        set_options({"token_keys": [key_options(key, id="old", not_after=not_after)]})
        left = end - time.time()
    # The key is valid during the whole of its last second.
    is_over = lambda: os_time() >= end + 1  # noqa: E731
    change = lambda: eventually(is_over, PATIENCE, "the key ends")  # noqa: E731
    assert outcome(waiting, key, change) == "not-authorized"


@pytest.mark.parametrize("allowed", [False, True])
def test_a_login_by_plain_that_waits_while_plain_is_taken_back(waiting, key, allowed):
    _, _, set_options = waiting
    options = {**is_there(key), "token_allow_plain": allowed}
    expected = "success" if allowed else "not-authorized"
    assert outcome(waiting, key, lambda: set_options(options), "PLAIN") == expected
