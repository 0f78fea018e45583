"""generate-key: what a new key is, and the files that it is written into."""

import json
import os
import pathlib
import resource
import string
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ALICE, accepted, is_wrong
from mint import mint


def test_a_fresh_key_is_toml_and_lua_at_once(xtoken, tmp_path):
    first, second = (xtoken("generate-key") for _ in range(2))
    assert first.returncode == 0 and first.stderr == ""
    values = tomllib.loads(first.stdout)
    assert {name: len(value) for name, value in values.items()} == {
        "otp_seed": 32,
        "token_secret": 52,
    }
    assert not set(values.values()) & set(tomllib.loads(second.stdout).values())
    lua = "dofile(arg[1]); io.write(otp_seed, ' ', token_secret)"
    (tmp_path / "key").write_text(first.stdout)
    read = subprocess.run(
        ["lua5.4", "-", tmp_path / "key"], input=lua, stdout=subprocess.PIPE, text=True, check=True
    )
    assert read.stdout.split() == list(values.values())
    assert set(json.loads(xtoken("generate-key", "--json").stdout)) == {"otp_seed", "token_secret"}
    (tmp_path / "key").chmod(0o600)
    token = mint(ALICE, tuple(values.values()))
    assert accepted(xtoken("verify", ALICE, token, "--key", "key"))


def test_a_key_in_files(xtoken, tmp_path):
    done = xtoken("generate-key", "--files", "keys")
    files = [tmp_path / "keys" / name for name in ("otp_seed", "token_secret")]
    names = [f'{file.name}_file = "{file}"\n' for file in files]
    assert (done.returncode, done.stdout, done.stderr) == (0, "".join(names), "")
    assert [file.stat().st_mode & 0o777 for file in files] == [0o640, 0o640]
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o750
    key = tuple(file.read_text().removesuffix("\n") for file in files)
    assert [len(secret) for secret in key] == [32, 52]
    env = dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key))
    assert accepted(xtoken("verify", ALICE, mint(ALICE, key), env=env))


@pytest.mark.parametrize("there", ["otp_seed", "token_secret"])
def test_no_file_is_replaced_and_none_is_left_alone(xtoken, tmp_path, there):
    (tmp_path / there).write_text("older")
    done = xtoken("generate-key", "--files", ".")
    assert is_wrong(done, f"{there}: ", "a key is never overwritten, so name another folder")
    assert [file.name for file in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "older"


def test_a_folder_that_cannot_be_made(xtoken):
    done = xtoken("generate-key", "--files", "a/b")
    assert is_wrong(done, "no key was written: --files: No such")


def test_every_way_to_make_a_key_makes_letters_and_digits(xtoken, tmp_path):
    """Readers of `.env` files differ in what they make of signs, quotes and backslashes."""
    made = [tomllib.loads(xtoken("generate-key").stdout)]
    made.append(json.loads(xtoken("generate-key", "--json").stdout))
    xtoken("generate-key", "--output", "key")
    made.append(tomllib.loads((tmp_path / "key").read_text()))
    xtoken("generate-key", "--files", "keys")
    made.append({path.name: path.read_text()[:-1] for path in (tmp_path / "keys").iterdir()})
    for key in made:
        assert set(key) == {"otp_seed", "token_secret"}
        assert set("".join(key.values())) <= set(string.ascii_letters + string.digits)


# --output

UMASKS = [0, 0o022, 0o077, 0o777]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize("option", ["-o", "--output"])
def test_a_key_file_of_its_owner_alone(xtoken, tmp_path, option, umask):
    done = xtoken("generate-key", option, "key", umask=umask)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [file] = tmp_path.iterdir()
    assert file.name == "key" and file.stat().st_mode & 0o777 == 0o600
    values = tomllib.loads(file.read_text())
    token = mint(ALICE, (values["otp_seed"], values["token_secret"]))
    assert accepted(xtoken("verify", ALICE, token, "--key", "key"))


@pytest.mark.parametrize("umask", UMASKS)
def test_the_modes_of_two_files_do_not_depend_on_the_umask(xtoken, tmp_path, umask):
    assert xtoken("generate-key", "--files", "keys", umask=umask).returncode == 0
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()]
    assert modes == [0o640, 0o640] and (tmp_path / "keys").stat().st_mode & 0o777 == 0o750


def make(path, kind):
    if kind == "file":
        path.write_text("older")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        (path.parent / "elsewhere").write_text("older")
        path.symlink_to("elsewhere")
    elif kind == "link to nothing":
        path.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(path)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing", "pipe"])
def test_nothing_is_replaced_or_followed(xtoken, tmp_path, kind):
    make(tmp_path / "key", kind)
    before = contents(tmp_path) if kind != "pipe" else {}
    done = xtoken("generate-key", "--output", "key")
    assert is_wrong(done, "no key was written: key: ", "never overwritten, so name another file")
    assert (contents(tmp_path) if kind != "pipe" else {}) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"key", "elsewhere"}


@pytest.mark.parametrize("device", ["stdout", "null", "full", "fd/1"])
def test_a_device_is_not_a_file_for_a_key(xtoken, tmp_path, device):
    """By a link, so that a mistake of the command, run by root, cannot replace the device."""
    (tmp_path / "key").symlink_to(f"/dev/{device}")
    assert is_wrong(xtoken("generate-key", "-o", "key"), "key: ", "never overwritten")
    assert (tmp_path / "key").readlink() == pathlib.Path(f"/dev/{device}")


@pytest.mark.parametrize("path", ["a/b", "/proc/key", "key/", "x" * 300])
def test_a_file_that_cannot_be_made(xtoken, tmp_path, path):
    assert is_wrong(xtoken("generate-key", "-o", path), "no key was written: --output: ")
    assert list(tmp_path.iterdir()) == []


def test_a_hyphen_is_not_a_file(xtoken, tmp_path):
    assert is_wrong(xtoken("generate-key", "-o", "-"), "leave out --output to print the key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--output", "--files"])
def test_a_full_disk_leaves_nothing(xtoken, tmp_path, option):
    """Files can be made here, but nothing can be written into them."""
    done = xtoken(
        "generate-key",
        option,
        "new",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        restore_signals=False,  # Python ignores the signal, which would end the command.
    )
    assert is_wrong(done, "no key was written: ", "File too large")
    assert list(tmp_path.iterdir()) == []


def test_one_of_many_at_a_time_makes_the_file(xtoken, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: xtoken("generate-key", "-o", "key"), range(24)))
    assert sorted(one.returncode for one in done) == [0] + [2] * 23
    assert list(contents(tmp_path)) == ["key"] and (tmp_path / "key").stat().st_nlink == 1


@pytest.mark.parametrize("options", [["--json"], ["--files", "keys"]])
def test_a_key_goes_to_one_place(xtoken, tmp_path, options):
    done = xtoken("generate-key", "--output", "key", *options)
    assert is_wrong(done, "cannot be used with") and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode, warned", [(0o644, True), (0o604, True), (0o640, False)])
def test_a_shell_that_writes_a_file_for_all_is_warned(xtoken, tmp_path, mode, warned):
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    with path.open("wb") as file:
        done = xtoken("generate-key", stdout=file)
    assert done.returncode == 0 and path.read_text().startswith("otp_seed = ")
    warning = "warning: others can read the file on standard output: run chmod 600, or use --output"
    assert done.stderr.startswith(warning) if warned else done.stderr == ""
