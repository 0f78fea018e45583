"""Each recipe of examples/mint/ mints the tokens of the vectors, and fresh tokens that log in."""

import base64
import concurrent.futures
import functools
import hmac
import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
import unicodedata

import pytest
from client import Client
from mint import conformance, mint, new_key
from server import Prosody
from versions import VERSIONS, launcher

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples/mint"
BUILT = ROOT / "target/clients"
MANY = ROOT / "tests/clients/many"
CONFORMANCE = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))
VECTORS = CONFORMANCE["mint"]

CAPI = ROOT / "target/capi"
GCC = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT}/include"]

MODULES = ROOT / "tests/clients/node_modules"
SHOWN = re.search(r"^npx (tsc (?:.*\\\n)*.*)", (RECIPES / "README.md").read_text("utf-8"), re.M)[1]
COMPILE = shlex.split(SHOWN.replace("\\\n", ""))
assert (COMPILE[0], COMPILE[-1]) == ("tsc", "mint.ts")
TSC = [MODULES / ".bin/tsc", *COMPILE[1:-1], "--outDir", BUILT / "ts"]
TSC += ["--typeRoots", MODULES / "@types", "--removeComments"]

BUILD = {
    "Mint.java": ["javac", "-Xlint:all", "-Werror", "-d", BUILT, "Mint.java", MANY / "Many.java"],
    "mint.c": [
        *GCC,
        "-o",
        BUILT / "mint-c",
        "mint.c",
        f"-L{CAPI}",
        "-lxtoken",
        f"-Wl,-rpath,{CAPI}",
    ],
    "mint.go": ["go", "build", "-o", BUILT / "mint-go", "mint.go"],
    # JavaScript is not checked. It is written beside the other, to compare both.
    "mint.ts": [*TSC, "--allowJs", "mint.ts", "mint.mjs"],
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
    "mint.ts": ["node", BUILT / "ts/mint.js"],
    "mint_pyotp.py": [sys.executable, "mint_pyotp.py"],
}
# These take longest to start. So most tokens come from one process for all of them.
RUN_MANY = {
    "Mint.java": [*RUN["Mint.java"][:-1], "Many"],
    "mint.mjs": ["node", MANY / "many.mjs", "mint.mjs"],
    "mint.php": ["php", MANY / "many.php", RECIPES / "mint.php"],
    "mint.py": [sys.executable, MANY / "many.py", "mint.py"],
    "mint.rb": ["ruby", MANY / "many.rb", "mint.rb"],
    "mint.ts": ["node", MANY / "many.mjs", BUILT / "ts/mint.js"],
    "mint_pyotp.py": [sys.executable, MANY / "many.py", "mint_pyotp.py"],
}


def tool(name):
    found = shutil.which(name)
    assert found, f"{name} is missing (make test-clients installs it)"
    return found


