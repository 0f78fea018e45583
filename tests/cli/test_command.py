"""What the command prints, and with which status it exits."""

import base64
import json
import os
import pty
import re
import select
import subprocess
import tomllib

import pytest
from conftest import PATH, ROOT, XTOKEN
from mint import mint, new_key

VECTORS = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))
ALICE = "alice@example.com"
NOW = 1_700_000_010


def environment(case):
    return {"XTOKEN_OTP_SEED": case["otp_seed"], "XTOKEN_TOKEN_SECRET": case["token_secret"]}


def at(now):
    return ["--at", str(now)]


def accepted(done):
    assert done.stderr == ""
    return (done.returncode, done.stdout) == (0, "accepted: key default\n")


def refused(done, reason):
    assert done.stdout == ""
    return done.returncode == 1 and done.stderr.startswith(f"refused: {reason}: ")


def is_wrong(done, *words):
    """A mistake of whoever typed it: nothing on standard output, and what to do on standard error."""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and "panicked" not in done.stderr
    return all(word in done.stderr for word in words)


# Making and verifying


@pytest.mark.parametrize("case", VECTORS["mint"], ids=lambda case: case["name"])
def test_the_vectors_are_minted(xtoken, case):
    """All but random digits of the nonce is given: it is compared, and they are verified."""
    done = xtoken("mint", case["jid"], *at(case["now"]), env=environment(case))
    assert done.returncode == 0 and re.fullmatch(r"\d{40} [A-Za-z0-9+/]{43}=\n", done.stdout)
    assert done.stdout[:20] == f"{case['token'][:8]}{case['now']:012}"
    key = case["otp_seed"].rstrip("="), case["token_secret"]
    assert done.stdout == mint(case["jid"], key, now=case["now"], nonce=done.stdout[8:40]) + "\n"
    weak = len(base64.b32decode(case["otp_seed"].upper().rstrip("=") + "=" * (-len(case["otp_seed"].rstrip("=")) % 8))) < 16
    assert ("warning: the otp_seed of key default has only " in done.stderr) == weak
    assert ("warning: beyond ASCII the address must be as Prosody prepares it" in done.stderr) == (not case["jid"].isascii())
    assert len(done.stderr.splitlines()) == weak + (not case["jid"].isascii())


ONCE = [case for case in VECTORS["verify"] if len(case["presentations"]) == 1]


@pytest.mark.parametrize("case", ONCE, ids=lambda case: case["name"])
def test_the_vectors_are_decided(xtoken, case):
    [shown] = case["presentations"]
    token = base64.b64decode(shown["token_base64"]) if "token_base64" in shown else shown["token"].encode()
    options = at(shown["now"])
    for name in {"nonce_length", "nonce_policy"} & case.keys():
        options.append(f"--{name.replace('_', '-')}={case[name]}")
    done = xtoken("verify", shown["jid"], *options, input=token + b"\r\n", env=environment(case))
    if shown["decision"] == "accepted":
        assert accepted(done)
    else:
        assert refused(done, shown["decision"])


def test_a_token_through_a_pipe(xtoken, secrets, key):
    for line_break in ["", "\n", "\r\n"]:
        token = xtoken("mint", ALICE, env=secrets).stdout.rstrip("\n")
        assert accepted(xtoken("verify", ALICE, input=token + line_break, env=secrets))
        assert accepted(xtoken("verify", ALICE, token, env=secrets))
    for command in ["verify", "explain", "inspect"]:
        address = [ALICE] if command != "inspect" else []
        assert xtoken(command, *address, "-", input=mint(ALICE, key), env=secrets).returncode == 0
    assert refused(xtoken("verify", ALICE, input=token + "\n\n", env=secrets), "malformed")
    assert refused(xtoken("verify", ALICE, input="", env=secrets), "malformed")
    assert refused(xtoken("verify", ALICE, input=b"\xff" * 200_000, env=secrets), "malformed")
    assert refused(xtoken("verify", "bob@example.com", token, env=secrets), "bad-signature")


