"""The commands of operators: prosodyctl mod_auth_token …, and the shell of Prosody 13."""

import base64
import contextlib
import datetime
import os
import pathlib
import re
import secrets
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client
from mint import early_in_a_step, mint, new_key
from pages import option_names
from redis_server import Redis
from server import PLUGINS, Expression, Prosody

KEY, OTHER = new_key(), new_key()
SAMPLE = ("XVGR73KMZH2M4XMY", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7")
SECRETS = (*KEY, *OTHER, *SAMPLE, "redis-password")
ENCRYPTED = {"c2s_require_encryption": True, "allow_unencrypted_plain_auth": False}
FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


NO_JID = "The first argument must be a JID: write it as user@host"


def pair(key=KEY):
    return dict(zip(("otp_seed", "token_secret"), key))


@contextlib.contextmanager
def configured(server):
    """A server that is not running."""
    try:
        server.port = 5222
        server.make_certificate()
        server.write_config()
        yield server
    finally:
        server.stop()
        server.__exit__()


def ctl(server, *words, module="mod_auth_token", **more):
    """Returns exit status and output, which must contain no secret and no Lua error."""
    # Prosody complains if its folder of certificates does not exist.
    (server.folder / "certs").mkdir(exist_ok=True)
    done = server.run_prosodyctl(module, *words, **more)
    if words[:1] != ("generate-key",):
        assert not any(secret in done.stdout for secret in SECRETS)
    assert "traceback" not in done.stdout and not re.search(r"(lib|mod_\w+)\.lua:\d", done.stdout)
    return done.returncode, done.stdout


def log_in(server, token, user="alice", host="localhost"):
    with Client(server.port, host) as client:
        return client.log_in(user, token)


def ledger(server):
    return server.folder / "token_ledger.sqlite"


# explain


@pytest.mark.parametrize(
    "signed, minted, sentence",
    [
        ("alice@localhost", {}, "it would be accepted: key new"),
        ("alice@localhost", {"steps": -1}, "it would be accepted: key new, made 3"),
        ("alice@localhost", {"nonce": "7" * 32}, "it would be accepted: key new, undated"),
        ("Alice@localhost", {}, 'signed for "Alice@localhost", not for "alice@localhost"'),
        ("Älice@localhost", {}, "no key has signed it for this JID"),
        ("alice@example.net", {}, 'signed for "alice@example.net", not for "alice@localhost"'),
        ("alice@localhost/web", {}, "sign it without the resource"),
        (
            "alice@localhost",
            {"key": OTHER},
            "signed with key old, which is valid only until 2026-01-31T23:59:59Z",
        ),
        (
            "alice@localhost",
            {"steps": -40},
            "ago by the minter's clock: mint a token for every login",
        ),
        ("alice@localhost", {"steps": -40, "nonce": "7" * 32}, "or by a clock 20m slow"),
        ("alice@localhost", {"steps": 40}, "it was made by a clock at least "),
        (
            "alice@localhost",
            {"steps": 40, "nonce": "7" * 32},
            "by a clock about 20m ahead of this one",
        ),
        ("alice@localhost", {"nonce": "7" * 16}, "its nonce has 16 digits, but 32 are configured"),
        (
            "alice@localhost",
            {"key": (KEY[0], "another")},
            "so otp_seed and clock are right: compare token_secret",
        ),
    ],
)
def test_explain_says_what_is_wrong(prosody, signed, minted, sentence):
    old = {"id": "old", "not_after": "2026-01-31", **pair(OTHER)}
    keys = {"token_keys": [{"id": "new", **pair()}, old]}
    with configured(prosody({"localhost": keys, "example.net": keys})) as server:
        early_in_a_step()
        token = mint(signed, **{"key": KEY, **minted})
        status, output = ctl(server, "explain", "alice@localhost", input=token + "\n")
        assert sentence in output
        assert status == (0 if output.startswith("it would be accepted: ") else 1)
        assert output.startswith("it would be accepted: " if "would" in sentence else "refused: ")
        assert not ledger(server).exists()


@pytest.mark.parametrize("token", ["", "nonsense", "\0\x1b[31m", "7" * 5000])
@pytest.mark.parametrize("command, reason", [("explain", ""), ("verify", "malformed: ")])
def test_any_input_can_be_a_token(prosody, command, reason, token):
    with configured(prosody({"localhost": pair()})) as server:
        status, output = ctl(server, command, "alice@localhost", input=token)
        assert (status, f"refused: {reason}this is not a token: " in output) == (1, True)
        assert "\x1b" not in output


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n\n", " ", "\t\n", "\n \n"])
def test_only_the_line_break_that_ends_the_input_is_removed(prosody, end):
    with prosody({"localhost": pair()}) as server:
        token = mint("alice@localhost", KEY)
        for command in ("explain", "verify"):
            status, output = ctl(server, command, "alice@localhost", input=token + end)
            assert (status, "which the server does not strip" in output) == (1, True), output
        # It is right: the server refuses these bytes, without the line break of the input.
        assert log_in(server, token + end.removesuffix("\n")) == "not-authorized"
        assert ctl(server, "explain", "alice@localhost", input=token + "\n")[0] == 0
        assert log_in(server, token) == "success"


def base32(text):
    return base64.b32encode(text.encode()).decode()


@pytest.mark.parametrize(
    "key, change, sentence",
    [
        ((base32(KEY[0]), KEY[1]), str, "its OTP is made of the text of otp_seed"),
        ((base32(KEY[1]), KEY[1]), str, "they seem to be exchanged"),
        ((KEY[0], KEY[0]), str, "it is signed with the text of otp_seed"),
        ((KEY[0], KEY[1].lower()), str, "it is signed with token_secret in lower case"),
        ((KEY[0], KEY[1] + "\n"), str, "it is signed with token_secret with a line break"),
        (KEY, lambda token: token.rstrip("="), "exactly one"),
        (KEY, lambda token: f'"{token}"', "it is in quotes"),
        (KEY, lambda token: f"Bearer {token}", "there is more than the token"),
        (KEY, lambda token: token.replace(" ", "%20").replace("=", "%3D"), "percent-encoded"),
    ],
)
def test_explain_names_the_mistakes_of_a_minter(prosody, key, change, sentence):
    with prosody({"localhost": pair()}) as server:
        token = change(mint("alice@localhost", key))
        status, output = ctl(server, "explain", "alice@localhost", input=token + "\n")
        assert (status, sentence in output) == (1, True), output
        assert not any(secret in output for secret in key)
        assert log_in(server, token) == "not-authorized"


@pytest.mark.parametrize(
    "words",
    [
        ["mint", "alice@localhost", "bob@localhost"],
        ["mint", "alice@localhost", "--verbose"],
        ["mint", "--help-me", "alice@localhost"],
        ["verify", "alice@localhost", "--json"],
        ["explain", "--also=x", "alice@localhost", "7"],
        ["check", "--all"],
        ["check", "localhost", "localhost"],
        ["generate-key", "--json"],
        ["generate-key", "localhost"],
    ],
    ids=" ".join,
)
def test_a_word_without_an_effect_is_refused(prosody, words):
    with configured(prosody({"localhost": pair()})) as server:
        status, output = ctl(server, *words)
        usage = f"Usage: prosodyctl mod_auth_token {words[0]} "
        assert (status, output.startswith(usage)) == (2, True), output


@pytest.mark.parametrize("command", ["explain", "verify"])
def test_a_hyphen_stands_for_the_input(prosody, command):
    with configured(prosody({"localhost": pair()})) as server:
        token = mint("alice@localhost", KEY)
        assert ctl(server, command, "alice@localhost", "-", input=token)[0] == 0


@pytest.mark.parametrize("command", ["explain", "verify"])
def test_the_token_can_be_an_argument(prosody, command):
    with configured(prosody({"localhost": pair()})) as server:
        assert ctl(server, command, "alice@localhost", mint("alice@localhost", KEY))[0] == 0
        assert (
            ctl(server, command, "alice@localhost", *mint("alice@localhost", KEY).split())[0] == 0
        )


def test_explain_says_how_a_jid_is_prepared(prosody):
    with configured(prosody({"localhost": pair()})) as server:
        status, output = ctl(
            server, "explain", "Alice@LOCALHOST/web", input=mint("Alice@LOCALHOST/web", KEY)
        )
        assert "Prosody prepares this JID as alice@localhost" in output
        assert (status, 'signed for "Alice@LOCALHOST/web"' in output) == (1, True)
        status, output = ctl(
            server, "explain", "Alice@LOCALHOST", input=mint("alice@localhost", KEY)
        )
        assert (status, "would be accepted" in output) == (0, True)


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([], "explain user@host [TOKEN]"),
        (["nonsense"], "explain user@host [TOKEN]"),
        (["explain"], NO_JID),
        (["explain", "alice", "7"], NO_JID),
        (["explain", "@localhost", "7"], NO_JID),
        (["mint", "a@b.c@localhost"], f"{NO_JID} (this JID has more than one @: write those of"),
        (["verify", "u" * 1024 + "@localhost", "7"], "(this JID has more than 1,023 bytes before"),
        (["mint", "a b@localhost"], f"{NO_JID} (a JID has no white space"),
        (["mint", "al/ice@localhost"], f"{NO_JID} (a JID has no white space"),
        (["mint", "alice@xn--mnchen-3ya.example"], "in another way: use alice@münchen.example\n"),
        (["explain", "alice@LOCALHOST.", "7"], "in another way: use alice@localhost\n"),
        (
            ["explain", "alice@elsewhere", "7"],
            "No tokens are verified for that host, but for: bad.example, localhost, "
            "münchen.example, over.example.",
        ),
        (["explain", "alice@passwords", "7"], "No tokens are verified for that host"),
        (
            ["explain", "alice@bad.example", "7"],
            "bad.example: otp_seed is missing. Set the option otp_seed",
        ),
        (
            ["mint", "alice@bad.example"],
            "bad.example: otp_seed is missing. Set the option otp_seed",
        ),
        (
            ["verify", "alice@bad.example", "7"],
            "bad.example: otp_seed is missing. Set the option otp_seed",
        ),
        (["verify", "alice@passwords", "7"], "No tokens are verified for that host"),
        (["verify"], NO_JID),
        (["mint"], NO_JID),
        (["mint", "alice@over.example"], "over.example: No key is valid now"),
        (
            ["check", "passwords"],
            'authentication is not "token" for that host, but for: bad.example, '
            "localhost, münchen.example, over.example",
        ),
    ],
)
def test_what_cannot_be_done_is_said(prosody, words, sentence):
    over = {"token_keys": [{"id": "over", "not_after": "2026-01-31", **pair()}]}
    passwords = {"authentication": "internal_hashed"}
    hosts = {"localhost": pair(), "bad.example": {}, "over.example": over, "passwords": passwords}
    hosts["münchen.example"] = pair()
    with configured(prosody(hosts)) as server:
        status, output = ctl(server, *words)
        assert (status, sentence in output) == (2, True), output


