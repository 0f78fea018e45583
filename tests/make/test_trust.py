"""docs/trust.md is what its script makes, and misses no part of `make trust`."""

import os
import re
import subprocess
import tomllib

import pytest
from conftest import ROOT

TRUST = ROOT / "tests/trust"
PROMISES = tomllib.loads((TRUST / "promises.toml").read_text())["promise"]
MAKEFILES = "".join(path.read_text() for path in sorted((ROOT / "make").glob("*.mk")))


def test_the_page_is_the_one_of_the_table_and_the_figures():
    print_page = [TRUST / "page", "--print"]
    made = subprocess.run(print_page, check=True, stdout=subprocess.PIPE, text=True)
    assert made.stdout == (ROOT / "docs/trust.md").read_text(), "run `make trust-page`"


def test_each_part_of_make_trust_has_a_promise():
    parts = set(re.findall("^trust-[a-z0-9-]+", MAKEFILES, re.MULTILINE)) - {"trust-page"}
    assert len(parts) > 8
    commands = [promise["command"].split() for promise in PROMISES]
    targets = {command[1] for command in commands if command[0] == "make"}
    assert {target for target in targets if target.startswith("trust-")} == parts
    assert targets <= set(re.findall("^([a-z0-9-]+):", MAKEFILES, re.MULTILINE))


@pytest.mark.parametrize("patch", sorted((ROOT / "tests/constant_time").glob("*.patch")))
def test_a_planted_mistake_can_be_planted(patch):
    dry = ["patch", "--dry-run", "--fuzz=0", "-p1", "-i", patch]
    subprocess.run(dry, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_each_figure_is_kept_by_a_check_and_shown():
    kept = set(re.findall(r"(?:\$\(figure\)|scripts/figure) ([a-z0-9.-]+)", MAKEFILES))
    shown = {promise["figure"] for promise in PROMISES if promise.get("figure")}
    assert len(kept) > 8 and shown == kept
    assert {path.stem for path in (TRUST / "figures").glob("*.txt")} <= kept


@pytest.fixture
def figure(tmp_path):
    """figure(script): the exit status of scripts/figure with this check, and the figure it left."""
    (tmp_path / "scripts").mkdir()
    copied = tmp_path / "scripts/figure"
    copied.write_bytes((ROOT / "scripts/figure").read_bytes())
    copied.chmod(0o755)

    def run(script):
        done = subprocess.run([copied, "a", "sh", "-c", script], stdout=subprocess.DEVNULL)
        file = tmp_path / "tests/trust/figures/a.txt"
        return done.returncode, file.read_text() if file.exists() else None

    return run


def test_a_check_that_fails_leaves_no_figure(figure):
    status, left = figure("echo 'a: 7 of 8'; echo 'a: 8 of 8'; echo 'ab: 9'")
    assert status == 0 and re.fullmatch(r"8 of 8 \(\d{4}-\d\d-\d\d\)\n", left)
    assert figure("echo 'a: 8 of 8'; exit 3") == (3, None)
    assert figure("echo 'a: 8'")[0] == 0
    assert figure("echo nothing") == (1, None)


# A part that succeeds, one that fails, and the one that needs a checkout.
PARTS = """
.PHONY: trust-good trust-bad trust-differential
trust-good:
	@echo "ran good"
trust-bad:
	@echo "ran bad"; exit 1
trust-differential:
	@echo "ran differential"
"""


@pytest.mark.parametrize("reference", ["", "/somewhere"])
@pytest.mark.parametrize("parts", ["good", "good bad"])
def test_make_trust_runs_every_part_and_names_those_that_failed(tmp_path, reference, parts):
    (tmp_path / "tests/trust").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    for script, said in (("tests/trust/page", "wrote the page"), ("scripts/need", "")):
        (tmp_path / script).write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / script).chmod(0o755)
    rules = PARTS if "bad" in parts else PARTS.replace("exit 1", "")
    trust = (ROOT / "make/trust.mk").read_text()
    (tmp_path / "Makefile").write_text(trust + rules)
    done = subprocess.run(
        ["make", "trust", f"REFERENCE={reference}"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode == 0) == ("bad" not in parts)
    assert "ran good" in done.stdout and "ran bad" in done.stdout
    assert "wrote the page" in done.stdout
    assert ("ran differential" in done.stdout) == bool(reference)
    assert ("NOT RUN" in done.stdout) == (not reference)
    assert ("These failed: trust-bad\n" in done.stdout) == ("bad" in parts)
