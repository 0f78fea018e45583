"""prosodyctl mod_auth_token generate-key, and the help of the commands."""

import os
import re
import subprocess
import time

import pytest
from client import Client
from mint import mint, new_key
from server import Prosody

PAIR = dict(zip(("otp_seed", "token_secret"), new_key()))
MONTH, DAY = (time.strftime(form, time.gmtime()) for form in ("%Y-%m", "%Y-%m-%d"))
RESTART, RELOAD = "Then restart Prosody.", '"prosodyctl reload"'


@pytest.fixture
def server(version):
    """A server that is not root. It is not running."""
    server = Prosody(version, {"localhost": PAIR})
    server.user = "prosody"
    server.port = 5222
    (server.folder / "certs").mkdir()
    yield server
    server.__exit__()


def generate(server, *words, **how):
    server.write_config()
    server.as_user()
    return server.run_prosodyctl("mod_auth_token", "generate-key", *words, **how)


def listed(*ids):
    return {"token_keys": [{"id": name, **PAIR} for name in ids]}


@pytest.mark.parametrize(
    "options, whole, begins, when, new_id",
    [
        ({"authentication": "internal_hashed"}, True, 'authentication = "token"', RESTART, MONTH),
        ({}, True, "token_keys = {", RESTART, MONTH),
        (PAIR, True, "token_keys = {", RELOAD, MONTH),
        (listed("2020-01"), False, "{ id = ", RELOAD, MONTH),
        (listed(MONTH), False, "{ id = ", RELOAD, DAY),
        (listed(MONTH, DAY), False, "{ id = ", RELOAD, f"{DAY}-2"),
        (listed(MONTH, DAY, f"{DAY}-2"), False, "{ id = ", RELOAD, f"{DAY}-3"),
    ],
)
def test_it_prints_what_suits_the_configuration(server, options, whole, begins, when, new_id):
    server.hosts["localhost"] = options
    done = generate(server)
    assert done.returncode == 0 and when in done.stdout
    other = RELOAD if when == RESTART else RESTART
    assert other not in done.stdout
    lua = [line for line in done.stdout.splitlines() if not line.startswith("--")]
    assert lua[0].startswith(begins), lua
    assert ("}" in lua[1:]) == whole
    letters = "[A-Z2-7]"
    entry = (
        rf'\{{ id = "{new_id}", otp_seed = "{letters}{{32}}", token_secret = "{letters}{{52}}" \}},'
    )
    assert re.search(entry, done.stdout)
    assert all(len(line) <= 100 for line in done.stdout.splitlines() if line.startswith("--"))


def test_what_it_prints_for_a_first_host_leads_to_a_login(server):
    server.hosts["localhost"] = {"authentication": "internal_hashed"}
    printed = generate(server).stdout
    write_config = server.write_config

    def with_what_was_printed():
        write_config()
        server.config.write_text(server.config.read_text() + printed)

    server.write_config = with_what_was_printed
    del server.hosts["localhost"]["authentication"]
    key = re.search(r'otp_seed = "(\w+)", token_secret = "(\w+)"', printed).groups()
    server.start()
    with Client(server.port, "localhost") as client:
        assert client.log_in("alice", mint("alice@localhost", key)) == "success"


def root(server, *words, **how):
    """Runs the command as root, who stays root with --root."""
    server.write_config()
    server.as_user()
    words = ["--root", "mod_auth_token", "generate-key", *words]
    return server.run_prosodyctl(*words, **how)


def test_two_files_of_root_which_prosody_can_read(server):
    keys = server.folder / "keys"
    done = root(server, "--files", str(keys))
    assert done.returncode == 0, done.stdout
    files = [keys / "otp_seed", keys / "token_secret"]
    for path, mode in ((keys, 0o750), (files[0], 0o640), (files[1], 0o640)):
        assert (path.owner(), path.group()) == ("root", "prosody")
        assert path.stat().st_mode & 0o777 == mode
    assert sorted(keys.iterdir()) == files
    fields = f'otp_seed_file = "{files[0]}", token_secret_file = "{files[1]}"'
    assert f'{{ id = "{MONTH}", {fields} }},' in done.stdout
    key = tuple(file.read_text().removesuffix("\n") for file in files)
    assert all(re.fullmatch("[A-Z2-7]+", secret) for secret in key)
    assert [len(secret) for secret in key] == [32, 52]
    assert not any(secret in done.stdout for secret in key)
    key_of_files = {f"{file.name}_file": str(file) for file in files}
    server.hosts["localhost"] = {"token_keys": [{"id": "a", **key_of_files}]}
    server.start()
    with Client(server.port, "localhost") as client:
        assert client.log_in("alice", mint("alice@localhost", key)) == "success"
    assert not re.findall(r"auth_token\t(?:warn|error)", server.log())


@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
def test_the_umask_of_root_does_not_matter(server, umask):
    before = os.umask(umask)
    try:
        done = root(server, "--files", str(server.folder / "keys"))
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in sorted((server.folder / "keys").iterdir())]
    assert (done.returncode, modes) == (0, [0o640, 0o640])


