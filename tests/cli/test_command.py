"""What the command prints, and with which status it exits."""

import base64
import json
import os
import pty
import re
import select
import subprocess

import pytest
from conftest import ALICE, NOW, PATH, ROOT, XTOKEN, accepted, at, is_wrong, refused
from mint import mint

VECTORS = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))


def environment(case):
    return {"XTOKEN_OTP_SEED": case["otp_seed"], "XTOKEN_TOKEN_SECRET": case["token_secret"]}


# Minting and verifying


@pytest.mark.parametrize("case", VECTORS["mint"], ids=lambda case: case["name"])
def test_the_vectors_are_minted(xtoken, case):
    """All but the random digits of the nonce is compared with the minter of the tests."""
    done = xtoken("mint", case["jid"], *at(case["now"]), env=environment(case))
    assert done.returncode == 0 and re.fullmatch(r"\d{40} [A-Za-z0-9+/]{43}=\n", done.stdout)
    assert done.stdout[:20] == f"{case['token'][:8]}{case['now']:012}"
    key = case["otp_seed"].rstrip("="), case["token_secret"]
    assert done.stdout == mint(case["jid"], key, now=case["now"], nonce=done.stdout[8:40]) + "\n"
    weak = (
        len(
            base64.b32decode(
                case["otp_seed"].upper().rstrip("=")
                + "=" * (-len(case["otp_seed"].rstrip("=")) % 8)
            )
        )
        < 16
    )
    assert ("warning: the otp_seed has only " in done.stderr) == weak
    warning = (
        "warning: a JID beyond ASCII must be prepared as the server does: see docs/user-names.md"
    )
    assert (warning in done.stderr) == (not case["jid"].isascii())
    assert len(done.stderr.splitlines()) == weak + (not case["jid"].isascii())


@pytest.mark.parametrize("case", VECTORS["refused_jids"], ids=lambda case: case["name"])
def test_no_token_for_what_is_no_prepared_jid(xtoken, secrets, case):
    jid = base64.b64decode(case["jid_base64"]) if "jid_base64" in case else case["jid"]
    assert is_wrong(xtoken("mint", jid, env=secrets), "JID")


ONCE = [case for case in VECTORS["verify"] if len(case["presentations"]) == 1]


@pytest.mark.parametrize("case", ONCE, ids=lambda case: case["name"])
def test_the_vectors_are_decided(xtoken, case):
    [shown] = case["presentations"]
    token = (
        base64.b64decode(shown["token_base64"])
        if "token_base64" in shown
        else shown["token"].encode()
    )
    options = at(shown["now"])
    for name in {"nonce_length", "nonce_policy"} & case.keys():
        options.append(f"--{name.replace('_', '-')}={case[name]}")
    done = xtoken("verify", shown["jid"], *options, input=token + b"\n", env=environment(case))
    if shown["decision"] == "accepted":
        assert accepted(done)
    else:
        assert refused(done, shown["decision"])


def test_a_token_through_a_pipe(xtoken, secrets, key):
    for line_break in ["", "\n"]:
        token = xtoken("mint", ALICE, env=secrets).stdout.rstrip("\n")
        assert accepted(xtoken("verify", ALICE, input=token + line_break, env=secrets))
        assert accepted(xtoken("verify", ALICE, token, env=secrets))
    for command in ["verify", "explain", "inspect"]:
        jid = [ALICE] if command != "inspect" else []
        assert xtoken(command, *jid, "-", input=mint(ALICE, key), env=secrets).returncode == 0
    # A server strips nothing, so only the line feed that ends the input is removed.
    for end in ["\n\n", "\r\n", "\r", " \n", "\t"]:
        assert refused(xtoken("verify", ALICE, input=token + end, env=secrets), "malformed")
        explained = xtoken("explain", ALICE, input=token + end, env=secrets)
        assert explained.returncode == 1 and "which the server does not strip" in explained.stdout
    assert refused(xtoken("verify", ALICE, input="", env=secrets), "malformed")
    assert refused(xtoken("verify", ALICE, input=b"\xff" * 200_000, env=secrets), "malformed")


