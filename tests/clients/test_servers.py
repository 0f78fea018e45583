"""The samples of examples/servers/, each started as its README says, and the web chat's server."""

import contextlib
import http.client
import http.cookies
import json
import re
import subprocess

import pytest
from client import Client
from mint import new_key
from nginx import EXAMPLE, HOST, BehindNginx
from pages import with_key, with_replacements
from php_fpm import PhpFpm
from samples import (
    FOLDER,
    NAMES,
    README,
    SOURCES,
    Sample,
    SampleChat,
    command_in_production,
    copy_with,
    environment,
    source,
)
from server import Prosody
from visitor import Visitor
from webchat import tool
from websocket import connect

USERS = ("alice", "bob", "carol")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="session", autouse=True)
def express_is_built():
    """Compiles the TypeScript sample, which also checks its types."""
    subprocess.run([tool("npm"), "run", "--silent", "build"], cwd=FOLDER / "express", check=True)


@pytest.fixture(params=NAMES, scope="module")
def name(request):
    return request.param


SERVERS = [*NAMES, "webchat"]


@pytest.fixture(params=SERVERS, scope="module")
def sample(request):
    with Sample(request.param, environment(new_key())) as sample:
        yield sample


@pytest.fixture
def visitor(sample):
    return Visitor(sample)


@pytest.fixture
def alice(visitor):
    assert visitor.sign_in("alice") == 200
    return visitor


def own(visitor):
    return visitor.address.rstrip("/")


