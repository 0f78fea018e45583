"""Files with secrets, read by a server that runs as the user prosody, as Debian's does."""

import os
import re
import shutil

import pytest
from client import Client
from mint import mint, new_key
from server import Prosody

KEY = new_key()
FILES = {"otp_seed_file": "secrets/otp_seed", "token_secret_file": "secrets/token_secret"}


@pytest.fixture
def server(version):
    """A server that is not root. Its secrets are in a folder of root's."""
    server = Prosody(version, {"localhost": FILES})
    server.user = "prosody"
    secrets = server.folder / "secrets"
    secrets.mkdir()
    for name, secret in zip(("otp_seed", "token_secret"), KEY):
        (secrets / name).write_text(secret + "\n")
        shutil.chown(secrets / name, "root", "prosody")
        (secrets / name).chmod(0o640)
    yield server
    server.__exit__()


def log_in(server):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", mint("alice@localhost", KEY))


def logged(server, level):
    return re.findall(rf"localhost:auth_token\t{level}\t(.*)", server.log())


def test_files_of_root_and_the_group_of_prosody(server):
    server.start()
    assert log_in(server) == "success"
    assert logged(server, "warn") + logged(server, "error") == []


@pytest.mark.parametrize("mode", [0o444, 0o644, 0o555])
def test_a_file_that_others_can_read_is_used_with_a_warning(server, mode):
    """As Docker and Kubernetes give them to a container: of root, with the mode 444."""
    secrets = server.folder / "secrets"
    for file in secrets.iterdir():
        shutil.chown(file, "root", "root")
        file.chmod(mode)
    server.start()
    assert log_in(server) == "success"
    for name in ("otp_seed", "token_secret"):
        assert (
            f"{name} of localhost: others can read {secrets}/{name}: run chown root:prosody and "
            "chmod 640 on it, unless only Prosody is in this container"
        ) in logged(server, "warn")
    assert len(logged(server, "warn")) == 2 and logged(server, "error") == []
    checked = server.prosodyctl("mod_auth_token", "check")
    assert checked.count("warning  otp_seed of localhost: others can read") == 1


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o660, 0o442, 0o777])
def test_a_file_that_others_can_write_is_refused(server, mode):
    file = server.folder / "secrets/token_secret"
    file.chmod(mode)
    server.start()
    assert log_in(server) != "success"
    assert f"others can write {file}, so they can exchange the secret" in logged(server, "error")[0]


def test_a_secret_of_kubernetes(server):
    """A volume of a secret: a folder with the mode 1777, and links through the link ..data."""
    secrets = server.folder / "secrets"
    shutil.rmtree(secrets)
    data = secrets / "..2026_11_30_22_04_45.123456789"
    data.mkdir(parents=True)
    secrets.chmod(0o1777)
    (secrets / "..data").symlink_to(data.name)
    for name, secret in zip(("otp_seed", "token_secret"), KEY):
        (data / name).write_text(secret)
        (data / name).chmod(0o444)
        (secrets / name).symlink_to(f"..data/{name}")
    server.start()
    assert log_in(server) == "success"
    assert len(logged(server, "warn")) == 2
    # With defaultMode: 0440 and fsGroup, there is nothing to warn of.
    for file in data.iterdir():
        shutil.chown(file, "root", "prosody")
        file.chmod(0o440)
    server.reload_config()
    assert log_in(server) == "success" and len(logged(server, "warn")) == 2


@pytest.mark.parametrize("mode, group", [(0o600, "root"), (0o640, "root"), (0o200, "prosody")])
def test_a_file_that_prosody_may_not_read(server, mode, group):
    file = server.folder / "secrets/token_secret"
    shutil.chown(file, "root", group)
    file.chmod(mode)
    server.start()
    assert log_in(server) != "success"
    error = logged(server, "error")[0]
    assert f"Prosody may not read {file} (Permission denied): run chown root:prosody and" in error
    assert "chmod 640 on it" in error and "Set the option" not in error
    assert "otp_seed" not in error and "traceback" not in server.log()
    # Following the advice is enough.
    shutil.chown(file, "root", "prosody")
    file.chmod(0o640)
    server.shell("module:load('auth_token', 'localhost')")
    assert log_in(server) == "success"


def close(folder):
    shutil.chown(folder, "root", "root")
    folder.chmod(0o700)


@pytest.mark.parametrize("through", ["folder", "link to the folder", "link to the file"])
def test_a_folder_that_prosody_may_not_enter(server, through):
    folder = server.folder / "secrets"
    if through != "folder":
        folder.rename(server.folder / "closed")
        (server.folder / "closed").mkdir(exist_ok=True)
        if through == "link to the folder":
            folder.symlink_to("closed")
        else:
            folder.mkdir()
            for name in ("otp_seed", "token_secret"):
                (folder / name).symlink_to(f"../closed/{name}")
        folder = server.folder / "closed"
    close(folder)
    server.start()
    assert log_in(server) != "success"
    error = logged(server, "error")[0]
    found = re.search(r"may not enter the folder (\S+) \(Permission denied\): run chgrp", error)
    assert found and os.path.samefile(found[1], folder)
    assert "prosody and chmod g+x on it" in error
    shutil.chown(folder, "root", "prosody")
    folder.chmod(0o710)
    server.shell("module:load('auth_token', 'localhost')")
    assert log_in(server) == "success"


def test_a_folder_further_up(server):
    close(server.folder / "secrets")
    server.hosts["localhost"] = {
        "otp_seed_file": "secrets/a/b/otp_seed",
        "token_secret_file": "secrets/a/b/token_secret",
    }
    server.start()
    error = logged(server, "error")[0]
    assert f"may not enter the folder {server.folder}/secrets (Permission denied)" in error
    assert "a/b" not in error
