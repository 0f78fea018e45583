"""Pages for operators show what commands really print.

It runs on both versions. The comment before a block of a page names the state of the server. The
functions below make these states. With XTOKEN_WRITE_DOCS=1, this writes the outputs into the pages.
"""

import contextlib
import difflib
import itertools
import os
import re
import subprocess
import textwrap

import pytest
from client import Client
from mint import early_in_a_step, mint
from pages import without_what_changes
from server import PLUGINS, ROOT, Prosody, free_port
from versions import VERSIONS

VERSION = "13.0"  # the one whose outputs are written
HOST = "example.com"
NEW = ("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U", "a secret that is new")
OLD = ("NZSXOIDTMVRXEZLUEBTG64RAORSXG5DT", "a secret that is old")
FAIL2BAN = ROOT / "target/fail2ban"
BLOCK = re.compile(r"^( *)<!-- ([\w ]+) -->\n *```console\n(.*?)\n *```$", re.M | re.S)
# The pages whose outputs are written. They say so themselves.
NOTE = "<!-- The outputs are written by XTOKEN_WRITE_DOCS=1 tests/prosody/run -k test_outputs -->"
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if NOTE in page.read_text())


def entry(name, key, **more):
    return {"id": name, "otp_seed": key[0], "token_secret": key[1], **more}


def server(*keys, modules_enabled=(), plugin_paths=(str(PLUGINS),), **options):
    settings = {"c2s_require_encryption": True, "allow_unencrypted_plain_auth": False}
    made = Prosody(
        VERSION,
        {HOST: {"token_keys": list(keys), **options}},
        modules_enabled=["http_openmetrics", *modules_enabled],
        plugin_paths=[*plugin_paths, str(ROOT / "tests/prosody/plugins")],
        statistics="internal",
        statistics_interval="manual",
        http_ports=[free_port()],
        https_ports=[],
        http_interfaces=["127.0.0.1"],
        **settings,
    )
    made.make_certificate()
    (made.folder / "certs").mkdir()
    return made


def log_in(running, token, user="alice"):
    with Client(running.port, HOST) as client:
        client.start_tls()
        return client.log_in(user, token)


def token(key=NEW, signed=f"alice@{HOST}", **how):
    return mint(signed, key, **how)


# The states. Each yields a running server and a token.


@contextlib.contextmanager
def one_key():
    with server(entry("2026-05", OLD)) as running:
        assert log_in(running, token(OLD)) == "success"
        running.stop()
        early_in_a_step()
        yield running, None


@contextlib.contextmanager
def mistakes():
    options = {"token_nonce_lenght": 16, "token_deviation": 30, "token_ledger": "memory"}
    with server(entry("2026-05", OLD), modules_enabled=["auth_token"], **options) as running:
        yield running, None


@contextlib.contextmanager
def another_module_first():
    with server(entry("2026-05", OLD)) as running:
        folder = running.folder / "jitsi"
        folder.mkdir()
        (folder / "mod_auth_token.lua").write_text(
            'local token_util = module:require "token/util";\n'
        )
        running.settings["plugin_paths"] = [str(folder), str(PLUGINS)]
        running.write_config()
        yield running, None


@contextlib.contextmanager
def two_keys():
    with server(entry("2026-11", NEW), entry("2026-05", OLD)) as running:
        assert log_in(running, token(OLD)) == "success"
        running.stop()
        yield running, None


@contextlib.contextmanager
def application_has_changed():
    with server(entry("2026-11", NEW), entry("2026-05", OLD)) as running:
        for key in (OLD, NEW, NEW, NEW):
            assert log_in(running, token(key)) == "success"
        running.stop()
        yield running, None


@contextlib.contextmanager
def old_key_has_ended():
    with server(entry("2026-11", NEW), entry("2026-05", OLD, not_after="2026-01-31")) as running:
        yield running, token(OLD)


@contextlib.contextmanager
def leaked_key():
    with server(entry("2026-11", NEW), token_fast_not_before="2026-11-25") as running:
        yield running, None


@contextlib.contextmanager
def refused_logins():
    with server(entry("2026-11", NEW)) as running:
        spent = token()
        assert log_in(running, spent) == "success"
        assert log_in(running, spent) == "not-authorized"
        assert log_in(running, token(signed=f"Alice@{HOST}")) == "not-authorized"
        assert log_in(running, token(signed=f"bob@{HOST}", steps=-4), "bob") == "not-authorized"
        assert log_in(running, "x", "bob") == "not-authorized"
        yield running, None


@contextlib.contextmanager
def unused(**how):
    """Yields a token that was not presented yet."""
    with server(entry("2026-11", NEW)) as running:
        early_in_a_step()
        yield running, token(**how)


@contextlib.contextmanager
def used_before():
    with server(entry("2026-11", NEW)) as running:
        spent = token()
        assert log_in(running, spent) == "success"
        yield running, spent


@contextlib.contextmanager
def memory():
    with server(entry("2026-11", NEW), token_ledger="memory") as running:
        spent = token()
        assert log_in(running, spent) == "success"
        yield running, spent


@contextlib.contextmanager
def clock_skew():
    with server(entry("2026-11", NEW)) as running:
        for _ in range(51):
            early_in_a_step()
            assert log_in(running, token(steps=-1)) == "success"
        yield running, None


