"""Tokens stay spent when the server ends: the ledger in a file, which is the default."""

import calendar
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client, StreamClosed
from mint import early_in_a_step, mint, os_time
from server import PATIENCE, PLUGINS, eventually

SOAK = os.environ.get("XTOKEN_SOAK") == "1"


def log_in(server, token, user="alice"):
    with Client(server.port, "localhost") as client:
        return client.log_in(user, token)


def restart(server, how=signal.SIGTERM):
    server.stop(how)
    server.start()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_spent_tokens_survive_a_restart(server, key, how):
    spent, kept = mint("alice@localhost", key), mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    restart(server, how)
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, kept) == "success"
    assert (server.folder / "token_ledger.sqlite").exists()


def test_in_memory_they_do_not(prosody, options, key):
    """Proves that the option has an effect, with the ledger that forgets."""
    with prosody({"localhost": {**options, "token_ledger": "memory"}}) as server:
        spent = mint("alice@localhost", key)
        assert log_in(server, spent) == "success"
        server.reload_module("localhost")
        assert log_in(server, spent) == "not-authorized"
        restart(server)
        assert log_in(server, spent) == "success"
        assert not (server.folder / "token_ledger.sqlite").exists()


@pytest.mark.parametrize(
    "first, other", [("memory", "tokens.sqlite"), ("one.sqlite", "memory"), (None, "two.sqlite")]
)
@pytest.mark.parametrize("reload", ["configuration", "module"])
def test_another_ledger_takes_a_restart(prosody, options, key, first, other, reload):
    with prosody({"localhost": {**options, "token_ledger": first}}) as server:
        spent = mint("alice@localhost", key)
        assert log_in(server, spent) == "success"
        server.hosts["localhost"]["token_ledger"] = other
        server.write_config()
        server.reload_config()
        if reload == "module":
            assert "Reloaded" in server.reload_module("localhost")
        assert log_in(server, spent) == "not-authorized"
        assert log_in(server, mint("alice@localhost", key)) == "success"
        assert "changing token_ledger requires a restart of Prosody" in server.log()
        assert not (server.folder / other).exists()
        restart(server)
        assert log_in(server, mint("alice@localhost", key)) == "success"
        assert (server.folder / other).exists() == (other != "memory")