def test_the_time_is_that_of_the_clock_or_of_the_option(xtoken, secrets, key):
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), env=secrets))
    assert refused(xtoken("verify", ALICE, mint(ALICE, key, now=NOW), env=secrets), "expired")
    for now in [str(NOW), "2023-11-14T22:13:30Z"]:
        assert accepted(
            xtoken("verify", ALICE, mint(ALICE, key, now=NOW), "--at", now, env=secrets)
        )
    for now in ["yesterday", "-1", "1.5", "2023-11-14T22:13:30", "1969-12-31T23:59:59Z", ""]:
        assert is_wrong(xtoken("verify", ALICE, "x", f"--at={now}", env=secrets), "Unix seconds")


def test_deviation_and_nonce_length_are_options(xtoken, secrets, key):
    late = mint(ALICE, key, now=NOW - 90)
    assert refused(xtoken("verify", ALICE, late, *at(NOW), env=secrets), "expired")
    done = xtoken("verify", ALICE, late, *at(NOW), "--deviation", "3", "--json", env=secrets)
    skew = {"step_offset": -3, "clock_skew": -90}
    assert json.loads(done.stdout) == {"accepted": True, "key": "default", **skew}
    token = xtoken("mint", ALICE, "--nonce-length", "20", env=secrets).stdout
    assert refused(xtoken("verify", ALICE, input=token, env=secrets), "malformed")
    assert accepted(xtoken("verify", ALICE, "--nonce-length", "20", input=token, env=secrets))
    assert is_wrong(xtoken("verify", ALICE, "x", "--deviation", "11", env=secrets), "0 to 10 steps")
    assert is_wrong(
        xtoken("mint", ALICE, "--nonce-length", "0", env=secrets), "nonce_length is out of range"
    )
    assert is_wrong(xtoken("mint", ALICE, *at(NOW * 1000), env=secrets), "not milliseconds")


def test_the_nonce_policy_is_an_option(xtoken, secrets, key):
    undated, short = (mint(ALICE, key, now=NOW, nonce="7" * digits) for digits in (32, 16))

    def verify(token, *options):
        return xtoken("verify", ALICE, token, *at(NOW), *options, env=secrets)

    assert json.loads(verify(undated, "--json").stdout)["clock_skew"] is None
    assert refused(verify(undated, "--nonce-policy", "dated"), "undated")
    assert refused(verify(short, "--nonce-policy", "exact"), "malformed")
    assert accepted(verify(short, "--nonce-policy", "report"))
    done = verify(short, "--nonce-policy", "dated", "--nonce-length", "23")
    assert is_wrong(done, "24 digits or more")
    assert is_wrong(verify(short, "--nonce-policy", "lax"), "exact, dated, report")


# Ledgers


def test_a_file_remembers_spent_tokens_and_memory_does_not(xtoken, secrets, key, tmp_path):
    token = mint(ALICE, key)
    for _ in range(2):
        assert accepted(xtoken("verify", ALICE, token, env=secrets))
    ledger = ["--ledger", f"sqlite:{tmp_path}/ledger"]
    assert xtoken("explain", ALICE, token, *ledger, env=secrets).returncode == 0
    assert accepted(xtoken("verify", ALICE, token, *ledger, env=secrets))
    assert refused(xtoken("verify", ALICE, token, *ledger, env=secrets), "replayed")
    assert refused(
        xtoken(
            "verify", ALICE, token, env={"XTOKEN_LEDGER": f"sqlite:{tmp_path}/ledger", **secrets}
        ),
        "replayed",
    )
    done = xtoken("explain", ALICE, token, *ledger, env=secrets)
    assert done.returncode == 1 and "accepted before" in done.stdout


def test_a_ledger_that_cannot_answer_accepts_nothing(xtoken, secrets, key):
    done = xtoken(
        "verify", ALICE, mint(ALICE, key), "--ledger", "sqlite:/nonexistent/ledger", env=secrets
    )
    assert refused(done, "unavailable") and "the file of the ledger: No such file" in done.stderr


def test_another_time_needs_a_ledger_of_its_own(xtoken, secrets, tmp_path):
    assert is_wrong(
        xtoken("verify", ALICE, "x", *at(NOW), "--ledger", "sqlite:ledger", env=secrets),
        "--at would mislead",
    )
    assert is_wrong(
        xtoken("explain", ALICE, "x", *at(NOW), env={"XTOKEN_LEDGER": "sqlite:ledger", **secrets}),
        "--at would mislead",
    )
    assert list(tmp_path.iterdir()) == []
    assert is_wrong(
        xtoken("verify", ALICE, "x", "--ledger", "postgres:", env=secrets), "no such ledger"
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@localhost",
        "redis://user:hunter2@localhost/1",
        "redis+unix:///run/redis.sock?pass=hunter2",
    ],
)
def test_a_url_with_a_password_cannot_be_an_argument(xtoken, secrets, key, url):
    done = xtoken("verify", ALICE, mint(ALICE, key), "--ledger", url, env=secrets)
    assert is_wrong(done, "set XTOKEN_LEDGER instead") and "hunter2" not in done.stderr