def run(command, key, *arguments, **environment):
    """Calls a recipe. Returns exit status, standard output and standard error."""
    names = ("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET")
    given = {name: value for name, value in zip(names, key) if value is not None}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [tool(command[0]), *command[1:], *map(str, arguments)],
        cwd=RECIPES,
        env=inherited
        | {"LC_ALL": "C.UTF-8", "LUA_CPATH": f"{ROOT}/lua/?.so"}
        | given
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def run_many(recipe, calls):
    """Returns for each call of mint() what `run` returns."""
    if recipe not in RUN_MANY:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            made = [
                pool.submit(run, RUN[recipe], (seed, secret), jid, now, nonce)
                for jid, seed, secret, now, nonce in calls
            ]
            return [answer.result() for answer in made]
    lines = [
        " ".join(base64.b64encode(os.fsencode(str(value))).decode() for value in call)
        for call in calls
    ]
    done = subprocess.run(
        [tool(RUN_MANY[recipe][0]), *RUN_MANY[recipe][1:]],
        cwd=RECIPES,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        input="\n".join(lines) + "\n",
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=60,
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(calls)
    return [
        (2, "", answer) if answer.startswith("!") else (0, f"{answer}\n", "") for answer in answers
    ]


@functools.cache
def build(name):
    BUILT.mkdir(parents=True, exist_ok=True)
    tool(BUILD[name][0])
    subprocess.run(BUILD[name], cwd=RECIPES, check=True, timeout=600)
    if name == "mint.ts":
        (BUILT / "ts/package.json").write_text('{"type": "module"}')


@pytest.fixture(params=sorted(RUN))
def recipe(request):
    """Returns the name of a recipe, after compiling it if necessary."""
    assert (RECIPES / request.param).exists(), f"examples/mint/{request.param} is missing"
    if request.param in BUILD:
        build(request.param)
    return request.param


def test_every_recipe_is_tested():
    assert {file.name for file in RECIPES.iterdir()} == {*RUN, "README.md"}


def test_typescript_and_javascript_are_the_same_code():
    build("mint.ts")
    typescript, javascript = BUILT / "ts/mint.js", BUILT / "ts/mint.mjs"
    assert typescript.read_text("utf-8") == javascript.read_text("utf-8")


def test_the_compiler_is_strict(tmp_path):
    """Each option finds a mistake that the others do not."""
    code = (RECIPES / "mint.ts").read_text("utf-8")
    mistakes = [
        ("tokenSecret: string,", "tokenSecret,", "implicitly has an 'any' type"),
        ("readUInt8(19)", "at(-1)", "possibly 'undefined'"),
        ("now?: number | undefined", "now?: number", "exactOptionalPropertyTypes"),
    ]
    for right, wrong, _ in mistakes:
        assert right in code
        code = code.replace(right, wrong, 1)
    (tmp_path / "mint.ts").write_text(code)
    done = subprocess.run(
        [*TSC, "--noEmit", tmp_path / "mint.ts"], stdout=subprocess.PIPE, text=True, timeout=120
    )
    for _, _, message in mistakes:
        assert message in done.stdout, done.stdout


def is_refused(recipe, otp_seed):
    seed = base64.b32decode(otp_seed + "=" * (-len(otp_seed) % 8), casefold=True)
    return recipe == "mint_pyotp.py" and len(seed) * 8 < 112


def test_the_tokens_of_the_vectors(recipe):
    fields = ("jid", "otp_seed", "token_secret", "now", "nonce")
    calls = [[case[field] for field in fields] for case in VECTORS]
    for case, (status, output, errors) in zip(VECTORS, run_many(recipe, calls)):
        if is_refused(recipe, case["otp_seed"]):
            assert status != 0 and output == "" and "at least 112 bits" in errors, case["name"]
        else:
            assert (status, output, errors) == (0, case["token"] + "\n", ""), case["name"]


IS_OURS = {"mint.c", "mint.lua", "mint.rs"}


def test_no_token_for_what_is_no_prepared_jid(recipe):
    """A shell cannot tell the kinds of characters beyond ASCII."""
    cases, as_arguments = [], []
    for case in CONFORMANCE["refused_jids"]:
        jid = os.fsdecode(base64.b64decode(case.get("jid_base64", ""))) or case["jid"]
        if recipe != "mint.sh" or jid.isascii() or "jid_base64" in case:
            # Each program has its own way to decode an argument.
            is_argument = "jid_base64" in case or jid in ("", "Alice@localhost")
            (as_arguments if is_argument else cases).append((case["name"], jid))
    key = new_key()
    answers = run_many(recipe, [(jid, *key, 59, "1" * 32) for _, jid in cases])
    answers += [run(RUN[recipe], key, jid) for _, jid in as_arguments]
    for (name, _), (status, output, errors) in zip(cases + as_arguments, answers, strict=True):
        assert (status, output) == (2, ""), (name, errors)
        sentence = errors.splitlines()[-1]  # argparse has shown the usage before it
        assert "JID" in sentence and len(errors.splitlines()) <= 2, (name, errors)
        assert recipe in IS_OURS or "write it in lower case" in sentence, (name, errors)


def is_refused_in_user(character):
    """Returns whether a minter refuses a user with this character: the rule of README.md."""
    kind, code = unicodedata.category(character), ord(character)
    capitals = [(0x41, 0x233), (0x386, 0x3AB), (0x400, 0x42F), (0x531, 0x556)]
    is_upper = kind == "Lu" and any(first <= code <= last for first, last in capitals)
    is_blank = kind == "Cc" or kind[0] == "Z" or character.isspace()
    return is_upper or is_blank or character in "\"&'/:<>@"


@pytest.mark.parametrize("recipe", sorted(RUN_MANY), indirect=True)
def test_the_guard_follows_the_rule(recipe):
    codes = [*range(1, 0x590), 0x1680, *range(0x2000, 0x2070), 0x3000, 0x10400]
    characters = [chr(code) for code in codes]
    key = new_key()
    made = run_many(recipe, [(f"a{one}b@localhost", *key, 59, "1" * 32) for one in characters])
    for character, (status, _, _) in zip(characters, made, strict=True):
        assert (status == 2) == is_refused_in_user(character), ascii(character)


# Prints each character of the planes with alphabets that Prosody leaves in a name as it is.
PREPARED = """
local root = ...;
package.path, package.cpath = root.."/?.lua", root.."/?.so";
local stringprep = require "util.encodings".stringprep;
for code = 1, 0x1ffff do
    if code < 0xd800 or code > 0xdfff then
        local name = utf8.char(code);
        local prepared = stringprep.saslprep(name);
        if prepared and stringprep.nodeprep(prepared) == name then
            print(name);
        end
    end
end
"""


def prepared_characters(version):
    libraries = launcher(version).parents[1] / "lib"
    environment = dict(os.environ)
    if found := [*libraries.glob("*-linux-*/libicu*")]:
        environment["LD_LIBRARY_PATH"] = str(found[0].parent)
    printed = subprocess.run(
        [tool("lua5.4"), "-", libraries / "prosody"],
        input=PREPARED.encode(),
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        timeout=120,
    ).stdout.decode()
    return printed.split("\n")[:-1]


@pytest.fixture(scope="module")
def characters():
    """The characters that a prepared name may have. Of ideographs and the like some are enough."""
    prepared = set().union(*map(prepared_characters, VERSIONS))
    kinds = {kind: [] for kind in map(unicodedata.category, prepared)}
    for character in sorted(prepared):
        kinds[unicodedata.category(character)].append(character)
    kinds |= {kind: kinds[kind][::500] for kind in ("Lo", "Cn")}
    return "".join(character for kind in kinds.values() for character in kind)


def test_no_character_of_a_prepared_name_is_refused(recipe, characters):
    assert len(characters) > 5000 and set("aß1ẞ\\") - set(characters) == {"ß"}
    # xtoken refuses a name of more than 1,023 bytes. The others know no limit.
    size = 1023 // 4 if recipe in IS_OURS else 10_000
    names = [characters[start : start + size] for start in range(0, len(characters), size)]
    key = new_key()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda name: run(RUN[recipe], key, f"{name}@münchen.example"), names)
        for name, (status, _, errors) in zip(names, made):
            assert status == 0, (name, errors)