def test_the_time_is_that_of_the_clock_or_the_one_given(xtoken, secrets, key):
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), env=secrets))
    assert refused(xtoken("verify", ALICE, mint(ALICE, key, now=NOW), env=secrets), "expired")
    for now in [str(NOW), "2023-11-14T22:13:30Z"]:
        assert accepted(xtoken("verify", ALICE, mint(ALICE, key, now=NOW), "--at", now, env=secrets))
    for now in ["yesterday", "-1", "1.5", "2023-11-14T22:13:30", "1969-12-31T23:59:59Z", ""]:
        assert is_wrong(xtoken("verify", ALICE, "x", f"--at={now}", env=secrets), "Unix seconds")


def test_the_window_and_the_nonce_can_be_set(xtoken, secrets, key):
    late = mint(ALICE, key, now=NOW - 90)
    assert refused(xtoken("verify", ALICE, late, *at(NOW), env=secrets), "expired")
    done = xtoken("verify", ALICE, late, *at(NOW), "--deviation", "3", "--json", env=secrets)
    skew = {"step_offset": -3, "clock_skew": -90}
    assert json.loads(done.stdout) == {"accepted": True, "key": "default", **skew}
    token = xtoken("mint", ALICE, "--nonce-length", "20", env=secrets).stdout
    assert refused(xtoken("verify", ALICE, input=token, env=secrets), "malformed")
    assert accepted(xtoken("verify", ALICE, "--nonce-length", "20", input=token, env=secrets))
    assert is_wrong(xtoken("verify", ALICE, "x", "--deviation", "11", env=secrets), "0 to 10 steps")
    assert is_wrong(xtoken("mint", ALICE, "--nonce-length", "0", env=secrets), "nonce_length is out of range")
    assert is_wrong(xtoken("mint", ALICE, *at(NOW * 1000), env=secrets), "not milliseconds")


def test_which_nonces_are_accepted_can_be_set(xtoken, secrets, key):
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


def test_what_no_server_would_accept_is_not_minted(xtoken, secrets):
    for jid, advice in [("alice", "user@host"), ("Alice@example.com", "lower case"), ("a@b/phone", "resource"), (b"\xff@b", "UTF-8")]:
        assert is_wrong(xtoken("mint", jid, env=secrets), advice)
        assert is_wrong(xtoken("verify", jid, "x", env=secrets), advice)
    for forbidden in " \"&':<>":
        assert is_wrong(xtoken("mint", f"a{forbidden}b@example.com", env=secrets), "no server accepts")


# Ledgers


def test_a_ledger_remembers_and_memory_does_not(xtoken, secrets, key, tmp_path):
    token = mint(ALICE, key)
    for _ in range(2):
        assert accepted(xtoken("verify", ALICE, token, env=secrets))
    ledger = ["--ledger", f"sqlite:{tmp_path}/used"]
    assert xtoken("explain", ALICE, token, *ledger, env=secrets).returncode == 0
    assert accepted(xtoken("verify", ALICE, token, *ledger, env=secrets))
    assert refused(xtoken("verify", ALICE, token, *ledger, env=secrets), "replayed")
    assert refused(xtoken("verify", ALICE, token, env={"XTOKEN_LEDGER": f"sqlite:{tmp_path}/used", **secrets}), "replayed")
    done = xtoken("explain", ALICE, token, *ledger, env=secrets)
    assert done.returncode == 1 and "accepted before" in done.stdout


def test_a_ledger_that_cannot_answer_accepts_nothing(xtoken, secrets, key):
    done = xtoken("verify", ALICE, mint(ALICE, key), "--ledger", "sqlite:/nonexistent/used", env=secrets)
    assert refused(done, "unavailable") and "the file of the ledger: No such file" in done.stderr


def test_a_ledger_is_not_misled(xtoken, secrets, tmp_path):
    assert is_wrong(xtoken("verify", ALICE, "x", *at(NOW), "--ledger", "sqlite:used", env=secrets), "--at would mislead")
    assert is_wrong(xtoken("explain", ALICE, "x", *at(NOW), env={"XTOKEN_LEDGER": "sqlite:used", **secrets}), "--at would mislead")
    assert list(tmp_path.iterdir()) == []
    assert is_wrong(xtoken("verify", ALICE, "x", "--ledger", "postgres:", env=secrets), "no such ledger")


@pytest.mark.parametrize("url", ["redis://:hunter2@localhost", "redis://user:hunter2@localhost/1", "redis+unix:///run/redis.sock?pass=hunter2"])
def test_a_password_is_no_argument(xtoken, secrets, key, url):
    done = xtoken("verify", ALICE, mint(ALICE, key), "--ledger", url, env=secrets)
    assert is_wrong(done, "put it into XTOKEN_LEDGER") and "hunter2" not in done.stderr