def test_a_url_may_name_the_file_of_a_password(xtoken, secrets, key, tmp_path):
    def verify(url):
        return xtoken("verify", ALICE, mint(ALICE, key), "--ledger", url, env=secrets)

    # Nobody listens on port 1.
    nowhere = f"redis://user@127.0.0.1:1?timeout=100&password_file={tmp_path}/password"
    assert refused(verify(nowhere), "unavailable")
    for url in (nowhere.replace("user@", "user:hunter2@"), nowhere + "&pass=hunter2"):
        assert is_wrong(verify(url), "name its file with password_file=")
    assert is_wrong(verify("redis://localhost?password_file=password"), "absolute paths")
    assert is_wrong(verify("redis://localhost?timeout=9"), "10 to 60000 milliseconds")
    url = "redis://:hunter/2@localhost"
    done = xtoken("verify", ALICE, mint(ALICE, key), env={"XTOKEN_LEDGER": url, **secrets})
    assert is_wrong(done, "percent-encode the password") and "hunter" not in done.stderr


# Explaining


def findings(done):
    answer = json.loads(done.stdout)
    assert answer["accepted"] == (done.returncode == 0) and done.stderr == ""
    assert all(set(finding) == {"name", "message"} for finding in answer["findings"])
    return [finding["name"] for finding in answer["findings"]]


def test_explanations(xtoken, secrets, key):
    def explain(token, *more, names):
        done = xtoken("explain", ALICE, token, *at(NOW), "--json", *more, env=secrets)
        assert findings(done) == names
        text = xtoken("explain", ALICE, token, *at(NOW), *more, env=secrets)
        assert text.stdout.splitlines() == [
            finding["message"] for finding in json.loads(done.stdout)["findings"]
        ]
        assert text.returncode == done.returncode and text.stderr == ""
        return text.stdout

    good = mint(ALICE, key, now=NOW)
    assert "would be accepted: key default" in explain(good, names=["accepted"])
    explain("nonsense", names=["malformed"])
    elsewhere = mint("alice@old.example", key, now=NOW)
    explain(elsewhere, names=["bad-signature"])
    also = ["--also", "x.example", "--also", "old.example"]
    assert '"alice@old.example"' in explain(elsewhere, *also, names=["other-jid"])
    other = mint("bob@old.example", key, now=NOW)
    explain(other, "--also", "bob@old.example", names=["other-jid"])
    old = mint(ALICE, key, now=NOW - 3600, nonce="7" * 32)
    explain(old, "--nonce-policy", "dated", names=["undated", "clock"])
    short = mint(ALICE, key, now=NOW, nonce="1234567")
    explain(short, names=["nonce-length"])
    explain(short, "--nonce-length", "7", names=["accepted"])


def test_explain_names_the_mistakes_of_a_minter(xtoken, secrets, key):
    def names(token, jid=ALICE):
        return findings(xtoken("explain", jid, token, *at(NOW), "--json", env=secrets))

    good = mint(ALICE, key, now=NOW)
    digits, signature = good.split(" ")
    assert names(good.replace("=", "")) == ["malformed"]
    assert names(f"{digits} {base64.b64decode(signature).hex()}") == ["malformed"]
    assert names(f'"{good}"') == names(f"Bearer {good}") == ["malformed"]
    seed, secret = key
    text_as_seed = base64.b32encode(seed.encode()).decode()
    assert names(mint(ALICE, (text_as_seed, secret), now=NOW)) == ["otp-seed"]
    secret_as_seed = base64.b32encode(secret.encode()).decode()
    assert names(mint(ALICE, (secret_as_seed, seed), now=NOW)) == ["signature-secret", "otp-seed"]
    assert names(mint("Alice@example.com", key, now=NOW), "Alice@example.com") == [
        "invalid-jid",
        "other-jid",
    ]


