"""The ledger in a Redis: servers share it, and only a login waits for it."""

import os
import pathlib
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from client import Client
from mint import mint
from redis_server import Redis
from server import Prosody, eventually, free_port
from turns import longest_turn
from versions import VERSIONS

TIMEOUT = 1  # seconds; the option token_ledger_timeout of these servers
MARGIN = 0.5
UNRELATED = 0.05  # a round trip that is not part of a login
WAITED = TIMEOUT / 4  # a turn of the event loop this long must have waited for the Redis
SOAK = bool(os.environ.get("XTOKEN_SOAK"))


@pytest.fixture
def redis():
    with Redis() as redis:
        redis.has_been_there()
        yield redis


@pytest.fixture
def on_redis(options):
    """Returns the options of a host whose ledger is this Redis."""
    return lambda redis, **more: {
        **options,
        "token_ledger": redis.url(),
        "token_ledger_timeout": TIMEOUT,
        **more,
    }


@pytest.fixture
def server(prosody, redis, on_redis):
    with prosody({"localhost": on_redis(redis)}, modules_enabled=["turns"]) as server:
        yield server


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", token)


def timed_log_in(server, token):
    with Client(server.port, "localhost") as client:
        start = time.monotonic()
        return client.log_in("alice", token), time.monotonic() - start


class Pinger:
    """A client that is logged in and measures round trips during the `with`."""

    def __init__(self, server, token):
        self.client = Client(server.port, "localhost")
        assert self.client.log_in("alice", token) == "success"
        self.client.bind()
        self.times, self.over = [], threading.Event()
        self.thread = ThreadPoolExecutor(1)

    def ping(self):
        while not self.over.wait(0.01):
            start = time.monotonic()
            self.client.send(
                f"<iq type='get' id='{len(self.times)}' to='localhost'><ping "
                f"xmlns='urn:xmpp:ping'/></iq>"
            )
            assert self.client.receive().get("type") == "result"
            self.times.append(time.monotonic() - start)

    def __enter__(self):
        longest_turn(self.client)
        self.pinging = self.thread.submit(self.ping)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.shutdown()
        self.pinging.result()
        self.longest_turn = longest_turn(self.client)
        self.client.socket.close()

    def assert_undisturbed(self):
        """Checks that no turn of the event loop waited.

        One round trip, and one more in a hundred, may be longer, because a busy machine delays
        anything by tens of milliseconds. benches/turns measures what the Redis adds.
        """
        assert self.longest_turn < WAITED
        times = sorted(self.times)
        assert len(times) > 20 and times[-2 - len(times) // 100] < UNRELATED, times[-20:]


def test_a_token_logs_in_once(server, key):
    token = mint("alice@localhost", key)
    assert [log_in(server, token) for _ in range(3)] == ["success"] + ["not-authorized"] * 2
    assert "Token of alice: replayed" in server.log()


@pytest.mark.parametrize("backend", ["select", "event"])
def test_other_network_backends(prosody, redis, on_redis, key, backend):
    with prosody({"localhost": on_redis(redis)}, network_backend=backend) as server:
        for _ in range(3):
            token = mint("alice@localhost", key)
            with Client(server.port, "localhost") as client:
                assert client.log_in("alice", token) == "success"
                client.bind()
            assert log_in(server, token) == "not-authorized"
        server.stop(9)  # 13.0 with select ignores SIGTERM, with any modules


def test_a_restart_and_a_reload_forget_nothing(server, key):
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    assert "Reloaded" in server.reload_module("localhost")
    assert log_in(server, spent) == "not-authorized"
    server.stop(9)
    server.start()
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, mint("alice@localhost", key)) == "success"


def watched(server):
    """Returns how many descriptors the event loop of a server watches."""
    process = pathlib.Path(f"/proc/{server.process.pid}")
    loop = next(
        number
        for number in sorted(os.listdir(process / "fd"), key=int)
        if os.readlink(process / "fd" / number) == "anon_inode:[eventpoll]"
    )
    return (process / "fdinfo" / loop).read_text().count("tfd:")


def test_no_descriptor_is_watched_once_its_verifier_is_replaced(server, key):
    assert log_in(server, mint("alice@localhost", key)) == "success"
    # The connection that has ended is watched a little longer.
    before = watched(server)
    for _ in range(5):
        server.reload_config()
        assert "Reloaded" in server.reload_module("localhost")
        assert log_in(server, mint("alice@localhost", key)) == "success"
    eventually(lambda: watched(server) <= before, 5, "the event loop watches as many as before")


