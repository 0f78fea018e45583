"""A secret in the wrong place: an argument, a file, the environment. No output shows it."""

import itertools

import pytest
from conftest import ROOT
from mint import new_key
from server import options
from versions import VERSIONS, launcher

SECRET = "HUNTER2HUNTER2HUNTER2HUNTER2HUNT"
ALICE = "alice@localhost"
GOOD = dict(zip(("otp_seed", "token_secret"), new_key()))
ENVIRONMENT = {f"XTOKEN_{name.upper()}": value for name, value in GOOD.items()}


def conceals(done):
    assert "hunter" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    assert "panicked" not in done.stderr
    return done


COMMANDS = {
    "generate-key": [],
    "mint": [ALICE],
    "verify": [ALICE, "x"],
    "explain": [ALICE, "x"],
    "inspect": ["x"],
    "vectors": [],
}
OPTIONS = [
    "--key",
    "--prosody-config",
    "--host",
    "--prosodyctl",
    "--at",
    "--nonce-length",
    "--nonce-policy",
    "--deviation",
    "--ledger",
    "--also",
]
SHAPES = [
    SECRET,
    f"--{SECRET}",
    f"-{SECRET}",
    f"{SECRET}/x",
    f"/not-there/{SECRET}",
    f"alice@{SECRET}",
    f"{SECRET}@",
    f"redis://{SECRET}",
    f"sqlite:/{SECRET}/x",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_as_an_argument(xtoken, command):
    words = COMMANDS[command]
    conceals(xtoken(SECRET, command, *words))
    for shape, place in itertools.product(SHAPES, range(len(words) + 1)):
        conceals(xtoken(command, *words[:place], shape, *words[place:], env=ENVIRONMENT))
        conceals(xtoken(command, *words[:place], shape, *words[place + 1 :], env=ENVIRONMENT))


@pytest.mark.parametrize("option", OPTIONS)
def test_as_the_value_of_an_option(xtoken, option):
    for shape in SHAPES:
        for command, words in COMMANDS.items():
            conceals(xtoken(command, *words, f"{option}={shape}", env=ENVIRONMENT))
    assert xtoken("explain", ALICE, "x", f"{option}={SECRET}").returncode in (1, 2)


def test_known_options_are_still_suggested(xtoken):
    done = conceals(xtoken("mint", ALICE, "--prosody-confg", SECRET))
    assert done.returncode == 2 and "--prosody-config" in done.stderr
    assert "'--at <TIME>'" in conceals(xtoken("mint", ALICE, "--at", SECRET)).stderr


@pytest.mark.parametrize("name", ["XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET", "XTOKEN_LEDGER"])
def test_in_the_environment(xtoken, name):
    for shape in [*SHAPES, SECRET + "1", SECRET[:4]]:
        for command in ("mint", "verify", "explain"):
            conceals(xtoken(command, *COMMANDS[command], env={**ENVIRONMENT, name: shape}))


LINES = [f'otp_seed = "{GOOD["otp_seed"]}"', f'token_secret = "{GOOD["token_secret"]}"']


@pytest.mark.parametrize(
    "line",
    [
        SECRET,
        f'{SECRET} = "x"',
        f'"{SECRET}" = "x"',
        f'otp_seed = "{SECRET}"',
        f"otp_seed = {SECRET}",
        f"otp_seed = '{SECRET}",
        f"otp_seed : {SECRET}",
        f'token_secret = "{SECRET}\\q"',
        f'token_secret = ["{SECRET}"]',
        f'token_secret.{SECRET} = "x"',
        f"[{SECRET}]",
        f"[[{SECRET}",
        f'{{ "{SECRET}": 1 }}',
        f'otp_seed = "{SECRET}1"',
    ],
)
def test_in_a_file_for_key(xtoken, tmp_path, line):
    path = tmp_path / "key"
    path.touch(0o600)
    for lines in itertools.permutations([line, *LINES], 2):
        path.write_text("\n".join(lines) + "\n")
        conceals(xtoken("mint", ALICE, "--key", "key"))
        if line in lines:
            path.write_text("\n".join([*lines, lines[0]]) + "\n")
            done = conceals(xtoken("mint", ALICE, "--key", "key"))
            assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(
                "error: key: "
            )


def values():
    """A secret as every option and every field, of several kinds."""
    fields = [
        "id",
        "otp_seed",
        "token_secret",
        "otp_seed_file",
        "token_secret_file",
        "not_before",
        "not_after",
        SECRET,
    ]
    names = [
        "token_keys",
        "token_ledger",
        "token_ledger_timeout",
        "token_nonce_length",
        "token_deviation",
        *fields[1:5],
    ]
    for shape in (SECRET, f"/not-there/{SECRET}", f"redis://{SECRET}", [SECRET], {SECRET: SECRET}):
        for name in names:
            yield {**GOOD, name: shape}
        for field in fields:
            yield {"token_keys": [{"id": "new", **GOOD, field: shape}]}
        yield {"token_keys": [shape]}
    yield {"token_keys": [{"id": SECRET, "otp_seed": SECRET, "token_secret": GOOD["token_secret"]}]}


@pytest.mark.parametrize("version", VERSIONS)
def test_in_the_configuration_of_prosody(xtoken, tmp_path, version):
    hosts = {f"h{number}.example": value for number, value in enumerate(values())}
    text = f'data_path = "{tmp_path}"\n' + "".join(
        f'VirtualHost "{host}"\n{options(**value)}' for host, value in hosts.items()
    )
    (tmp_path / "prosody.cfg.lua").write_text(text)
    source = [
        "--prosody-config",
        "prosody.cfg.lua",
        "--prosodyctl",
        launcher(version).with_name("prosodyctl"),
    ]
    for host in hosts:
        conceals(xtoken("verify", f"alice@{host}", "x", *source))


@pytest.mark.parametrize("version", VERSIONS)
def test_in_a_configuration_that_cannot_be_loaded(xtoken, tmp_path, version):
    source = [
        "--prosody-config",
        "prosody.cfg.lua",
        "--prosodyctl",
        launcher(version).with_name("prosodyctl"),
    ]
    for line in [
        f'otp_seed = "{SECRET}',
        f"otp_seed = {SECRET}.x.y",
        f"otp_seed = {SECRET}()",
        f"otp_seed {SECRET}",
        f'otp_seed = "{SECRET}" + 1',
        f'otp_seed = error("{SECRET}")',
        f'otp_seed = error("{SECRET}:1: x", 0)',
        f'otp_seed = assert(io.open("{SECRET}"))',
        f'otp_seed = require "{SECRET}"',
        f'Include "{SECRET}"',
    ]:
        (tmp_path / "prosody.cfg.lua").write_text(f'VirtualHost "localhost"\n{line}\n')
        done = conceals(xtoken("mint", ALICE, *source))
        assert done.returncode == 2 and "prosody.cfg.lua" in done.stderr + "prosody.cfg.lua" * (
            line.startswith("Include")
        )


def test_the_options_of_the_command_are_all_tried():
    source = (ROOT / "src/bin/xtoken/arguments.rs").read_text()
    assert source.count("#[arg(long") == len(OPTIONS) + 1  # and --json
