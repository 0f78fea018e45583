"""The demo runs on the Prosody that is installed."""

import subprocess
import sys

import pytest
import versions
from server import ROOT

DEMO = """
import pathlib, runpy, sys
sys.path.insert(0, "tests/prosody")
import versions
versions.INSTALLED = pathlib.Path(sys.argv[1])
runpy.run_path("examples/demo/demo.py")
"""


def test_the_demo_runs_on_the_installed_version(version):
    launcher = versions.launcher(version)
    demo = [sys.executable, "-c", DEMO, launcher]
    done = subprocess.run(demo, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and "The demo succeeded." in done.stdout
    assert f"2. Prosody {versions.version_of(launcher)} starts" in done.stdout


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(installed, *unpacked) makes a machine with these versions of Prosody."""

    def there(folder, version):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/prosody").touch()
        (folder / "lib/prosody").mkdir(parents=True)
        (folder / "lib/prosody/prosody.version").write_text(f"{version}\n")

    def machine(installed, *unpacked):
        if installed:
            there(tmp_path / "usr", installed)
        for version in unpacked:
            there(tmp_path / f"target/prosody-{version}/usr", f"{version}.9")

    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr(versions, "INSTALLED", tmp_path / "usr/bin/prosody")
    return machine


@pytest.mark.parametrize(
    "installed, unpacked, taken",
    [
        ("0.12.3", [], "0.12"),
        ("13.0.1", [], "13.0"),
        ("0.12.3", ["13.0"], "0.12"),
        ("13.0.1", ["0.12"], "13.0"),
        (None, ["13.0"], "13.0"),
        ("0.11.8", ["13.0"], "13.0"),
    ],
)
def test_which_version_is_taken(machine, installed, unpacked, taken):
    machine(installed, *unpacked)
    assert versions.any_version() == taken


@pytest.mark.parametrize("installed", [None, "0.11.8", "130.0"])
def test_what_is_missing_is_said(machine, installed):
    machine(installed)
    found = f"needed, and installed is {installed or 'none'}: apt-get install prosody"
    with pytest.raises(FileNotFoundError, match=found):
        versions.any_version()
    with pytest.raises(FileNotFoundError, match="scripts/prosody 13.0 fetches it"):
        versions.launcher("13.0")