def ask(visitor, **headers):
    """Asks for a token. Returns the answer, or the status if there is none."""
    status, answered, body = visitor.ask("chat-token", b"", **headers)
    assert answered["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answered
    if status != 200:
        return status
    assert answered.get_content_type() == "application/json"
    return json.loads(body)


def log_in(client, answer):
    return client.log_in(answer["jid"].partition("@")[0], answer["token"])


def test_two_users_talk(name, version):
    with SampleChat(version, new_key(), name) as chat:
        answers = {}
        for user in ("alice", "bob"):
            visitor = Visitor(chat)
            assert visitor.sign_in(user) == 200
            assert json.loads(visitor.ask("me")[2]) == {
                "jid": f"{user}@localhost",
                "websocket": f"ws://localhost:{chat.port}/xmpp-websocket",
                "contacts": [f"{name}@localhost" for name in sorted({*USERS} - {user})],
            }
            answers[user] = ask(visitor)
            assert answers[user]["jid"] == f"{user}@localhost"
            assert answers[user]["service"] == f"ws://localhost:{chat.port}/xmpp-websocket"
        with chat.client() as alice, chat.client() as bob:
            assert log_in(alice, {**answers["bob"], "jid": "alice@localhost"}) == "not-authorized"
            assert log_in(alice, answers["alice"]) == "success"
            assert log_in(bob, answers["bob"]) == "success"
            alice.bind()
            alice.send(f"<message to='{bob.bind()}' type='chat'><body>Hello</body></message>")
            message = bob.receive()
            assert message.get("from").startswith("alice@localhost/")
            assert message.findtext("{jabber:client}body") == "Hello"
        log = chat.application.log()
        assert not [answer for answer in answers.values() if answer["token"][:40] in log]


def test_the_table_has_what_the_samples_read(name):
    code = (FOLDER / name / SOURCES[name]).read_text()
    rows = re.findall(r"^\| (`X\w+`.*?) \|.*\|(?: `(.+)`)? \|$", README, re.MULTILINE)
    variables = {found: default for names, default in rows for found in re.findall(r"\w+", names)}
    assert set(variables) == set(re.findall(r"\bX(?:MPP|TOKEN)_\w+", code))
    assert all(default in code for default in variables.values())


def test_two_pages_talk(name):
    with SampleChat("13.0", new_key(), name) as chat:
        assert chat.browse("exchange") == 0


def test_a_token_is_for_the_user_who_is_signed_in(visitor):
    assert ask(visitor) == 401
    assert visitor.sign_in("mallory") == 403
    assert ask(visitor) == 401
    assert visitor.sign_in("alice") == 200
    _, _, body = visitor.ask("chat-token?user=bob&jid=bob@localhost", b"user=bob")
    assert json.loads(body)["jid"] == "alice@localhost"
    assert visitor.ask("sign-out", b"")[0] == 200
    assert ask(visitor) == 401


def test_other_sites_get_no_token(alice):
    for site, expected in [
        ("cross-site", 403),
        ("same-site", 403),
        ("none", 403),
        ("same-origin", 200),
    ]:
        answer = ask(alice, Origin="https://elsewhere.example", **{"Sec-Fetch-Site": site})
        assert answer == expected or expected == 200 and answer["token"], site
    # Without TLS, and from old browsers, there is no Sec-Fetch-Site.
    for origin in ["https://elsewhere.example", "null", "", own(alice).replace("http:", "https:")]:
        assert ask(alice, Origin=origin) == 403, origin
    assert ask(alice, Origin=own(alice))["token"]
    host = "xn--mnchen-3ya.example"
    assert ask(alice, Host=host, Origin=f"http://{host}")["token"]
    spoofed = {"X-Forwarded-Host": "elsewhere.example", "Forwarded": "host=elsewhere.example"}
    assert ask(alice, Origin="http://elsewhere.example", **spoofed) == 403
    # Neither comes from an application that is no browser.
    assert ask(alice)["token"]


def test_other_sites_sign_nobody_in_or_out(alice):
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert alice.sign_in("bob", **elsewhere) == 403
    assert alice.ask("sign-out", b"", **elsewhere)[0] == 403
    assert ask(alice)["jid"] == "alice@localhost"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_gets_a_token(alice, method):
    status, headers, _ = alice.ask("chat-token", method=method)
    assert (status, headers["Cache-Control"]) == (405, "no-store")
    assert "POST" in headers["Allow"]


def test_the_cookie_of_the_session(alice):
    cookie = alice.session
    assert cookie.get_nonstandard_attr("SameSite", "").lower() == "strict" or (
        cookie.get_nonstandard_attr("samesite") == "strict"
    )
    assert cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly")
    assert not cookie.secure, "or a first try without TLS could not sign in"


@pytest.mark.parametrize("value", ["planted" * 4, "planted" * 50, "../planted", ""])
def test_a_session_that_somebody_else_chose_stays_nobodys(visitor, value):
    planted = {"Cookie": f"session={value}"}
    assert visitor.sign_in("alice", **planted) == 200
    assert ask(visitor)["jid"] == "alice@localhost"
    assert ask(visitor, **planted) == 401


def test_an_error_shows_nothing_of_the_server(visitor):
    body = b"user=" + b"a" * 2**20
    for more in [{}, {"Content-Encoding": "none"}, {"Content-Type": f"{FORM}; charset=utf-7"}]:
        status, _, answer = visitor.ask("sign-in", body, **more)
        assert 400 <= status < 500 and not re.search(r"/|\bat ", answer.replace("</", "")), answer


def test_the_pages_and_no_other_files(visitor):
    for path, kind in [
        ("", "text/html"),
        ("xtoken.js", "text/javascript"),
        ("style.css", "text/css"),
        ("lib/strophe/strophe.umd.min.js", "text/javascript"),
        ("lib/converse/converse.min.js", "text/javascript"),
    ]:
        status, headers, _ = visitor.ask(path)
        assert (status, headers.get_content_type()) == (200, kind), path
    for path in [
        "../server.mjs",
        "lib/strophe/../package.json",
        "lib/strophe/..%2fpackage.json",
        "lib/express/package.json",
        "app.py",
        "server.ts",
        "mint.php",
    ]:
        assert visitor.ask(path)[0] in (403, 404), path


def test_a_forged_cookie_is_nobodys(alice):
    alice.session.value = "eyJ1c2VyIjoiYm9iIn0="
    assert ask(alice) == 401


def test_the_endpoint_is_all_that_one_needs(name, tmp_path):
    """Pastes it into a web application where a user is a number."""
    rest = r"^(//|#) --- The demonstration.*?(?=^const server|\Z)"
    code = re.sub(rest, ONLY.get(name, ""), source(name), flags=re.MULTILINE | re.DOTALL)
    code, count = re.subn(r"[^\s;]+(?=;? +(//|#) from your session)", "42", code)
    assert count == 1
    with Sample(name, environment(new_key()), copy_with(name, tmp_path, code)) as sample:
        assert ask(Visitor(sample))["jid"] == "42@localhost"


ONLY = {"php": "chat_token();"}


# --- Mistakes in the set-up ---------------------------------------------------------------------


def test_users_who_have_no_address_in_the_chat(name, tmp_path):
    users = ["Bob", "bob b", "bob@example.com", "bob/x"]
    code, count = re.subn("['\"]carol['\"]", repr(users)[1:-1], source(name))
    assert count == 1
    with Sample(name, environment(new_key()), copy_with(name, tmp_path, code)) as sample:
        visitor = Visitor(sample)
        for user in users:
            assert visitor.sign_in(user.replace(" ", "+")) == 200
            status, headers, body = visitor.ask("chat-token", b"")
            assert (status, headers["Cache-Control"]) == (500, "no-store")
            assert "This account has no address in the chat. The log says why." in body
            assert re.search(f"There is no token for the user ['\"]{user}['\"]: .", sample.log())


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    "variables",
    [
        {"XTOKEN_OTP_SEED": None},
        {"XTOKEN_TOKEN_SECRET": None},
        {"XTOKEN_OTP_SEED": ""},
        {"XTOKEN_TOKEN_SECRET": ""},
        {"XTOKEN_OTP_SEED": "not base32!"},
        {"XMPP_HOST": "Example.com"},
    ],
)
def test_settings_that_are_missing_or_wrong(name, variables):
    (variable,) = variables
    log = starts_with(name, environment(new_key(), **variables))
    assert variable in log
    assert "Traceback" not in log and "Stack trace" not in log and "\n    at " not in log


