"""token_auth_utils has what modules for the Lua implementation call."""

from client import Client
from mint import mint
from server import PATIENCE, eventually


def test_verify_token(prosody, options, key):
    token = mint("alice@localhost", key)
    with prosody(
        {"localhost": {**options, "test_token": token}}, modules_enabled=["calls_utils"]
    ) as server:
        # It shares the ledger of its host, and spends the token before the server answers.
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


def test_a_module_in_another_folder_finds_the_native_module(prosody, options, key):
    """Where no host has tokens, mod_auth_token has not loaded it before."""
    token = mint("alice@localhost", key)
    with prosody(
        {"localhost": {**options, "test_token": token}},
        authentication="internal_hashed",
        modules_enabled=["calls_utils"],
    ) as server:
        eventually(lambda: "ANSWER second" in server.log(), PATIENCE, "verify_token was not called")
        assert "ANSWER first returned true" in server.log()


def test_verify_token_heeds_the_options_of_the_host(prosody, options, key):
    token = mint("alice@localhost", key, steps=-3, nonce="7" * 16)
    options = {**options, "token_nonce_length": 16, "token_deviation": 3, "test_token": token}
    with prosody({"localhost": options}, modules_enabled=["calls_utils"]) as server:
        eventually(lambda: "ANSWER second" in server.log(), PATIENCE, "verify_token was not called")
        assert "ANSWER first returned true" in server.log()


def test_the_time_is_that_of_os_time(prosody, options, key):
    """Tests that were written for the Lua implementation replace os.time."""
    steps = 40
    later = mint("alice@localhost", key, steps=steps)
    options = {**options, "test_token_ahead": later, "test_ahead": 30 * steps}
    with prosody({"localhost": options}, modules_enabled=["calls_utils"]) as server:
        eventually(
            lambda: "REASON overdue again" in server.log(), PATIENCE, "verify_token was not called"
        )
        answers = [
            line.split("REASON ")[1] for line in server.log().splitlines() if "REASON " in line
        ]
        assert answers[-5:] == [
            "early: expired",
            "overdue: expired",
            "in time: none",
            "in time again: replayed",
            "overdue again: expired",
        ]