def test_in_a_locale_without_utf_8_there_is_the_right_token_or_none(recipe):
    names = [
        "secret: not ASCII, decomposed, is not normalised",
        "jid: an emoji",
        "prepared: both beyond ASCII",
    ]
    for case in [case for case in VECTORS if case["name"] in names]:
        names.remove(case["name"])
        key = case["otp_seed"], case["token_secret"]
        status, output, errors = run(
            RUN[recipe], key, case["jid"], case["now"], case["nonce"], LC_ALL="C"
        )
        assert (status, output) == (0, case["token"] + "\n") or (
            status != 0 and output == "" and errors
        ), case["name"]
    assert not names


def test_bytes_that_are_not_utf_8_sign_nothing_else(recipe):
    """A secret may be any bytes: a recipe that cannot read them refuses."""
    seed, secret = new_key()
    damaged = secret + "\udcff"  # the byte 255 for the operating system
    digits = mint("alice@localhost", (seed, secret), now=59, nonce="1" * 32)[:40]
    signature = hmac.digest(os.fsencode(damaged), f"{digits}alice@localhost".encode(), "sha256")
    right = f"{digits} {base64.b64encode(signature).decode()}\n"
    for locale in ["C", "C.UTF-8"]:
        status, output, errors = run(
            RUN[recipe], (seed, damaged), "alice@localhost", 59, "1" * 32, LC_ALL=locale
        )
        assert (status, output) == (0, right) or (
            (status, output) == (2, "") and "Traceback" not in errors
        )
        assert secret not in errors
        status, output, errors = run(
            RUN[recipe], (seed + "\udcff", secret), "alice@localhost", LC_ALL=locale
        )
        assert (
            status != 0
            and output == ""
            and errors
            and seed not in errors
            and "Traceback" not in errors
        )


