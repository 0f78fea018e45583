"""The ledger is started before the first login: the log tells of an outage, why, and its end."""

import calendar
import os
import re
import signal
import subprocess
import time

import pytest
from client import Client
from mint import early_in_a_step, mint
from redis_server import Redis
from server import PATIENCE, eventually
from test_ledger import SmallDisk

UNUSABLE = "Nobody can log in to localhost because the ledger cannot tell"
CLOSED = r"localhost refuses those minted before ([-0-9]+T[:0-9]+Z)"


def log_in(server, token):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", token)


def logged(server, text, count=1):
    eventually(lambda: server.log().count(text) == count, PATIENCE, f"the log says: {text}")


def check(server):
    done = server.run_prosodyctl("mod_auth_token", "check")
    return done.returncode, done.stdout


def seconds(date):
    return calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))


def test_a_folder_that_is_missing(prosody, options, key):
    options = {**options, "token_ledger": "ledger/tokens.sqlite"}
    with prosody({"localhost": options}) as server:
        logged(server, UNUSABLE)
        assert "No such file or directory" in server.log()
        status, printed = check(server)
        assert (status, "token_ledger names a folder that does not exist" in printed) == (
            2,
            True,
        )
        (server.folder / "ledger").mkdir()
        # Nobody logs in.
        logged(server, "The ledger answers again: users of localhost can log in")
        assert (server.folder / "ledger/tokens.sqlite").exists()
        assert server.log().count("answers again") == 1
        assert log_in(server, mint("alice@localhost", key)) == "success"


def test_every_host_is_told(prosody, options):
    options = {**options, "token_ledger": "ledger/tokens.sqlite"}
    with prosody({"localhost": options, "example.com": options}) as server:
        for host in server.hosts:
            logged(server, f"Nobody can log in to {host} because the ledger")
        (server.folder / "ledger").mkdir()
        for host in server.hosts:
            logged(server, f"The ledger answers again: users of {host} can log in")


@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk(prosody, options, key, is_new):
    server = prosody({"localhost": options})
    with SmallDisk(server.folder / "disk") as disk:
        server.hosts["localhost"] = {**options, "token_ledger": str(disk.folder / "tokens.sqlite")}
        if not is_new:
            with server.__class__(server.version, server.hosts) as before:
                assert log_in(before, mint("alice@localhost", key)) == "success"
        disk.fill()
        with server:
            logged(server, UNUSABLE)
            assert re.search("(full|No space left).*; free some space", server.log())
            status, printed = check(server)
            assert status == 2 and re.search(
                "nobody can log in because .* does not answer: .*; free some space", printed
            ), printed
            disk.empty()
            logged(server, "The ledger answers again")
            assert check(server)[0] < 2
            assert log_in(server, mint("alice@localhost", key)) == "success"


@pytest.mark.parametrize("loss", ["deleted", "emptied", "replaced"])
def test_the_pause_after_a_loss_begins_at_the_start(prosody, options, key, loss):
    with prosody({"localhost": {**options, "token_deviation": 0}}) as server:
        early_in_a_step()
        assert log_in(server, mint("alice@localhost", key)) == "success"
        server.stop()
        path = server.folder / "token_ledger.sqlite"
        if loss == "emptied":
            path.write_bytes(b"")
        elif loss == "deleted":
            path.unlink()
        else:
            # While the file is there, no other has its inode.
            copy = path.with_suffix(".copy")
            copy.write_bytes(path.read_bytes())
            copy.replace(path)
        status, printed = check(server)
        advice = "wait until then" if loss == "emptied" else "when Prosody starts, it will refuse"
        assert (status, advice in printed) == (1, True), printed
        server.start()
        logged(server, "refuses those minted before")
        (said,) = re.findall(CLOSED, server.log())
        until = seconds(said)
        left = until - time.time()
        assert left <= 30
        if left > 10:
            status, printed = check(server)
            (told,) = re.findall(r"minted before ([-0-9]+T[:0-9]+Z): wait until then", printed)
            # It is another process, which reads the clocks at another moment.
            assert status == 1 and abs(seconds(told) - until) <= 30, printed
        time.sleep(max(left + 0.1, 0))
        early_in_a_step()
        # The first login.
        assert log_in(server, mint("alice@localhost", key)) == "success"
        early_in_a_step()
        assert "a token minted now would be accepted" in check(server)[1]
        assert server.log().count("refuses those minted before") == 1


def test_nothing_is_open_before_the_fork(prosody, options, key):
    """Prosody 0.12 forks after it has loaded its modules."""
    with Redis() as redis:
        redis.has_been_there()
        hosts = {
            "localhost": options,
            "example.com": {**options, "token_ledger": redis.url()},
        }
        with prosody(hosts) as server:
            server.stop()
            server.write_config()
            started = server.log().count("Activated service 'c2s'")
            subprocess.run([server.launcher, "--config", server.config, "-D"], check=True)
            pid_file = server.folder / "prosody.pid"
            try:
                logged(server, "Activated service 'c2s'", started + 1)
                for host in hosts:
                    with Client(server.port, host) as client:
                        token = mint(f"alice@{host}", key)
                        assert client.log_in("alice", token) == "success", server.log()
                assert "fork" not in server.log().split("Hello and welcome")[-1].replace(
                    "Successfully daemonized", ""
                )
            finally:
                eventually(pid_file.exists, PATIENCE, "the server writes its pid")
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
                eventually(lambda: not pid_file.exists(), PATIENCE, "the server ends")


def test_a_redis_that_starts_later(prosody, options, key):
    with Redis() as redis:
        redis.stop()
        options = {**options, "token_ledger": redis.url(), "token_ledger_timeout": 1}
        with prosody({"localhost": options}) as server:
            logged(server, UNUSABLE)
            assert "Connection refused" in server.log()
            redis.start()
            logged(server, "The ledger answers again for localhost")
            # It is a new one, so it may have forgotten tokens.
            logged(server, "refuses those minted before")


def test_each_cause_is_named(prosody, options, key):
    with Redis() as redis:
        redis.has_been_there()
        options = {**options, "token_ledger": redis.url(), "token_ledger_timeout": 1}
        with prosody({"localhost": options}) as server:
            assert log_in(server, mint("alice@localhost", key)) == "success"
            assert UNUSABLE not in server.log()
            redis.stop()
            for _ in range(3):
                assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
            logged(server, UNUSABLE)
            redis.options = ["--requirepass", "s3cret-of-redis"]
            redis.password = "s3cret-of-redis"
            redis.start()
            logged(server, "Still nobody can log in to localhost. The ledger's error is now:")
            assert "password" in server.log().split("Still nobody")[1].split("\n")[0]
            redis.command("CONFIG", "SET", "maxmemory", "100mb")
            redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            redis.command("CONFIG", "SET", "requirepass", "")
            redis.password = None
            logged(server, "Still nobody can log in to localhost. The ledger's error is now:", 2)
            assert "allkeys-lru" in server.log().split("Still nobody")[2].split("\n")[0]
            redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            logged(server, "answers again")
            assert server.log().count(UNUSABLE) == 1
            assert "s3cret-of-redis" not in server.log()
