"""docs/clients.md shows the code that is tested, and the versions that are."""

import json
import re

import pytest
from page_code import code_shown, is_in
from server import ROOT

PAGE = (ROOT / "docs/clients.md").read_text("utf-8")
FOLDER = ROOT / "examples/clients"
SHOWN = code_shown(PAGE, "examples/clients")


@pytest.mark.parametrize(("file", "code"), SHOWN)
def test_the_code_is_that_of_the_file(file, code):
    assert is_in(code, FOLDER / file)


def test_each_file_is_shown():
    assert {file for file, _ in SHOWN} == {file.name for file in FOLDER.glob("*.*")}


def test_the_versions_are_those_of_the_tests():
    versions = {}
    for folder in ("tests/clients", "examples/webchat"):
        versions |= json.loads((ROOT / folder / "package.json").read_text())["dependencies"]
    requirements = (ROOT / "tests/clients/requirements.txt").read_text()
    versions |= dict(re.findall(r"^(.+)==(.+)$", requirements, re.MULTILINE))
    names = {"xmpp.js": "@xmpp/client", "Strophe.js": "strophe.js", "Converse.js": "converse.js"}
    rows = re.findall(r"^\| ([\w.]+)[^|]* \| ([\d.]+) \| .* \| test[^|]*\|$", PAGE, re.MULTILINE)
    assert {name for name, _ in rows} == {*names, "stanza", "slixmpp"}
    for name, version in rows:
        assert version == versions[names.get(name, name)], name


def test_the_seconds_are_those_of_the_web_chat():
    code = (ROOT / "examples/webchat/public/pace.js").read_text()
    silence, hidden, answer = (
        re.search(rf"^(?:export )?const {name} = (\d+);", code, re.MULTILINE)[1]
        for name in ("LONGEST_SILENCE", "LONGEST_SILENCE_HIDDEN", "LONGEST_ANSWER")
    )
    page = " ".join(PAGE.split())
    assert f"After {silence} s of silence" in page
    assert f"none comes within {answer} s" in page
    assert f"waits for {hidden} s of silence" in page