def contents(server):
    with contextlib.closing(
        sqlite3.connect(f"file:{ledger(server)}?mode=ro", uri=True)
    ) as connection:
        return connection.execute("SELECT * FROM spent ORDER BY fingerprint").fetchall()


def test_explain_spends_nothing_and_knows_what_was_spent(prosody):
    with prosody({"localhost": pair()}) as server:
        spent, fresh = mint("alice@localhost", KEY), mint("alice@localhost", KEY)
        assert log_in(server, spent) == "success"
        before, owner = contents(server), ledger(server).stat().st_uid
        status, output = ctl(server, "explain", "alice@localhost", input=spent)
        assert (status, "refused: it was accepted before" in output) == (1, True)
        status, output = ctl(server, "explain", "alice@localhost", input=fresh)
        assert (status, "would be accepted" in output) == (0, True)
        assert (contents(server), ledger(server).stat().st_uid) == (before, owner)
        assert log_in(server, fresh) == "success"
        server.stop()
        assert ctl(server, "explain", "alice@localhost", input=fresh)[0] == 1
        names = {f"token_ledger.sqlite{suffix}" for suffix in ("", "-wal", "-shm", ".lock")}
        assert files_of_the_ledger(server) == names


def files_of_the_ledger(server):
    return {path.name for path in server.folder.glob("token_ledger*")}