# Explaining


def findings(done):
    answer = json.loads(done.stdout)
    assert answer["accepted"] == (done.returncode == 0) and done.stderr == ""
    assert all(set(finding) == {"name", "message"} for finding in answer["findings"])
    return [finding["name"] for finding in answer["findings"]]


def test_explanations(xtoken, secrets, key):
    def explain(token, *more, jid=ALICE, names):
        done = xtoken("explain", jid, token, *at(NOW), "--json", *more, env=secrets)
        assert findings(done) == names
        text = xtoken("explain", jid, token, *at(NOW), *more, env=secrets)
        assert text.stdout.splitlines() == [finding["message"] for finding in json.loads(done.stdout)["findings"]]
        assert text.returncode == done.returncode and text.stderr == ""
        return text.stdout

    good = mint(ALICE, key, now=NOW)
    assert "would be accepted, key default" in explain(good, names=["good"])
    assert "lower case" in explain(good, jid="Alice@example.com", names=["other-address"])
    elsewhere = mint("alice@old.example", key, now=NOW)
    explain(elsewhere, names=["bad-signature"])
    assert '"alice@old.example"' in explain(elsewhere, "--also", "x.example", "--also", "old.example", names=["other-address"])
    explain(mint("bob@old.example", key, now=NOW), "--also", "bob@old.example", names=["other-address"])
    old = mint(ALICE, key, now=NOW - 3605)
    assert "made 1h 5s ago by the minter's clock" in explain(old, names=["clock"])
    undated = {"now": NOW - 3600, "nonce": "7" * 32}
    assert "made about 1h ago" in explain(mint(ALICE, key, **undated), names=["clock"])
    explain(mint(ALICE, key, **undated), "--nonce-policy", "dated", names=["undated", "clock"])
    done = xtoken("explain", ALICE, mint(ALICE, (new_key()[0], key[1]), now=NOW), *at(NOW), env=secrets)
    assert done.returncode == 1 and "compare otp_seed" in done.stdout
    assert "7 digits" in explain(mint(ALICE, key, now=NOW, nonce="1234567"), names=["nonce-length"])
    explain(mint(ALICE, key, now=NOW, nonce="1234567"), "--nonce-length", "7", names=["good"])
    explain("nonsense", names=["malformed"])


def test_what_is_explained_was_not_used(xtoken, secrets, key):
    env = {"XTOKEN_LEDGER": "sqlite:used", **secrets}
    token = mint(ALICE, key)
    assert findings(xtoken("explain", ALICE, "--json", input=token, env=env)) == ["good"]
    assert accepted(xtoken("verify", ALICE, input=token, env=env))


# Inspecting


