"""token_auth_utils keeps what modules written for the Lua implementation call."""

from client import Client
from mint import mint
from server import PATIENCE, eventually


def test_verify_token(prosody, options, key):
    token = mint("alice@localhost", key)
    with prosody({"localhost": {**options, "test_token": token}}, modules_enabled=["calls_utils"]) as server:
        # It shares the ledger of its host, and has spent the token by the time the server answers.
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", token) == "not-authorized"
        log = server.log()
        answers = [line.split("ANSWER ")[1] for line in log.splitlines() if "ANSWER " in line]
        assert answers == [
            "missing returned false",
            "short returned false",
            "number returned false",
            "nothing returned false",
            "nobody returned false",
            "wrong returned false",
            "unlogged returned false",
            "first returned true",
            "second returned false",
        ]
        assert "CONSTANTS 1 8 30 SHA256" in log
        assert "otp_seed is missing" in log
        assert "No token can be verified: token_secret has fewer than 8 bytes" in log
        assert "Cannot verify" not in log
        assert token not in log and key[1] not in log


def test_verify_token_heeds_the_options_of_the_host(prosody, options, key):
    token = mint("alice@localhost", key, steps=-3, nonce="7" * 16)
    options = {**options, "token_nonce_length": 16, "token_deviation": 3, "test_token": token}
    with prosody({"localhost": options}, modules_enabled=["calls_utils"]) as server:
        eventually(lambda: "ANSWER second" in server.log(), PATIENCE, "verify_token was not called")
        assert "ANSWER first returned true" in server.log()
