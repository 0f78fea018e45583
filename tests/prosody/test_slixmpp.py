"""A stock client library, with a mechanism class of a few lines."""

import asyncio

import slixmpp
from mint import mint
from slixmpp.util import sasl


@sasl.sasl_mech(60)
class XToken(sasl.Mech):
    name = "X-TOKEN"
    use_hashes = False
    required_credentials = {"username", "password"}
    optional_credentials = {"authzid"}
    security = {"encrypted", "encryption", "unencrypted_plain"}

    def setup(self, name):
        pass

    def process(self, challenge=b""):
        return b"\0".join([self.credentials["authzid"], self.credentials["username"], self.credentials["password"]])


def log_in(server, token, mechanism="X-TOKEN"):
    """The JID that slixmpp is bound to, or None when the server refused the token."""

    async def session():
        client = slixmpp.ClientXMPP("alice@localhost", token, sasl_mech=mechanism)
        client.enable_direct_tls = client.enable_starttls = False
        client.enable_plaintext = True
        client.plugin["feature_mechanisms"].unencrypted_plain = True
        ended = asyncio.get_running_loop().create_future()

        def end(result):
            if not ended.done():
                ended.set_result(result)

        client.add_event_handler("session_start", lambda _: end(client.boundjid.full))
        client.add_event_handler("failed_all_auth", lambda _: end(None))
        client.connect("127.0.0.1", server.port)
        try:
            return await asyncio.wait_for(ended, 20)
        finally:
            await client.disconnect()

    return asyncio.run(session())


def test_slixmpp_logs_in_once(server, key):
    token = mint("alice@localhost", key)
    assert log_in(server, token).startswith("alice@localhost/")
    assert log_in(server, token) is None