def lua(code, *arguments):
    """Returns the words that a program with the module xtoken prints."""
    code = f"package.cpath = '{PLUGINS}/?.so'; local xtoken = require 'xtoken'; {code}"
    done = subprocess.run(
        ["lua5.4", "-", *arguments], input=code, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()


def test_another_process_shares_the_file(prosody, options, key):
    """Prosody beside another program that verifies, here one in Lua."""
    with prosody({"localhost": {**options, "token_ledger": "tokens.db"}}) as server:
        code = (
            "local seed, secret, token, url = ...;"
            "local v = assert(xtoken.new_verifier "
            "{ otp_seed = seed, token_secret = secret, ledger = url });"
            "print(v:verify('alice@localhost', token))"
        )

        def other(token):
            return lua(code, *key, token, f"sqlite:{server.folder}/tokens.db")

        first, second = mint("alice@localhost", key), mint("alice@localhost", key)
        assert log_in(server, first) == "success"
        assert other(first) == ["false", "replayed"]
        assert other(second)[0] == "true"
        assert log_in(server, second) == "not-authorized"


@pytest.mark.parametrize(
    "value, problem",
    [("redis2://x", "no such ledger"), (5, "in quotes"), ("sqlite:", "no such ledger")],
)
def test_a_ledger_that_does_not_exist_is_named(prosody, options, value, problem):
    with prosody({"localhost": {**options, "token_ledger": value}}) as server:
        assert re.search(f"{problem}.*option token_ledger of VirtualHost", server.log())


class SmallDisk:
    """Mounts a file system of one megabyte."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.folder.mkdir()
        self.mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", self.folder)
        return self

    def __exit__(self, *_):
        subprocess.run([*self.as_root(), "umount", "-l", self.folder], check=True)

    def mount(self, *arguments):
        subprocess.run([*self.as_root(), "mount", *map(str, arguments)], check=True)

    @staticmethod
    def as_root():
        return [] if os.geteuid() == 0 else ["sudo"]

    def fill(self):
        with open(self.folder / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        (self.folder / "ballast").unlink()


def refused_and_told(server, key):
    for _ in range(3):
        assert log_in(server, mint("alice@localhost", key)) == "temporary-auth-failure"
    assert server.log().count("the ledger cannot tell which tokens were spent") == 1
    assert "EVENT authentication-failure temporary-auth-failure" in server.log()


def probe(disk):
    """Returns what another process learns that probes the ledger."""
    return lua("print(xtoken.new_ledger(...):probe())", f"sqlite:{disk.folder}/tokens.sqlite")


def accepted_and_told(server, key, spent):
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, mint("alice@localhost", key)) == "success"
    assert "The ledger answers again" in server.log()


@pytest.fixture
def on_small_disk(prosody, options):
    server = prosody({"localhost": options})
    with SmallDisk(server.folder / "disk") as disk:
        server.hosts["localhost"] = {**options, "token_ledger": str(disk.folder / "tokens.sqlite")}
        with server:
            yield server, disk


def test_a_full_disk(on_small_disk, key):
    server, disk = on_small_disk
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    disk.fill()
    # The rest of the last page of the log has room for a few more.
    for _ in range(1000):
        if log_in(server, mint("alice@localhost", key)) != "success":
            break
    refused_and_told(server, key)
    assert "full" in server.log()
    assert probe(disk)[0] == "false"
    disk.empty()
    assert probe(disk) == ["true", "nil", "false"]
    accepted_and_told(server, key, spent)


def test_a_full_disk_at_the_start(on_small_disk, key):
    server, disk = on_small_disk
    disk.fill()
    refused_and_told(server, key)
    disk.empty()
    assert log_in(server, mint("alice@localhost", key)) == "success"


def test_a_folder_that_cannot_be_written(on_small_disk, key):
    server, disk = on_small_disk
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    server.stop(signal.SIGKILL)
    disk.mount("-o", "remount,ro", disk.folder)
    server.start()
    refused_and_told(server, key)
    assert probe(disk)[0] == "false"
    disk.mount("-o", "remount,rw", disk.folder)
    accepted_and_told(server, key, spent)


def test_a_lock_held_too_long(server, key):
    spent = mint("alice@localhost", key)
    assert log_in(server, spent) == "success"
    other = sqlite3.connect(server.folder / "token_ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused_and_told(server, key)
    other.execute("ROLLBACK")
    other.close()
    accepted_and_told(server, key, spent)


@pytest.mark.parametrize("damage", ["garbage", "truncated", "emptied", "removed"])
def test_a_damaged_file_lets_no_spent_token_in(server, key, damage):
    spent = [mint("alice@localhost", key) for _ in range(20)]
    assert [log_in(server, token) for token in spent] == ["success"] * 20
    server.stop()
    path = server.folder / "token_ledger.sqlite"
    content = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"garbage" * 1000)
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "emptied":
        path.write_bytes(b"")
    server.start()
    if damage == "removed":
        # The server has the file open now.
        assert log_in(server, mint("alice@localhost", key)) == "success"
        path.unlink()
    assert "success" not in [log_in(server, token) for token in spent]
    aside = [
        path
        for path in server.folder.glob("*.damaged-*")
        if path.suffix[-4:] not in ("-wal", "-shm")
    ]
    assert bool(aside) == (damage in ("garbage", "truncated"))


def test_the_log_says_until_when_tokens_are_refused(prosody, options, key):
    def log_in_now():
        # With this deviation, a token is too old as soon as a step begins.
        early_in_a_step()
        return log_in(server, mint("alice@localhost", key))

    with prosody({"localhost": {**options, "token_deviation": 0}}) as server:
        assert log_in_now() == "success"
        server.stop()
        (server.folder / "token_ledger.sqlite").write_bytes(b"")
        server.start()
        for _ in range(3):
            assert log_in_now() == "temporary-auth-failure"
        said = re.findall("localhost refuses those minted before ([-0-9]+T[:0-9]+Z)", server.log())
        assert len(said) == 1
        until = calendar.timegm(time.strptime(said[0], "%Y-%m-%dT%H:%M:%SZ"))
        assert 0 < until - time.time() <= 30
        eventually(lambda: os_time() >= until, PATIENCE, "the clock stands still")
        assert log_in_now() == "success"


def test_eight_processes_on_one_file(tmp_path, key):
    """Every process presents each token. One of them succeeds."""
    tokens = 100_000 if SOAK else 2_000
    now = int(time.time())
    minted = tmp_path / "tokens"
    minted.write_text("".join(mint("alice@localhost", key, now=now) + "\n" for _ in range(tokens)))
    code = f"""
        package.cpath = '{PLUGINS}/?.so'
        local seed, secret, file, url, now, from, count = ...
        local options = {{ otp_seed = seed, token_secret = secret, ledger = url }}
        local verifier = assert(require 'xtoken'.new_verifier(options))
        local tokens, successes = {{}}, 0
        for token in io.lines(file) do tokens[#tokens + 1] = token end
        for at = from, from + count - 1 do
            local ok, reason
            repeat
                local token = tokens[at % #tokens + 1]
                ok, reason = verifier:verify('alice@localhost', token, tonumber(now))
            until reason ~= 'unavailable'
            if ok then successes = successes + 1 end
        end
        print(successes)
    """

    def start(first, count):
        command = [
            "lua5.4",
            "-",
            *key,
            minted,
            f"sqlite:{tmp_path}/tokens.sqlite",
            str(now),
            str(first),
            str(count),
        ]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        process.stdin.write(code)
        process.stdin.close()
        return process

    # The file exists before they start, so that none of them finds it incomplete.
    assert start(0, 1).stdout.read() == "1\n"
    # Each begins with another token, so that none spends all before the others have started.
    processes = [start(part * tokens // 8, tokens) for part in range(8)]
    successes = [int(process.stdout.read()) for process in processes]
    assert sum(successes) == tokens - 1
    assert sum(count > 0 for count in successes) > 1


def test_kill_9_at_random_moments(server, key):
    """A client logs in and replays tokens while the server is killed and restarted many times."""
    successes, stop = {}, threading.Event()
    rounds = 200 if SOAK else 10

    def logs_in_and_replays(user):
        recent = []
        while not stop.is_set():
            token = mint(f"{user}@localhost", key)
            recent = recent[-10:] + [token]
            for token in [token, *recent]:
                try:
                    if log_in(server, token, user) == "success":
                        successes[token] = successes.get(token, 0) + 1
                except (OSError, StreamClosed, AssertionError):
                    break

    with ThreadPoolExecutor(2) as threads:
        clients = [threads.submit(logs_in_and_replays, user) for user in ("alice", "bob")]
        try:
            for number in range(rounds):
                before = len(successes)
                if number % 2:
                    logs_in = lambda: len(successes) > before  # noqa: B023, E731
                    eventually(logs_in, PATIENCE, "a login between two kills")
                # The moment is random. This waits for nothing.
                time.sleep(random.uniform(0.01, 0.4))
                restart(server, signal.SIGKILL)
        finally:
            stop.set()
        for client in clients:
            client.result()
    assert len(successes) >= rounds // 2
    assert max(successes.values()) == 1