def starts_with(name, variables):
    """Returns the log of a sample that ends at once, or, in PHP, answers nothing but 500."""
    sample = Sample(name, variables)
    if name != "php":
        with sample.starting():
            assert sample.process.wait(60) != 0
            return sample.log()
    with sample:
        for path, data in [("", None), ("chat-token", b"")]:
            status, _, body = Visitor(sample).ask(path, data)
            assert status == 500 and "The chat is not set up." in body
        return sample.log()


def test_a_wrong_secret_shows_in_the_log_of_prosody():
    seed, secret = new_key()
    with Prosody("13.0", {"localhost": {"otp_seed": seed, "token_secret": secret}}) as prosody:
        with Sample("php", environment((seed, secret + "x"))) as sample:
            visitor = Visitor(sample)
            visitor.sign_in("alice")
            with Client(prosody.port, "localhost") as client:
                assert log_in(client, ask(visitor)) == "not-authorized"
        assert "reason=bad-signature user=alice" in prosody.log()


# --- In production ------------------------------------------------------------------------------


class BehindTls:
    """Requests over HTTPS, through nginx."""

    def __init__(self, nginx):
        self.nginx = nginx
        self.cookies = {}

    def ask(self, method, path, body=None, **headers):
        """Returns status, headers and text of the answer. `Sec_Fetch_Site` is Sec-Fetch-Site."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body:
            headers["Content-Type"] = FORM
        client = http.client.HTTPConnection(HOST)
        client.sock = connect(self.nginx.port)
        with contextlib.closing(client):
            client.request(method, path, body, headers)
            answer = client.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                cookie = http.cookies.SimpleCookie(line)
                assert all(morsel["secure"] and morsel["httponly"] for morsel in cookie.values())
                self.cookies.update((name, morsel.value) for name, morsel in cookie.items())
            return answer.status, answer.headers, answer.read().decode()


def test_in_production(name):
    key = new_key()
    service = f"wss://{HOST}/xmpp-websocket"
    variables = environment(key, XMPP_HOST=HOST, XMPP_WEBSOCKET=service)
    configuration = with_key((EXAMPLE / "prosody.cfg.lua").read_text(), key)
    site = (EXAMPLE / "nginx-site.conf").read_text()
    with (
        production(name, variables, site) as (site, port),
        BehindNginx("13.0", configuration, site, port) as nginx,
    ):
        visitor = BehindTls(nginx)
        assert visitor.ask("GET", "/strophe.html")[0] == 200
        assert visitor.ask("POST", "/chat-token")[0] == 401
        own = f"https://{HOST}"
        assert visitor.ask("POST", "/sign-in", "user=alice", Origin=own)[0] == 303
        assert visitor.cookies
        elsewhere = own.replace("https", "http")
        assert visitor.ask("POST", "/chat-token", Origin=elsewhere)[0] == 403
        # More often than there are processes, each of which must know the session.
        for _ in range(5):
            status, headers, body = visitor.ask("POST", "/chat-token", Origin=own)
            assert (status, headers["Cache-Control"]) == (200, "no-store")
        answer = json.loads(body)
        assert (answer["jid"], answer["service"]) == (f"alice@{HOST}", service)
        with nginx.web_socket() as client:
            assert log_in(client, answer) == "success"


@contextlib.contextmanager
def production(name, variables, site):
    """Starts a sample as README.md says for production. Yields nginx's site and the port."""
    if name == "php":
        with PhpFpm(variables) as pool:
            yield with_replacements(site, {PROXIED: pool.location()}), None
    else:
        with Sample(name, variables, command=command_in_production(name)) as sample:
            yield site, sample.port


PROXIED = """    location / {
        proxy_pass http://127.0.0.1:8080;
    }
"""


def test_gunicorn_says_what_is_missing():
    sample = Sample(
        "flask",
        environment(new_key(), XTOKEN_OTP_SEED=None),
        command=command_in_production("flask"),
    )
    with sample.starting():
        assert sample.process.wait(60) != 0
        assert "XTOKEN_OTP_SEED" in sample.log() and "Traceback" not in sample.log()