def test_the_php_recipe_in_a_namespace(tmp_path):
    """In a namespace, a name without a backslash in front is one of the web application's."""
    seed, secret = new_key()
    code = (
        (RECIPES / "mint.php")
        .read_text()
        .partition("if (PHP_SAPI")[0]
        .replace("declare(strict_types=1);", "declare(strict_types=1);\n\nnamespace App;", 1)
    )
    # An exception that is not caught shows the arguments of every call.
    code += "\nini_set('zend.exception_ignore_args', '0');\n"
    code += f"mint('alice@localhost', '1{seed[1:]}', '{secret}');\n"
    (tmp_path / "app.php").write_text(code)
    status, output, errors = run(
        ["php"], (None, None), "-d", "display_errors=stderr", tmp_path / "app.php"
    )
    assert (
        status == 255 and "Uncaught InvalidArgumentException: The OTP seed is not base32." in errors
    )
    assert "Object(SensitiveParameterValue)" in errors
    assert seed[1:15] not in errors + output and secret[:15] not in errors + output


@pytest.fixture(scope="module", params=VERSIONS)
def server(request):
    """A server for all recipes, with its key."""
    otp_seed, token_secret = new_key()
    with Prosody(
        request.param, {"localhost": {"otp_seed": otp_seed, "token_secret": token_secret}}
    ) as server:
        server.key = (otp_seed, token_secret)
        yield server


def is_dated(token, key, earliest, latest):
    """Returns whether the nonce begins with the time of the OTP, from `earliest` to `latest`."""
    date = int(token[8:20])
    seed = conformance.decode_seed(key[0])
    return earliest <= date <= latest and token[:8] == conformance.otp_at(seed, date // 30)


def test_fresh_tokens_log_in_once(server, recipe):
    # Once run from the source, as the table of examples/mint/README.md says.
    source = ["java", "Mint.java"] if recipe == "Mint.java" else RUN[recipe]
    start = int(time.time())
    answers = [run(command, server.key, "alice@localhost") for command in (source, RUN[recipe])]
    assert [status for status, _, _ in answers] == [0, 0], answers
    tokens = [output.removesuffix("\n") for _, output, _ in answers]
    nonces = {token[8:40] for token in tokens}
    assert len(nonces) == 2
    assert all(nonce.isascii() and nonce.isdigit() for nonce in nonces)
    assert len({nonce[12:] for nonce in nonces}) == 2
    assert all(is_dated(token, server.key, start, time.time()) for token in tokens)
    for token, outcome in [
        (tokens[0], "success"),
        (tokens[0], "not-authorized"),
        (tokens[1], "success"),
    ]:
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
    """Every command that the recipe can find writes down its arguments."""
    commands = ["cat", "cut", "date", "head", "iconv", "oathtool", "od", "openssl", "tr"]
    for command in commands:
        script = tmp_path / command
        script.write_text(
            f'#!/bin/sh\necho "{command} $*" >>"{tmp_path}/calls"\nexec {tool(command)} "$@"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    seed, secret = new_key()
    secret = secret * 3  # longer than a block of SHA-256, so the recipe hashes it first
    status, output, errors = run(
        [tool("sh"), "mint.sh"], (seed, secret), "alice@localhost", PATH=str(tmp_path)
    )
    assert (status, len(output), errors) == (0, 86, "")
    calls = (tmp_path / "calls").read_text()
    assert all(f"{command} " in calls for command in commands)
    for shown in (seed, secret, secret.encode().hex(), output[41:85]):
        assert shown not in calls
