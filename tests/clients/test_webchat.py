"""The web chat as people use it, in a real browser, and as others abuse it."""

import base64
import http.cookiejar
import json
import time
import urllib.error
import urllib.request

import pytest
from client import Client
from webchat import WebChat


@pytest.fixture
def webchat(version, key):
    with WebChat(version, key) as webchat:
        yield webchat


@pytest.mark.parametrize("scenario", ["exchange", "stolen", "dropped", "frozen", "hanging", "converse", "converse_stolen"])
def test_in_chromium(webchat, scenario):
    assert webchat.browse(scenario) == 0


def test_while_the_ledger_does_not_answer(key):
    with WebChat("13.0", key, token_ledger="redis://127.0.0.1:1", token_ledger_timeout=0.1) as webchat:
        assert webchat.browse("unavailable") == 0


class Visitor:
    """A browser without a screen."""

    def __init__(self, webchat):
        self.address = webchat.address
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path, data=None, **headers):
        """Status, headers and text of the answer; `data` makes it a POST."""
        request = urllib.request.Request(self.address + path, data, headers)
        try:
            with self.opener.open(request, timeout=10) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def sign_in(self, user, **headers):
        return self.ask("sign-in", f"user={user}".encode(), **headers)[0]

    @property
    def session(self):
        """The cookie of the session."""
        (cookie,) = [cookie for cookie in self.cookies if cookie.name == "session"]
        return cookie


@pytest.fixture
def visitor(webchat):
    return Visitor(webchat)


def log_in(webchat, user, token):
    with Client(webchat.prosody.port, "localhost") as client:
        client.start_tls()
        return client.log_in(user, token)


def test_a_token_is_for_the_user_who_is_signed_in(webchat, visitor):
    assert [visitor.ask(path, data)[0] for path, data in [("me", None), ("token", b""), ("credentials", None)]] == [401] * 3
    assert visitor.sign_in("mallory") == 403
    assert visitor.ask("token", b"")[0] == 401
    visitor.sign_in("alice")
    for path, data, name in [("token", b"user=bob", "token"), ("credentials", None, "password")]:
        status, headers, body = visitor.ask(path, data)
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        token = json.loads(body)[name]
        assert log_in(webchat, "bob", token) == "not-authorized"
        assert log_in(webchat, "alice", token) == "success"


def test_other_sites_get_nothing(webchat, visitor):
    visitor.sign_in("alice")
    assert visitor.session.get_nonstandard_attr("samesite") == "strict"
    assert visitor.session.has_nonstandard_attr("httponly")
    assert visitor.ask("token", b"", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert visitor.ask("sign-in", b"user=bob", **{"Sec-Fetch-Site": "same-site"})[0] == 403
    # Without TLS, and from old browsers, there is no Sec-Fetch-Site.
    own = webchat.address.rstrip("/")
    for origin, status in [("https://elsewhere.example", 403), ("null", 403), (own.replace("http:", "https:"), 403), (own, 200)]:
        assert visitor.ask("token", b"", Origin=origin)[0] == status, origin
    assert visitor.ask("token", b"", **{"Origin": own.replace("http:", "https:"), "X-Forwarded-Proto": "https"})[0] == 200
    headers = visitor.ask("credentials", Origin="https://elsewhere.example")[1]
    assert "Access-Control-Allow-Origin" not in headers


def test_the_policy_of_the_pages(webchat, visitor):
    for path in ["", "strophe.html", "converse.html", "me"]:
        policy = dict(part.strip().split(" ", 1) for part in visitor.ask(path)[1]["Content-Security-Policy"].split(";"))
        assert policy.pop("connect-src") == f"'self' ws://localhost:{webchat.port}"
        assert policy == {
            "default-src": "'self'",
            "img-src": "'self' data:",
            "style-src": "'self' 'unsafe-inline'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }


def test_a_forged_cookie_is_nobodys(webchat, visitor):
    visitor.sign_in("alice")
    visitor.session.value = base64.b64encode(b'{"user":"bob"}').decode()
    assert visitor.ask("token", b"")[0] == 401


def test_behind_tls_the_cookie_stays_there(visitor):
    visitor.sign_in("alice", **{"X-Forwarded-Proto": "https"})
    assert visitor.session.secure


def test_signing_out_ends_it(visitor):
    visitor.sign_in("alice")
    assert visitor.ask("me")[0] == 200
    kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    assert visitor.ask("sign-out", b"")[0] == 200
    assert visitor.ask("me")[0] == 401
    for path, data in [("me", None), ("token", b""), ("credentials", None)]:
        assert visitor.ask(path, data, Cookie=kept)[0] == 401


def test_a_session_does_not_last_for_ever(visitor):
    visitor.sign_in("alice")
    assert 11 * 3600 < visitor.session.expires - time.time() <= 12 * 3600
