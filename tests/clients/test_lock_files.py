"""The lock files of npm."""

import json

import pytest
from server import ROOT

FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("examples", "tests")
    for path in (ROOT / folder).rglob("package-lock.json")
    if "node_modules" not in path.parts
)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_npm_of_debian_can_install_what_the_file_names(file):
    """npm 9 fails on folders inside packages, and every registry must be able to serve the rest."""
    for name, package in json.loads((ROOT / file).read_text())["packages"].items():
        assert name == "" or package.get("version"), f"remove {name} from {file}"
        assert not package.get("link") and "resolved" not in package, f"remove {name} from {file}"
        for wanted in package.get("dependencies", {}).values():
            assert not wanted.startswith("file:"), f"remove {wanted} from {name} in {file}"