def test_explain_asks_redis(prosody):
    with Redis(password="redis-password") as redis:
        redis.has_been_there()
        with prosody({"localhost": {**pair(), "token_ledger": redis.url()}}) as server:
            spent = mint("alice@localhost", KEY)
            assert log_in(server, spent) == "success"
            status, output = ctl(server, "explain", "alice@localhost", input=spent)
            assert (status, "refused: it was accepted before" in output) == (1, True)
            fresh = mint("alice@localhost", KEY)
            assert ctl(server, "explain", "alice@localhost", input=fresh)[0] == 0
            assert log_in(server, fresh) == "success"
            redis.stop()
            status, output = ctl(
                server, "explain", "alice@localhost", input=mint("alice@localhost", KEY)
            )
            assert (status, "Redis cannot be reached" in output) == (1, True)


def test_of_the_memory_of_a_server_only_that_knows(prosody):
    with configured(prosody({"localhost": {**pair(), "token_ledger": "memory"}})) as server:
        status, output = ctl(
            server, "explain", "alice@localhost", input=mint("alice@localhost", KEY)
        )
        assert (
            status,
            "would be accepted" in output,
            "Only the running server knows" in output,
        ) == (0, True, True)


def test_explain_knows_accounts_and_makes_none(prosody):
    with configured(prosody({"localhost": {**pair(), "token_known_users": "existing"}})) as server:
        token = mint("alice@localhost", KEY)
        status, output = ctl(server, "explain", "alice@localhost", input=token)
        assert (status, "Prosody has no account of this user" in output) == (1, True)
        accounts = server.folder / "localhost/accounts"
        accounts.mkdir(parents=True)
        (accounts / "alice.dat").write_text('return { ["disabled"] = true };\n')
        status, output = ctl(server, "explain", "alice@localhost", input=token)
        assert (status, "the account is disabled" in output) == (1, True)
        server.hosts["localhost"]["token_known_users"] = "seen"
        server.write_config()
        assert ctl(server, "explain", "bob@localhost", input=mint("bob@localhost", KEY))[0] == 0
        assert [path.name for path in accounts.iterdir()] == ["alice.dat"]


def test_credentials_are_read_or_asked_for(tmp_path):
    for name, content in zip(("seed", "secret"), KEY):
        (tmp_path / name).write_text(content)
    values = {
        "otp_seed": Expression('Credential("seed")'),
        "token_secret": Expression('Credential("secret")'),
    }
    for options in (values, {"token_keys": [{"id": "new", **values}]}):
        with configured(Prosody("13.0", {"localhost": options}, **ENCRYPTED)) as server:
            alice = "alice@localhost"
            for words in (
                ["check"],
                ["mint", alice],
                ["verify", alice, "7"],
                ["explain", alice, "7"],
            ):
                status, output = ctl(server, *words)
                assert (status, "set CREDENTIALS_DIRECTORY for prosodyctl" in output) == (2, True)
            credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
            assert ctl(server, "check", **credentials)[0] == 0
            status, token = ctl(server, "mint", alice, **credentials)
            assert status == 0
            assert ctl(server, "verify", alice, input=token, **credentials)[0] == 0


# verify


