"""Clients, hosts and modules that leave before a login is decided leave nothing in memory."""

import base64
import socket
import struct

import pytest
from client import SASL, STREAM, Client, StreamClosed
from fast import FAST_MECHANISM, fast_arguments, fast_token, hold_success
from mint import mint
from redis_server import Redis
from server import PATIENCE, eventually

# The number of clients that leave. It is smaller with the modules of the other Debian release.
CLIENTS = {("0.12", "bookworm"): 2000, ("13.0", "bookworm-backports"): 2000}
# Few enough to have left before a slow storage answers, which is after two seconds.
AT_ONCE = 50
LEFT_OVER = 400  # bytes for each client; one that only connects leaves 190, a logger's name
RESET = struct.pack("ii", 1, 0)
# Seconds, the option token_ledger_timeout of these servers: the clients leave long before.
TIMEOUT = 10

HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>"
).encode()
# 0.12 has no list of runners that wait.
COUNT = """>(function ()
    collectgarbage() collectgarbage()
    local waiting = 0
    for _ in pairs(require "util.async".waiting_runners or {}) do waiting = waiting + 1 end
    return ("heap %.0f waiting %d."):format(collectgarbage("count") * 1024, waiting)
end)()""".replace("\n", " ")


def auth(token, user="alice"):
    text = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
    return (
        f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TOKEN'>{text}</auth>".encode()
    )


def authenticate(token, user="alice"):
    text = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
    return (
        "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='X-TOKEN'>"
        f"<initial-response>{text}</initial-response></authenticate>"
    ).encode()


def leave(server, count, login, reset=True):
    """Lets that many clients send what `login()` returns, and leave at once."""
    for first in range(0, count, AT_ONCE):
        at_once = min(AT_ONCE, count - first)
        clients = [
            socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            for _ in range(at_once)
        ]
        for client in clients:
            client.sendall(HEADER)
        for client in clients:
            features = b""
            while b"</stream:features>" not in features:
                data = client.recv(65536)
                assert data, features
                features += data
            client.sendall(login())
        for client in clients:
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()


def heap_and_waiting(server):
    words = server.shell(COUNT).partition("Result: ")[2].replace(".", "").split()
    return int(words[1]), int(words[3])


@pytest.mark.parametrize("answers", ["at once", "never", "storage"])
def test_nothing_stays_of_those_who_leave(with_modules, key, version, suite, answers):
    clients = CLIENTS.get((version, suite), 400)
    user = "slow" if answers == "storage" else "alice"
    # Prosody keeps each connection for that long, to end it if nobody logs in.
    settings = {"c2s_timeout": 5}
    if answers == "storage":
        settings.update(storage="ill", modules_disabled=["s2s", "pep", "offline", "register"])
    with Redis() as redis:
        redis.has_been_there()
        with with_modules(
            "sasl2", settings=settings, token_ledger=redis.url(), token_ledger_timeout=TIMEOUT
        ) as server:
            if answers == "never":
                redis.pause()

            def leave_all(count):
                for reset in (True, False):
                    for login in (auth, authenticate):
                        leave(
                            server,
                            count // 4,
                            lambda: login(mint(f"{user}@localhost", key), user),
                            reset=reset,
                        )

            def decided():
                return server.log().count(f"Token of {user}: ")

            leave_all(100)
            eventually(
                lambda: decided() == 100 and heap_and_waiting(server)[1] == 0,
                PATIENCE,
                "nobody waits",
            )
            before = heap_and_waiting(server)[0]
            leave_all(clients)

            def all_are_forgotten():
                heap, waiting = heap_and_waiting(server)
                return waiting == 0 and heap - before < clients * LEFT_OVER

            eventually(lambda: decided() == 100 + clients, PATIENCE, "all logins are decided")
            try:
                eventually(all_are_forgotten, PATIENCE, "all are forgotten")
            except AssertionError:
                heap, waiting = heap_and_waiting(server)
                raise AssertionError(
                    f"{waiting} wait, {(heap - before) / clients:.0f} bytes stay of each"
                ) from None
            log = server.log()
            assert "raceback" not in log
            if answers != "at once":
                assert "Authenticated as" not in log, "nobody was there any more"
                assert "Login refused" not in log, "nor refused"


@pytest.fixture
def waiting(with_modules, key):
    """Returns a server whose Redis is paused, so that logins wait, and that Redis."""
    with Redis() as redis:
        redis.has_been_there()
        # The longest timeout there is: logins wait until the Redis is resumed.
        with with_modules("sasl2", token_ledger=redis.url(), token_ledger_timeout=60) as server:
            with Client(server.port, "localhost") as client:
                assert client.log_in("alice", mint("alice@localhost", key)) == "success"
            redis.pause()
            yield server, redis


def nothing_stays(server):
    eventually(lambda: heap_and_waiting(server)[1] == 0, PATIENCE, "nobody waits")
    assert "raceback" not in server.log()


def test_what_a_client_says_behind_its_login(waiting, key):
    server, redis = waiting
    stanzas = b"<presence/><iq type='get' id='1'><x xmlns='y'/></iq>"
    for login in (auth, authenticate):
        for rest in (b"", b"</stream:stream>", b"<<<", stanzas):
            leave(server, 3, lambda: 3 * login(mint("alice@localhost", key)) + rest)
    eventually(lambda: server.log().count("Client disconnected") == 25, PATIENCE, "all have left")
    redis.resume()
    nothing_stays(server)


