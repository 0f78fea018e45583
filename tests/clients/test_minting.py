"""The recipes of examples/mint/: each makes the tokens of the vectors, and its own ones log in."""

import base64
import concurrent.futures
import functools
import hmac
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import time

import pytest
from client import Client
from mint import conformance, mint, new_key
from server import Prosody
from versions import VERSIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples/mint"
BUILT = ROOT / "target/clients"
VECTORS = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))["mint"]

CAPI = ROOT / "target/capi"
GCC = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT}/include"]

BUILD = {
    "Mint.java": ["javac", "-Xlint:all", "-Werror", "-d", BUILT, "Mint.java"],
    "mint.c": [*GCC, "-o", BUILT / "mint-c", "mint.c", f"-L{CAPI}", "-lxtoken", f"-Wl,-rpath,{CAPI}"],
    "mint.go": ["go", "build", "-o", BUILT / "mint-go", "mint.go"],
    "mint.rs": [ROOT / "scripts/build", "mint", BUILT / "mint-rs"]
    + ["cargo", "build", "--message-format", "json-render-diagnostics"]
    + ["--quiet", "--locked", "--example", "mint"],
}
RUN = {
    "Mint.java": ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", BUILT, "Mint"],
    "mint.c": [BUILT / "mint-c"],
    "mint.go": [BUILT / "mint-go"],
    "mint.lua": ["lua5.4", "mint.lua"],
    "mint.mjs": ["node", "mint.mjs"],
    "mint.php": ["php", "mint.php"],
    "mint.py": [sys.executable, "mint.py"],
    "mint.rb": ["ruby", "mint.rb"],
    "mint.rs": [BUILT / "mint-rs"],
    "mint.sh": ["sh", "mint.sh"],
    "mint_pyotp.py": [sys.executable, "mint_pyotp.py"],
}


def tool(name):
    found = shutil.which(name)
    assert found, f"{name} is missing (make test-clients installs it)"
    return found


def run(command, key, *arguments, **environment):
    """One call of a recipe: exit status, standard output, standard error."""
    names = ("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET")
    given = {name: value for name, value in zip(names, key) if value is not None}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [tool(command[0]), *command[1:], *map(str, arguments)],
        cwd=RECIPES,
        env=inherited | {"LC_ALL": "C.UTF-8", "LUA_CPATH": f"{ROOT}/lua/?.so"} | given | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@functools.cache
def build(name):
    BUILT.mkdir(parents=True, exist_ok=True)
    tool(BUILD[name][0])
    subprocess.run(BUILD[name], cwd=RECIPES, check=True, timeout=600)


@pytest.fixture(params=sorted(RUN))
def recipe(request):
    """The name of a recipe, which is compiled if it has to be."""
    assert (RECIPES / request.param).exists(), f"examples/mint/{request.param} is missing"
    if request.param in BUILD:
        build(request.param)
    return request.param


def test_every_recipe_is_tested():
    assert {file.name for file in RECIPES.iterdir()} == {*RUN, "README.md"}


def is_refused(recipe, otp_seed):
    seed = base64.b32decode(otp_seed + "=" * (-len(otp_seed) % 8), casefold=True)
    return recipe == "mint_pyotp.py" and len(seed) * 8 < 112


def test_the_tokens_of_the_vectors(recipe):
    def mint(case):
        return run(RUN[recipe], (case["otp_seed"], case["token_secret"]), case["jid"], case["now"], case["nonce"])

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, (status, output, errors) in zip(VECTORS, pool.map(mint, VECTORS)):
            if is_refused(recipe, case["otp_seed"]):
                assert status != 0 and output == "" and "at least 112 bits" in errors, case["name"]
            else:
                assert (status, output, errors) == (0, case["token"] + "\n", ""), case["name"]


def test_in_a_locale_without_utf_8_there_is_the_right_token_or_none(recipe):
    for case in VECTORS:
        if not (case["jid"] + case["token_secret"]).isascii():
            key = case["otp_seed"], case["token_secret"]
            status, output, errors = run(RUN[recipe], key, case["jid"], case["now"], case["nonce"], LC_ALL="C")
            assert (status, output) == (0, case["token"] + "\n") or (status != 0 and output == "" and errors), case["name"]


def test_bytes_that_are_not_utf_8_sign_nothing_else(recipe):
    """A secret may be any bytes: whoever cannot read them refuses."""
    seed, secret = new_key()
    damaged = secret + "\udcff"  # which the operating system is given as the byte 255
    digits = mint("alice@localhost", (seed, secret), now=59, nonce="1" * 32)[:40]
    signature = hmac.digest(os.fsencode(damaged), f"{digits}alice@localhost".encode(), "sha256")
    right = f"{digits} {base64.b64encode(signature).decode()}\n"
    for locale in ["C", "C.UTF-8"]:
        status, output, errors = run(RUN[recipe], (seed, damaged), "alice@localhost", 59, "1" * 32, LC_ALL=locale)
        assert (status, output) == (0, right) or ((status, output) == (2, "") and "Traceback" not in errors)
        assert secret not in errors
        status, output, errors = run(RUN[recipe], (seed + "\udcff", secret), "alice@localhost", LC_ALL=locale)
        assert status != 0 and output == "" and errors and seed not in errors and "Traceback" not in errors