def verify(server, token, jid="alice@localhost", **more):
    return ctl(server, "verify", jid, input=token, **more)


def refusal(reason, sentence=""):
    """What `verify` answers: the exit status and the beginning of the output."""
    return 1, f"refused: {reason}: {sentence}"


def begins(answer, expected):
    return answer[0] == expected[0] and answer[1].startswith(expected[1])


def test_verify_and_the_server_spend_in_one_ledger(prosody):
    with prosody({"localhost": pair()}) as server:
        status, token = ctl(server, "mint", "alice@localhost")
        assert status == 0
        assert log_in(server, token.rstrip("\n")) == "success"
        assert begins(verify(server, token), refusal("replayed", "it was accepted before"))
        token = mint("alice@localhost", KEY)
        assert verify(server, token) == (0, "accepted: key default\n")
        assert log_in(server, token) == "not-authorized"


def test_verify_creates_the_ledger_and_explain_does_not(prosody):
    hosts = {"localhost": pair(), "b.example": {**pair(), "token_ledger": "b.sqlite"}}
    with configured(prosody(hosts)) as server:
        token = mint("alice@localhost", KEY)
        assert ctl(server, "explain", "alice@localhost", input=token)[0] == 0
        assert files_of_the_ledger(server) == set()
        assert verify(server, token)[0] == 0
        assert begins(verify(server, token), refusal("replayed"))
        assert ledger(server).exists() and not (server.folder / "b.sqlite").exists()
        assert verify(server, mint("alice@b.example", KEY), "alice@b.example")[0] == 0
        assert (server.folder / "b.sqlite").exists()
        # Prosody continues with the file.
        server.start()
        assert log_in(server, token) == "not-authorized"
        assert log_in(server, mint("alice@localhost", KEY)) == "success"


def test_a_ledger_that_root_creates_belongs_to_the_owner_of_the_folder(prosody):
    """Prosody must be able to write it."""
    assert os.geteuid() == 0, "this test must run as root"
    server = prosody({"localhost": pair()})
    data = server.folder / "data"
    data.mkdir()
    os.chown(data, 12345, 54321)
    server.settings["data_path"] = str(data)
    with configured(server):
        assert verify(server, mint("alice@localhost", KEY))[0] == 0
        owners = {(file.stat().st_uid, file.stat().st_gid) for file in data.glob("token_ledger*")}
        assert owners == {(12345, 54321)}


def test_verify_without_an_answer_of_the_ledger(prosody):
    nowhere = {"token_ledger": "redis://127.0.0.1:1", "token_ledger_timeout": 0.1}
    memory = {"token_ledger": "memory"}
    wrong = {"token_ledger": "redis://h", "token_ledger_timeout": 100}
    hosts = {"nowhere.example": nowhere, "memory.example": memory, "wrong.example": wrong}
    hosts = {host: {**pair(), **options} for host, options in hosts.items()}
    with configured(prosody(hosts)) as server:

        def answer(host):
            return verify(server, mint(f"alice@{host}", KEY), f"alice@{host}")

        status, output = answer("nowhere.example")
        assert begins((status, output), refusal("unavailable", "the ledger of spent tokens"))
        assert "Redis cannot be reached" in output
        status, output = answer("memory.example")
        assert (status, "The running server does not know" in output) == (0, True)
        status, output = answer("wrong.example")
        assert (status, "token_ledger_timeout must be" in output) == (2, True)


def test_verify_follows_the_options_of_the_host(prosody, tmp_path):
    for name, content in zip(("seed", "secret", "writable"), (*OTHER, OTHER[1])):
        (tmp_path / name).write_text(content + "\n")
        (tmp_path / name).chmod(0o666 if name == "writable" else 0o640)
    files = {"otp_seed_file": str(tmp_path / "seed"), "token_secret_file": str(tmp_path / "secret")}
    old = {"id": "old", **pair(OTHER)}
    over = {"id": "over", "not_after": "2026-01-31", **pair(new_key())}
    # Another ledger, since one that has known only smaller deviations refuses older tokens.
    deviation = {"token_deviation": 3, "token_ledger": "another.sqlite"}
    hosts = {
        "files.example": files,
        "writable.example": {**files, "token_secret_file": str(tmp_path / "writable")},
        "list.example": {"token_keys": [over, {"id": "new", **pair()}, old]},
        "short.example": {**pair(), "token_nonce_length": 20, **deviation},
        "dated.example": {**pair(), "token_nonce_policy": "dated"},
        "lax.example": {**pair(), "token_nonce_policy": "lax"},
    }
    with configured(prosody(hosts)) as server:

        def answer(host, key=KEY, **how):
            return verify(server, mint(f"alice@{host}", key, **how), f"alice@{host.upper()}")

        early_in_a_step()
        assert "accepted: key default\n" in answer("files.example", OTHER)[1]
        assert "refused: bad-signature: " in answer("files.example")[1]
        status, output = answer("writable.example", OTHER)
        assert (status, f"others can write {tmp_path}/writable" in output) == (2, True), output
        assert "accepted: key new\n" in answer("list.example")[1]
        assert "accepted: key old\n" in answer("list.example", OTHER)[1]
        status, token = ctl(server, "mint", "alice@list.example")
        assert (status, verify(server, token, "alice@list.example")[0]) == (0, 0)
        assert answer("short.example", nonce="1" * 20, steps=-2)[0] == 0
        assert "refused: expired: " in answer("short.example", nonce="1" * 20, steps=-5)[1]
        assert "refused: malformed: its nonce has 32 digits" in answer("short.example")[1]
        token = ctl(server, "mint", "alice@short.example")[1]
        assert len(token.split()[0]) == 28 and verify(server, token, "alice@short.example")[0] == 0
        assert "refused: undated: " in answer("dated.example", nonce="1" * 32)[1]
        status, output = answer("lax.example")
        assert (status, "Set the option token_nonce_policy" in output) == (2, True)


