"""Several keys at once: with a validity, from files, and changed while the server runs."""

import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client
from mint import mint, new_key
from redis_server import Redis
from server import PATIENCE, Expression, Prosody, eventually, lua

OLD, NEW = new_key(), new_key()
DAY = 24 * 60 * 60


def entry(key, **more):
    return {"otp_seed": key[0], "token_secret": key[1], **more}


def day(offset):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * DAY))


def log_in(server, key, **how):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", mint("alice@localhost", key, **how))


def complaints(server, level):
    return "\n".join(
        line
        for line in server.log().splitlines()
        if f"\t{level}\t" in line and "auth_token" in line
    )


def with_keys(*entries, **more):
    return {"localhost": {"token_keys": list(entries), **more}}


def configure(server, hosts):
    server.hosts = hosts
    server.write_config()
    server.reload_config()


def test_every_key_is_good_once(prosody):
    with prosody(with_keys(entry(NEW, id="2026-11"), entry(OLD, id="2026-05"))) as server:
        for key in (OLD, NEW):
            token = mint("alice@localhost", key)
            with Client(server.port, "localhost") as client:
                assert client.log_in("alice", token) == "success"
            with Client(server.port, "localhost") as client:
                assert client.log_in("alice", token) == "not-authorized"
        assert log_in(server, new_key()) == "not-authorized"
        assert complaints(server, "error") + complaints(server, "warn") == ""


def test_the_single_pair_is_one_more_key(prosody):
    with prosody(with_keys(entry(NEW, id="2026-11"), **entry(OLD))) as server:
        assert [log_in(server, key) for key in (OLD, NEW)] == ["success"] * 2


def test_a_key_without_an_id_is_not_the_single_pair(prosody):
    with prosody(with_keys(entry(NEW), **entry(OLD))) as server:
        errors = complaints(server, "error")
        assert 'key 1 of token_keys has no id, or the id "default", which is that of' in errors
        assert "two keys" not in errors


@pytest.mark.parametrize(
    "limits, outcome",
    [
        ({"not_after": day(-1)}, "not-authorized"),
        ({"not_after": day(0)}, "success"),
        ({"not_after": int(time.time()) - 60}, "not-authorized"),
        ({"not_after": day(1) + "T12:00:00Z"}, "success"),
        ({"not_before": day(1)}, "not-authorized"),
        ({"not_before": day(0)}, "success"),
        ({"not_before": int(time.time()) + 86_400}, "not-authorized"),
        ({"not_before": day(-1) + "T00:00:00Z", "not_after": day(2)}, "success"),
    ],
)
def test_a_key_is_good_for_its_time(prosody, limits, outcome):
    with prosody(with_keys(entry(OLD, id="old", **limits), entry(NEW, id="new"))) as server:
        assert log_in(server, NEW) == "success"
        assert log_in(server, OLD) == outcome
        assert complaints(server, "error") + complaints(server, "warn") == ""


def test_the_time_zone_of_the_server_does_not_matter(prosody, monkeypatch):
    # A zone whose clocks were set back for good a month later: Prosody's conversion is an hour off.
    monkeypatch.setenv("TZ", "Asia/Almaty")
    with prosody(with_keys(entry(NEW, id="new", not_before="2024-02-01"))) as server:
        assert log_in(server, NEW) == "success"


