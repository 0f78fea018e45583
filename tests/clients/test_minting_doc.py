"""docs/minting.md calculates correctly, and docs/minting/ shows the recipes that are tested."""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from page_code import code_shown, is_in, section_of
from test_minting import BUILD, RECIPES, RUN, build, run, tool

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/minting.md").read_text("utf-8")
PAGES = {
    file.stem: file.read_text("utf-8") for file in sorted((ROOT / "docs/minting").glob("*.md"))
}
FILES = {file.name for file in RECIPES.iterdir()} - {"README.md"}
CONFORMANCE = ROOT / "tests/vectors/conformance.json"
EXAMPLE = json.loads(CONFORMANCE.read_text("utf-8"))["mint"][0]
ENDPOINT = re.compile(r"--- The endpoint: paste this -+\n+(.*?)\n+\S+ --- The demonstration", re.S)


def section(heading):
    """Returns the text below a heading of the second level."""
    return section_of(DOCUMENT, heading)


def recipes(page):
    """Returns the name of each recipe that a page shows, with its code."""
    text = page.partition("\n## A server\n")[0]
    return dict(code_shown(text, "examples/mint"))


def shown():
    """Returns the name of each recipe, and the code that follows its link."""
    return {name: code for page in PAGES.values() for name, code in recipes(page).items()}


@pytest.mark.parametrize("recipe", sorted(FILES))
def test_the_code_is_that_of_the_file(recipe):
    code = shown()[recipe]
    assert "mint" in code and is_in(code, RECIPES / recipe)


def test_nothing_else_is_shown():
    assert set(shown()) == FILES
    assert sum(len(recipes(page)) for page in PAGES.values()) == len(FILES)


def test_every_page_is_in_the_table():
    listed = re.findall(r"^\| \[[^]]+\]\(minting/(\w+)\.md\)", DOCUMENT, re.MULTILINE)
    assert sorted(listed) == sorted(PAGES)


def test_the_python_recipe_and_the_formula_are_printed_once():
    """The rest of the documentation links to them."""
    texts = [file.read_text("utf-8") for file in (ROOT / "docs").rglob("*.md")]
    # The recipe with pyotp has a function of its own, but the same check.
    for line, times in [
        ("token_secret, now=None, nonce=None):", 2),
        ("def check_prepared(jid):", 1),
        ("base64(HMAC-SHA-256(token_secret, otp nonce jid))", 1),
    ]:
        assert sum(text.count(line) for text in texts) == times, line


@pytest.mark.parametrize("name", ["express", "flask", "php"])
def test_the_server_is_that_of_the_file(name):
    (text,) = (page for page in PAGES.values() if f"examples/servers/{name}/" in page)
    ((file, code),) = code_shown(text, f"examples/servers/{name}")
    source = (ROOT / "examples/servers" / name / file).read_text("utf-8")
    assert ENDPOINT.search(source)[1] == code.rstrip("\n")