@pytest.mark.parametrize("there", ["otp_seed", "token_secret"])
def test_it_replaces_no_file_and_leaves_none_alone(server, there):
    keys = server.folder / "keys"
    keys.mkdir()
    (keys / there).write_text("older")
    done = root(server, "--files", str(keys))
    assert done.returncode == 2
    assert f"No file was written: {keys}/{there}: File exists" in done.stdout
    assert "A key is never overwritten, so name another folder" in done.stdout
    assert [path.name for path in keys.iterdir()] == [there]
    assert (keys / there).read_text() == "older"


def test_a_link_is_not_followed(server):
    keys = server.folder / "keys"
    keys.mkdir()
    (keys / "token_secret").symlink_to(server.folder / "elsewhere")
    assert root(server, "--files", str(keys)).returncode == 2
    assert not (server.folder / "elsewhere").exists()


def test_a_folder_is_named_from_where_the_command_is_typed(server):
    here = server.folder / "here"
    here.mkdir()
    assert root(server, "--files", "it's a key", PWD=str(here)).returncode == 0
    assert {path.group() for path in (here / "it's a key").iterdir()} == {"prosody"}


def test_without_root_it_says_how_to_be_root(server):
    closed = server.folder / "closed"
    closed.mkdir()
    done = generate(server, "--files", str(closed / "keys"))
    assert done.returncode == 2 and "Permission denied" in done.stdout
    assert "Run it as root, with the option --root" in done.stdout
    assert list(closed.iterdir()) == []
    # In its own folder, Prosody's user writes its own files.
    done = generate(server, "--files", str(server.folder / "keys"))
    assert done.returncode == 0
    assert {path.owner() for path in (server.folder / "keys").iterdir()} == {"prosody"}


def test_a_group_that_does_not_exist(server):
    server.settings["prosody_group"] = "no-such-group"
    done = root(server, "--files", str(server.folder / "keys"))
    assert done.returncode == 2 and "cannot be given to the group no-such-group" in done.stdout
    assert not (server.folder / "keys").exists()


@pytest.mark.parametrize("words", [["x"], ["--files"], ["--files", "a", "b"], ["--file", "a"]])
def test_other_words_are_refused(server, words):
    done = generate(server, *words)
    assert done.returncode == 2
    assert "Usage: prosodyctl mod_auth_token generate-key [--files DIR]" in done.stdout


# Help


COMMANDS = ["check", "generate-key", "mint", "verify", "explain"]


def typed(server, *words, stream):
    """Returns the exit status, and what one of the two streams has."""
    server.write_config()
    server.as_user()
    redirect = {"stdout": "2>/dev/null", "stderr": "2>&1 >/dev/null"}[stream]
    ctl = server.launcher.with_name("prosodyctl")
    (server.folder / "typed").write_text(f'{ctl} --config {server.config} "$@" {redirect}\n')
    done = subprocess.run(
        ["sh", str(server.folder / "typed"), "mod_auth_token", *words],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("word", ["--help", "-h", "-?", "help"])
def test_help_of_all_commands(server, word):
    status, text = typed(server, word, stream="stdout")
    assert status == 0 and text.startswith("Usage: prosodyctl mod_auth_token COMMAND\n")
    assert re.findall(r"^  ([a-z-]+) .*", text, re.M) == COMMANDS
    assert typed(server, word, stream="stderr") == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(server, command):
    asked = [[command, "--help"], [command, "-h"], ["help", command], ["--help", command]]
    for words in asked:
        status, text = typed(server, *words, stream="stdout")
        assert status == 0 and text.startswith(f"Usage: prosodyctl mod_auth_token {command} ")
        assert ("TOKEN" in text) == (command in ("verify", "explain"))


def test_each_example_does_what_it_shows(server):
    """In one folder, as root types them. `verify` comes last, because it spends the token."""
    server.hosts = {"example.com": PAIR}
    (server.folder / "here").mkdir()
    ctl = server.launcher.with_name("prosodyctl")
    lines = ['prosodyctl() { %s --config %s "$@"; }' % (ctl, server.config), "set -ex"]
    for command in ("check", "generate-key", "mint", "explain", "verify"):
        text = typed(server, command, "--help", stream="stdout")[1]
        examples = re.findall("^  (prosodyctl .*)$", text.partition("\nExamples:\n")[2], re.M)
        assert examples and all(f" {command}" in example for example in examples)
        # `check` may warn, with status 1, of how this server differs from a real one.
        lines += [
            f"{example} || [ $? = 1 ]" if command == "check" else example for example in examples
        ]
    done = subprocess.run(
        ["sh", "-c", "\n".join(lines)],
        cwd=server.folder / "here",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "it would be accepted: " in done.stdout and "\naccepted: key default" in done.stdout
    assert {path.name for path in (server.folder / "here").iterdir()} == {"secrets", "token"}


def test_no_command_and_an_unknown_one(server):
    for words, first in (
        ([], "Usage: prosodyctl mod_auth_token COMMAND"),
        (["chek"], 'There is no command "chek".'),
        (["--fix"], "There is no command of that name."),
        (["HUNTER2HUNTER2"], "There is no command of that name."),
        (["\x1b[31mcheck"], "There is no command of that name."),
        (["x" * 5000], "There is no command of that name."),
    ):
        status, text = typed(server, *words, stream="stderr")
        assert (status, text.splitlines()[0]) == (2, first)
        assert "Usage: " in text and "HUNTER2" not in text and "\x1b" not in text
        assert typed(server, *words, stream="stdout") == (2, "")
