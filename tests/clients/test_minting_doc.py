"""docs/minting.md: what it shows is what is tested, and what it calculates is right."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import unicodedata

import pytest
from mint import mint
from server import Prosody, free_port
from webchat import browse

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/minting.md").read_text("utf-8")
RECIPES = {file.name for file in (ROOT / "examples/mint").iterdir()} - {"README.md"}
sys.path.insert(0, str(ROOT / "tests/vectors"))

from conformance import prepare  # noqa: E402


def section(heading):
    """The text under a heading of the second rank."""
    return DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def shown():
    """The name of each recipe and the code that follows its link."""
    link, text, block = r"\]\(\.\./examples/mint/([\w.]+)\)", r"(?:[^`\n][^\n]*\n)*?", r"\n```\w+\n(.*?)```\n"
    return dict(re.findall(f"{link}[^\n]*\n{text}{block}", section("The function in your language"), re.DOTALL))


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_the_code_is_that_of_the_file(recipe):
    code = shown()[recipe]
    assert "mint" in code and code in (ROOT / "examples/mint" / recipe).read_text("utf-8")


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
    assert f"`otp_seed` {case['otp_seed']} and `token_secret` \"{case['token_secret']}\"" in how
    wanted = [case["jid"], case["now"], case["now"] // 30, step.hex(), seed.hex(), digest.hex(), offset, number]
    wanted += [otp, case["nonce"], message, signature.hex(), case["token"]]
    assert re.findall(r"\| `([^`]+)` \|$", how, re.MULTILINE) == [str(value) for value in wanted]

    sent = f"\0alice\0{case['token']}"
    to_the_client = section("To the client")
    assert sent.replace("\0", "\\0") in to_the_client
    assert base64.b64encode(sent.encode()).decode() in to_the_client


def test_the_check_of_a_minter_finds_what_is_wrong(tmp_path):
    """The snippet that reads the vectors, with the function for Python in front of it."""
    check = re.search(r"```python\n(.*?)```", section("Test it"), re.DOTALL)[1]
    shutil.copy(ROOT / "tests/vectors/conformance.json", tmp_path)
    function = shown()["mint.py"]
    for code, status in [(function, 0), (function.replace("{otp:08}", "{otp}"), 1)]:
        done = subprocess.run([sys.executable, "-"], input=code + check, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == status, done.stderr
    assert "AssertionError: RFC 6238, time 1111111109" in done.stderr


def test_the_page_alone_leads_to_a_login(version, tmp_path, key):
    """Prosody and the page are as it says; only the ports are other ones."""
    prosody, strophe = section("Prosody"), ROOT / "examples/webchat/node_modules/strophe.js/dist/strophe.umd.min.js"
    shown = re.search(r"```lua\n(.*?)```", prosody, re.DOTALL)[1]
    assert re.findall(r"^ +(\w+) = ", shown, re.MULTILINE) == ["authentication", "otp_seed", "token_secret"]
    first_try = dict(re.findall(r"`(\w+) = (true|false)`", prosody))
    assert first_try == {"c2s_require_encryption": "false", "allow_unencrypted_plain_auth": "true"}
    page = re.search(r"```html\n(.*?)```", section("To the client"), re.DOTALL)[1]
    address = "ws://localhost:5280/xmpp-websocket"
    assert f"`{address}`" in prosody and f"'{address}'" in page
    tokens = []

    class Application(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            script = self.path == "/strophe.umd.min.js"
            self.answer("text/javascript" if script else "text/html", strophe.read_bytes() if script else page.encode())

        def do_POST(self):
            assert self.path == "/chat-token"
            tokens.append(mint("alice@localhost", key))
            self.answer("application/json", json.dumps({"jid": "alice@localhost", "token": tokens[-1]}).encode())

        def answer(self, content_type, content):
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    port = free_port()
    page = page.replace(":5280/", f":{port}/")
    settings = {name: value == "true" for name, value in first_try.items()}
    settings |= {"modules_enabled": ["websocket"], "http_ports": [port], "https_ports": []}
    secrets = dict(zip(("otp_seed", "token_secret"), key))
    with Prosody(version, {"localhost": {"authentication": "token", **secrets}}, **settings) as server:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application) as application:
            threading.Thread(target=application.serve_forever, daemon=True).start()
            try:
                assert browse("snippet", f"http://127.0.0.1:{application.server_port}/") == 0
            finally:
                application.shutdown()
        (command,) = re.findall(r"^prosodyctl (.*) alice@example\.com$", section("When a login fails"), re.MULTILINE)
        (used,) = tokens
        assert "accepted before" in server.prosodyctl(*command.split(), "alice@localhost", input=used)
        fresh = mint("alice@localhost", key)
        assert "would be accepted" in server.prosodyctl(*command.split(), "alice@localhost", input=fresh)


def test_php_prepares_nothing_that_is_not_utf_8(tmp_path):
    expression = re.search(r"^\| PHP[^|]*\| `([^`]+)` \|$", section("The address"), re.MULTILINE)[1]
    (tmp_path / "prepare.php").write_text(f'<?php $name = "bob\\xff"; echo "made " . {expression};', "utf-8")
    done = subprocess.run(["php", tmp_path / "prepare.php"], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 255 and "made" not in done.stdout


# Each prepares the names on standard input, one a line.
PREPARE = {
    "Python": (
        [sys.executable, "FILE"],
        "import sys, unicodedata\nfor name in sys.stdin.read().split():\n    print(EXPRESSION)",
    ),
    "Node.js": (
        ["node", "FILE"],
        "for (const name of require('fs').readFileSync(0, 'utf8').trim().split('\\n')) console.log(EXPRESSION);",
    ),
    "PHP": (["php", "FILE"], "<?php foreach (file('php://stdin', FILE_IGNORE_NEW_LINES) as $name) echo EXPRESSION, \"\\n\";"),
    "Ruby": (["ruby", "FILE"], "STDIN.each_line(chomp: true) { |name| puts EXPRESSION }"),
    "Java": (
        ["java", "FILE"],
        "import java.text.Normalizer; import java.util.Locale;\n"
        "class Prepare { public static void main(String[] none) { var in = new java.util.Scanner(System.in);\n"
        "while (in.hasNextLine()) { String name = in.nextLine(); System.out.println(EXPRESSION); } } }",
    ),
    "Go": (
        ["go", "run", "FILE"],
        'package main\nimport ("bufio"; "fmt"; "os"; "golang.org/x/text/cases"; "golang.org/x/text/unicode/norm")\n'
        "func main() { in := bufio.NewScanner(os.Stdin)\n"
        "for in.Scan() { name := in.Text(); fmt.Println(EXPRESSION) } }",
    ),
}
SUFFIX = {"Java": ".java", "Go": ".go"}


def names():
    """The letters of the alphabets that have upper case, each by itself, and words of the vectors."""
    latin, greek, cyrillic, armenian = (0xC0, 0x250), (0x386, 0x3CF), (0x400, 0x530), (0x531, 0x588)
    vietnamese = (0x1E00, 0x1F00)
    blocks = [latin, greek, cyrillic, armenian, vietnamese]
    letters = [chr(code) for block in blocks for code in range(*block)]
    # As of Unicode 3.2, the last that nodeprep knows.
    known = [letter for letter in letters if unicodedata.ucd_3_2_0.category(letter) in ("Ll", "Lu")]
    vectors = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))["mint"]
    words = [case["spelled"].partition("@")[0] for case in vectors if "spelled" in case]
    return known + [word for word in words if "\u00ad" not in word]


def test_every_language_is_tried():
    rows = re.findall(r"^\| ([\w.]+)[^|]*\| `([^`]+)` \|$", section("The address"), re.MULTILINE)
    assert {language for language, _ in rows} == set(PREPARE)


@pytest.mark.parametrize("language", sorted(PREPARE))
def test_names_are_prepared_as_prosody_does(language, tmp_path):
    expression = re.search(rf"^\| {re.escape(language)}[^|]*\| `([^`]+)` \|$", section("The address"), re.MULTILINE)[1]
    command, program = PREPARE[language]
    assert shutil.which(command[0]), f"{command[0]} is missing (make test-clients installs it)"
    file = tmp_path / f"prepare{SUFFIX.get(language, '')}"
    file.write_text(program.replace("EXPRESSION", expression), "utf-8")
    done = subprocess.run(
        [file if part == "FILE" else part for part in command],
        input="".join(f"{name}\n" for name in names()),
        # Debian keeps the sources of Go packages there.
        env=os.environ | {"LC_ALL": "C.UTF-8", "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for name, prepared in zip(names(), done.stdout.splitlines(), strict=True):
        assert prepared == prepare(f"{name}@host").partition("@")[0], name