def test_the_parts_of_a_token(xtoken, key):
    token = mint(ALICE, key, nonce="7" * 31)
    done = xtoken("inspect", input=token + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(part in done.stdout.split() for part in [token[:8], token[8:39], token[40:]])
    assert "31 digits; Prosody takes 32 unless" in done.stdout
    assert "(32 digits)" in xtoken("inspect", mint(ALICE, key)).stdout
    parts = json.loads(xtoken("inspect", token, "--json").stdout)
    assert parts == {"well_formed": True, "otp": token[:8], "nonce": "7" * 31, "nonce_length": 31, "signature": token[40:]}


def test_where_it_stops_being_a_token(xtoken, key):
    damaged = mint(ALICE, key).replace(" ", "_")
    done = xtoken("inspect", damaged)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "refused: this is not a token: byte 41 should be a digit or the one space\n"
    done = xtoken("inspect", damaged, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout) == {"well_formed": False, "message": "byte 41 should be a digit or the one space"}


# JSON


def test_json_of_the_rest(xtoken, secrets, key):
    made = json.loads(xtoken("mint", ALICE, *at(NOW), "--json", env=secrets).stdout)
    token = made.pop("token")
    assert token == mint(ALICE, key, now=NOW, nonce=token[8:40])
    assert made == {"jid": ALICE, "time": NOW, "key": "default"}
    done = xtoken("--json", "verify", ALICE, token, env=secrets)
    assert (done.returncode, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert answer.pop("message") and answer == {"accepted": False, "reason": "expired"}
    assert json.loads(xtoken("vectors", "--json").stdout) == VECTORS
    assert is_wrong(xtoken("verify", "alice", token, "--json", env=secrets), "user@host")


def test_the_vectors_are_printed(xtoken):
    assert xtoken("vectors").stdout == (ROOT / "tests/vectors/conformance.json").read_text("utf-8")


# Keys


def test_a_fresh_key_is_toml_and_lua_at_once(xtoken, tmp_path):
    first, second = (xtoken("generate-key") for _ in range(2))
    assert first.returncode == 0 and first.stderr == ""
    values = tomllib.loads(first.stdout)
    assert [len(values[name]) for name in ("otp_seed", "token_secret")] == [32, 52] and len(values) == 2
    assert not set(values.values()) & set(tomllib.loads(second.stdout).values())
    lua = "dofile(arg[1]); io.write(otp_seed, ' ', token_secret)"
    (tmp_path / "key").write_text(first.stdout)
    read = subprocess.run(["lua5.4", "-", tmp_path / "key"], input=lua, stdout=subprocess.PIPE, text=True, check=True)
    assert read.stdout.split() == list(values.values())
    assert set(json.loads(xtoken("generate-key", "--json").stdout)) == {"otp_seed", "token_secret"}
    (tmp_path / "key").chmod(0o600)
    token = mint(ALICE, tuple(values.values()))
    assert accepted(xtoken("verify", ALICE, token, "--key", "key"))


def write_key(folder, key, mode=0o600, more=""):
    path = folder / "key"
    path.write_text(f'otp_seed = "{key[0]}"\ntoken_secret = "{key[1]}"\n{more}')
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o620, 0o660, 0o666, 0o601])
def test_a_key_that_others_may_read_is_refused(xtoken, key, tmp_path, mode):
    write_key(tmp_path, key, mode)
    assert is_wrong(xtoken("mint", ALICE, "--key", "key"), "key: others may read or write it: chmod 600")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o750])
def test_a_key_that_is_private_is_not(xtoken, key, tmp_path, mode):
    write_key(tmp_path, key, mode, "# a remark\n")
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), "--key", "key"))


