"""Client libraries log in, each with its mechanism from examples/clients/."""

import asyncio
import concurrent.futures
import pathlib
import sqlite3
import sys

import pytest
import slixmpp
from http_port import has_opened
from mint import mint
from programs import run_node
from server import PATIENCE, ROOT, eventually, free_port

sys.path.insert(0, str(ROOT / "examples/clients"))
import slixmpp_xtoken  # noqa: E402, F401


@pytest.fixture
def server(prosody, options):
    """A server for encrypted connections only, as the libraries expect."""
    options = {**options, "token_allow_plain": True}
    server = prosody(
        {"localhost": options}, c2s_require_encryption=True, allow_unencrypted_plain_auth=False
    )
    server.make_certificate()
    with server:
        yield server


WEB = {
    "modules_enabled": ["websocket", "bosh", "smacks"],
    "https_ports": [],
    "consider_websocket_secure": True,
    "consider_bosh_secure": True,
    "c2s_require_encryption": True,
}
WEBSOCKET = "ws://localhost:{}/xmpp-websocket"
BOSH = "http://localhost:{}/http-bind"
SASL2 = ["sasl2", "sasl2_bind2", "sasl2_sm", "sasl2_fast"]


class Events:
    """What happens to a server while clients are online."""

    def __init__(self, server):
        self.server = server

    def requests(self):
        return {
            "restart": self.restart,
            "lock": self.lock,
            "unlock after a refusal": self.unlock,
        }

    def restart(self):
        self.server.stop()
        self.server.start()

    def lock(self):
        """Locks the ledger, so that the server cannot tell whether a token was spent."""
        file = self.server.folder / "token_ledger.sqlite"
        self.other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.other.execute("BEGIN IMMEDIATE")

    def unlock(self):
        eventually(lambda: "reason=unavailable" in self.server.log(), PATIENCE, "no refusal")
        self.other.execute("ROLLBACK")
        self.other.close()


@pytest.mark.parametrize("suite", ["bookworm-backports"])
def test_libraries_stay_online(version, with_modules, key):
    """They mostly wait, so they do it at the same time, each with a server of its own."""

    def status(program, *modules):
        settings = {**WEB, "http_ports": [(port := free_port())]}
        server = with_modules(*modules, settings=settings, allow_unencrypted_plain_auth=False)
        url = BOSH if "bosh" in program else WEBSOCKET
        with server:
            has_opened(server)
            return run_node(
                pathlib.Path(__file__).with_name(program),
                url.format(port),
                requests=Events(server).requests(),
                environment=dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key)),
            )

    runs = [["xmppjs.mjs"], ["stanza.mjs"], ["stanza_bosh.mjs"]]
    if version != "0.12":
        runs.append(["xmppjs.mjs", *SASL2])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        statuses = list(pool.map(lambda run: status(*run), runs))
    assert [(run, status) for run, status in zip(runs, statuses) if status != 0] == []


def test_slixmpp(server, key):
    asyncio.run(slixmpp_session(server, key))


async def slixmpp_session(server, key):
    def client(user, token, mechanism="X-TOKEN"):
        client = slixmpp.ClientXMPP(f"{user}@localhost", token, sasl_mech=mechanism)
        client.ca_certs = server.folder / "cert.pem"
        return client

    async def log_in(client):
        """Returns whether the server accepted the token."""
        ended = asyncio.get_running_loop().create_future()
        for event, taken in (("session_start", True), ("failed_all_auth", False)):
            client.add_event_handler(
                event,
                lambda _, taken=taken: ended.done() or ended.set_result(taken),
                disposable=True,
            )
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