def test_the_password_is_used_and_not_logged(prosody, on_redis, key):
    with Redis(password="s3cret-of-redis") as redis:
        redis.has_been_there()
        with prosody({"localhost": on_redis(redis)}) as server:
            token = mint("alice@localhost", key)
            assert [log_in(server, token) for _ in range(2)] == ["success", "not-authorized"]
            redis.command("CONFIG", "SET", "requirepass", "another")
            redis.password = "another"
            redis.command("CLIENT", "KILL", "TYPE", "normal")
            assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            assert "correct its user and password" in server.log()
            assert "s3cret-of-redis" not in server.log() + server.output()

            # A new login needs a reload only, and so does a new timeout.
            server.hosts["localhost"].update(
                token_ledger=redis.url(), token_ledger_timeout=TIMEOUT / 2
            )
            server.write_config()
            server.reload_config()
            assert log_in(server, mint("alice@localhost", key)) == "success"
            redis.pause()
            outcome, seconds = timed_log_in(server, mint("alice@localhost", key))
            redis.resume()
            assert outcome == "temporary-auth-failure" and TIMEOUT / 2 <= seconds < TIMEOUT
            assert "requires a restart" not in server.log()


def test_the_login_and_the_deadline_may_stand_anywhere_in_the_url(prosody, options, key):
    with Redis("--unixsocket", "redis.sock") as redis:
        redis.has_been_there()
        url = f"redis+unix://{redis.folder}/redis.sock?"
        with prosody(
            {"localhost": {**options, "token_ledger": url + "prefix=xtoken:&db=0"}}
        ) as server:
            for query in (
                "timeout=1000&prefix=xtoken:&db=0",
                "prefix=xtoken:&user=default&pass=s3cret&db=0",
                "pass=s3cret&user=default&db=0&prefix=xtoken:",
            ):
                server.hosts["localhost"]["token_ledger"] = url + query
                server.write_config()
                server.reload_config()
                assert log_in(server, mint("alice@localhost", key)) == "success"
            assert "requires a restart" not in server.log() and "s3cret" not in server.log()
            server.hosts["localhost"]["token_ledger"] = url + "prefix=another:&db=0"
            server.write_config()
            server.reload_config()
            assert "requires a restart" in server.log()


def test_a_url_that_is_wrong_is_named_without_its_password(prosody, options, key):
    options = {**options, "token_ledger": "redis://:s3cret@localhost/nonsense"}
    with prosody({"localhost": options}) as server:
        assert log_in(server, mint("alice@localhost", key)) != "success"
        assert "token_ledger" in server.log() and "s3cret" not in server.log()


def test_over_tls(prosody, on_redis, key, monkeypatch, tmp_path):
    certificate, private = tmp_path / "cert.pem", tmp_path / "key.pem"
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
            "-days",
            "2",
        ]
        + ["-subj", "/CN=a redis of xtoken's tests", "-addext", "subjectAltName=DNS:localhost"]
        + [
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            private,
            "-out",
            certificate,
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    with Redis() as plain:
        tls_port = free_port()
        plain.stop()
        plain.options = ["--tls-port", str(tls_port), "--tls-cert-file", str(certificate)]
        plain.options += ["--tls-key-file", str(private), "--tls-auth-clients", "no"]
        plain.start()
        plain.has_been_there()
        options = on_redis(plain, token_ledger=f"rediss://localhost:{tls_port}")
        with prosody({"localhost": options}) as server:
            assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            assert "signed by an unknown authority: name the file of its CA" in server.log()
            server.stop()
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            server.start()
            token = mint("alice@localhost", key)
            assert [log_in(server, token) for _ in range(2)] == ["success", "not-authorized"], (
                server.log()
            )
        monkeypatch.delenv("SSL_CERT_FILE")
        named = f"rediss://localhost:{tls_port}?ca_file={certificate}"
        with prosody({"localhost": on_redis(plain, token_ledger=named)}) as server:
            assert log_in(server, token) == "not-authorized", server.log()
            assert log_in(server, mint("alice@localhost", key)) == "success"


def test_two_servers_accept_each_token_once(redis, on_redis, key):
    count = 20_000 if SOAK else 500
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Prosody(v, {"localhost": on_redis(redis)})) for v in VERSIONS
        ]

        def present(_):
            token = mint("alice@localhost", key)
            with (
                Client(servers[0].port, "localhost") as one,
                Client(servers[1].port, "localhost") as other,
            ):
                with ThreadPoolExecutor(2) as both:
                    return sorted(
                        both.map(lambda client: client.log_in("alice", token), (one, other))
                    )

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(present, range(count)))
        assert outcomes.count(["not-authorized", "success"]) == count, set(map(tuple, outcomes))


