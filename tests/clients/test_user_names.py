"""Names of a web application become users of Prosody. Shown in docs/user-names.md."""

import json
import pathlib
import random
import subprocess
from xml.sax.saxutils import quoteattr

import pytest
from client import Client
from escaping import RECIPES, RUN, VECTORS, build, by_prosody, run
from mint import mint
from server import Prosody, free_port
from versions import VERSIONS
from webchat import tool

SEPARATOR = ","
BROWSER = pathlib.Path(__file__).with_name("user_names.mjs")
# U+20000 is a letter that no preparation changes. Prosody lets the emoji pass, because stringprep
# knows the characters of Unicode 3.2 only.
BEYOND_16_BITS = ["\U00020000@localhost", "\U0001f600@localhost"]


def results(version, options, key, library, logins):
    """Returns how each login of a browser ended, see user_names.mjs, and the log of the server."""
    port = free_port()
    settings = {"http_ports": [port], "https_ports": [], "consider_websocket_secure": True}
    settings["modules_enabled"] = ["websocket", "roster", "blocklist"]
    with Prosody(version, {"localhost": options}, **settings) as server:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", tool("node"), BROWSER, tool("chromium")]
            + [f"ws://localhost:{port}/xmpp-websocket", library],
            input=json.dumps([login | {"token": mint(login["jid"], key)} for login in logins]),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return json.loads(done.stdout), server.log()


def test_strophe_sends_every_character(version, options, key):
    jids = ["zoë@localhost", *BEYOND_16_BITS, r"a\40b@localhost"]
    # As long as Strophe's own message is refused, xtoken.js has a reason to make another.
    own = {"jid": BEYOND_16_BITS[0], "isPlain": True}
    logins = [{"jid": jid} for jid in jids] + [own, {"jid": "alice@mail.com@localhost"}]
    (*outcomes, naive), log = results(version, options, key, "strophe", logins)
    assert outcomes == [*jids, "refused"]
    assert naive in ("host-unknown", "no-auth-mech")
    lines = [line for line in log.splitlines() if "mail.com@localhost" in line]
    assert any("This server does not serve mail.com@localhost" in line for line in lines)
    assert all("\tdebug\t" in line for line in lines)


def test_converse_sends_every_character(options, key):
    logins = [{"jid": jid} for jid in BEYOND_16_BITS]
    assert results("13.0", options, key, "converse", logins)[0] == BEYOND_16_BITS


@pytest.fixture(params=sorted(RUN))
def recipe(request):
    return request.param


def test_every_recipe_is_tested():
    assert {file.name for file in RECIPES.iterdir()} == {*RUN, "README.md"}


def test_every_recipe_escapes_as_the_vectors_say(recipe):
    # All names at once: a comma is not changed, and does not change what is beside it.
    names, users = [[case[field] for case in VECTORS["escape"]] for field in ("name", "user")]
    status, output, errors = run(build(recipe), SEPARATOR.join(names))
    assert (status, errors) == (0, "")
    assert output.removesuffix("\n").split(SEPARATOR) == users


def test_every_recipe_refuses_what_the_vectors_say(recipe):
    for case in VECTORS["refuse"]:
        status, output, errors = run(build(recipe), case["name"])
        assert (status, output) == (2, "") and "name" in errors, case["about"]
    for arguments in [[], ["alice", "bob"]]:
        status, output, errors = run(build(recipe), *arguments)
        assert (status, output) == (2, "") and "usage" in errors


def test_what_is_not_utf_8_becomes_no_other_name(recipe):
    """A recipe may refuse bytes that it cannot read. Prosody refuses what is not UTF-8."""
    half_a_letter = "zo\udcc3"
    for name, locale in [(half_a_letter, "C.UTF-8"), (half_a_letter, "C"), ("zoë", "C")]:
        status, output, errors = run(build(recipe), f"{name}@mail.com", locale=locale)
        right = (status, output) == (0, f"{name}\\40mail.com\n")
        assert right or (status, output) == (2, "") and errors, (name, locale)


def random_name():
    """Returns a long name with many backslashes, digits and forbidden characters."""
    seed = random.randrange(2**32)
    print("seed:", seed)
    drawn = random.Random(seed).choices
    few = drawn([r"\\", r"\20", r"\40", r"\5c", r"\3", *r"\ \"&'/:<>@023457acefz~é𠀀"], k=3000)
    return f"a{''.join(few)}z"


def test_every_recipe_escapes_at_random_as_prosody_does(recipe):
    name = random_name()
    (user,), *others = [by_prosody(version, "escape", [name]) for version in VERSIONS]
    assert run(build(recipe), name) == (0, f"{user}\n", "") and others in ([], [[user]])


def test_prosody_escapes_as_the_vectors_say(version):
    names, users = [[case[field] for case in VECTORS["escape"]] for field in ("name", "user")]
    assert by_prosody(version, "escape", names) == users
    assert by_prosody(version, "unescape", users) == names


def test_the_page_can_show_the_name(version):
    users = [case["user"] for case in VECTORS["escape"]] + [random_name()]
    code = (
        "import { readFileSync } from 'node:fs';"
        "import { unescapeName } from './escape.mjs';"
        "const users = JSON.parse(readFileSync(0));"
        "console.log(JSON.stringify(users.map(unescapeName)));"
    )
    module = ["node", "--input-type=module", "--eval", code]
    status, output, errors = run(module, input=json.dumps(users))
    assert status == 0, errors
    assert json.loads(output) == by_prosody(version, "unescape", users)


def test_escaped_names_log_in_and_get_messages(prosody, options, key):
    with prosody({"localhost": options}) as server:
        for case in VECTORS["escape"]:
            jid = f"{case['user']}@localhost"
            with Client(server.port, "localhost") as client:
                assert client.log_in(case["user"], mint(jid, key)) == "success", case["about"]
                assert client.bind().startswith(f"{jid}/")
                client.send(f"<presence/><message to={quoteattr(jid)} type='chat' id='hello'/>")
                while (stanza := client.receive()).get("id") != "hello":
                    pass
                assert stanza.tag.endswith("message") and stanza.get("type") == "chat"