def test_the_php_recipe_in_a_namespace(tmp_path):
    """Where a name without a backslash in front is one of the application's own."""
    seed, secret = new_key()
    code = (RECIPES / "mint.php").read_text().partition("if (PHP_SAPI")[0].replace("declare(strict_types=1);", "declare(strict_types=1);\n\nnamespace App;", 1)
    # What nobody catches shows the arguments of every call.
    code += f"\nini_set('zend.exception_ignore_args', '0');\nmint('alice@localhost', '1{seed[1:]}', '{secret}');\n"
    (tmp_path / "app.php").write_text(code)
    status, output, errors = run(["php"], (None, None), "-d", "display_errors=stderr", tmp_path / "app.php")
    assert status == 255 and "Uncaught InvalidArgumentException: The OTP seed is not base32." in errors
    assert "Object(SensitiveParameterValue)" in errors
    assert seed[1:15] not in errors + output and secret[:15] not in errors + output


@pytest.fixture(scope="module", params=VERSIONS)
def server(request):
    """A server for all recipes, with its key."""
    otp_seed, token_secret = new_key()
    with Prosody(request.param, {"localhost": {"otp_seed": otp_seed, "token_secret": token_secret}}) as server:
        server.key = (otp_seed, token_secret)
        yield server


def is_dated(token, key, earliest, latest):
    """Whether its nonce begins with the time of its one-time password, within these."""
    date = int(token[8:20])
    seed = conformance.decode_seed(key[0])
    return earliest <= date <= latest and token[:8] == conformance.otp_at(seed, date // 30)


def test_fresh_tokens_log_in_once(server, recipe):
    # From the source, as the table of examples/mint/README.md says.
    command = ["java", "Mint.java"] if recipe == "Mint.java" else RUN[recipe]
    start = int(time.time())
    answers = [run(command, server.key, "alice@localhost") for _ in range(2)]
    assert [status for status, _, _ in answers] == [0, 0], answers
    tokens = [output.removesuffix("\n") for _, output, _ in answers]
    nonces = {token[8:40] for token in tokens}
    assert len(nonces) == 2
    assert all(nonce.isascii() and nonce.isdigit() for nonce in nonces)
    assert len({nonce[12:] for nonce in nonces}) == 2
    assert all(is_dated(token, server.key, start, time.time()) for token in tokens)
    for token, outcome in [(tokens[0], "success"), (tokens[0], "not-authorized"), (tokens[1], "success")]:
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", token) == outcome


def test_the_date_is_the_time_that_is_given(recipe):
    key = new_key()
    for now in (0, 59, 10**12 - 1):
        status, output, errors = run(RUN[recipe], key, "alice@localhost", now)
        assert (status, errors) == (0, "")
        assert is_dated(output, key, now, now) and len(output) == 86


def test_milliseconds_are_not_taken_for_seconds(recipe):
    for now in (10**12, 1_700_000_010_000):
        status, output, errors = run(RUN[recipe], new_key(), "alice@localhost", now)
        assert (status, output) == (2, "") and "seconds" in errors


def test_wrong_use_is_answered_with_status_2(recipe):
    seed, secret = new_key()
    for key, *arguments in [
        [(seed, secret)],
        [(seed, secret), "alice@localhost", "0", "1" * 32, "more"],
        [(seed, secret), "alice@localhost", "yesterday"],
        [(seed, secret), "alice@localhost", "-x", "1" * 32],
        [(None, secret), "alice@localhost"],
        [(seed, None), "alice@localhost"],
        [("", secret), "alice@localhost"],
        [(seed, ""), "alice@localhost"],
    ]:
        status, output, errors = run(RUN[recipe], key, *arguments)
        assert (status, output) == (2, ""), (key, arguments, errors)
        assert errors.strip(), arguments


def test_a_bad_seed_makes_no_token_and_is_not_shown(recipe):
    seed, secret = new_key()
    status, output, errors = run(RUN[recipe], ("1" + seed[1:], secret), "alice@localhost")
    assert status != 0 and output == ""
    assert errors.strip()
    assert seed[1:] not in errors and secret not in errors


def test_the_shell_recipe_puts_no_secret_on_a_command_line(tmp_path):
    """Every command that it can find writes down what it was called with."""
    commands = ["cat", "cut", "date", "head", "oathtool", "od", "openssl", "tr"]
    for command in commands:
        script = tmp_path / command
        script.write_text(f'#!/bin/sh\necho "{command} $*" >>"{tmp_path}/calls"\nexec {tool(command)} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    seed, secret = new_key()
    secret = secret * 3  # longer than a block of SHA-256, which takes another way
    status, output, errors = run([tool("sh"), "mint.sh"], (seed, secret), "alice@localhost", PATH=str(tmp_path))
    assert (status, len(output), errors) == (0, 86, "")
    calls = (tmp_path / "calls").read_text()
    assert all(f"{command} " in calls for command in commands)
    for shown in (seed, secret, secret.encode().hex(), output[41:85]):
        assert shown not in calls
