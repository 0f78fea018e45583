"""Flask: POST /chat-token gives a user who is signed in a token for the chat."""

import os
import secrets
import sys
from datetime import timedelta

from flask import Flask, abort, redirect, request, send_from_directory, session
from flask.sessions import SecureCookieSessionInterface
from mint import mint  # examples/mint/mint.py, beside this file

app = Flask(__name__, static_folder=None)


# --- The endpoint: paste this -------------------------------------------------------------------


def setting(name):
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: copy otp_seed and token_secret from Prosody's configuration.")
    return value


OTP_SEED, TOKEN_SECRET = setting("XTOKEN_OTP_SEED"), setting("XTOKEN_TOKEN_SECRET")
HOST = os.environ.get("XMPP_HOST", "localhost")  # the VirtualHost in Prosody's configuration
SERVICE = os.environ.get("XMPP_WEBSOCKET", "ws://localhost:5280/xmpp-websocket")


def mint_for(user):
    """Returns the user's address in the chat, and a token for it.

    `user` is what never changes about an account: its number, or its name in lower case.
    """
    jid = f"{user}@{HOST}"
    return jid, mint(jid, OTP_SEED, TOKEN_SECRET)


try:
    mint_for("somebody")
except ValueError as error:
    sys.exit(f"XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET or XMPP_HOST is wrong: {error}")


def refuse_other_sites():
    """Answers 403 if a page of another site makes the request.

    Browsers say in Sec-Fetch-Site where a request comes from; without TLS, and old ones, only in
    Origin. A request with neither comes from no browser, so from no page of another site.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = f"{request.scheme}://{request.host}"
    is_own = origin in (None, own) if site is None else site == "same-origin"
    if not is_own:
        abort(403)


@app.post("/chat-token")
def chat_token():
    refuse_other_sites()
    user = session.get("user")  # from your session, never from the request
    if user is None:
        abort(401)
    try:
        jid, token = mint_for(user)
    except ValueError as error:
        app.logger.error("There is no token for the user %r: %s", user, error)
        abort(500, "This account has no address in the chat. The log says why.")
    return {"jid": jid, "token": token, "service": SERVICE}


@app.after_request
def keep_out_of_caches(response):
    if request.path == "/chat-token":
        response.headers["Cache-Control"] = "no-store"
    return response


# --- The demonstration: yours is in its place already -------------------------------------------


class Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app):
        return request.is_secure  # behind a proxy, gunicorn knows it from X-Forwarded-Proto


app.session_interface = Sessions()
app.secret_key = secrets.token_bytes(32)  # a restart signs everybody out
app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(hours=12)
USERS = ["alice", "bob", "carol"]


@app.post("/sign-in")
def sign_in():
    refuse_other_sites()
    user = request.form.get("user")
    if user not in USERS:  # your application checks a password here
        abort(403, "No such user.")
    session.clear()
    session.permanent = True
    session["user"] = user
    return redirect("/strophe.html", 303)


@app.post("/sign-out")
def sign_out():
    refuse_other_sites()
    session.clear()
    return redirect("/", 303)


@app.get("/me")
def me():
    """Answers with what the page shows: who is signed in, and whom to write to."""
    user = session.get("user")
    if user is None:
        abort(401)
    contacts = [f"{other}@{HOST}" for other in USERS if other != user]
    answer = {"jid": f"{user}@{HOST}", "websocket": SERVICE, "contacts": contacts}
    return answer, {"Cache-Control": "no-store"}


@app.get("/", defaults={"name": "index", "kind": "html"})
@app.get("/<path:name>.<kind>")
def page(name, kind):
    return send_from_directory("../../webchat/public", f"{name}.{kind}")


@app.get("/lib/<any(strophe, converse):library>/<path:name>")
def library(library, name):
    return send_from_directory(f"../../webchat/node_modules/{library}.js/dist", name)
