"""What make prints and does around the tests and the packages that it installs."""

import os
import re
import subprocess

import pytest
from conftest import ROOT


SUITES = """
good: ; @echo 3 passed
bad: ; @echo 1 failed; exit 1
worse: ; @echo 2 failed; exit 7
"""


def test_every_suite_runs_and_those_that_fail_are_named(checkout):
    """Suites of this test's own, known to each make that starts another."""
    checkout.write("suites.mk", SUITES)
    suites = {"MAKEFILES": str(checkout.folder / "suites.mk")}
    said = checkout.make("test", "SUITES=bad good worse good", status=2, **suites)
    counts = [line for line in said.splitlines() if line.endswith(("passed", "failed"))]
    assert counts == ["1 failed", "3 passed", "2 failed", "3 passed"]
    assert "These failed: bad worse\n" in said
    assert "These failed" not in checkout.make("test", "SUITES=good", **suites)


def test_make_test_runs_the_suite_of_every_folder():
    """Those of tests/install/, cross/ and mutants/ need root, or hours: they are no part of it."""
    database = ["make", "--print-data-base", "--dry-run", "help"]
    said = subprocess.run(database, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    suites = re.search("^SUITES := (.*)$", said, re.MULTILINE)[1]
    folders = {path.parent.name for path in ROOT.glob("tests/*/run")}
    folders -= {"install", "cross", "mutants"}
    assert set(suites.split()) == {f"test-{name}" for name in folders | {"rust", "shuttle"}}


def need(folder, apt_get):
    """Runs scripts/need for a package that is missing, with an apt-get of this test's own."""
    tools = {"apt-get": apt_get, "dpkg-query": "exit 1", "sudo": 'exec "$@"'}
    for name, line in {**tools, "sleep": "echo sleep >>calls"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts/need", "a-package"],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout, (folder / "calls").read_text().splitlines()


APT_GET = """
echo "$*" >>calls
case "$*" in
*install*) test -e lists ;;
*) case $(grep -c update calls) in {outcomes} esac ;;
esac
"""
LOCKED = "echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by …'; exit 100"


def test_another_apt_get_is_waited_for(tmp_path):
    outcomes = f"[12]) {LOCKED} ;; 3) touch lists ;;"
    status, said, calls = need(tmp_path, APT_GET.format(outcomes=outcomes))
    assert (status, said) == (0, "Installing with apt-get: a-package\n")
    options = "-qq -o DPkg::Lock::Timeout=600"
    update, install = f"{options} update", f"{options} install -y --no-install-recommends a-package"
    assert calls == [install, update, "sleep", update, "sleep", update, install]


def test_any_other_failure_of_apt_get_is_said_at_once(tmp_path):
    outcomes = "*) echo 'E: no network'; exit 100 ;;"
    status, said, calls = need(tmp_path, APT_GET.format(outcomes=outcomes))
    assert status != 0 and "E: no network" in said
    assert "sleep" not in calls


DIES = """
import threading

def test_a_thread():
    thread = threading.Thread(target=lambda: 1 / {divisor})
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("divisor, status", [(1, 0), (0, 1)])
def test_a_thread_that_dies_fails_its_test(tmp_path, divisor, status):
    (tmp_path / "test_threads.py").write_text(DIES.format(divisor=divisor))
    run = [ROOT / "scripts/pytest", "tests/make", tmp_path / "test_threads.py"]
    done = subprocess.run(run, stdout=subprocess.PIPE, text=True)
    assert (done.returncode, "ZeroDivisionError" in done.stdout) == (status, status == 1)