@pytest.mark.parametrize(
    "keys, problem",
    [
        ([], "token_keys must be a list of keys"),
        ("2026-11", "token_keys must be a list of keys"),
        ({"new": entry(NEW)}, "token_keys must be a list of keys"),
        (
            Expression(f'{{ {lua(entry(NEW))}, ["2026-05"] = {lua(entry(OLD))} }}'),
            "token_keys must be a list of keys",
        ),
        (
            Expression(f"{{ {lua(entry(NEW))}, nil, {lua(entry(OLD, id='old'))} }}"),
            "token_keys must be a list of keys",
        ),
        ([NEW[1]], "it must be { id"),
        (
            [entry(NEW, id="new", notafter=day(1))],
            "key 1 of token_keys: unknown field: there are only id, not_after, not_before, ",
        ),
        (
            [entry(NEW, id="new", not_after="2026-02-31")],
            "key 1 of token_keys: not_after is not a time",
        ),
        (
            [entry(NEW, id="new", not_after="next week")],
            "key 1 of token_keys: not_after is not a time",
        ),
        (
            [entry(NEW, id="new", not_after="2026-12-01T12:00")],
            "key 1 of token_keys: not_after is not a time",
        ),
        ([entry(NEW, id="new", not_before=1.5)], "key 1 of token_keys: not_before is not a time"),
        ([entry(NEW, id="new", not_before=-1)], "key 1 of token_keys: not_before is not a time"),
        ([entry(NEW, id="new", not_before=True)], "key 1 of token_keys: not_before is not a time"),
        ([entry(NEW, id="new", not_before=day(2), not_after=day(1))], "key 1 of token_keys: "),
        (
            [entry(NEW, id="new"), entry(new_key(), id="other"), entry(OLD, id="new")],
            "keys 1 and 3 of token_keys have the same id",
        ),
        ([entry(NEW), entry(OLD)], "keys 1 and 2 of token_keys have the same id, or none"),
        ([entry(NEW, id="a name")], "key 1 of token_keys: the id of a key is not usable"),
        ([entry(NEW, id="new"), entry(("JBSWY3DP", OLD[1]), id="old")], "key 2 of token_keys: "),
        ([entry(NEW, id="new"), entry((OLD[0], ""), id="old")], "key 2 of token_keys: "),
        (
            [entry(NEW, id="new"), entry((OLD[0], "7 bytes"), id="old")],
            "key 2 of token_keys: token_secret has fewer than 8 bytes",
        ),
        (
            [entry(NEW, id=NEW[1])],
            "key 1 of token_keys: its id, which logs show, is also its otp_seed or token_secret",
        ),
        (
            [entry(NEW, id="new", token_secret_file="secret")],
            "key 1 of token_keys: token_secret and token_secret_file are both set",
        ),
    ],
)
def test_a_bad_list_is_refused_at_load(prosody, keys, problem):
    with prosody({"localhost": {"token_keys": keys}}) as server:
        errors = complaints(server, "error")
        assert (
            problem in errors and 'Set the option token_keys of VirtualHost "localhost"' in errors
        )
        assert log_in(server, NEW) != "success"
        for secret in (*OLD, *NEW):
            assert secret not in server.log()
        assert "traceback" not in server.log()


@pytest.mark.parametrize(
    "limits, level, line",
    [
        ({"not_after": "2026-01-31"}, "error", "since 2026-01-31T23:59:59Z: no key is valid now"),
        ({"not_before": "2099-01-01"}, "error", "before 2099-01-01T00:00:00Z: no key is valid now"),
        ({"not_after": day(3)}, "warn", f"after {day(3)}T23:59:59Z, when its last key expires"),
    ],
)
def test_the_end_of_all_keys_is_announced(prosody, limits, level, line):
    with prosody(with_keys(entry(OLD, id="old", **limits))) as server:
        assert line in complaints(server, level)
        assert "are verified by xtoken" in server.log()


def test_no_end_is_announced_while_another_key_carries_on(prosody):
    old, middle = (
        entry(OLD, id="old", not_after=day(1)),
        entry(new_key(), id="middle", not_before=day(2), not_after=day(4)),
    )
    new = entry(NEW, id="new", not_before=day(5))
    with prosody(with_keys(new, middle, old)) as server:
        assert complaints(server, "error") + complaints(server, "warn") == ""