def test_the_example_is_right():
    case = EXAMPLE
    seed = base64.b32decode(case["otp_seed"])
    step = (case["now"] // 30).to_bytes(8, "big")
    digest = hmac.digest(seed, step, hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    otp = str(number)[-8:]
    message = otp + case["nonce"] + case["jid"]
    signature = hmac.digest(case["token_secret"].encode(), message.encode(), hashlib.sha256)

    how = section("How a token is made")
    assert f'`otp_seed` {case["otp_seed"]} and `token_secret` "{case["token_secret"]}"' in how
    wanted = [case["jid"], case["now"], case["now"] // 30, step.hex(), seed.hex(), digest.hex()]
    wanted += [offset, number, otp, case["nonce"], message, signature.hex(), case["token"]]
    assert re.findall(r"\| `([^`]+)` \|$", how, re.MULTILINE) == [str(value) for value in wanted]

    sent = f"\0alice\0{case['token']}"
    to_the_client = section("To the client")
    assert sent.replace("\0", "\\0") in to_the_client
    assert base64.b64encode(sent.encode()).decode() in to_the_client


def run_as(recipe):
    """Returns the command of examples/mint/README.md that runs a recipe."""
    readme = (RECIPES / "README.md").read_text("utf-8")
    (cell,) = re.findall(rf"^\| \[{re.escape(recipe)}\].*\|([^|]*)\|$", readme, re.MULTILINE)
    return re.findall("`([^`]+)`", cell)[0 if recipe == "mint.ts" else -1]


@pytest.mark.parametrize("name", PAGES)
def test_the_program_prints_the_token_of_the_example(name):
    recipe = next(iter(recipes(PAGES[name])))
    console = re.search(r"```console\n(.*?)```", section_of(PAGES[name], "Test it"), re.DOTALL)[1]
    *commands, printed = console.splitlines()
    variables, call = (shlex.split(commands[at].removeprefix("$ ")) for at in (0, -1))
    key = tuple(EXAMPLE[field] for field in ("otp_seed", "token_secret"))
    names = ("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET")
    assert variables == ["export", *(f"{name}={value}" for name, value in zip(names, key))]
    command, arguments = call[:-3], call[-3:]
    assert command == shlex.split(run_as(recipe))
    if recipe in BUILD:
        build(recipe)
    status, output, errors = run(RUN[recipe], key, *arguments)
    assert (status, output, errors) == (0, f"{printed}\n", "")
    assert printed == EXAMPLE["token"]


# How each check of a page runs with its recipe, and a mistake in the recipe that it must find.
CHECKS = {
    "go": ("mint.go", ["go", "test", "mint.go", "mint_test.go"], ('"%08d%s"', '"%d%s"')),
    "node": ("mint.mjs", ["node", "check.mjs"], (".padStart(8, '0')", "")),
    "php": ("mint.php", ["php", "check.php"], ("sprintf('%08d', $otp)", "sprintf('%d', $otp)")),
    "python": ("mint.py", [sys.executable, "check.py"], ("{otp:08}", "{otp}")),
    "ruby": ("mint.rb", ["ruby", "check.rb"], ('"%08d%s"', '"%d%s"')),
    "shell": ("mint.sh", ["sh", "check.sh"], ('"$otp$nonce$1"', '"${otp#0}$nonce$1"')),
}
# What a file has before the functions of its recipe.
BEFORE = {
    "node": re.search("`(import .*;)`", PAGES["node"])[1],
    "php": "<?php",
    "shell": "set -eu",
}


def test_every_check_is_tried():
    found = {name for name, page in PAGES.items() if "conformance.json'" in page or 'json"' in page}
    assert found | {"shell"} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_the_check_of_a_minter_finds_what_is_wrong(name, tmp_path):
    """Runs the snippet of the page that reads the vectors, with the recipe in front of it."""
    recipe, command, (right, wrong) = CHECKS[name]
    function, test = recipes(PAGES[name])[recipe], section_of(PAGES[name], "Test it")
    check = re.search(r"```(?!console)\w+\n(.*?)```", test, re.DOTALL)[1]
    shutil.copy(CONFORMANCE, tmp_path)
    assert function.count(right) == 1
    for code, is_right in [(function, True), (function.replace(right, wrong), False)]:
        if name == "go":
            file = (RECIPES / recipe).read_text("utf-8")
            (tmp_path / recipe).write_text(file.replace(function, code), "utf-8")
            (tmp_path / "mint_test.go").write_text(check, "utf-8")
        else:
            text = f"{BEFORE.get(name, '')}\n{code}\n{check}"
            (tmp_path / command[-1]).write_text(text, "utf-8")
        done = subprocess.run(
            [tool(command[0]), *command[1:]],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert (done.returncode == 0) == is_right, done.stdout
    assert "RFC 6238, time 1111111109" in done.stdout
