"""token_auth_utils keeps what modules written for the Lua implementation call."""

from client import Client
from mint import mint


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
            "number returned false",
            "nothing returned false",
            "wrong returned false",
            "unlogged returned false",
            "first returned true",
            "second returned false",
        ]
        assert "CONSTANTS 1 8 30 SHA256" in log
        assert "otp_seed is missing" in log
        assert "Cannot verify" not in log
        assert token not in log and key[1] not in log