def test_a_weak_key_of_several_is_named(prosody):
    weak = ("XVGR73KMZH2M4XMY", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7")
    with prosody(with_keys(entry(NEW, id="new"), entry(weak, id="old"))) as server:
        warnings = complaints(server, "warn")
        assert 'otp_seed of key "old" of localhost has only 80 bits' in warnings
        assert (
            'token_secret of key "old" of localhost is not secret, because documentation shows it'
            in warnings
        )
        assert '"new"' not in warnings


# Secrets in files


def secret_files(server, key=NEW, mode=0o640):
    for name, content in zip(("otp_seed", "token_secret"), key):
        path = server.folder / name
        path.write_text(content + "\n")
        path.chmod(mode)


IN_FILES = {"otp_seed_file": "otp_seed", "token_secret_file": "token_secret"}


@pytest.mark.parametrize(
    "hosts",
    [{"localhost": IN_FILES}, with_keys({"id": "new", **IN_FILES})],
    ids=["single", "listed"],
)
def test_secrets_from_files(prosody, hosts):
    server = prosody(hosts)
    secret_files(server)
    with server:
        assert log_in(server, NEW) == "success"
        assert complaints(server, "error") + complaints(server, "warn") == ""


def make_empty(path):
    path.write_text("\n")


def make_folder(path):
    path.unlink()
    path.mkdir()


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_writable(path):
    path.chmod(0o646)


def make_writable_by_the_group(path):
    path.chmod(0o660)


@pytest.mark.parametrize(
    "spoil, problem",
    [
        (make_empty, "is empty"),
        (make_folder, "is a directory"),
        (make_pipe, "is a named pipe"),
        (make_writable, "others can write"),
        (make_writable_by_the_group, "others can write"),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_file_that_is_not_right_is_refused(prosody, spoil, problem, listed):
    server = prosody(with_keys({"id": "new", **IN_FILES}) if listed else {"localhost": IN_FILES})
    secret_files(server)
    spoil(server.folder / "token_secret")
    with server:
        errors = complaints(server, "error")
        assert problem in errors and f"{server.folder}/token_secret" in errors
        assert ("key 1 of token_keys: " if listed else "option token_secret_file of") in errors
        assert log_in(server, NEW) != "success"
        assert NEW[1] not in server.log()


@pytest.mark.parametrize(
    "secret",
    [NEW[1], "/" + NEW[1], "no/such/folder", NEW[1] * 10],
    ids=["name", "path", "folder", "long"],
)
def test_a_secret_in_the_place_of_a_path_is_not_logged(prosody, secret):
    with prosody({"localhost": {**IN_FILES, "otp_seed_file": secret}}) as server:
        errors = complaints(server, "error")
        assert "the file cannot be found" in errors and "option otp_seed_file of" in errors
        if secret == NEW[1]:
            assert f"in {server.folder} (No such file or directory)" in errors
        assert secret not in server.log()


def test_a_secret_and_its_file_are_one_too_many(prosody):
    server = prosody({"localhost": {**IN_FILES, "token_secret": NEW[1]}})
    secret_files(server)
    with server:
        assert "token_secret and token_secret_file are both set" in complaints(server, "error")


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("line_break", ["", "\n"])
def test_credentials(tmp_path, monkeypatch, listed, line_break):
    """The credentials of systemd, which Prosody 13 reads."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name, content in zip(("seed", "secret"), NEW):
        (tmp_path / name).write_text(content + line_break)
    key = {
        "otp_seed": Expression('Credential("seed")'),
        "token_secret": Expression('Credential("secret")'),
    }
    with Prosody(
        "13.0", with_keys({"id": "new", **key}) if listed else {"localhost": key}
    ) as server:
        assert log_in(server, NEW) == "success"
        assert complaints(server, "warn") == ""


# Changes while the server runs


def by_shell(server):
    server.reload_config()


def by_signal(server):
    server.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("reload", [by_shell, by_signal])
def test_reloading_the_configuration_is_enough(prosody, reload):
    with prosody(with_keys(entry(OLD, id="old"))) as server:
        spent = mint("alice@localhost", OLD)
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", spent) == "success"
        server.hosts = with_keys(entry(NEW, id="new"), entry(OLD, id="old"))
        server.write_config()
        reload(server)
        eventually(lambda: log_in(server, NEW) == "success", PATIENCE, "the new key is not in use")
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", spent) == "not-authorized"
        assert log_in(server, OLD) == "success"
        configure(server, with_keys(entry(NEW, id="new")))
        assert log_in(server, OLD) == "not-authorized"
        assert log_in(server, NEW) == "success"


def test_a_mistake_changes_nothing(prosody):
    with prosody(with_keys(entry(OLD, id="old"))) as server:
        configure(server, with_keys(entry(NEW, id="new", not_after="soon")))
        errors = complaints(server, "error")
        assert (
            "Users of localhost log in as before the reload: key 1 of token_keys: "
            "not_after is not a time" in errors
        )
        assert [log_in(server, key) for key in (OLD, NEW)] == ["success", "not-authorized"]
        configure(server, with_keys(entry(NEW, id="new")))
        assert [log_in(server, key) for key in (OLD, NEW)] == ["not-authorized", "success"]


def test_a_file_that_changed_is_read_again(prosody):
    server = prosody({"localhost": IN_FILES})
    secret_files(server, OLD)
    with server:
        assert log_in(server, OLD) == "success"
        secret_files(server, NEW)
        server.reload_config()
        assert [log_in(server, key) for key in (OLD, NEW)] == ["not-authorized", "success"]


def test_an_older_stream_uses_the_new_key(prosody):
    with (
        prosody(with_keys(entry(OLD, id="old"))) as server,
        Client(server.port, "localhost") as client,
    ):
        configure(server, with_keys(entry(NEW, id="new")))
        assert client.log_in("alice", mint("alice@localhost", OLD)) == "not-authorized"
        assert client.log_in("alice", mint("alice@localhost", NEW)) == "success"


@pytest.mark.parametrize("ledger", ["file", "redis"])
def test_reloads_during_a_thousand_logins_lose_none(prosody, ledger):
    """This includes logins that wait for the ledger during a reload."""
    with Redis() as redis:
        redis.has_been_there()
        more = {"token_ledger": redis.url()} if ledger == "redis" else {}
        both = with_keys(entry(NEW, id="new"), entry(OLD, id="old"), **more)
        done, outcomes, reloaded = threading.Event(), [], []
        with prosody(both) as server, ThreadPoolExecutor(17) as threads:

            def logs_in(number):
                return log_in(server, (OLD, NEW)[number % 2])

            def reloads():
                while not done.is_set():
                    configure(server, both)
                    reloaded.append(server.reload_module("localhost"))

            reloading = threads.submit(reloads)
            try:
                while not reloading.done() and (len(outcomes) < 1000 or len(reloaded) < 4):
                    outcomes += threads.map(logs_in, range(100))
            finally:
                done.set()
            reloading.result()
            assert outcomes == ["success"] * len(outcomes)
            assert server.log().count("are verified by xtoken") > 3
            assert server.log().count("Reloading configuration file") > 3


# The use of keys


def uses(server):
    """Returns what the server has stored: key id -> (accepted, last)."""
    path = server.folder / "localhost/token_key_use.dat"
    if not path.exists():
        return {}
    entries = re.findall(r'\["?(\w+)"?\] = \{(.*?)\}', path.read_text(), re.DOTALL)
    numbers = {key: dict(re.findall(r'\["(\w+)"\] = ([\d.]+)', text)) for key, text in entries}
    return {
        key: (int(number["accepted"]), float(number["last"])) for key, number in numbers.items()
    }


def test_the_use_of_keys_survives_restart_and_reload(prosody):
    with prosody(with_keys(entry(NEW, id="new"), entry(OLD, id="old"))) as server:
        start = int(time.time())
        assert log_in(server, OLD) == "success"
        # The first is stored at once, and shown. What comes within a minute is not.
        eventually(lambda: "old" in uses(server), PATIENCE, "the first login is stored")
        assert "key old: " in (printed := server.prosodyctl("mod_auth_token", "check"))
        assert "logins: 1, the last at" in printed
        for key in (NEW, NEW):
            assert log_in(server, key) == "success"
        assert list(uses(server)) == ["old"]
        server.reload_module("localhost")
        counts = {key: count for key, (count, _) in uses(server).items()}
        assert counts == {"old": 1, "new": 2}
        assert all(start <= last <= time.time() for _, last in uses(server).values())
        assert log_in(server, NEW) == "success"
        server.stop()
        assert uses(server)["new"][0] == 3
        last_of_old = uses(server)["old"][1]
        server.start()
        assert log_in(server, NEW) == "success"
        server.stop()
        assert (uses(server)["new"][0], uses(server)["old"]) == (4, (1, last_of_old))


def test_a_login_that_waits_while_the_module_is_reloaded_is_counted(prosody):
    with Redis() as redis:
        redis.has_been_there()
        with prosody(with_keys(entry(NEW, id="new"), token_ledger=redis.url())) as server:
            assert log_in(server, NEW) == "success"
            redis.pause()
            with Client(server.port, "localhost") as client:
                client.log_in_later("alice", mint("alice@localhost", NEW))
                eventually(
                    lambda: server.log().count("mechanism='X-TOKEN'") == 2,
                    PATIENCE,
                    "the login has not come",
                )
                assert "Reloaded" in server.reload_module("localhost")
                redis.resume()
                assert client.receive().tag.endswith("success")
            server.stop()
            assert uses(server)["new"][0] == 2


def test_a_storage_that_raises_stops_nothing(prosody):
    with prosody(with_keys(entry(NEW, id="new"), ill_key_use=True), storage="ill") as server:
        assert log_in(server, NEW) == "success"
        process = server.process
        server.stop()
        assert process.returncode == 0
        for line in (
            "Cannot read when the keys of localhost",
            "Cannot save when the keys of localhost",
        ):
            assert line in complaints(server, "warn")
        assert "raceback" not in server.log()


@pytest.mark.parametrize("ill", ["damaged", "in the way"])
def test_a_storage_that_fails_costs_no_login(prosody, ill):
    server = prosody(with_keys(entry(NEW, id="new")))
    path = server.folder / "localhost/token_key_use.dat"
    path.parent.mkdir()
    if ill == "damaged":
        path.write_text("garbage")
    else:
        path.mkdir()
    with server:
        assert log_in(server, NEW) == "success"
        server.reload_module("localhost")
        assert log_in(server, NEW) == "success"
        line = (
            "Cannot read when the keys of localhost"
            if ill == "damaged"
            else "Cannot save when the keys of localhost"
        )
        assert line in complaints(server, "warn")