def test_a_redis_that_hangs_delays_nothing_else(server, redis, key):
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    with Pinger(server, mint("alice@localhost", key)) as pinger:
        redis.pause()
        tokens = [mint("alice@localhost", key) for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            for outcome, took in pool.map(lambda token: timed_log_in(server, token), tokens):
                assert outcome == "temporary-auth-failure"
                assert TIMEOUT - 0.1 <= took <= TIMEOUT + MARGIN
        redis.resume()
        eventually(
            lambda: log_in(server, mint("alice@localhost", key)) == "success",
            5,
            "it recovers by itself",
        )
        assert [log_in(server, token) for token in [spent]] == ["not-authorized"]
    pinger.assert_undisturbed()
    assert server.log().count("Nobody can log in to localhost") == 1
    assert server.log().count("The ledger answers again") == 1
    assert "Redis does not answer in time" in server.log()


def test_a_client_that_leaves_while_its_login_waits(server, redis, key):
    assert log_in(server, mint("alice@localhost", key)) == "success"
    redis.pause()
    for _ in range(5):
        with Client(server.port, "localhost") as client:
            client.log_in_later("alice", mint("alice@localhost", key))
    waiting = mint("alice@localhost", key)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(timed_log_in, server, waiting)
        time.sleep(0.2)
        assert "Reloaded" in server.reload_module("localhost"), "while a login waits"
        assert pending.result()[0] == "temporary-auth-failure"
    time.sleep(TIMEOUT)
    redis.resume()
    eventually(
        lambda: log_in(server, mint("alice@localhost", key)) == "success",
        5,
        "it recovers by itself",
    )
    assert "Traceback" not in server.log() and "traceback" not in server.log()


def test_a_redis_restarted_under_load(redis, on_redis, key):
    """Tests both versions at once, because a Redis that forgot accepts no token for a minute."""
    accepted, seen, over = [], set(), threading.Event()
    lock = threading.Lock()

    def load(server):
        mine = []
        while not over.is_set():
            mine.append(mint("alice@localhost", key))
            for token in mine[-1:] + mine[-40:-1:8]:
                outcome, took = timed_log_in(server, token)
                time.sleep(0.02)
                with lock:
                    seen.add(outcome)
                    if outcome == "success":
                        accepted.append((token, time.monotonic()))
                    assert took <= TIMEOUT + MARGIN, took

    with ExitStack() as stack:
        hosts = {"localhost": on_redis(redis)}
        servers = [
            stack.enter_context(Prosody(v, hosts, modules_enabled=["turns"])) for v in VERSIONS
        ]
        pingers = [
            stack.enter_context(Pinger(server, mint("alice@localhost", key))) for server in servers
        ]
        with ThreadPoolExecutor(2) as pool:
            loads = [pool.submit(load, server) for server in servers]
            try:
                time.sleep(2)
                assert accepted, "before"
                redis.stop()
                time.sleep(1)
                redis.start()
                restarted = time.monotonic()
                time.sleep(3)
                eventually(
                    lambda: accepted[-1][1] > restarted, 100, "logins work again by themselves"
                )
                recovered = accepted[-1][1] - restarted
                time.sleep(3)
            finally:
                over.set()
            for done in loads:
                done.result()
        logs = [server.log() for server in servers]
    tokens = [token for token, _ in accepted]
    assert len(set(tokens)) == len(tokens), "nothing succeeds twice"
    assert seen == {"success", "not-authorized", "temporary-auth-failure"}
    assert 25 <= recovered <= 95, recovered
    for pinger in pingers:
        pinger.assert_undisturbed()
    assert all("The ledger answers again" in log for log in logs)
    assert [
        log.count("The ledger cannot tell which of the last tokens were spent") for log in logs
    ] == [1] * len(logs)
