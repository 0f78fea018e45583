"""Whatever is typed and wherever the output goes, the command ends with a status of its own, and
shows no secret."""

import os
import random
import subprocess

import pytest
from conftest import ALICE, NOW, XTOKEN, at
from mint import mint, new_key
from test_help import COMMANDS, VALUES

KEY = new_key()
ENVIRONMENT = dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), KEY))

WORDS = [
    *("", "-", "--", "-h", "-V", "-x", "--help", "--version", "--x=y", "-o", "help", "=", "%s%n"),
    *(ALICE, "alice", "Alice@example.com", "a@b/c", "名前@例え.example", "a@xn--mnchen-3ya", "@"),
    *("u" * 2000 + "@h", "7" * 1024, "x" * 100_000, b"\xff\xfe", b"\xff@b", "a@b\n", "\x1b[31m@b"),
    *(mint(ALICE, KEY), mint(ALICE, KEY, now=NOW), mint("bob@b", KEY), mint(ALICE, KEY)[:-1]),
]
# Root may run this, so no value names a place outside of the test's folder that can be written.
OPTION_VALUES = [
    *("", "0", "1", "10", "11", "24", "32", "970", "971", "-1", "1.5", "1e9", "9" * 12, "9" * 13),
    *(str(2**64 - 1), str(2**64), "9" * 40, "7" * 32, "7" * 31, "x" * 32, b"\xff", b"\xff" * 32),
    *("2026-12-01T12:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "exact", "dated"),
    *("report", "lax", "memory:", "sqlite:", "sqlite:l", "sqlite:/", "redis://", "redis://[::"),
    *("redis://127.0.0.1:1?timeout=10", "redis+unix:///x?timeout=10", "redis://x:y@z", "a/b"),
    *("key", "new", ".", "/proc/self/mem", "x" * 300, ALICE, "a.b"),
    *("old.example", "例え.example", "@", "a@b@c"),
]


def typed(choose):
    """Returns random arguments, of which many are nearly right."""
    words = [choose.choice([*COMMANDS, *COMMANDS, *WORDS])]
    if choose.random() < 0.8:
        words.append(ALICE)
    words += choose.choices(WORDS, k=choose.choice([0, 0, 1, 1, 2]))
    for option in choose.choices([*VALUES], k=choose.choice([0, 1, 2, 2, 3])):
        value = choose.choice(OPTION_VALUES)
        if VALUES[option] is None:
            words.append(option)
        elif choose.random() < 0.9:
            words.append(f"{option}={value}" if isinstance(value, str) else option.encode() + value)
        else:
            words += [option, value]
    head, rest = words[:1], words[1:]
    choose.shuffle(rest)
    return head + rest


@pytest.mark.parametrize("seed", range(10))
def test_random_arguments(xtoken, tmp_path, seed):
    choose = random.Random(seed)
    (tmp_path / "key").write_text('otp_seed = "{}"\ntoken_secret = "{}"\n'.format(*KEY))
    (tmp_path / "key").chmod(0o600)
    for _ in range(40):
        words = typed(choose)
        env = ENVIRONMENT if choose.random() < 0.8 else {}
        done = xtoken(*words, input=choose.choice(["", "x\n", mint(ALICE, KEY)]), env=env)
        assert done.returncode in (0, 1, 2), (words, done)
        assert "panicked" not in done.stderr, (words, done)
        # Of secrets, generate-key prints new ones only.
        assert not [secret for secret in KEY if secret in done.stdout + done.stderr], words
        if done.returncode == 2:
            assert done.stdout == "" and done.stderr, (words, done)


# What is printed when all is well, when a token is refused, and when an argument is wrong.
USES = [
    ["generate-key"],
    ["mint", ALICE],
    ["mint", ALICE, "--verbose", "--json"],
    ["verify", ALICE, "x"],
    ["verify", ALICE, mint(ALICE, KEY, now=NOW), *at(NOW)],
    ["explain", ALICE, "x", "--json"],
    ["inspect", "x"],
    ["inspect", mint(ALICE, KEY)],
    ["vectors"],
    ["--help"],
    ["mint", "--help"],
    ["mint"],
    ["mint", "alice"],
]


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("words", USES, ids=" ".join)
def test_closed_streams(words, redirection):
    script = f'exec "$@" {redirection}'
    env = {"PATH": os.environ["PATH"], **ENVIRONMENT}
    usual = subprocess.run([XTOKEN, *words], env=env, capture_output=True)
    done = subprocess.run(["sh", "-c", script, "sh", XTOKEN, *words], env=env, capture_output=True)
    assert done.returncode == usual.returncode
    assert b"panicked" not in done.stdout + done.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("words", USES, ids=" ".join)
def test_full_disks(xtoken, words, stream):
    usual = xtoken(*words, env=ENVIRONMENT)
    with open("/dev/full", "wb") as full:
        done = xtoken(*words, env=ENVIRONMENT, **{stream: full})
    has_written = usual.stdout if stream == "stdout" else usual.stderr
    assert done.returncode == (2 if has_written else usual.returncode)
    assert "panicked" not in done.stdout + done.stderr