def test_a_key_from_another_program(key):
    """Through a pipe, as a password manager's."""
    script = f"""{XTOKEN} mint {ALICE} --at {NOW} --key <(printf 'otp_seed = "%s"\\ntoken_secret = "%s"\\n' "$SEED" "$SECRET")"""
    env = {"PATH": PATH, "SEED": key[0], "SECRET": key[1]}
    done = subprocess.run(["bash", "-c", script], env=env, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == mint(ALICE, key, now=NOW, nonce=done.stdout[8:40]) + "\n"


@pytest.mark.parametrize(
    "content, advice",
    [
        ("", "it has no otp_seed: put in the two lines of xtoken generate-key"),
        ('otp_seed = "SEED"', "it has no token_secret"),
        ('otp_seed = "SEED"\ntoken_secret = "SECRET"\nnot_after = 1', 'it has more than otp_seed and token_secret'),
        ('otp_seed = "SEED"\ntoken_secret = "SECRET', "line 2 is not"),
        ('otp_seed = "SEED"\ntoken_secret = SECRET', "line 2 is not"),
        ('otp_seed = "SEED"\ntoken_secret = "\\qSECRET"', "line 2 is not"),
        ('otp_seed = "SEED"\ntoken_secret = "x"\ntoken_secret = "SECRET"', "line 3 is not"),
        ("SECRET", "line 1 is not"),
        ('otp_seed = { seed = "SEED" }\ntoken_secret = "SECRET"', "otp_seed must be text in quotes"),
        # What Lua would read otherwise.
        ('otp_seed = "SEED"\ntoken_secret = \'SEC\\ret\'', "token_secret must be in plain quotes without a backslash"),
        ('otp_seed = "SEED"\ntoken_secret = "SECRET\\\\"', "token_secret must be in plain quotes without a backslash"),
        ('otp_seed = """SEED"""\ntoken_secret = "SECRET"', "otp_seed must be in plain quotes"),
        ("otp_seed = 12345\ntoken_secret = 1", "otp_seed must be text in quotes"),
        ('otp_seed = "SEED1"\ntoken_secret = "SECRET"', "otp_seed is not base32"),
        ('otp_seed = "SEED"\ntoken_secret = ""', "token_secret is empty"),
        (b"\xff", "not UTF-8"),
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


def test_secrets_that_are_missing(xtoken, secrets, tmp_path):
    for command in ["mint", "verify", "explain"]:
        assert is_wrong(xtoken(command, ALICE), "--key", "--prosody-config", "XTOKEN_OTP_SEED")
    for name in secrets:
        assert is_wrong(xtoken("mint", ALICE, env={name: secrets[name]}), f"{name} is set, but ")
    assert is_wrong(xtoken("mint", ALICE, "--key", "nowhere", env=secrets), "--key: No such file")
    assert is_wrong(xtoken("mint", ALICE, "--key", tmp_path, env=secrets))
    assert is_wrong(xtoken("mint", ALICE, "--key", "key", "--prosody-config", "x"), "cannot be used with")


def test_any_bytes_are_a_secret(xtoken, key):
    secret = bytes(range(1, 256))
    env = {"PATH": PATH, "XTOKEN_OTP_SEED": key[0]}
    env = {os.fsencode(name): os.fsencode(value) for name, value in env.items()} | {b"XTOKEN_TOKEN_SECRET": secret}
    token = subprocess.run([XTOKEN, "mint", ALICE], env=env, stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run([XTOKEN, "verify", ALICE], input=token, env=env, stdout=subprocess.PIPE)
    assert done.stdout == b"accepted: key default\n"


# The shell's side


def test_what_is_no_command(xtoken):
    assert xtoken().returncode == 2
    assert is_wrong(xtoken("mnit", ALICE), "mint")
    assert is_wrong(xtoken(b"\xff\xfe"))
    assert is_wrong(xtoken("mint", ALICE, "--otp-seed", "x"), "unexpected argument")
    for arguments in [["--help"], ["-h"], ["--version"], ["mint", "--help"]]:
        done = xtoken(*arguments)
        assert done.returncode == 0 and "xtoken" in done.stdout and done.stderr == ""


def test_a_reader_that_goes_away(xtoken):
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
    """What a person sees, who types `keys`."""
    master, slave = pty.openpty()
    process = subprocess.Popen([XTOKEN, *arguments], stdin=slave, stdout=slave, stderr=slave, env={"PATH": PATH, "TERM": "xterm", **env})
    os.close(slave)
    os.write(master, keys)
    seen = b""
    while True:
        assert select.select([master], [], [], 20)[0], seen
        try:
            seen += os.read(master, 4096)
        except OSError:  # Nobody has the other side any more.
            break
    os.close(master)
    return process.wait(20), seen.decode()


def test_colours_on_a_terminal_only(xtoken, secrets, key):
    bold_green, bold_red = "\x1b[1m\x1b[32m", "\x1b[1m\x1b[31m"
    assert bold_green + "accepted:" in on_a_terminal("verify", ALICE, mint(ALICE, key), env=secrets)[1]
    status, seen = on_a_terminal("verify", ALICE, "x", env=secrets)
    assert status == 1 and bold_red + "refused:" in seen
    assert bold_red + "error:" in on_a_terminal("mint", "alice", env=secrets)[1]
    assert "\x1b" not in on_a_terminal("verify", ALICE, "x", env={"NO_COLOR": "1", **secrets})[1]
    for env in [{"TERM": "xterm"}, {"CLICOLOR_FORCE": "1"}]:
        for arguments in [["verify", ALICE, "x"], ["verify", ALICE, mint(ALICE, key)], ["mint", "alice"], ["--help"], ["mnit"]]:
            done = xtoken(*arguments, env={**env, **secrets})
            assert "\x1b" not in done.stdout + done.stderr, arguments


def test_a_token_typed_on_a_terminal(secrets, key):
    """Ends with the line, and not only with the end of the input."""
    status, seen = on_a_terminal("verify", ALICE, keys=mint(ALICE, key).encode() + b"\n", env={"NO_COLOR": "1", **secrets})
    assert status == 0 and "Token: " in seen and "accepted: key default" in seen


def test_nothing_needs_secrets_but_what_uses_them(xtoken):
    assert [xtoken(*a).returncode for a in (["generate-key"], ["vectors"], ["inspect", "x"])] == [0, 0, 1]