def test_a_key_can_be_global(prosody):
    with configured(prosody({"localhost": {}, "b.example": pair(OTHER)}, **pair())) as server:
        assert verify(server, mint("alice@localhost", KEY))[0] == 0
        for key, status in ((KEY, 1), (OTHER, 0)):
            assert verify(server, mint("alice@b.example", key), "alice@b.example")[0] == status


def test_a_secret_can_be_any_bytes(prosody):
    class Secret:
        """As much of a str as the minter of the tests needs."""

        def encode(self):
            return b"\0\xff\xfc\n of 16 bytes"

    secret = Expression('"\\0\\255\\252\\n of 16 bytes"')
    with configured(prosody({"localhost": {**pair(), "token_secret": secret}})) as server:
        assert verify(server, mint("alice@localhost", (KEY[0], Secret())))[0] == 0
        assert verify(server, ctl(server, "mint", "alice@localhost")[1])[0] == 0


def test_verify_knows_accounts_and_makes_none(prosody):
    with configured(prosody({"localhost": {**pair(), "token_known_users": "existing"}})) as server:
        token = mint("alice@localhost", KEY)
        assert begins(verify(server, token), refusal("unknown-user", "the token is valid, but"))
        assert begins(verify(server, token), refusal("replayed"))
        accounts = server.folder / "localhost/accounts"
        accounts.mkdir(parents=True)
        (accounts / "alice.dat").write_text('return { ["disabled"] = true };\n')
        answer = verify(server, mint("alice@localhost", KEY))
        assert begins(answer, refusal("account-disabled", "the token is valid, but"))
        server.hosts["localhost"]["token_known_users"] = "seen"
        server.write_config()
        assert verify(server, mint("bob@localhost", KEY), "bob@localhost")[0] == 0
        assert [path.name for path in accounts.iterdir()] == ["alice.dat"]


def test_verify_spends_in_redis(prosody):
    with Redis() as redis:
        redis.has_been_there()
        with configured(prosody({"localhost": {**pair(), "token_ledger": redis.url()}})) as server:
            token = mint("alice@localhost", KEY)
            assert verify(server, token)[0] == 0
            assert begins(verify(server, token), refusal("replayed"))


# The shell of 13.0


def ask(server, token, user="alice"):
    done = server.run_prosodyctl("shell", "auth_token", "explain", f"{user}@localhost", token)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", ["memory", "file", "redis"])
def test_the_shell_asks_the_running_server(kind):
    with Redis() as redis:
        redis.has_been_there()
        more = {
            "memory": {"token_ledger": "memory"},
            "file": {},
            "redis": {"token_ledger": redis.url()},
        }[kind]
        with Prosody("13.0", {"localhost": {**pair(), **more}}) as server:
            spent, fresh = mint("alice@localhost", KEY), mint("alice@localhost", KEY)
            assert log_in(server, spent) == "success"
            status, output = ask(server, spent)
            assert (status, "it was accepted before" in output) == (1, True)
            for _ in range(2):
                status, output = ask(server, fresh)
                assert (status, "OK: it would be accepted: key default" in output) == (0, True)
            status, output = ask(server, mint("Alice@localhost", KEY))
            assert (status, 'signed for "Alice@localhost"' in output) == (1, True)
            assert log_in(server, fresh) == "success"
            assert "Usage: xtoken:explain" in server.shell("xtoken:explain('alice@localhost')")
            server.reload_module("localhost")
            assert ask(server, fresh)[0] == 1


def test_the_shell_follows_the_configuration():
    with Prosody("13.0", {"localhost": pair()}) as server:
        server.hosts["localhost"] = pair(OTHER)
        server.write_config()
        server.reload_config()
        assert ask(server, mint("alice@localhost", OTHER))[0] == 0
        assert ask(server, mint("alice@localhost", KEY))[0] == 1


def test_the_shell_holds_up_nobody_while_redis_hangs():
    with Redis() as redis:
        redis.has_been_there()
        options = {**pair(), "token_ledger": redis.url(), "token_ledger_timeout": 5}
        with Prosody(
            "13.0", {"localhost": options, "example.net": {**pair(), "token_ledger": "memory"}}
        ) as server:
            assert log_in(server, mint("alice@localhost", KEY)) == "success"
            redis.pause()
            with ThreadPoolExecutor(1) as threads:
                asking = threads.submit(ask, server, mint("alice@localhost", KEY))
                try:
                    others = 0
                    while not asking.done():
                        start = time.monotonic()
                        assert (
                            log_in(server, mint("alice@example.net", KEY), host="example.net")
                            == "success"
                        )
                        assert time.monotonic() - start < 2
                        others += 1
                finally:
                    redis.resume()
            status, output = asking.result()
            assert (status, "the ledger of spent tokens gave no answer" in output) == (1, True)
            assert others > 10


