"""docs/upgrading.md: what a running server does while its files are replaced."""

import re
import shutil

import pytest
from client import Client
from mint import mint
from pages import block
from server import PLUGINS, ROOT

PAGE = "upgrading.md"
HOST = "example.com"
LINE = block(PAGE, "text", "different versions").strip()


@pytest.fixture
def plugins(tmp_path):
    """The plugins in a folder where they can be replaced."""
    return shutil.copytree(PLUGINS, tmp_path / "plugins")


@pytest.fixture
def server(prosody, options, plugins):
    paths = [str(plugins), str(ROOT / "tests/prosody/plugins")]
    with prosody({HOST: options}, plugin_paths=paths) as server:
        yield server


def upgrade(plugins):
    """Replaces the Lua files by those of a version that needs another xtoken.so."""
    file = plugins / "xtoken/native.lib.lua"
    text, count = re.subn(
        r"^local interface = \d+", "local interface = 999", file.read_text(), flags=re.M
    )
    assert count == 1
    file.write_text(text)


def log_in(server, token):
    with Client(server.port, HOST) as client:
        return client.log_in("alice", token)


def parts(line):
    """Returns the parts of a line of the page that are not left out with dots."""
    return re.split("…", line)


def is_logged(server, line):
    return re.search(".*".join(map(re.escape, parts(line))), server.log()) is not None


def test_logins_go_on_until_the_restart(server, plugins, key):
    spent = mint(f"alice@{HOST}", key)
    assert log_in(server, spent) == "success"
    upgrade(plugins)
    server.reload_config()
    assert log_in(server, mint(f"alice@{HOST}", key)) == "success"
    assert log_in(server, spent) == "not-authorized"
    server.stop()
    shutil.copytree(PLUGINS, plugins, dirs_exist_ok=True)
    server.start()
    assert log_in(server, spent) == "not-authorized"
    assert log_in(server, mint(f"alice@{HOST}", key)) == "success"
    assert "verified by xtoken" in server.log()


def test_a_reload_of_the_module_between_two_versions(server, plugins, key):
    assert not is_logged(server, LINE)
    upgrade(plugins)
    server.reload_module(HOST)
    assert is_logged(server, LINE)
    with Client(server.port, HOST) as client:
        assert client.mechanisms() == set()


def test_half_of_an_upgrade(server, plugins):
    upgrade(plugins)
    server.stop()
    server.start()
    assert is_logged(server, LINE)
    checked = server.prosodyctl("mod_auth_token", "check")
    assert f"{plugins}/xtoken.so" in checked and f"the Lua files in {plugins}" in checked
