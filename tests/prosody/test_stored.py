"""Unexpected data in Prosody's storage leaves no login unanswered."""

import pytest
from client import Client
from mint import mint

NO_ACCOUNTS = ["7", "true", '"text"', '{ updated = "text" }', "{ updated = {} }"]
NO_USES = ["7", "{ default = 7 }", "{ default = {} }", '{ default = { accepted = "x", last = 1 } }']
NO_USES += [
    "{ default = { accepted = 1, last = 1, dated = {} } }",
    "{ default = { accepted = 0/0 } }",
]
NO_GRANTS = ["7", "{ not_before = 1767225600 }", '{ not_before = 1767225600, seen = "x" }']


def log_in(server, user, key):
    with Client(server.port, "localhost") as client:
        return client.log_in(user, mint(f"{user}@localhost", key))


def test_an_entry_that_is_no_account(prosody, options, key):
    """The time of the account decides here, because its grants have ended."""
    with prosody({"localhost": {**options, "token_fast_not_before": "2026-01-01"}}) as server:
        accounts = server.folder / "localhost/accounts"
        accounts.mkdir(parents=True)
        for number, entry in enumerate(NO_ACCOUNTS):
            (accounts / f"user{number}.dat").write_text(f"return {entry};")
            assert log_in(server, f"user{number}", key) == "temporary-auth-failure", entry
        told = "because the storage of accounts fails: the entry is not an account"
        assert server.log().count(told) == len(NO_ACCOUNTS)
        assert log_in(server, "alice", key) == "success"
        assert "raceback" not in server.log()


@pytest.mark.parametrize("name, entries", [("key_use", NO_USES), ("grants", NO_GRANTS)])
def test_an_entry_of_the_host_that_is_not_ours(prosody, options, key, name, entries):
    with prosody({"localhost": {**options, "token_fast_not_before": "2026-01-01"}}) as server:
        assert log_in(server, "alice", key) == "success"
        for entry in entries:
            server.stop()
            (server.folder / f"localhost/token_{name}.dat").write_text(f"return {entry};")
            checked = server.prosodyctl("mod_auth_token", "check")
            assert "cannot be checked" not in checked and "errors: 0" in checked, entry
            server.start()
            assert log_in(server, "alice", key) == "success", entry
        assert "raceback" not in server.log()
        told = server.log().count("Cannot read when the keys of localhost were last used")
        assert told == (len(entries) if name == "key_use" else 0)
