"""A real server whose wall clock jumps, because of a preloaded library (tests/clock.c)."""

import subprocess
import time

import pytest
from client import Client
from fast import comes_back, fast_token
from mint import mint
from redis_server import Redis
from server import ROOT

HOUR = 3600
CENTURY = 100 * 365 * 24 * HOUR


class WallClock:
    """The wall clock of the servers that are started in its `with`."""

    def __init__(self, folder, monkeypatch):
        self.library, self.file, self.monkeypatch = (
            folder / "clock.so",
            folder / "ahead",
            monkeypatch,
        )
        source = ROOT / "tests/clock.c"
        subprocess.run(
            ["gcc", "-std=gnu11", "-O2", "-fPIC", "-shared", source, "-o", self.library], check=True
        )
        self.set(0)

    def set(self, ahead):
        new = self.file.with_suffix(".new")
        new.write_text(str(ahead))
        new.rename(self.file)
        self.ahead = ahead

    def now(self):
        return time.time() + self.ahead

    def __enter__(self):
        self.monkeypatch.setenv("LD_PRELOAD", str(self.library))
        self.monkeypatch.setenv("CLOCK_AHEAD", str(self.file))

    def __exit__(self, *_):
        self.monkeypatch.delenv("LD_PRELOAD")


@pytest.fixture
def clock(tmp_path, monkeypatch):
    return WallClock(tmp_path, monkeypatch)


@pytest.mark.parametrize("ledger", ["memory", "sqlite", "redis"])
def test_a_clock_that_jumps_accepts_nothing_twice(prosody, options, key, clock, ledger):
    with Redis() as redis:
        redis.has_been_there()
        place = {"memory": "memory", "sqlite": "token_ledger.sqlite", "redis": redis.url()}[ledger]
        with (
            clock,
            prosody(
                {"localhost": {**options, "token_ledger": place, "token_deviation": 0}}
            ) as server,
        ):
            spent = []

            def log_in(token):
                with Client(server.port, "localhost") as client:
                    return client.log_in("alice", token)

            def spend_one():
                token = mint("alice@localhost", key, now=clock.now())
                is_accepted = log_in(token) == "success"
                spent.extend([token] * is_accepted)
                assert [log_in(token) for token in spent] == ["not-authorized"] * len(spent)
                return is_accepted

            assert spend_one()
            for jump in (HOUR, -HOUR, CENTURY):
                clock.set(jump)
                assert spend_one()
                clock.set(0)
                assert spend_one()
            assert len(spent) == 7


# 0.12 cannot use mod_sasl2_fast: docs/mechanisms.md.
@pytest.mark.parametrize("version", ["13.0"])
@pytest.mark.parametrize("end", ["option", "account"])
def test_fast_ends_also_what_a_clock_granted_that_ran_ahead(with_fast, key, clock, end):
    with clock, with_fast() as server:
        clock.set(2 * HOUR)
        secret = fast_token(server, mint("alice@localhost", key, now=clock.now()))
        clock.set(0)
        if end == "option":
            server.hosts["localhost"]["token_fast_not_before"] = "2026-01-01"
            server.write_config()
            server.reload_config()
        else:
            server.shell('user:disable("alice@localhost")')
            server.shell('user:enable("alice@localhost")')
        clock.set(3 * HOUR)
        assert comes_back(server, secret) != "success"
