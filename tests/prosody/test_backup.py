"""docs/backup.md: its commands, and what happens to logins after a restore."""

import shutil
import subprocess

import pytest
from client import Client
from mint import mint
from pages import block, with_replacements

PAGE = "backup.md"
HOST = "example.com"
LEDGER = "token_ledger.sqlite"
REFUSED = "temporary-auth-failure"


def tar_lines(page_block):
    """Returns the commands with tar, which need no sudo here."""
    lines = page_block.replace("\\\n", " ").splitlines()
    return [line.removeprefix("sudo ") for line in lines if "tar " in line]


class Machine:
    """A folder with Debian's paths, in which a server keeps its data."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "var/lib/prosody"
        self.archive = folder / "prosody-backup.tar.gz"
        (folder / "etc/prosody").mkdir(parents=True)
        self.data.mkdir(parents=True)

    def run(self, command):
        places = {"--directory /": f"--directory {self.folder}", "/root/": f"{self.folder}/"}
        command = with_replacements(command, places)
        subprocess.run(["sh", "-euc", command], cwd=self.folder, check=True)

    def back_up(self):
        (command,) = tar_lines(block(PAGE, "sh", "--create"))
        self.run(command)

    def restore(self, archive):
        if archive != self.archive:
            shutil.copy(archive, self.archive)
        (command,) = tar_lines(block(PAGE, "sh", "--extract"))
        self.run(command)

    def ledger_files(self):
        return sorted(path.name for path in self.data.glob("token_ledger*"))


@pytest.fixture
def machine(tmp_path):
    return lambda name: Machine(tmp_path / name)


@pytest.fixture
def serve(prosody, options):
    """serve(machine) makes a server with the data of that machine."""
    return lambda machine: prosody(
        {HOST: {**options, "token_known_users": "seen"}}, data_path=str(machine.data)
    )


@pytest.fixture
def token(key):
    return lambda user="alice": mint(f"{user}@{HOST}", key)


def log_in(server, token, user="alice"):
    with Client(server.port, HOST) as client:
        return client.log_in(user, token)


def account(machine, user="alice"):
    return machine.data / f"example%2ecom/accounts/{user}.dat"


def test_a_backup_has_the_accounts_and_not_the_ledger(serve, machine, token):
    old = machine("old")
    with serve(old) as server:
        spent = token()
        assert log_in(server, spent) == "success"
        old.back_up()
        assert log_in(server, token("bob"), "bob") == "success"
    new = machine("new")
    new.restore(old.archive)
    assert account(new).exists() and not account(new, "bob").exists()
    assert new.ledger_files() == []
    with serve(new) as server:
        assert log_in(server, token()) == "success"


def test_a_ledger_that_stays_knows_what_was_spent_after_the_backup(serve, machine, token):
    here = machine("here")
    with serve(here) as server:
        assert log_in(server, token()) == "success"
        here.back_up()
        spent = token()
        assert log_in(server, spent) == "success"
        server.stop()
        account(here).unlink()
        here.restore(here.archive)
        assert account(here).exists()
        server.start()
        assert log_in(server, spent) == "not-authorized"
        assert log_in(server, token()) == "success"


def test_without_the_wait_another_machine_accepts_a_spent_token(serve, machine, token):
    """This is why the page says to wait."""
    spent = token()
    for name in ("old", "new"):
        with serve(machine(name)) as server:
            assert log_in(server, spent) == "success"


def copy_ledger(machine, to):
    """Copies the ledger as a backup would that does not leave it out."""
    to.mkdir()
    for name in machine.ledger_files():
        shutil.copy2(machine.data / name, to)


def test_an_old_copy_of_the_ledger_is_noticed(serve, machine, token, tmp_path):
    here = machine("here")
    with serve(here) as server:
        assert log_in(server, token()) == "success"
        copy_ledger(here, tmp_path / "copy")
        spent = token()
        assert log_in(server, spent) == "success"
        server.stop()
        for name in here.ledger_files():
            (here.data / name).unlink()
        for path in (tmp_path / "copy").iterdir():
            shutil.copy2(path, here.data)
        server.start()
        assert log_in(server, spent) == REFUSED
        assert log_in(server, token()) == REFUSED
        line = block(PAGE, "text", "Login refused").strip().replace("192.0.2.1", "127.0.0.1")
        assert line in server.log()


def test_a_lost_ledger_is_noticed_by_its_lock_file(serve, machine, token):
    here = machine("here")
    with serve(here) as server:
        spent = token()
        assert log_in(server, spent) == "success"
        server.stop()
        for name in here.ledger_files():
            if not name.endswith(".lock"):
                (here.data / name).unlink()
        server.start()
        assert log_in(server, spent) == REFUSED
