"""What xtoken/prosody_internals takes for granted is so, in each version of Prosody.

plugins/mod_check_internals.lua looks. A name that is not checked fails the test, too.
"""

import re

from client import Client
from fast import outcome, request_arguments
from mint import mint
from server import PATIENCE, eventually

BIND = "<bind xmlns='urn:xmpp:bind:0'><tag>test</tag></bind>"
RESUME = "<resume xmlns='urn:xmpp:sm:3' previd='nonsense' h='0'/>"
OF_FAST = {
    "ask_for_no_fast_token",
    "fast_handler",
    "fast_key_of_grant",
    "fast_key_prefix",
    "fast_store",
    "granted",
    "is_fast",
    "is_fast_proof",
    "is_fast_token_due",
    "is_secret_of",
    "wrap_fast_tests",
}
# test_password_changes resumes sessions, and invites. test_reload reloads in the shell.
ELSEWHERE = {"hook_resumption", "may_invite_new_users", "is_asked_by_shell"}
AFTER_BINDING = {"is_closed", "let_finish", "drop_handler"}
STEPS = {"success_steps." + step for step in ("login", "resume", "bind", "grant")}


def found(server, what):
    return set(re.findall(rf"INTERNAL (\S+) {what}", server.log()))


def log_in(server, key):
    with Client(server.port, "localhost", "alice") as client:
        client.start_tls()
        message, *children = request_arguments(mint("alice@localhost", key))
        return client.authenticate_with_sasl2(message, *children, RESUME, BIND)


def test_every_internal_means_what_it_is_taken_for(with_modules, key, version):
    # The modules for FAST and for binding need 13.0.
    modules = ["sasl2", "sasl2_sm", "sasl2_bind2", "sasl2_fast"]
    modules = modules if version != "0.12" else modules[:1]
    settings = {"modules_enabled": ["smacks", "check_internals"]}
    with with_modules(*modules, settings=settings) as server:
        assert outcome(log_in(server, key)) == "success"
        expected = found(server, "exists") - {"success_steps"} - ELSEWHERE | STEPS
        if version == "0.12":
            expected -= OF_FAST | STEPS - {"success_steps.login"} | AFTER_BINDING

        def checked():
            return found(server, "holds") | found(server, "differs")

        eventually(lambda: expected <= checked(), PATIENCE, f"all of {expected} are checked")
        assert not re.findall(r"INTERNAL .* differs: .*", server.log())
