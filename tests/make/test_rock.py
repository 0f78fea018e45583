"""The rocks that make packs contain what Prosody needs, wherever they are installed."""

import hashlib
import subprocess
import time
import zipfile

import pytest

NAME = "mod_auth_token-7.8.9-1"


def run(*command, status=0, **options):
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, **output, **options)
    assert done.returncode == status, done.stdout
    return done.stdout


def files(folder):
    paths = folder.rglob("*")
    return {str(path.relative_to(folder)) for path in paths if not path.is_dir()}


def digests(folder):
    rocks = folder.glob("*.rock*")
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in rocks}


@pytest.fixture
def committed(checkout):
    """The checkout as a repository with one commit."""
    checkout.write(".gitignore", "/target/\n/lua/*.so\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=all"]):
        run(*git, *arguments, cwd=checkout.folder)
    return checkout


def install(tree, *arguments, lua="5.4", **options):
    return run("luarocks", f"--lua-version={lua}", f"--tree={tree}", *arguments, **options)


def assert_is_installed(tree, checkout, module):
    assert files(tree / "share/lua/5.4") == files(checkout.folder / "lua")
    assert files(tree / "lib/lua/5.4") == {"xtoken.so"}
    assert module in (tree / "lib/lua/5.4/xtoken.so").read_bytes()


def test_a_binary_rock_keeps_the_folders_of_the_plugins(committed, tmp_path):
    committed.make("rock")
    rocks = committed.folder / "target/rock"
    from_rocks = ["install", f"--server={rocks}", "mod_auth_token"]
    said = install(tmp_path / "tree", *from_rocks)
    assert f"Installing {rocks}/{NAME}.linux-" in said
    assert_is_installed(tmp_path / "tree", committed, b"this is one")
    said = install(tmp_path / "other", *from_rocks, lua="5.1", status=1)
    assert "lua ~> 5.4" in said


def test_a_source_rock_builds_the_same(committed, tmp_path):
    committed.make("rock")
    rock = committed.folder / f"target/rock/{NAME}.src.rock"
    committed.write_source("two")
    install(tmp_path / "tree", "build", rock, cwd=tmp_path)
    assert_is_installed(tmp_path / "tree", committed, b"this is one")


def test_a_module_of_another_machine_is_packed_for_that_machine(committed, tmp_path):
    module = tmp_path / "cross/xtoken.so"
    module.parent.mkdir()
    module.write_bytes(b"of another machine")
    committed.make("rock", f"ROCK_MODULES=linux-other:{module}")
    rocks = committed.folder / "target/rock"
    made = {path.name for path in rocks.glob("*.rock")}
    assert made == {f"{NAME}.src.rock", f"{NAME}.linux-other.rock"}
    rock = rocks / f"{NAME}.linux-other.rock"
    assert zipfile.ZipFile(rock).read("lib/xtoken.so") == b"of another machine"
    assert "Incompatible architecture" in install(tmp_path / "tree", "install", rock, status=1)


def test_one_commit_gives_the_same_bytes_and_names_no_folder(committed):
    committed.make("rock")
    rocks = committed.folder / "target/rock"
    first = digests(rocks)
    assert len(first) == 3
    assert str(committed.folder) not in (rocks / f"{NAME}.rockspec").read_text()
    time.sleep(2)  # the precision of the times in a zip file
    committed.make("rock")
    assert digests(rocks) == first
