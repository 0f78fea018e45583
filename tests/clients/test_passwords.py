"""A stock client logs in with a password by SCRAM, another with a token, on one host."""

import asyncio
import sys

import pytest
import slixmpp
from mint import mint
from server import ROOT

sys.path.insert(0, str(ROOT / "examples/clients"))
import slixmpp_xtoken  # noqa: E402, F401

PATIENCE = 60  # seconds
PASSWORD = "correct horse"


@pytest.fixture(params=["internal_hashed", "internal_plain"])
def server(request, prosody, options):
    options = {**options, "token_passwords": request.param}
    server = prosody(
        {"localhost": options}, c2s_require_encryption=True, allow_unencrypted_plain_auth=False
    )
    server.make_certificate()
    with server:
        yield server


def client_of(server, user, secret, mechanism=None):
    client = slixmpp.ClientXMPP(f"{user}@localhost", secret, sasl_mech=mechanism)
    client.ca_certs = server.folder / "cert.pem"
    return client


async def log_in(server, client):
    """Returns the mechanism of the login, or None if it was refused."""
    ended = asyncio.get_running_loop().create_future()
    for event, taken in (("session_start", True), ("failed_all_auth", False)):
        client.add_event_handler(
            event,
            lambda _, taken=taken: ended.done() or ended.set_result(taken),
            disposable=True,
        )
    client.connect("127.0.0.1", server.port)
    if await asyncio.wait_for(ended, PATIENCE):
        return client.plugin["feature_mechanisms"].mech.name
    return None


async def talk(server, key):
    phone = client_of(server, "alice", PASSWORD)
    web = client_of(server, "bob", mint("bob@localhost", key), "X-TOKEN")
    assert (await log_in(server, phone)).startswith("SCRAM-SHA-")
    assert await log_in(server, web) == "X-TOKEN"
    arrived = asyncio.ensure_future(web.wait_until("message", PATIENCE))
    phone.send_message(web.boundjid.full, "Hello", mtype="chat")
    message = await arrived
    assert (message["from"].bare, message["body"]) == ("alice@localhost", "Hello")
    await asyncio.gather(phone.disconnect(), web.disconnect())

    plain = client_of(server, "alice", PASSWORD, "PLAIN")
    assert await log_in(server, plain) == "PLAIN"
    await plain.disconnect()
    wrong = client_of(server, "alice", "wrong")
    assert await log_in(server, wrong) is None
    await wrong.disconnect()


def test_slixmpp(server, key):
    done = server.run_prosodyctl("register", "alice", "localhost", PASSWORD)
    assert done.returncode == 0, done.stdout
    asyncio.run(talk(server, key))
