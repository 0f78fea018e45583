"""Client libraries, each with the mechanism of examples/clients/."""

import asyncio
import os
import pathlib
import subprocess
import sys

import pytest
import slixmpp
from mint import mint
from server import ROOT
from webchat import tool

sys.path.insert(0, str(ROOT / "examples/clients"))
import slixmpp_xtoken  # noqa: E402, F401

PATIENCE = 20  # seconds


@pytest.fixture
def server(prosody, options):
    """Encrypted connections only: what the libraries expect of a server."""
    options = {**options, "token_allow_plain": True}
    server = prosody({"localhost": options}, c2s_require_encryption=True, allow_unencrypted_plain_auth=False)
    server.make_certificate()
    with server:
        yield server


def test_xmppjs(server, key):
    program = pathlib.Path(__file__).with_name("xmppjs.mjs")
    secrets = dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key))
    trust = {"NODE_EXTRA_CA_CERTS": str(server.folder / "cert.pem")}
    done = subprocess.run(
        [tool("node"), program, f"xmpp://127.0.0.1:{server.port}"], env={**os.environ, **secrets, **trust}, timeout=2 * PATIENCE
    )
    assert done.returncode == 0


def test_slixmpp(server, key):
    asyncio.run(slixmpp_session(server, key))


async def slixmpp_session(server, key):
    def client(user, token, mechanism="X-TOKEN"):
        client = slixmpp.ClientXMPP(f"{user}@localhost", token, sasl_mech=mechanism)
        client.ca_certs = server.folder / "cert.pem"
        return client

    async def log_in(client):
        """Whether the server took the token."""
        ended = asyncio.get_running_loop().create_future()
        for event, taken in (("session_start", True), ("failed_all_auth", False)):
            client.add_event_handler(event, lambda _, taken=taken: ended.done() or ended.set_result(taken), disposable=True)
        client.connect("127.0.0.1", server.port)
        return await asyncio.wait_for(ended, PATIENCE)

    tokens = {user: mint(f"{user}@localhost", key) for user in ("zoë", "bob")}
    zoe, bob = [client(user, token) for user, token in tokens.items()]
    assert await log_in(zoe) and await log_in(bob)

    arrived = asyncio.ensure_future(bob.wait_until("message", PATIENCE))
    zoe.send_message(bob.boundjid.full, "Hello", mtype="chat")
    message = await arrived
    assert (message["from"].bare, message["body"]) == ("zoë@localhost", "Hello")

    await zoe.disconnect()
    assert not await log_in(client("zoë", tokens["zoë"])), "the token is used up"
    zoe.credentials["password"] = mint("zoë@localhost", key)
    assert await log_in(zoe)
    stock = client("carol", mint("carol@localhost", key), "PLAIN")
    assert await log_in(stock), "token_allow_plain is for libraries that know only PLAIN"
    await asyncio.gather(zoe.disconnect(), bob.disconnect(), stock.disconnect())
