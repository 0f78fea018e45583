"""docs/lua-implementation.md and docs/from-passwords.md: changing to and from other modules."""

import re

import pytest
from client import Client
from mint import mint
from pages import as_included_file, block, with_key
from server import ROOT

HOST = "example.com"
LUA, PASSWORDS = "lua-implementation.md", "from-passwords.md"


def mechanisms(server):
    with Client(server.port, HOST) as client:
        if client.features.find("{urn:ietf:params:xml:ns:xmpp-tls}starttls") is not None:
            client.start_tls()
        return client.mechanisms()


def log_in(server, message, mechanism="X-TOKEN"):
    with Client(server.port, HOST) as client:
        client.start_tls()
        return client.authenticate(message, mechanism)


def token_message(key, user="alice", **how):
    return f"\0{user}\0{mint(f'{user}@{HOST}', key, **how)}".encode()


def with_tls(prosody, hosts):
    settings = {"c2s_require_encryption": True, "allow_unencrypted_plain_auth": False}
    server = prosody(hosts, **settings)
    server.make_certificate()
    return server


def test_the_configuration_of_the_lua_implementation_works_unchanged(prosody, key):
    page = with_key(block(LUA, "lua", "sasl_token"), key)
    with_host = f'VirtualHost "{HOST}"\n{page}'
    server = with_tls(prosody, {})
    as_included_file(server, with_host)
    with server:
        assert mechanisms(server) == {"X-TOKEN"}
        assert log_in(server, token_message(key)) == "success"
        found = server.prosodyctl("mod_auth_token", "check", HOST)
        assert "errors: 0" in found
        assert '"auth_token" is in modules_enabled' in found


def test_after_90_seconds_no_accepted_token_is_left(prosody, options, key):
    """A new ledger accepts what another implementation has accepted, for up to 90 s."""
    server = with_tls(prosody, {HOST: options})
    with server:
        assert log_in(server, token_message(key, steps=-1)) == "success"
        # What was accepted 90 s ago was minted in one of these steps.
        for steps in (-4, -3, -2):
            assert log_in(server, token_message(key, steps=steps)) == "not-authorized"


def cells(page, first):
    """Returns the cells of the only row of a page that begins with a word."""
    text = (ROOT / "docs" / page).read_text()
    (row,) = re.findall(rf"^\| {first} \|(.*)\|$", text, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


@pytest.mark.parametrize(
    "column, more",
    [
        (0, {"authentication": "internal_hashed"}),
        (1, {}),
        (2, {"token_allow_plain": True}),
    ],
)
def test_what_is_offered(prosody, options, version, column, more):
    cell = cells(PASSWORDS, "offered")[column]
    everywhere, _, on_13 = cell.partition("; on 13.0 also ")
    expected = set(re.findall("`(.*?)`", everywhere + (on_13 if version == "13.0" else "")))
    with with_tls(prosody, {HOST: {**options, **more}}) as server:
        assert mechanisms(server) == expected


def test_to_tokens_and_back_to_passwords(prosody, key):
    page = with_key(block(PASSWORDS, "lua", "token_known_users"), key)
    hashed = f'VirtualHost "{HOST}"\n    authentication = "internal_hashed"\n'
    password = b"\0alice\0a password"
    server = with_tls(prosody, {})
    as_included_file(server, hashed)
    file = server.folder / "conf.d/page.cfg.lua"
    with server:
        server.prosodyctl("register", "alice", HOST, "a password")
        assert log_in(server, password, "PLAIN") == "success"
        server.stop()
        file.write_text(page)
        server.start()
        assert log_in(server, token_message(key)) == "success"
        assert log_in(server, token_message(key, "bob")) == "not-authorized"
        assert log_in(server, password, "PLAIN") == "invalid-mechanism"
        server.stop()
        file.write_text(page.replace("token_known", "token_allow_plain = true\ntoken_known"))
        server.start()
        assert log_in(server, password, "PLAIN") == "not-authorized"
        server.stop()
        file.write_text(hashed)
        server.start()
        assert log_in(server, password, "PLAIN") == "success"
