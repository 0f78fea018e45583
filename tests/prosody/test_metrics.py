"""The metrics, as mod_http_openmetrics shows them, and the warnings in the log."""

import re
import time
import urllib.request

import pytest
from client import Client
from mint import mint, new_key
from redis_server import Redis
from server import eventually, free_port

PREFIX = "prosody_mod_auth_token__"


def log_in(server, key, user="alice", host="localhost", **how):
    with Client(server.port, host) as client:
        return client.log_in(user, mint(f"{user}@{host}", key, **how))


@pytest.fixture
def watched(prosody):
    """Makes servers with metrics."""

    def start(hosts, **settings):
        return prosody(
            hosts,
            modules_enabled=["http_openmetrics"],
            statistics="internal",
            statistics_interval="manual",
            http_ports=[free_port()],
            https_ports=[],
            http_interfaces=["127.0.0.1"],
            **settings,
        )

    return start


def metrics(server):
    """Returns the samples of xtoken: (name, labels) -> value."""
    (port,) = server.settings["http_ports"]
    # Prosody may begin to serve them a moment after it accepts clients.
    eventually(
        lambda: (
            f"Activated service 'http' on [127.0.0.1]:{port}" in server.log().rpartition("Hello")[2]
        ),
        10,
        "no HTTP",
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    samples = re.findall(rf"^{PREFIX}(\w+)\{{(.*?)\}} (\S+)$", text, re.MULTILINE)
    return {
        (name, frozenset(re.findall(r'(\w+)="(.*?)"', labels))): float(value)
        for name, labels, value in samples
    }


def sample(server, name, **labels):
    return metrics(server).get((name, frozenset({"host": "localhost", **labels}.items())))


def test_every_result_is_counted(watched, options, key):
    with watched({"localhost": options}) as server:
        spent = mint("alice@localhost", key)
        for token in (
            spent,
            spent,
            spent,
            "nonsense",
            mint("bob@localhost", key),
            mint("alice@localhost", key, steps=-5),
        ):
            with Client(server.port, "localhost") as client:
                client.log_in("alice", token)
        counts = {
            "accepted": 1,
            "replayed": 2,
            "malformed": 1,
            "bad-signature": 1,
            "expired": 1,
            "undated": 0,
            "unavailable": 0,
            "unknown-user": 0,
            "account-disabled": 0,
            "other": 0,
        }
        assert {
            result: sample(server, "verifications_total", result=result) for result in counts
        } == counts
        assert [name for name, _ in metrics(server)].count("verifications_total") == len(counts)


def test_hosts_are_apart(watched):
    keys = {host: new_key() for host in ("localhost", "other.localhost")}
    with watched(
        {host: {"otp_seed": seed, "token_secret": secret} for host, (seed, secret) in keys.items()}
    ) as server:
        assert log_in(server, keys["other.localhost"], host="other.localhost") == "success"
        assert sample(server, "verifications_total", result="accepted", host="other.localhost") == 1
        assert sample(server, "verifications_total", result="accepted") == 0


def test_accepted_tokens_by_key_and_offset(watched):
    old, new = new_key(), new_key()
    keys = [
        {"id": name, "otp_seed": key[0], "token_secret": key[1]}
        for name, key in (("old", old), ("new", new))
    ]
    with watched({"localhost": {"token_keys": keys}}) as server:
        offsets = ["-1", "0", "+1"]
        step = None
        while step != int(time.time()) // 30:  # try again if a step began in between
            before = [
                sample(server, "accepted_tokens_total", key="old", offset=offset) or 0
                for offset in offsets
            ]
            step = int(time.time()) // 30
            outcomes = [log_in(server, old, steps=steps) for steps in (-1, 0, 0, 1)]
        assert outcomes == ["success"] * 4
        after = [
            sample(server, "accepted_tokens_total", key="old", offset=offset) for offset in offsets
        ]
        assert [there - here for here, there in zip(before, after)] == [1, 2, 1]
        assert sample(server, "key_last_used_timestamp_seconds", key="old") == pytest.approx(
            time.time(), abs=5
        )
        assert sample(server, "key_last_used_timestamp_seconds", key="new") is None
        last = sample(server, "key_last_used_timestamp_seconds", key="old")
        server.stop()
        server.start()
        assert sample(server, "key_last_used_timestamp_seconds", key="old") == last
        server.reload_module("localhost")
        assert log_in(server, new) == "success"
        assert sample(server, "key_last_used_timestamp_seconds", key="new") >= last


def test_counts_survive_a_reload(watched, options, key):
    with watched({"localhost": options}) as server:
        for number in (1, 2):
            assert log_in(server, key) == "success"
            assert sample(server, "verifications_total", result="accepted") == number
            server.reload_module("localhost")
            server.reload_config()


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_ledger(watched, options, key, kind):
    with Redis() as redis:
        redis.has_been_there()
        options = {
            **options,
            "token_ledger": redis.url() if kind == "redis" else "token_ledger.sqlite",
        }
        with watched({"localhost": options}) as server:
            token = mint("alice@localhost", key)
            for _ in range(2):
                with Client(server.port, "localhost") as client:
                    client.log_in("alice", token)
            # The ledger was not asked about this one.
            assert log_in(server, new_key()) == "not-authorized"
            assert sample(server, "ledger_duration_seconds_count") == 2
            assert sample(server, "ledger_duration_seconds_bucket", le="+Inf") == 2
            assert 0 < sample(server, "ledger_duration_seconds_sum") < 2
            assert sample(server, "spent_tokens") == (1 if kind == "sqlite" else None)


def test_without_statistics_logins_work(prosody, options, key):
    with prosody({"localhost": options}) as server:
        assert log_in(server, key) == "success"


# Clocks


@pytest.mark.parametrize("off, direction", [(20, "ahead of"), (-20, "behind")])
@pytest.mark.parametrize("dated", [True, False])
def test_clock_skew_is_told_once(prosody, options, key, off, direction, dated):
    """Dated tokens are measured to the second, undated ones by their step."""
    how = {} if dated else {"steps": off // abs(off)}
    with prosody({"localhost": {**options, "token_deviation": 2}}) as server:
        for number in range(120):
            how |= {"now": time.time() + off} if dated else {"nonce": f"{number:032}"}
            assert log_in(server, key, f"user{number}", **how) == "success"
            if number < 50:
                assert "come from a clock" not in server.log()
        warnings = [line for line in server.log().splitlines() if "come from a clock" in line]
        assert len(warnings) == 1
        told = (
            rf"\twarn\t5\d of the last 5\d tokens of localhost .* about (\d+) s "
            rf"{direction} this server"
        )
        seconds = int(re.search(told, warnings[0])[1])
        assert seconds == (pytest.approx(20, abs=3) if dated else 30)


def test_clock_skew_is_measured_to_the_second(watched, options, key):
    with watched({"localhost": {**options, "token_deviation": 3}}) as server:
        assert sample(server, "clock_skew_seconds") is None
        for off in (-50, 40, 41):
            assert log_in(server, key, now=time.time() + off) == "success"
        assert sample(server, "clock_skew_seconds") == pytest.approx(40, abs=3)


def test_tokens_in_time_are_no_clock_skew(prosody, options, key):
    with prosody({"localhost": options}) as server:
        for number in range(110):
            assert log_in(server, key, steps=(0, 1)[number % 10 == 0]) == "success"
        assert "come from a clock" not in server.log()


# Nonces


def test_undated_tokens_are_counted(watched, options, key):
    with watched({"localhost": options}) as server:
        for count in (0, 1, 2):
            assert sample(server, "undated_tokens_total", key="default") == count
            assert log_in(server, key) == "success"
            assert log_in(server, key, nonce=f"{count:032}") == "success"


def test_undated_tokens_are_refused_where_dates_are_asked_for(watched, options, key):
    with watched({"localhost": {**options, "token_nonce_policy": "dated"}}) as server:
        assert log_in(server, key) == "success"
        assert log_in(server, key, nonce=nonce(32)) == "not-authorized"
        assert "host=localhost reason=undated user=alice" in server.log()
        assert sample(server, "verifications_total", result="undated") == 1
        assert sample(server, "undated_tokens_total", key="default") == 0
        server.hosts["localhost"]["token_nonce_length"] = 23
        server.write_config()
        server.reload_config()
        assert (
            "needs a token_nonce_length of 24 digits or more. Set the option token_nonce"
            in server.log()
        )
        assert log_in(server, key) == "success"


def nonce(length):
    return "7" * length


def test_nonces_are_reported_once_for_each_address(prosody, options, key):
    with prosody({"localhost": {**options, "token_nonce_policy": "report"}}) as server:
        assert "a user with a token of 7alice can log in as alice" in server.log()
        for user, length in (
            ("alice", 16),
            ("alice", 17),
            ("bob", 8),
            ("carol", 32),
            ("alice", 32),
        ):
            assert log_in(server, key, user, nonce=nonce(length)) == "success"
        assert re.findall(
            r"\twarn\tThe token of (\S+) has a nonce of (\d+) digits, not 32", server.log()
        ) == [
            ("alice@localhost", "16"),
            ("bob@localhost", "8"),
        ]
        server.hosts["localhost"]["token_nonce_policy"] = "exact"
        server.write_config()
        server.reload_config()
        assert log_in(server, key, nonce=nonce(16)) == "not-authorized"
        assert log_in(server, key, nonce=nonce(31) + "1") == "success"


def test_other_nonces_are_refused_unless_told(prosody, options, key):
    with prosody({"localhost": options}) as server:
        assert log_in(server, key, nonce=nonce(16)) == "not-authorized"
        assert "7alice" not in server.log()


def test_an_unknown_policy_is_named(prosody, options, key):
    with prosody({"localhost": {**options, "token_nonce_policy": "lax"}}) as server:
        assert "option token_nonce_policy of VirtualHost" in server.log()
        assert log_in(server, key) != "success"
