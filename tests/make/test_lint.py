"""make lint finds lines that are too long, and words that the glossary rules out."""

import subprocess

import pytest
from conftest import ROOT

GLOSSARY = """
| word | what it means | instead of |
| --- | --- | --- |
| sparrow | a small bird | `pigeon`, bird |
| left and right | both | `on either side` |
"""


@pytest.fixture
def check(tmp_path):
    """check(script, path=text): what a script prints of a checkout with this file."""

    def run(script, files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        for command in (["git", "init", "-q"], ["git", "add", "."]):
            subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run(
            [ROOT / "scripts" / script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        found = done.stdout.splitlines()
        assert done.returncode == (1 if found else 0)
        return found

    return run


LONG = "word " * 20 + "x"


@pytest.mark.parametrize(
    "name, text, found",
    [
        ("a.rs", LONG, "a.rs:1: 101 columns, 100 at most"),
        ("a.rs", LONG[:100], None),
        ("a.rs", f"ok\n// {LONG}", "a.rs:2: 104 columns, 100 at most"),
        ("run", "\t" + LONG[:99], "run:1: 103 columns, 100 at most"),
        ("a.rs", "ü" * 99, None),
        ("a.py", " " * 8 + "x" * 99, None),
        ("a.py", f"# http://localhost {LONG}", None),
        ("a.md", f"| {LONG} |\n\n```\n{LONG}\n```\n", None),
        ("a.md", f"```\n```\n{LONG}", "a.md:3: 101 columns, 100 at most"),
        ("a.lua", LONG, "a.lua:1: 101 columns, 100 at most"),
        ("a.json", LONG, None),
    ],
)
def test_long_lines_are_found(check, name, text, found):
    assert check("check-lines", {name: text}) == ([found] if found else [])


@pytest.mark.parametrize(
    "line, word",
    [
        ("a pigeon", "pigeon"),
        ("Pigeons!", "pigeons"),
        ("fn last_pigeon()", "pigeon"),
        ("LAST_PIGEON", "pigeon"),
        ("LastPigeonError", "pigeon"),
        ("it is On either side", "on either side"),
        ("a bird", None),
        ("pigeonhole", None),
    ],
)
def test_words_are_found(check, line, word):
    found = check("check-words", {"docs/glossary.md": GLOSSARY, "src/a.rs": f"\n{line}\n"})
    instead = "left and right" if word == "on either side" else "sparrow"
    assert found == ([f'src/a.rs:2: not "{word}", but: {instead}'] if word else [])


def test_words_are_found_in_names_of_files_too(check):
    found = check("check-words", {"docs/glossary.md": GLOSSARY, "src/pigeon.rs": ""})
    assert found == ['src/pigeon.rs:0: not "pigeon", but: sparrow']
