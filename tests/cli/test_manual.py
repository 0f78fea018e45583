"""The manual, the completions, and where they are installed."""

import re
import shutil
import subprocess

import pytest
from conftest import PATH, ROOT, XTOKEN

SHARE = ROOT / "target/cli/share"
COMMANDS = ["explain", "generate-key", "inspect", "mint", "vectors", "verify"]
PAGES = ["xtoken.1", *(f"xtoken-{command}.1" for command in COMMANDS)]
MAN = (SHARE / "xtoken.1").read_text().replace("\\-", "-")


def output_of(*command, **how):
    assert shutil.which(command[0]), f"{command[0]} is missing (make test-cli installs it)"
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **how
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_there_is_a_page_for_each_command():
    assert sorted(path.name for path in SHARE.glob("*.1")) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_well_formed(page):
    assert output_of("mandoc", "-T", "lint", "-W", "warning", SHARE / page) == ""
    warnings = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", SHARE / page],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (warnings.returncode, warnings.stderr) == (0, "") and "SYNOPSIS" in warnings.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_has_its_place(command):
    page = (SHARE / f"xtoken-{command}.1").read_text().replace("\\-", "-")
    options = set(re.findall(r"--[a-z-]+", output_of(XTOKEN, command, "-h")))
    assert options and all(f"\\fB{option}\\fR" in page for option in options)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_synopsis_names_the_value_of_each_option(command):
    page = (SHARE / f"xtoken-{command}.1").read_text()
    synopsis = re.search(r"^\.SH SYNOPSIS\n(.*)$", page, re.MULTILINE)[1]
    synopsis = re.sub(r"\\f[BIR]", "", synopsis).replace("\\-", "-")
    help = output_of(XTOKEN, command, "-h")
    options = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)(?: <([^>]+)>)?", help, re.MULTILINE)
    for option, value in options:
        assert (f"{option} {value}]" if value else f"{option}]") in synopsis
    assert all(value for option, value in options if option in ("--ledger", "--output", "--nonce"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_are_those_of_the_help(command):
    help = output_of(XTOKEN, command, "--help").partition("\nExamples:\n")[2]
    examples = [line.strip() for line in help.splitlines()]
    for page in ("xtoken.1", f"xtoken-{command}.1"):
        text = (SHARE / page).read_text().replace("\\-", "-")
        shown = re.search(r"^\.SH EXAMPLES\n\.nf\n(.*?)\n\.fi$", text, re.MULTILINE | re.DOTALL)[1]
        assert [line for line in shown.splitlines() if line in examples] == examples != []


@pytest.mark.parametrize(
    "introduction, sources",
    [
        ("The reasons: ", ["src/rejection.rs"]),
        ("The names: ", ["src/explain/finding.rs", "src/explain/mistake.rs"]),
    ],
)
def test_the_stable_names_are_those_of_the_library(introduction, sources):
    listed = re.search(rf"^{introduction}(.*)\.$", MAN, re.MULTILINE)[1].split(", ")
    code = "".join((ROOT / source).read_text() for source in sources)
    assert sorted(listed) == sorted(
        re.findall(r'Self::\w+(?: \{ \.\. \}|\(_\))? => "([a-z-]+)"', code)
    )


def test_completions_of_bash():
    script = """source $1; COMP_WORDS=(xtoken $2 ''); COMP_CWORD=$3
        _xtoken xtoken "$4" "$5"; echo ${COMPREPLY[@]}"""
    complete = lambda *words: output_of(
        "bash", "-euc", script, "bash", SHARE / "xtoken.bash", *words
    ).split()
    assert set(COMMANDS) <= set(complete("", "1", "", "xtoken"))
    assert {"--key", "--ledger"} <= set(complete("verify", "2", "--", "verify"))
    assert {"--nonce", "--verbose"} <= set(complete("mint", "2", "--", "mint"))
    assert {"-o", "--output"} <= set(complete("generate-key", "2", "-", "generate-key"))
    assert "--json" not in complete("vectors", "2", "--", "vectors")


def test_completions_of_fish():
    complete = lambda words: output_of(
        "fish", "-c", f"source {SHARE}/xtoken.fish; complete -C '{words}'"
    )
    assert {line.split("\t")[0] for line in complete("xtoken ").splitlines()} >= set(COMMANDS)
    assert "--ledger" in complete("xtoken verify --l")
    assert "--nonce-length" in complete("xtoken mint --non")
    assert "--verbose" in complete("xtoken mint --v")
    assert "--output" in complete("xtoken generate-key -")
    assert "--json" not in complete("xtoken vectors --")


def test_the_values_of_an_option_are_those_that_are_completed():
    """The completions have the names that the library knows."""
    help = output_of(XTOKEN, "verify", "-h")
    values = re.search(r"--nonce-policy <(.*)>", help)[1].split("|")
    shown = output_of(
        "fish",
        "-c",
        f"source {SHARE}/xtoken.fish; complete -C 'xtoken verify --nonce-policy '",
    )
    assert sorted(line.split("\t")[0] for line in shown.splitlines()) == sorted(values)


def test_completions_of_zsh():
    shown = output_of(
        "zsh",
        "-fc",
        f"fpath=({SHARE} $fpath); autoload -Uz compinit; compinit -D; "
        "print $_comps[xtoken]; autoload +X _xtoken",
    )
    assert shown == "_xtoken\n"


def test_install_and_uninstall(tmp_path):
    make = lambda target: output_of(
        "make", "-s", target, f"DESTDIR={tmp_path}", "PREFIX=/usr", cwd=ROOT
    )
    make("install-cli")
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    share = "usr/share"
    assert installed == {
        "usr/bin/xtoken",
        *(f"{share}/man/man1/{page}" for page in PAGES),
        f"{share}/bash-completion/completions/xtoken",
        f"{share}/zsh/site-functions/_xtoken",
        f"{share}/fish/vendor_completions.d/xtoken.fish",
    }
    found = output_of(
        "man", "-M", tmp_path / share / "man", "xtoken-mint", env={"PATH": PATH, "MANPAGER": "cat"}
    )
    assert "Mint a token" in found
    assert output_of(tmp_path / "usr/bin/xtoken", "--version").startswith("xtoken ")
    make("uninstall-cli")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