@contextlib.contextmanager
def undated_logins():
    with server(entry("2026-11", NEW)) as running:
        assert log_in(running, token()) == "success"
        assert log_in(running, token(nonce="7" * 32)) == "success"
        running.stop()
        yield running, None


@contextlib.contextmanager
def dates_only():
    with server(entry("2026-11", NEW), token_nonce_policy="dated") as running:
        yield running, token(nonce="7" * 32)


@contextlib.contextmanager
def report():
    with server(entry("2026-11", NEW), token_nonce_policy="report") as running:
        for user in ("alice", "bob", "alice"):
            assert (
                log_in(running, token(signed=f"{user}@{HOST}", nonce=mint("", NEW)[8:24]), user)
                == "success"
            )
        yield running, None


STATES = {
    "one key": one_key,
    "mistakes": mistakes,
    "another module first": another_module_first,
    "two keys": two_keys,
    "application has changed": application_has_changed,
    "old key has ended": old_key_has_ended,
    "leaked key": leaked_key,
    "refused logins": refused_logins,
    "upper case": lambda: unused(signed=f"Alice@{HOST}"),
    "used before": used_before,
    "another secret": lambda: unused(key=(NEW[0], "another")),
    "16 digits": lambda: unused(nonce="7" * 16),
    "memory": memory,
    "clock skew": clock_skew,
    "undated logins": undated_logins,
    "dates only": dates_only,
    "slow clock": lambda: unused(steps=-4),
    "report": report,
    "metrics": refused_logins,
}


# What the page shows, and what this runs


def tools(folder, running):
    """Returns a folder with the programs of an operator, which use this server."""
    folder.mkdir(exist_ok=True)
    python_path = FAIL2BAN / "usr/lib/python3/dist-packages"
    prosodyctl = running.launcher.with_name("prosodyctl")
    programs = {
        "prosodyctl": f'exec {prosodyctl} --config {running.config} "$@"',
        "fail2ban-regex": f"PYTHONPATH={python_path} exec /usr/bin/python3 "
        f'{FAIL2BAN}/usr/bin/fail2ban-regex --config {FAIL2BAN}/etc/fail2ban "$@"',
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def places(running):
    """Returns pairs of paths: here, and on the page."""
    return [
        (str(running.folder / "prosody.log"), "/var/log/prosody/prosody.log"),
        (str(running.folder / "cert.pem"), f"/etc/prosody/certs/{HOST}.crt"),
        (str(running.folder / "jitsi"), "/usr/share/jitsi-meet/prosody-plugins"),
        (str(running.folder), "/var/lib/prosody"),
        (str(PLUGINS), "/usr/local/lib/prosody/modules"),
        (f"localhost:{running.settings['http_ports'][0]}", "localhost:5280"),
    ]


def run(command, running, secret, folder):
    for here, there in places(running):
        command = command.replace(there, here)
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{tools(folder, running)}:{os.environ['PATH']}",
            "TOKEN": secret or "",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    output = done.stdout.replace("127.0.0.1", "192.0.2.1")
    # A secret that is on the page would not be a secret any more.
    output = re.sub('"[A-Z2-7]{32,}"', '"…"', output)
    for here, there in places(running):
        output = output.replace(here, there)
    return output.strip("\n")


@pytest.mark.parametrize("version, state", list(itertools.product(VERSIONS, STATES)))
def test_the_pages_show_what_commands_print(tmp_path, monkeypatch, version, state):
    monkeypatch.setitem(globals(), "VERSION", version)
    assert (FAIL2BAN / "usr/bin/fail2ban-regex").exists(), "tests/prosody/run fetches fail2ban"
    pages = {page: page.read_text() for page in PAGES}

    with STATES[state]() as (running, secret):

        def really(block):
            indent, name, body = block.groups()
            if name != state:
                return block[0]
            commands = re.findall(r"^\$ (.*)$", textwrap.dedent(body), re.M)
            lines = "\n".join(
                f"$ {command}\n{run(command, running, secret, tmp_path / 'bin')}"
                for command in commands
            )
            shown = f"<!-- {name} -->\n```console\n{lines}\n```"
            return textwrap.indent(shown, indent)

        real = {page: BLOCK.sub(really, text) for page, text in pages.items()}

    if os.environ.get("XTOKEN_WRITE_DOCS") and version == "13.0":
        for page, text in real.items():
            page.write_text(text)
    for page, text in pages.items():
        expected, found = (without_what_changes(part).splitlines() for part in (text, real[page]))
        assert expected == found, "\n".join(
            difflib.unified_diff(expected, found, page.name, "reality", lineterm="")
        )


def test_every_block_of_the_pages_is_tested():
    names = set()
    for page in PAGES:
        text = page.read_text()
        found = BLOCK.findall(text)
        assert found and text.count("```console") == len(found), page
        names |= {name for _, name, _ in found}
    assert names == set(STATES)


def test_no_other_page_has_such_blocks():
    others = set((ROOT / "docs").rglob("*.md")) - set(PAGES)
    assert [page for page in others if BLOCK.search(page.read_text())] == []