def test_a_replaced_ledger_says_when_it_accepts_tokens(xtoken, secrets, key, tmp_path):
    ledger = ["--ledger", f"sqlite:{tmp_path}/ledger"]
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), *ledger, env=secrets))
    for path in tmp_path.glob("ledger*"):
        if path.name != "ledger.lock":
            path.unlink()
    token = mint(ALICE, key)
    date = r"minted from 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ on"
    first = xtoken("explain", ALICE, token, *ledger, env=secrets).stdout
    assert "mint a fresh token" in first and re.search(date, first)
    # The first login finds out. From then on, the time is exact.
    assert refused(xtoken("verify", ALICE, token, *ledger, env=secrets), "unavailable")
    later = xtoken("explain", ALICE, token, *ledger, env=secrets).stdout
    assert re.search(date + "; mint one then", later)


def test_explain_does_not_spend_the_token(xtoken, secrets, key):
    env = {"XTOKEN_LEDGER": "sqlite:ledger", **secrets}
    token = mint(ALICE, key)
    assert findings(xtoken("explain", ALICE, "--json", input=token, env=env)) == ["accepted"]
    assert accepted(xtoken("verify", ALICE, input=token, env=env))


# Inspecting


def test_the_parts_of_a_token(xtoken, key):
    token = mint(ALICE, key, nonce="7" * 31)
    done = xtoken("inspect", input=token + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(part in done.stdout.split() for part in [token[:8], token[8:39], token[40:]])
    assert "31 digits; a server accepts 32 unless" in done.stdout
    assert "(32 digits)" in xtoken("inspect", mint(ALICE, key)).stdout
    parts = json.loads(xtoken("inspect", token, "--json").stdout)
    assert parts == {
        "well_formed": True,
        "otp": token[:8],
        "nonce": "7" * 31,
        "nonce_length": 31,
        "signature": token[40:],
    }


def test_where_a_token_is_malformed(xtoken, key):
    damaged = mint(ALICE, key).replace(" ", "_")
    done = xtoken("inspect", damaged)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "refused: this is not a token: byte 41 separates the digits from the "
        "signature: use one space\n"
    )
    done = xtoken("inspect", damaged, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout) == {
        "well_formed": False,
        "message": "byte 41 separates the digits from the signature: use one space",
    }


# JSON


def test_json_of_the_other_commands(xtoken, secrets, key):
    made = json.loads(xtoken("mint", ALICE, *at(NOW), "--json", env=secrets).stdout)
    token = made.pop("token")
    assert token == mint(ALICE, key, now=NOW, nonce=token[8:40])
    assert made == {"jid": ALICE, "time": NOW, "key": "default"}
    done = xtoken("verify", ALICE, token, "--json", env=secrets)
    assert (done.returncode, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert answer.pop("message") and answer == {"accepted": False, "reason": "expired"}
    assert is_wrong(xtoken("verify", "alice", token, "--json", env=secrets), "user@host")


def test_json_before_the_command(xtoken, secrets, key, tmp_path):
    """Scripts for version 0.2 may have it there."""
    done = xtoken("--json", "verify", ALICE, mint(ALICE, key), env=secrets)
    assert done.returncode == 0 and json.loads(done.stdout)["accepted"]
    assert "otp_seed" in json.loads(xtoken("--json", "generate-key").stdout)
    for command in (["vectors"], ["generate-key", "-o", "key"], ["--json", "mint", ALICE], []):
        assert is_wrong(xtoken("--json", *command, env=secrets), "argument")
    assert list(tmp_path.iterdir()) == []


def test_the_vectors_are_printed(xtoken):
    assert xtoken("vectors").stdout == (ROOT / "tests/vectors/conformance.json").read_text("utf-8")


# Keys


def write_key(folder, key, mode=0o600, more=""):
    path = folder / "key"
    path.write_text(f'otp_seed = "{key[0]}"\ntoken_secret = "{key[1]}"\n{more}')
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o660, 0o666])
def test_a_key_that_others_can_write_is_refused(xtoken, key, tmp_path, mode):
    write_key(tmp_path, key, mode)
    done = xtoken("mint", ALICE, "--key", "key")
    assert is_wrong(done, "key: others can write it: run chmod 600")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o444])
