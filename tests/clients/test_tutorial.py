"""docs/tutorial.md: its blocks, run in order on Debian's configuration, until two pages talk.

Then those of docs/own-page.md, a page of one's own.

With XTOKEN_WRITE_DOCS=1, this writes into the page what the commands print.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from pages import without_what_changes
from samples import NAMES, Sample
from server import PATIENCE, ROOT, eventually, free_port
from test_stock import Stock
from webchat import browse, tool

PAGE = ROOT / "docs/tutorial.md"
OWN_PAGE = ROOT / "docs/own-page.md"
START = "3. Start the web application"
# What stands in place of the commands of that step.
HEADINGS = {"express": "TypeScript, with Express", "php": "PHP"}
PARTS = re.compile(
    r"^(?P<heading>##[^\n]*)$|^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
# Programs that would change this machine. `make test-clients` has done what they would do.
HARMLESS = {
    "sudo": 'exec "$@"',
    "apt": "",
    "chown": "",
    "npm": f'[ "$1" = ci ] || exec {shutil.which("npm")} "$@"',
}
# Blocks that are not run here: they install packages, look for what is not there yet, clean up.
SKIPPED = ["sudo apt install", "Login refused", "rm -f"]


class Reader(Stock):
    """Prosody as its package has it, and somebody who does what the page says."""

    def __init__(self, version, language):
        super().__init__(version, ("", ""))
        self.language = language
        self.http_port = free_port()
        self.web_ports = {"http_ports": [self.http_port], "https_ports": []}
        for file in (self.folder / "conf.d").iterdir():
            file.unlink()
        self.port = 5222  # for prosodyctl, until the server is started
        self.write_config()
        self.application = None
        self.page = self.real_page = PAGE.read_text()
        self.make_checkout()
        self.make_programs()

    def __exit__(self, *_):
        if self.application:
            self.application.__exit__()
        super().__exit__()

    def make_checkout(self):
        self.checkout = self.folder / "xtoken"
        ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
        shutil.copytree(ROOT / "examples", self.checkout / "examples", True, ignored)
        for name in ("webchat", "servers/express"):
            modules = self.checkout / "examples" / name / "node_modules"
            modules.symlink_to(ROOT / "examples" / name / "node_modules")

    def make_programs(self):
        programs = self.folder / "bin"
        programs.mkdir()
        install = f'exec {tool("make")} -s -C {ROOT} install-plugins DESTDIR="{self.folder}"'
        prosodyctl = self.launcher.with_name("prosodyctl")
        more = {
            "make": f'[ "$1" = plugins ] || MAKEFLAGS= {install}',
            "prosodyctl": f'exec {prosodyctl} --config {self.config} "$@"',
        }
        for name, line in (HARMLESS | more).items():
            (programs / name).write_text(f"#!/bin/sh\n{line}\n")
            (programs / name).chmod(0o755)
        # Debian's Python, which has Debian's Flask, comes before every other.
        path = f"{programs}:/usr/bin:/bin:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path}

    def places(self):
        """Returns what commands name, and what it is here."""
        return {"/etc/prosody/": f"{self.folder}/", "/var/log/prosody/": f"{self.folder}/"}

    def run(self, script):
        """Runs a script in the checkout, and returns what it printed, as the page shows it."""
        if script == "sudo systemctl restart prosody":
            return self.restart()
        output = re.sub('"[A-Z2-7]{32,}"', '"…"', self.printed_by(script))  # secrets
        output = re.sub(r"\b2\d{3}-\d\d\b(?!-)", "2026-12", output)  # the name of the key
        output = output.replace(f"{self.folder}/usr/", "/usr/")
        return output.replace(str(self.folder), "/var/lib/prosody").strip("\n")

    def restart(self):
        self.stop()
        self.start()
        opened = f"Activated service 'http' on [127.0.0.1]:{self.http_port}"
        eventually(lambda: opened in self.log(), PATIENCE, "Prosody serves no HTTP")
        return ""

    def printed_by(self, script):
        for there, here in self.places().items():
            script = script.replace(there, here)
        if self.application:
            script = script.replace(":8080", f":{self.application.port}")
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def start_application(self, script):
        """Does what the page says. Its last line is the command that runs until Ctrl-C."""
        *before, command = script.splitlines()
        state = self.printed_by("\n".join([*before, "printf '\\0%s\\0' \"$PWD\"", "env -0"]))
        _, folder, *variables = state.rstrip("\0").split("\0")
        variables = dict(variable.split("=", 1) for variable in variables)
        self.application = Sample(self.language, variables, pathlib.Path(folder), command)
        self.application.__enter__()

    def expect_printed(self, words):
        if self.language == "express":
            return  # npm prints this, and the test does without npm
        words = words.replace("8080", str(self.application.port))
        eventually(lambda: words in self.application.log(), PATIENCE, f"nothing prints: {words}")

    def follow(self):
        """Runs every block of the page that is for this reader, and those of the other page."""
        written = PARTS.sub(self.follow_part, self.page)
        for kind in ("js", "html"):
            name = f"my-chat.{kind}"
            (body,) = (part["body"] for part in parts(OWN_PAGE.read_text()) if part["kind"] == kind)
            assert f"`{name}`" in OWN_PAGE.read_text()
            (self.checkout / "examples/webchat/public" / name).write_text(body)
        return written

    heading = ""

    def in_own_language(self, kind):
        """Returns the block of one kind with which this reader starts the web application."""
        text = self.page.partition(f"\n### {HEADINGS[self.language]}\n")[2].partition("\n### ")[0]
        (body,) = (part["body"] for part in parts(text) if part["kind"] == kind)
        return body

    def follow_part(self, part):
        if part["heading"]:
            self.heading = part["heading"].strip("# ")
            return part[0]
        if self.heading in HEADINGS.values():
            return part[0]
        body = part["body"]
        if self.heading == START and part["kind"] in ("sh", "text") and self.language in HEADINGS:
            body = self.in_own_language(part["kind"])
        if part["kind"] == "console":
            commands = re.findall(r"^\$ (.*)$", part["body"], re.MULTILINE)
            shown = "".join(f"$ {command}\n{ended(self.run(command))}" for command in commands)
            return f"```console\n{shown}```"
        if part["kind"] == "text":
            self.expect_printed(body.strip())
        elif self.heading == START:
            self.start_application(body)
        elif not any(words in body for words in SKIPPED):
            self.run(body)
        return part[0]

    def browse(self):
        return browse(
            "tutorial", self.application.address, script="visitors.mjs", stop=self.stop,
            close=lambda: self.shell("c2s:closeall()"),
        )  # fmt: skip


def parts(text):
    """Returns the blocks of a text."""
    return (part for part in PARTS.finditer(text) if part["kind"])


def ended(text):
    return f"{text}\n" if text else ""


def test_every_language_is_tried():
    assert {"flask", *HEADINGS} == NAMES.keys()
    found = re.findall("^### (.*)$", PAGE.read_text(), re.MULTILINE)
    assert found == list(HEADINGS.values())


@pytest.mark.parametrize(
    "version, language", [("0.12", "flask"), ("13.0", "express"), ("13.0", "php")]
)
def test_two_browsers_talk_at_the_end(version, language, monkeypatch):
    with Reader(version, language) as reader:
        real = reader.follow()
        monkeypatch.setenv("XTOKEN_RESOLVE", f"MAP localhost:5280 127.0.0.1:{reader.http_port}")
        assert reader.browse() == 0
        assert "Login refused: " in reader.log()
    if os.environ.get("XTOKEN_WRITE_DOCS") and language == "express":
        PAGE.write_text(real)
    expected, found = (without_what_changes(text).splitlines() for text in (reader.page, real))
    assert expected == found, "\n".join(
        difflib.unified_diff(expected, found, "docs/tutorial.md", "reality", lineterm="")
    )
