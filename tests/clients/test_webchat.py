"""The web chat in a real browser, as users use it and as attackers abuse it."""

import json
import re
import time

import pytest
from client import Client
from mint import new_key
from samples import Sample, environment
from server import ROOT
from visitor import Visitor
from webchat import FOLDER, WebChat


@pytest.mark.parametrize("scenario", ["exchange", "refused", "dropped", "lost"])
def test_in_chromium(webchat, scenario):
    assert webchat.browse(scenario) == 0


@pytest.mark.parametrize("version", ["13.0"])
@pytest.mark.parametrize(
    "scenario", ["stolen", "frozen", "hidden", "unhelpful", "tabs", "accessible"]
)
def test_the_page_alone(webchat, scenario):
    """Scenarios in which the version of Prosody makes no difference."""
    assert webchat.browse(scenario) == 0


def test_its_readme_names_every_file():
    table = re.findall(r"^\| (`.*?) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    names = {name.removeprefix("public/") for name in re.findall(r"`([\w./-]+)`", " ".join(table))}
    assert names == {"server.mjs"} | {file.name for file in (FOLDER / "public").iterdir()}


@pytest.mark.parametrize("version", ["13.0"])
def test_what_the_document_shows(webchat):
    assert webchat.browse("documented", str(ROOT / "docs/clients.md")) == 0


def test_on_a_connection_that_is_not_encrypted(version, key):
    with WebChat(version, key, is_encrypted=False) as webchat:
        assert webchat.browse("unencrypted") == 0


def test_while_the_ledger_does_not_answer(key):
    with WebChat(
        "13.0", key, token_ledger="redis://127.0.0.1:1", token_ledger_timeout=0.1
    ) as webchat:
        assert webchat.browse("unavailable") == 0


def log_in(webchat, user, token):
    with Client(webchat.prosody.port, "localhost") as client:
        client.start_tls()
        return client.log_in(user, token)


def test_a_token_is_for_the_user_who_is_signed_in(webchat):
    visitor = Visitor(webchat)
    visitor.sign_in("alice")
    token = json.loads(visitor.ask("chat-token", b"user=bob")[2])["token"]
    assert log_in(webchat, "bob", token) == "not-authorized"
    assert log_in(webchat, "alice", token) == "success"


# --- Without Prosody. test_servers.py has what holds for the samples, too. -----------------------


@pytest.fixture(scope="module")
def application():
    service = "wss://chat.example/xmpp-websocket"
    with Sample("webchat", environment(new_key(), XMPP_WEBSOCKET=service)) as application:
        yield application


@pytest.fixture
def visitor(application):
    return Visitor(application)


def test_the_policy_of_the_pages(visitor):
    for path in ["", "strophe.html", "converse.html", "me"]:
        policy = dict(
            part.strip().split(" ", 1)
            for part in visitor.ask(path)[1]["Content-Security-Policy"].split(";")
        )
        assert policy.pop("connect-src") == "'self' wss://chat.example"
        assert policy == {
            "default-src": "'self'",
            "img-src": "'self' data:",
            "style-src": "'self' 'unsafe-inline'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }


def test_behind_tls_the_cookie_stays_there(visitor):
    own = visitor.address.rstrip("/").replace("http:", "https:")
    visitor.sign_in("alice", **{"Origin": own, "X-Forwarded-Proto": "https"})
    assert visitor.session.secure


def test_signing_out_ends_it(visitor):
    visitor.sign_in("alice")
    assert visitor.ask("me")[0] == 200
    kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    assert visitor.ask("sign-out", b"")[0] == 200
    assert visitor.ask("me")[0] == 401
    for path, data in [("me", None), ("chat-token", b"")]:
        assert visitor.ask(path, data, Cookie=kept)[0] == 401


def test_a_session_does_not_last_for_ever(visitor):
    visitor.sign_in("alice")
    assert 11 * 3600 < visitor.session.expires - time.time() <= 12 * 3600