# mint and generate-key


def test_a_token_that_is_minted_logs_in(prosody):
    keys = [{"id": "old", "not_after": "2026-01-31", **pair(OTHER)}, {"id": "new", **pair()}]
    with prosody({"localhost": {"token_keys": keys}}) as server:
        status, output = ctl(server, "mint", "Alice@localhost")
        assert status == 0 and "Prosody prepares this JID as alice@localhost" in output
        assert log_in(server, output.splitlines()[-1]) == "success"


def test_a_key_that_is_generated_is_a_configuration(prosody):
    server = prosody({})
    with configured(server):
        status, output = ctl(server, "generate-key")
        assert status == 0
        key = re.findall('otp_seed = "(.*?)", token_secret = "(.*?)"', output)[0]
        assert f'id = "{datetime.datetime.now(datetime.timezone.utc):%Y-%m}"' in output
        write_config = server.write_config
        server.write_config = lambda: (
            write_config(),
            server.config.open("a").write(f'VirtualHost "localhost"\n{output}'),
        )
        server.start()
        assert log_in(server, mint("alice@localhost", key)) == "success"


# check


@pytest.mark.parametrize(
    "more", [{}, {"token_keys": [{"id": "new", **pair(OTHER)}]}], ids=["pair", "list"]
)
def test_check_finds_nothing_where_all_is_well(prosody, more):
    with configured(prosody({"localhost": {**pair(), **more}}, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert status == 0 and "errors: 0, warnings: 0" in output
        assert re.search(r"^ok +mod_auth_token is .*/lua/mod_auth_token.lua$", output, re.M)
        assert re.search(r"^ok +mod_sasl_token is .*/lua/mod_sasl_token.lua$", output, re.M)
        assert re.search(
            r"^ok +xtoken \d+\.\d+\.\d+ for Lua 5.4 is .*/lua/xtoken.so$", output, re.M
        )
        assert re.search(r"^ok +key default: seed of 160 bits, valid, not used yet$", output, re.M)
        assert not ledger(server).exists()


def test_check_says_when_keys_were_used_and_that_the_ledger_answers(prosody):
    with prosody({"localhost": pair()}) as server:
        assert log_in(server, mint("alice@localhost", KEY)) == "success"
        server.stop()
        before = contents(server)
        output = ctl(server, "check", "localhost")[1]
        today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m}"
        assert f"logins: 1, the last at {today}" in output
        assert f"ledger: sqlite:{ledger(server)} answers" in output
        assert "ok       a token minted now would be accepted\n" in output
        assert contents(server) == before


def check_after(server, *tokens):
    """Returns what `check` says of dates after these logins."""
    for token in tokens:
        assert log_in(server, token) == "success"
    server.stop()
    output = ctl(server, "check", "localhost")[1]
    (line,) = re.findall("^ok +(logins with dated tokens: .*)$", output, re.M)
    server.start()
    return line


def test_check_says_when_dates_can_be_insisted_on(prosody):
    with prosody({"localhost": pair()}) as server:
        counts, last = "logins with dated tokens: %d, with undated ones: %d", ", the last at [^ ]+Z"
        can_be_set = ': token_nonce_policy = "dated" can be set'
        assert check_after(server) == counts % (0, 0)
        assert check_after(server, fresh(), fresh()) == counts % (2, 0) + can_be_set
        line = check_after(server, fresh(nonce=new_nonce()), fresh())
        assert re.fullmatch(
            f"{counts % (3, 1)}{last}: let your web application date its nonces", line
        )
        server.stop()
        uses = server.folder / "localhost/token_key_use.dat"
        earlier = lambda found: found[1] + str(int(found[2]) - 8 * 86400)
        uses.write_text(re.sub(r'(\["last_undated"\] = )(\d+)', earlier, uses.read_text()))
        server.start()
        assert re.fullmatch(counts % (4, 1) + last + can_be_set, check_after(server, fresh()))
        server.hosts["localhost"]["token_nonce_policy"] = "dated"
        server.write_config()
        output = ctl(server, "check", "localhost")[1]
        assert "\nok       undated tokens are refused (token_nonce_policy)\n" in output


def fresh(**how):
    return mint("alice@localhost", KEY, **how)


def new_nonce():
    return f"{secrets.randbelow(10**32):032}"


def test_check_says_once_that_an_option_is_gone(prosody):
    options = {**pair(), "token_expired_limit": 10}
    with configured(prosody({"localhost": options}, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert "\nwarning  token_expired_limit of localhost no longer has an effect: " in output
        assert status == 1 and "errors: 0, warnings: 1" in output


def days(number):
    return (datetime.date.today() + datetime.timedelta(number)).isoformat()


@pytest.mark.parametrize(
    "options, settings, status, line",
    [
        (
            pair(SAMPLE),
            {},
            1,
            "warning  otp_seed of localhost is not secret, because documentation shows it",
        ),
        (
            pair(SAMPLE),
            {},
            1,
            "warning  token_secret of localhost is not secret, because documentation shows it",
        ),
        (pair(SAMPLE), {}, 1, "warning  otp_seed of localhost has only 80 bits"),
        (
            {**pair(), "token_nonce_policy": "report"},
            {},
            1,
            'warning  token_nonce_policy of localhost is "report"',
        ),
        (
            {**pair(), "token_nonce_lenght": 16},
            {},
            1,
            "warning  token_nonce_lenght is not an option of xtoken and has no effect here: did "
            "you mean token_nonce_length?",
        ),
        ({**pair(), "token_ledger": "memory"}, {}, 1, 'warning  ledger: "memory" forgets'),
        (
            {**pair(), "allow_unencrypted_plain_auth": True},
            {"c2s_require_encryption": False},
            1,
            "warning  X-TOKEN is offered on unencrypted",
        ),
        (
            {**pair(), "allow_unencrypted_plain_auth": True},
            {},
            0,
            "ok       X-TOKEN is offered on encrypted connections only, by",
        ),
        (
            {**pair(), "token_allow_plain": True},
            {},
            0,
            "ok       X-TOKEN and PLAIN are offered on encrypted connections only",
        ),
        (
            {**pair(), "token_known_users": "seen"},
            {},
            0,
            "ok       everybody with a valid token may log in, and has an account from then on",
        ),
        (
            {**pair(), "plugin_paths": ["/opt"]},
            {},
            1,
            'warning  plugin_paths below VirtualHost "localhost" is ignored',
        ),
        (
            pair(),
            {"modules_enabled": ["auth_token"]},
            1,
            'warning  "auth_token" is in modules_enabled: take it out',
        ),
        (
            pair(),
            {"modules_disabled": ["saslauth"]},
            2,
            'error    "saslauth" is in modules_disabled: take it out, nobody can log in without it',
        ),
        ({}, {}, 2, "error    nobody can log in: otp_seed is missing. Set the option otp_seed"),
        (
            {**pair(), "otp_seed": "JBSWY3DP"},
            {},
            2,
            "error    nobody can log in: otp_seed is too short",
        ),
        (
            {**pair(), "token_secret": "7 bytes"},
            {},
            2,
            "error    nobody can log in: token_secret has fewer than 8 bytes: use 16 or more",
        ),
        (
            {**pair(), "token_secret": "of 15 bytes: ok"},
            {},
            1,
            "warning  token_secret of localhost has fewer than 16 bytes",
        ),
        ({**pair(), "token_deviation": 11}, {}, 2, "Set the option token_deviation of"),
        ({**pair(), "token_known_users": "some"}, {}, 2, "Set the option token_known_users of"),
        ({**pair(), "token_ledger": 5}, {}, 2, "token_ledger must be a string in quotes"),
        ({**pair(), "token_ledger": ":memory:"}, {}, 2, 'in memory, set it to "memory"'),
        (
            {**pair(), "token_ledger": "/no/such/folder/ledger"},
            {},
            2,
            "error    ledger: nobody can log in: token_ledger names a folder that does not exist",
        ),
        (
            {**pair(), "token_ledger": "redis://xtoken:redis-password@127.0.0.1:1"},
            {},
            2,
            "because the server in token_ledger does not answer: Redis cannot be reached",
        ),
        (
            {"token_keys": [{"id": "old", "not_after": "2026-01-31", **pair()}]},
            {},
            2,
            "error    Nobody can log in to localhost since 2026-01-31",
        ),
        (
            {"token_keys": [{"id": "old", "not_after": days(3), **pair()}]},
            {},
            1,
            "when its last key expires",
        ),
        (
            {"otp_seed": KEY[0], "token_secret_file": "secret"},
            {},
            1,
            "/secret: run chown root:prosody and chmod 640 on it",
        ),
    ],
)
def test_check_finds(prosody, options, settings, status, line):
    with configured(prosody({"localhost": options}, **{**ENCRYPTED, **settings})) as server:
        (server.folder / "secret").write_text(KEY[1])
        (server.folder / "secret").chmod(0o644)
        found, output = ctl(server, "check")
        assert line in output
        assert found == status


def test_check_knows_every_option_of_the_page(prosody):
    names = option_names()
    assert "token_deviation" in names
    with configured(prosody({"localhost": {name: "x" for name in names}})) as server:
        output = ctl(server, "check")[1]
        assert "is not an option" not in output
        assert "options set: " + ", ".join(sorted(names)) in re.sub(" = x", "", output)


def test_check_looks_at_every_host(prosody):
    hosts = {
        "a.example": {},
        "b.example": pair(),
        "passwords": {"authentication": "internal_hashed"},
    }
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert (
            status == 2
            and "\na.example\n" in output
            and "\nb.example\n" in output
            and "passwords" not in output
        )
        assert ctl(server, "check", "b.example")[0] == 0
        assert ctl(server, "check", "B.Example")[0] == 0


def test_check_wants_a_host(prosody):
    with configured(prosody({"localhost": {"authentication": "internal_hashed"}})) as server:
        status, output = ctl(server, "check")
        assert (status, "no host has tokens" in output) == (2, True)


def test_check_warns_of_tokens_that_a_new_redis_refuses(prosody):
    """A Redis that was just started may have forgotten tokens that are still valid."""
    with Redis() as redis:
        with configured(
            prosody({"localhost": {**pair(), "token_ledger": redis.url()}}, **ENCRYPTED)
        ) as server:
            status, output = ctl(server, "check")
            assert (
                status,
                "warning  ledger: it cannot tell which of the last tokens were spent" in output,
            ) == (1, True)


STUBS = {
    "Jitsi's, for JSON Web Tokens": 'local token_util = module:require "token/util".new(module);',
    "the Lua implementation": "local verify_token = module:require "
    '"token_auth_utils".verify_token;',
    "which xtoken does not know": "module:provides('auth', {});",
}


@pytest.mark.parametrize("whose", STUBS)
@pytest.mark.parametrize("place", ["mod_auth_token.lua", "mod_auth_token/mod_auth_token.lua"])
def test_check_says_whose_module_is_in_the_way(prosody, tmp_path, whose, place):
    stub = tmp_path / place
    stub.parent.mkdir(exist_ok=True)
    stub.write_text(STUBS[whose])
    server = prosody({"localhost": pair()}, plugin_paths=[str(tmp_path), str(PLUGINS)], **ENCRYPTED)
    with configured(server):
        status, output = ctl(server, "check", module="mod_xtoken")
        assert status == 2
        assert (
            f"error    mod_auth_token is {stub}, {whose}: name {PLUGINS} before "
            f"that folder in plugin_paths" in output
        )
        server.settings["plugin_paths"] = [str(PLUGINS), str(tmp_path)]
        server.write_config()
        status, output = ctl(server, "check")
        assert (status, f"{stub}, {whose}, comes later" in output) == (0, True)


@pytest.mark.parametrize("place", ["mod_auth_token.lua", "share/lua/5.4/mod_auth_token.lua"])
def test_check_warns_of_a_second_copy(prosody, tmp_path, place):
    """It would be the one that an upgrade replaces, while Prosody loads the first."""
    second = tmp_path / place
    second.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PLUGINS / "mod_auth_token.lua", second)
    folders = [str(PLUGINS), str(tmp_path)]
    with configured(prosody({"localhost": pair()}, plugin_paths=folders, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert status == 1
        assert (
            f"warning  {second}, another copy of xtoken, comes later in plugin_paths and is not "
            "used: remove one of the two copies, and restart Prosody\n" in output
        )


def test_check_knows_one_copy_by_two_paths(prosody, tmp_path):
    """Who removed the second would remove the first."""
    link = tmp_path / "link"
    link.symlink_to(PLUGINS)
    folders = [str(PLUGINS), str(link), f"{PLUGINS.parent}/./{PLUGINS.name}"]
    with configured(prosody({"localhost": pair()}, plugin_paths=folders, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert (status, "comes later" in output) == (0, False)


def test_check_says_that_a_library_is_in_the_way(prosody, tmp_path):
    (tmp_path / "token_auth_utils.lib.lua").write_text("return {};")
    with configured(
        prosody({"localhost": pair()}, plugin_paths=[str(tmp_path), str(PLUGINS)])
    ) as server:
        status, output = ctl(server, "check")
        assert (status, f"error    token_auth_utils.lib.lua is {tmp_path}" in output) == (2, True)


def test_check_says_that_libraries_of_a_removed_copy_are_in_the_way(prosody, tmp_path):
    shutil.copytree(PLUGINS / "xtoken", tmp_path / "xtoken")
    folders = [str(tmp_path), str(PLUGINS)]
    with configured(prosody({"localhost": pair()}, plugin_paths=folders)) as server:
        status, output = ctl(server, "check")
        assert status == 2
        assert re.search(rf"^error +xtoken/\w+\.lib\.lua is {tmp_path}", output, re.M)
        assert "errors: 1," in output


def test_without_the_native_module_each_command_says_so(prosody, tmp_path):
    folder = tmp_path / "lua"
    shutil.copytree(PLUGINS, folder)
    (folder / "xtoken.so").unlink()
    with configured(prosody({"localhost": pair()}, plugin_paths=[str(folder)])) as server:
        alice = "alice@localhost"
        for words in (
            ["check"],
            ["explain", alice, "7"],
            ["verify", alice, "7"],
            ["mint", alice],
            ["generate-key"],
        ):
            status, output = ctl(server, *words)
            put = "Put the xtoken.so that was built for Lua 5.4 and this machine there"
            assert (status, put in output) == (2, True)


@pytest.mark.parametrize(
    "seconds, status, line",
    [(0, 0, "agree"), (20, 1, "warning  its clock is"), (80, 2, "error    its clock is")],
)
def test_check_compares_clocks(prosody, seconds, status, line):
    if not FAKETIME.exists():
        raise FileNotFoundError(f"{FAKETIME} is missing: apt-get install faketime")
    with Redis() as redis:
        redis.has_been_there()
        with configured(
            prosody({"localhost": {**pair(), "token_ledger": redis.url()}}, **ENCRYPTED)
        ) as server:
            ahead = {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME": f"+{seconds}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            found, output = ctl(server, "check", **ahead)
            assert line in output and (not seconds or "s behind this one" in output)
            assert found == status