@pytest.fixture
def two_wait(waiting, key):
    """Returns two clients whose logins wait, one by SASL and one by SASL2."""
    server, redis = waiting
    with Client(server.port, "localhost") as one, Client(server.port, "localhost") as other:
        one.send(auth(mint("alice@localhost", key)))
        other.send(authenticate(mint("alice@localhost", key)))
        eventually(
            lambda: server.log().count("Received[c2s_unauthed]: <auth") == 3, PATIENCE, "both wait"
        )
        yield server, redis, one, other


def test_a_host_that_goes_while_logins_wait(two_wait):
    server, redis, *clients = two_wait
    assert "Result: true" in server.shell('host:deactivate("localhost")')
    redis.resume()
    for client in clients:
        goodbye = client.receive()
        assert goodbye.tag == STREAM + "error" and "host-gone" in goodbye[0].tag
    nothing_stays(server)


def test_no_module_is_loaded_while_prosody_unloads_those_of_a_host(server, key):
    """It would come into a table that Prosody walks through, which fails for some orders of it."""
    events = "prosody.hosts.localhost.events"
    # The use of a key is written at the first login, and not again for a while.
    written = server.folder / "localhost/token_key_use.dat"
    for _ in range(2):
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", mint("alice@localhost", key)) == "success"
        eventually(written.exists, PATIENCE, "the first use of the key is written")
    server.shell('module:unload("storage_internal", "localhost")')
    for event in ("module-loaded", "module-unloaded"):
        server.shell(
            f'>{events}.add_handler("{event}", function (event)'
            f' prosody.log("info", "SEEN {event} %s", event.module) end)'
        )
    assert "Result: true" in server.shell('host:deactivate("localhost")')
    log = server.log()
    assert "SEEN module-loaded storage_internal" in log, "the use of the keys is written"
    assert "SEEN module-loaded" not in log.partition("SEEN module-unloaded")[2]


@pytest.mark.parametrize("priority", [1500, 500, 105, 90, 74.5])
def test_a_host_that_goes_while_a_success_is_prepared(with_modules, key, priority):
    with with_modules("sasl2", "sasl2_bind2") as server:
        go_on = hold_success(server, priority)
        with Client(server.port, "localhost") as client:
            client.send(
                authenticate(mint("alice@localhost", key)).replace(
                    b"</auth", b"<bind xmlns='urn:xmpp:bind:0'/></auth"
                )
            )
            eventually(lambda: "HELD" in server.log(), PATIENCE, "the login is held")
            assert "Result: true" in server.shell('host:deactivate("localhost")')
            go_on()
            goodbye = client.receive()
            assert goodbye.tag == STREAM + "error" and "host-gone" in goodbye[0].tag
            with pytest.raises(StreamClosed):
                client.receive()
        nothing_stays(server)


def test_a_module_that_is_unloaded_while_logins_wait(two_wait):
    server, redis, *clients = two_wait
    server.shell('module:unload("auth_token", "localhost")')
    redis.resume()
    for client in clients:
        assert client.receive()[0].tag == SASL + "temporary-auth-failure"
    nothing_stays(server)


def test_a_module_that_is_reloaded_while_logins_wait(two_wait):
    server, redis, *clients = two_wait
    assert "Reloaded" in server.reload_module("localhost")
    redis.resume()
    for client in clients:
        assert client.receive().tag.endswith("success")
    nothing_stays(server)


@pytest.mark.parametrize("version", ["13.0"])
def test_a_client_of_fast_that_leaves_before_its_account_is_found(with_fast, key):
    settings = {"storage": "ill", "modules_disabled": ["s2s", "pep", "offline", "register"]}
    with with_fast(settings=settings) as server:
        secret = fast_token(server, mint("slow@localhost", key), "slow")
        with Client(server.port, "localhost", "slow") as client:
            client.start_tls()
            lookups = server.log().count("Account of slow")
            client.send_sasl2(*fast_arguments(secret, "slow"), mechanism=FAST_MECHANISM)
        eventually(
            lambda: server.log().count("Account of slow") > lookups,
            PATIENCE,
            "the account is found",
        )
        nothing_stays(server)
        assert "Authenticated as slow" not in server.log().rpartition("Client disconnected")[2]


def test_a_client_that_leaves_while_its_success_is_prepared(with_modules, key):
    """Any module that takes part in the login may wait for a storage."""
    with with_modules("sasl2", "sasl2_bind2") as server:
        for number, priority in enumerate([1500, 500, 105, 90, 74.5]):
            go_on = hold_success(server, priority)
            login = authenticate(mint("alice@localhost", key))
            leave(
                server,
                1,
                lambda: login.replace(b"</auth", b"<bind xmlns='urn:xmpp:bind:0'/></auth"),
            )
            eventually(lambda: server.log().count("HELD") > number, PATIENCE, "the login is held")
            eventually(
                lambda: server.log().count("Client disconnected") > number,
                PATIENCE,
                "the client has left",
            )
            go_on()
        nothing_stays(server)
