"""docs/user-names.md shows the recipes that are tested, and says what Prosody does."""

import json
import os
import re
import subprocess
import sys
import unicodedata

import pytest
import slixmpp
from client import Client
from escaping import RECIPES, RUN, run
from mint import conformance, mint
from page_code import code_shown, is_in, section_of
from server import PATIENCE, ROOT, eventually
from webchat import tool

DOCUMENT = (ROOT / "docs/user-names.md").read_text("utf-8")


def section(heading):
    return section_of(DOCUMENT, heading)


def shown(heading):
    """Returns the name of each recipe, and the code that follows its link."""
    return dict(code_shown(section(heading), "examples/user-names"))


def test_the_code_is_that_of_the_files():
    functions = shown("The function in your language")
    assert set(functions) == set(RUN)
    for recipe, code in [*functions.items(), *shown("Show a name").items()]:
        assert re.search("escape_?name", code, re.IGNORECASE), recipe
        assert is_in(code, RECIPES / recipe), recipe
    assert set(shown("Show a name")) == {"escape.mjs"}


def test_php_prepares_nothing_that_is_not_utf_8(tmp_path):
    expression = re.search(r"^\| PHP[^|]*\| `([^`]+)` \|$", section("Beyond ASCII"), re.MULTILINE)[
        1
    ]
    program = tmp_path / "prepare.php"
    program.write_text(f'<?php $name = "bob\\xff"; echo "made " . {expression};', "utf-8")
    done = subprocess.run(["php", program], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 255 and "made" not in done.stdout


# Each program prepares the names on standard input, one per line.
PREPARE = {
    "Python": (
        [sys.executable, "FILE"],
        "import sys, unicodedata\nfor name in sys.stdin.read().splitlines(): print(EXPRESSION)",
    ),
    "Node.js": (
        ["node", "FILE"],
        "const names = require('fs').readFileSync(0, 'utf8').trim().split('\\n');\n"
        "for (const name of names) console.log(EXPRESSION);",
    ),
    "PHP": (
        ["php", "FILE"],
        "<?php foreach (file('php://stdin', FILE_IGNORE_NEW_LINES) as $name)\n"
        '    echo EXPRESSION, "\\n";',
    ),
    "Ruby": (["ruby", "FILE"], "STDIN.each_line(chomp: true) { |name| puts EXPRESSION }"),
    "Java": (
        ["java", "FILE"],
        "import java.text.Normalizer; import java.util.Locale;\n"
        "class Prepare { public static void main(String[] none) {\n"
        "var in = new java.util.Scanner(System.in);\n"
        "while (in.hasNextLine()) {\n"
        "String name = in.nextLine(); System.out.println(EXPRESSION); } } }",
    ),
    "Go": (
        ["go", "run", "FILE"],
        'package main\nimport ("bufio"; "fmt"; "os")\n'
        'import ("golang.org/x/text/cases"; "golang.org/x/text/unicode/norm")\n'
        "func main() { in := bufio.NewScanner(os.Stdin)\n"
        "for in.Scan() { name := in.Text(); fmt.Println(EXPRESSION) } }",
    ),
}
SUFFIX = {"Java": ".java", "Go": ".go"}


def letters():
    """Returns each letter of the alphabets with upper case, and the names of the vectors."""
    latin, greek, cyrillic, armenian = (0xC0, 0x250), (0x386, 0x3CF), (0x400, 0x530), (0x531, 0x588)
    vietnamese = (0x1E00, 0x1F00)
    blocks = [latin, greek, cyrillic, armenian, vietnamese]
    letters = [chr(code) for block in blocks for code in range(*block)]
    # nodeprep knows Unicode up to 3.2.
    known = [letter for letter in letters if unicodedata.ucd_3_2_0.category(letter) in ("Ll", "Lu")]
    vectors = json.loads((ROOT / "tests/vectors/conformance.json").read_text("utf-8"))["mint"]
    words = [case["spelled"].partition("@")[0] for case in vectors if "spelled" in case]
    return known + [word for word in words if "\u00ad" not in word]


def unusual():
    """Returns the rows of the table: a name, what Prosody makes of it or the reason, prepared."""
    row = r"^\| `([^`]+)` \| (?:`([^`]+)`|refused, `([^`]+)`) \| `([^`]+)` \|"
    rows = re.findall(row, section("Unusual names"), re.MULTILINE)

    def character(found):
        return chr(int(found[1], 16))

    decoded = [[re.sub(r"\\u([0-9a-f]{4})", character, cell) for cell in row] for row in rows]
    assert len(decoded) == section("Unusual names").count("\n| `") > 15
    return decoded


def test_every_language_is_tried():
    rows = re.findall(r"^\| ([\w.]+)[^|]*\| `([^`]+)` \|$", section("Beyond ASCII"), re.MULTILINE)
    assert {language for language, _ in rows} == set(PREPARE)


@pytest.mark.parametrize("language", sorted(PREPARE))
def test_names_are_prepared_as_the_page_says(language, tmp_path):
    row = rf"^\| {re.escape(language)}[^|]*\| `([^`]+)` \|$"
    expression = re.search(row, section("Beyond ASCII"), re.MULTILINE)[1]
    wanted = {name: conformance.prepare(f"{name}@host").partition("@")[0] for name in letters()}
    wanted |= {name: prepared for name, _, _, prepared in unusual()}
    command, program = PREPARE[language]
    file = tmp_path / f"prepare{SUFFIX.get(language, '')}"
    file.write_text(program.replace("EXPRESSION", expression), "utf-8")
    done = subprocess.run(
        [tool(command[0]), *(file if part == "FILE" else part for part in command[1:])],
        input="".join(f"{name}\n" for name in wanted),
        # Debian installs the sources of Go packages there.
        env=os.environ | {"LC_ALL": "C.UTF-8", "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert dict(zip(wanted, done.stdout.removesuffix("\n").split("\n"), strict=True)) == wanted


def log_in(server, name, jid, key):
    """Returns the answer to a login with a token for jid, or the bare JID that was bound."""
    with Client(server.port, "localhost") as client:
        outcome = client.log_in(name, mint(jid, key))
        return client.bind().partition("/")[0] if outcome == "success" else outcome


def assert_reasons(server, wanted):
    """Checks the reasons of all refused logins, which the log may get a moment later."""

    def reasons():
        return re.findall("Login refused: .* reason=(.*) user=", server.log())

    eventually(lambda: len(reasons()) >= len(wanted), PATIENCE, "a login was not logged")
    assert reasons() == wanted


def test_prosody_does_with_unusual_names_what_the_page_says(server, key):
    wanted = []
    for name, in_prosody, reason, prepared in unusual():
        if in_prosody:
            jid = f"{in_prosody}@localhost"
            assert log_in(server, name, jid, key) == jid, ascii(name)
            if prepared != in_prosody:
                assert log_in(server, name, f"{prepared}@localhost", key) == "not-authorized"
                wanted.append("bad-signature")
        else:
            assert log_in(server, name, f"{name}@localhost", key) == "malformed-request"
            wanted.append(reason)
    assert_reasons(server, wanted)


def test_the_example_logs_in(server, key):
    (example,) = re.findall("```python\n(.*?)```", section("Escape a name"), re.DOTALL)
    functions = [(RECIPES / name).read_text("utf-8") for name in ("escape.py", "../mint/mint.py")]
    values = dict(zip(("otp_seed", "token_secret"), key)) | {"__name__": "application"}
    exec("\n".join([*functions, example.replace("example.com", "localhost")]), values)
    assert f"`{values['jid']}`".replace("localhost", "example.com") in section("Escape a name")
    user = values["jid"].partition("@")[0]
    with Client(server.port, "localhost") as client:
        assert client.log_in(user, values["token"]) == "success"
        assert client.bind().startswith(values["jid"] + "/")


def test_an_address_as_a_name_is_refused_as_the_page_says(server, key):
    line = re.search("```text\n(.*?)\n```", section("What goes wrong"))[1]
    line = line.replace("192.0.2.7", "127.0.0.1").replace("example.com", "localhost")
    name = line.rpartition("user=")[2]
    assert log_in(server, name, f"{name}@localhost", key) == "malformed-request"
    eventually(lambda: "Login refused" in server.log(), PATIENCE, "the login was not logged")
    assert line in server.log()


def test_not_every_client_accepts_an_emoji():
    assert "slixmpp refuses a JID with 😀." in section("Unusual names")
    assert slixmpp.JID("𠀀@localhost").local == "𠀀"
    with pytest.raises(slixmpp.InvalidJID):
        slixmpp.JID("😀@localhost")


HALF = {
    "node": """
        import { escapeName } from './escape.mjs';
        console.log(escapeName('alice\\ud83d'));
    """,
    "python": """if True:
        from escape import escape_name
        print(escape_name("alice\\ud83d"))
    """,
}


def test_half_a_character_has_no_jid():
    node = ["node", "--input-type=module", "--eval", HALF["node"]]
    for command in [node, [sys.executable, "-c", HALF["python"]]]:
        status, output, errors = run(command)
        assert (status, output) == (1, "") and "the name is not UTF-8" in errors, errors


def test_the_longest_names(prosody, options, key):
    """Prosody's internal storage has them in the names of files."""
    length = section("Length")
    most, always = map(
        int, re.search(r"most (\d+) bytes.*So (\d+) characters", length, re.DOTALL).groups()
    )
    with prosody({"localhost": {**options, "token_known_users": "seen"}}) as server:
        for name in ["a" * most, "." * always, r"alice\40mail.com"]:
            assert log_in(server, name, f"{name}@localhost", key) == f"{name}@localhost"
        for name in ["a" * (most + 1), "." * (always + 1)]:
            assert log_in(server, name, f"{name}@localhost", key) == "malformed-request"
        assert_reasons(server, ["name-too-long"] * 2)
        (file,) = re.findall(r"`(alice\S+\.dat)`", length)
        assert (server.folder / "localhost/accounts" / file).exists()
