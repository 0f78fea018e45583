"""docs/minting.md shows the recipes that are tested, and calculates correctly."""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from page_code import code_shown, is_in, section_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/minting.md").read_text("utf-8")
RECIPES = {file.name for file in (ROOT / "examples/mint").iterdir()} - {"README.md"}


def section(heading):
    """Returns the text below a heading of the second level."""
    return section_of(DOCUMENT, heading)


def shown():
    """Returns the name of each recipe, and the code that follows its link."""
    return dict(code_shown(section("The function in your language"), "examples/mint"))


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_the_code_is_that_of_the_file(recipe):
    code = shown()[recipe]
    assert "mint" in code and is_in(code, ROOT / "examples/mint" / recipe)


def test_nothing_else_is_shown():
    assert set(shown()) == RECIPES


def test_the_example_is_right():
    case = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))["mint"][0]
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


def test_the_check_of_a_minter_finds_what_is_wrong(tmp_path):
    """Runs the snippet that reads the vectors, with the function for Python in front of it."""
    check = re.search(r"```python\n(.*?)```", section("Test it"), re.DOTALL)[1]
    shutil.copy(ROOT / "tests/vectors/conformance.json", tmp_path)
    function = shown()["mint.py"]
    for code, status in [(function, 0), (function.replace("{otp:08}", "{otp}"), 1)]:
        done = subprocess.run(
            [sys.executable, "-"],
            input=code + check,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
    assert "AssertionError: RFC 6238, time 1111111109" in done.stderr
