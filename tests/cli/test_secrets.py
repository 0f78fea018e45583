"""No output shows a secret in the wrong place: as an argument, in a file, in the environment."""

import itertools

import pytest
from mint import new_key
from test_help import OPTIONS as OPTIONS_OF_HELP

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
    "--at",
    "--nonce-length",
    "--nonce-policy",
    "--deviation",
    "--ledger",
    "--also",
    "--nonce",
    "--json",
    "--verbose",
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
    done = conceals(xtoken("mint", ALICE, "--nonce-lenght", SECRET))
    assert done.returncode == 2 and "--nonce-length" in done.stderr
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


def test_the_options_of_the_command_are_all_tried():
    in_help = set().union(*OPTIONS_OF_HELP.values())
    assert in_help == {*OPTIONS, "--files", "--output"}


@pytest.mark.parametrize("option", ["--files", "--output"])
def test_a_place_that_cannot_be_made(xtoken, option):
    for path in [f"/dev/null/{SECRET}", f"/not-there/{SECRET}", f"{SECRET * 9}"]:
        done = conceals(xtoken("generate-key", option, path))
        assert done.returncode == 2 and "no key was written" in done.stderr