def test_a_key_that_others_can_read_is_used_with_a_warning(xtoken, key, tmp_path, mode):
    """As it is in a container, where the mode cannot be changed."""
    write_key(tmp_path, key, mode)
    done = xtoken("verify", ALICE, mint(ALICE, key), "--key", "key")
    assert (done.returncode, done.stdout) == (0, "accepted: key default\n")
    assert done.stderr.startswith("warning: key: others can read it: run chmod 600")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o750])
def test_a_private_key_is_read(xtoken, key, tmp_path, mode):
    write_key(tmp_path, key, mode, "# a remark\n")
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), "--key", "key"))


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_key_from_an_editor_of_windows(xtoken, key, tmp_path, begin, end):
    """TOML and Lua read it alike. A carriage return is no part of a value."""
    path = write_key(tmp_path, key)
    path.write_bytes(begin + path.read_bytes().replace(b"\n", end))
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), "--key", "key"))


def test_a_key_that_cannot_be_read(key, tmp_path):
    path = write_key(tmp_path, key, mode=0o000)
    # Without its capabilities, root cannot read it either.
    as_others = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if not os.geteuid() else []
    command = [*as_others, XTOKEN, "mint", ALICE, "--key", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert is_wrong(done, f"{path}: Permission denied")


def test_a_key_from_another_program(key):
    """Through a pipe, as from a password manager."""
    printed = """printf 'otp_seed = "%s"\\ntoken_secret = "%s"\\n' "$SEED" "$SECRET\""""
    script = f"{XTOKEN} mint {ALICE} --at {NOW} --key <({printed})"
    env = {"PATH": PATH, "SEED": key[0], "SECRET": key[1]}
    done = subprocess.run(
        ["bash", "-c", script], env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == mint(ALICE, key, now=NOW, nonce=done.stdout[8:40]) + "\n"


@pytest.mark.parametrize(
    "content, advice",
    [
        ("", "it has no otp_seed: it needs the two lines that xtoken generate-key prints"),
        ('otp_seed = "SEED"', "it has no token_secret"),
        (
            'otp_seed = "SEED"\ntoken_secret = "SECRET"\nnot_after = 1',
            "it must hold only otp_seed and token_secret: remove the rest",
        ),
        ('otp_seed = "SEED"\ntoken_secret = "SECRET', "line 2 must be NAME"),
        ('otp_seed = "SEED"\ntoken_secret = SECRET', "line 2 must be NAME"),
        ('otp_seed = "SEED"\ntoken_secret = "\\qSECRET"', "line 2 must be NAME"),
        ('otp_seed = "SEED"\ntoken_secret = "x"\ntoken_secret = "SECRET"', "line 3 must be NAME"),
        ("SECRET", "line 1 must be NAME"),
        (
            'otp_seed = { seed = "SEED" }\ntoken_secret = "SECRET"',
            "otp_seed must be a string in quotes",
        ),
        # Lua and TOML read these differently.
        (
            "otp_seed = \"SEED\"\ntoken_secret = 'SEC\\ret'",
            "token_secret must be in plain quotes without a backslash",
        ),
        (
            'otp_seed = "SEED"\ntoken_secret = "SECRET\\\\"',
            "token_secret must be in plain quotes without a backslash",
        ),
        ('otp_seed = """SEED"""\ntoken_secret = "SECRET"', "otp_seed must be in plain quotes"),
        ("otp_seed = 12345\ntoken_secret = 1", "otp_seed must be a string in quotes"),
        ('otp_seed = "SEED1"\ntoken_secret = "SECRET"', "otp_seed is not base32"),
        ('otp_seed = "SEED"\ntoken_secret = ""', "token_secret is empty"),
        (b"\xff", "not UTF-8"),
        ('otp_seed = "SEED"\ntoken_secret = "SECRET"\n\0', "line 3 must be NAME"),
        ('otp_seed = "SEED"\rtoken_secret = "SECRET"\r', "line 1 must be NAME"),
    ],
)
def test_a_key_with_a_mistake(xtoken, key, tmp_path, content, advice):
    if isinstance(content, str):
        content = content.replace("SEED", key[0]).replace("SECRET", key[1]).encode()
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    done = xtoken("mint", ALICE, "--key", "key")
    assert is_wrong(done, "key: ", advice)
    assert key[0] not in done.stderr and key[1] not in done.stderr


def test_a_missing_key(xtoken, secrets, tmp_path):
    for command in ["mint", "verify", "explain"]:
        assert is_wrong(xtoken(command, ALICE), "no key: use --key FILE", "XTOKEN_OTP_SEED")
    for name in secrets:
        assert is_wrong(xtoken("mint", ALICE, env={name: secrets[name]}), f"{name} is set, but ")
    assert is_wrong(xtoken("mint", ALICE, "--key", "nowhere", env=secrets), "--key: No such file")
    assert is_wrong(xtoken("mint", ALICE, "--key", tmp_path, env=secrets))


def test_any_bytes_are_a_secret(xtoken, key):
    secret = bytes(range(1, 256))
    env = {"PATH": PATH, "XTOKEN_OTP_SEED": key[0]}
    env = {os.fsencode(name): os.fsencode(value) for name, value in env.items()} | {
        b"XTOKEN_TOKEN_SECRET": secret
    }
    token = subprocess.run(
        [XTOKEN, "mint", ALICE], env=env, stdout=subprocess.PIPE, check=True
    ).stdout
    done = subprocess.run([XTOKEN, "verify", ALICE], input=token, env=env, stdout=subprocess.PIPE)
    assert done.stdout == b"accepted: key default\n"


# Arguments, pipes and terminals


def test_wrong_arguments(xtoken):
    assert xtoken().returncode == 2
    assert is_wrong(xtoken("mnit", ALICE), "mint")
    assert is_wrong(xtoken(b"\xff\xfe"))
    assert is_wrong(xtoken("mint", ALICE, "--otp-seed", "x"), "unexpected argument")
    for arguments in [["--help"], ["-h"], ["--version"], ["mint", "--help"]]:
        done = xtoken(*arguments)
        assert done.returncode == 0 and "xtoken" in done.stdout and done.stderr == ""


def test_a_closed_pipe_is_not_an_error(xtoken):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        for arguments in [["vectors"], ["generate-key"], ["--help"], ["inspect", "x", "--json"]]:
            done = xtoken(*arguments, stdout=writer)
            assert done.returncode in (0, 1) and done.stderr == ""
    finally:
        os.close(writer)


def test_output_that_cannot_be_written(xtoken):
    with open("/dev/full", "wb") as full:
        done = xtoken("generate-key", stdout=full)
    assert done.returncode == 2 and done.stderr.startswith("error: standard output: ")


def on_a_terminal(*arguments, keys=b"", env={}):
    """The exit status, and what a person sees who types `keys`."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [XTOKEN, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={"PATH": PATH, "TERM": "xterm", **env},
    )
    os.close(slave)
    os.write(master, keys)
    seen = b""
    while True:
        assert select.select([master], [], [], 20)[0], seen
        try:
            seen += os.read(master, 4096)
        except OSError:  # The other side is closed.
            break
    os.close(master)
    return process.wait(20), seen.decode()


def test_colours_on_a_terminal_only(xtoken, secrets, key):
    bold_green, bold_red = "\x1b[1m\x1b[32m", "\x1b[1m\x1b[31m"
    assert (
        bold_green + "accepted:" in on_a_terminal("verify", ALICE, mint(ALICE, key), env=secrets)[1]
    )
    status, seen = on_a_terminal("verify", ALICE, "x", env=secrets)
    assert status == 1 and bold_red + "refused:" in seen
    assert bold_red + "error:" in on_a_terminal("mint", "alice", env=secrets)[1]
    assert "\x1b" not in on_a_terminal("verify", ALICE, "x", env={"NO_COLOR": "1", **secrets})[1]
    for env in [{"TERM": "xterm"}, {"CLICOLOR_FORCE": "1"}]:
        for arguments in [
            ["verify", ALICE, "x"],
            ["verify", ALICE, mint(ALICE, key)],
            ["mint", "alice"],
            ["--help"],
            ["mnit"],
        ]:
            done = xtoken(*arguments, env={**env, **secrets})
            assert "\x1b" not in done.stdout + done.stderr, arguments


def test_a_token_typed_on_a_terminal(secrets, key):
    """It ends with the line. The input needs no end."""
    status, seen = on_a_terminal(
        "verify", ALICE, keys=mint(ALICE, key).encode() + b"\n", env={"NO_COLOR": "1", **secrets}
    )
    assert status == 0 and "Token: " in seen and "accepted: key default" in seen


def test_some_commands_need_no_key(xtoken):
    assert [xtoken(*a).returncode for a in (["generate-key"], ["vectors"], ["inspect", "x"])] == [
        0,
        0,
        1,
    ]
