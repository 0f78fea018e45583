"""docs/systemd.md: its drop-in, and its configurations with the credentials that systemd makes.

systemd does not run where the tests do, so they make the folder of credentials as systemd does:
readable for the user of the service alone, and named in CREDENTIALS_DIRECTORY.
"""

import os
import re
import shutil
import subprocess

import pytest
from client import Client
from mint import mint, new_key
from server import ROOT, Prosody

PAGE = (ROOT / "docs/systemd.md").read_text()
KEY = new_key()
UNIT = "[Service]\nExecStart=/bin/true\nUser=root\n"


def blocks(language):
    """Returns the blocks of code in a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in found]


@pytest.mark.parametrize("drop_in", blocks("ini"), ids=["plain", "encrypted"])
def test_systemd_accepts_the_drop_in(tmp_path, drop_in):
    folder = tmp_path / "xtoken-test.service.d"
    folder.mkdir()
    (tmp_path / "xtoken-test.service").write_text(UNIT)

    def verify(text):
        (folder / "xtoken.conf").write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "xtoken-test.service"],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return re.findall(r"xtoken\.conf:\d+: .*", done.stdout)

    assert verify(drop_in) == []
    assert verify(drop_in.replace("LoadCredential", "LoadCredentials")) != []


def make_credentials(server, monkeypatch, line_break):
    """Makes the credentials that the drop-in names, in a folder of the server's user."""
    loaded = re.findall(r"^LoadCredential=(\w+):\S+$", blocks("ini")[0], re.M)
    assert loaded == ["otp_seed", "token_secret"]
    folder = server.folder / "credentials"
    folder.mkdir()
    for name, secret in zip(loaded, KEY):
        (folder / name).write_text(secret + line_break)
        (folder / name).chmod(0o400)
        shutil.chown(folder / name, "prosody", "prosody")
    folder.chmod(0o500)
    shutil.chown(folder, "prosody", "prosody")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))


def configurations():
    """Yields version and lines: Credential() is for 13.0, the other way for both."""
    for code in blocks("lua"):
        _, _, lines = code.partition("\n")
        for version in ["13.0"] if "Credential(" in code else ["0.12", "13.0"]:
            yield version, lines


@pytest.mark.parametrize("line_break", ["", "\n"], ids=["", "with a line break"])
@pytest.mark.parametrize("version, lines", configurations())
def test_the_configuration_leads_to_a_login(monkeypatch, version, lines, line_break):
    server = Prosody(version, {"localhost": {}})
    server.user = "prosody"
    make_credentials(server, monkeypatch, line_break)
    write_config = server.write_config

    def write():
        write_config()
        server.config.write_text(server.config.read_text() + lines)

    server.write_config = write
    with server:
        assert not re.findall(r"auth_token\t(?:warn|error)", server.log())
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", mint("alice@localhost", KEY)) == "success"
        checked = server.run_prosodyctl("mod_auth_token", "check")
        assert "a token minted now would be accepted" in checked.stdout
        assert "errors: 0" in checked.stdout
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        checked = server.run_prosodyctl("mod_auth_token", "check").stdout
        assert "would be accepted" not in checked
        if "Credential(" in lines:
            assert "set CREDENTIALS_DIRECTORY for prosodyctl" in checked
