"""Each option with each wrong value: the message names that option and what it accepts."""

import re

from mint import new_key
from server import PATIENCE, ROOT, Expression, eventually

PAIR = dict(zip(("otp_seed", "token_secret"), new_key()))
TEXT = "HUNTER2HUNTER2HUNTER2HUNTER2HUNT"
NUMBER = 4815162342481516
TABLE = {TEXT: TEXT}
NAN = Expression("0/0")
INFINITE = Expression("1/0")
A_TIME = r'"2026-12-01", "2026-12-01T12:00:00Z" or Unix seconds'

# What an option accepts, and values that it does not accept. The tests of ledgers have the others.
OPTIONS = {
    "otp_seed": ("prosodyctl mod_auth_token generate-key", [NUMBER, TABLE, True, "", TEXT + "1"]),
    "otp_seed_file": ("the path of a file", [NUMBER, TABLE, True, "", TEXT, "no/" + TEXT]),
    "token_secret": (
        "prosodyctl mod_auth_token generate-key",
        [NUMBER, TABLE, True, "", "hunter2"],
    ),
    "token_secret_file": ("the path of a file", [NUMBER, TABLE, True, "", TEXT, "no/" + TEXT]),
    "token_keys": (r"\{ \{ id = ", [NUMBER, TABLE, True, "", TEXT, [], [TEXT], [[TEXT]]]),
    "token_known_users": ('"all", "existing" or "seen"', [NUMBER, TABLE, True, "", TEXT, "All"]),
    "token_allow_plain": ("true or false", [NUMBER, TABLE, "", TEXT, "true", 1]),
    "token_fast_not_before": (A_TIME, [NUMBER, TABLE, True, "", TEXT, -1, 1.5, NAN, "2026-13-01"]),
    "token_nonce_length": (
        "1 to 970",
        [NUMBER, TABLE, True, "", TEXT, "32", 0, 971, -1, 1.5, NAN, INFINITE],
    ),
    "token_nonce_policy": ('"exact", "dated"', [NUMBER, TABLE, True, "", TEXT, "Dated"]),
    "token_deviation": (
        "0 to 10",
        [NUMBER, TABLE, True, "", TEXT, "1", 11, -1, 0.5, NAN, INFINITE],
    ),
}

# The fields of an entry of token_keys.
FIELDS = {
    "id": (
        "a name for each key, of 1 to 64",
        [NUMBER, TABLE, True, "", TEXT + " " + TEXT, "x" * 65],
    ),
    "not_before": (A_TIME, [NUMBER, TABLE, True, "", TEXT, -1, NAN]),
    "not_after": (A_TIME, [NUMBER, TABLE, True, "", TEXT, -1, NAN]),
    **{name: OPTIONS[name] for name in OPTIONS if name.startswith(("otp", "token_secret"))},
}


def with_value(name, value):
    """Returns the pair with this value. An option with `_file` replaces the one without."""
    return {**{field: text for field, text in PAIR.items() if f"{field}_file" != name}, name: value}


def cases():
    for name, (accepts, values) in OPTIONS.items():
        for value in values:
            yield name, None, accepts, with_value(name, value)
    for field, (accepts, values) in FIELDS.items():
        for value in values:
            key = with_value(field, value)
            yield "token_keys", field, accepts, {"token_keys": [{"id": "a", **PAIR}, key]}
            single_id = {} if field == "id" else {"id": "b"}
            yield "token_keys", field, accepts, {"token_keys": [{**single_id, **key}], **PAIR}
    # Options that must agree.
    dated = {**PAIR, "token_nonce_policy": "dated", "token_nonce_length": 23}
    yield "token_nonce_length", None, "1 to 970", dated
    ends = {"token_keys": [{**PAIR, "not_before": "2026-12-02", "not_after": "2026-12-01"}]}
    yield "token_keys", "not_after", A_TIME, ends


def errors(server):
    """Returns the error of each host."""
    return dict(re.findall(r"(h\d+\.example):auth_token\terror\t(.*)\n", server.log()))


def test_a_wrong_value_is_answered_with_its_option_and_what_that_accepts(prosody):
    wrong = {f"h{number}.example": case for number, case in enumerate(cases())}
    assert len(wrong) > 120
    with prosody({host: options for host, (_, _, _, options) in wrong.items()}) as server:
        eventually(lambda: set(errors(server)) >= set(wrong), PATIENCE, "an error is missing")
        for host, error in errors(server).items():
            option, field, accepts, options = wrong[host]
            advice = f'Set the option {option} of VirtualHost "{host}" in the configuration ('
            assert advice in error, (options, error)
            assert re.search(accepts, error), (options, error)
            # It names no other option, but for the one without _file, or that must agree.
            named = set(re.findall(r"\b(?:token|otp)_\w+\b", error.replace("mod_auth_token", "")))
            relatives = {option, field, (field or option).replace("_file", "")}
            if "token_nonce_policy" in options:
                relatives |= {"token_nonce_policy"}
            if option == "token_keys":
                # The advice shows an entry.
                relatives |= {"otp_seed", "token_secret", "otp_seed_file", "token_secret_file"}
            assert named <= relatives, (options, error)
        log = server.log()
        assert not re.search(rf"(?i){TEXT}|{NUMBER}|4\.815|hunter2", log)
        assert "traceback" not in log


def test_the_table_has_all_options():
    source = (ROOT / "lua/xtoken/known_options.lib.lua").read_text()
    names = set(re.findall(r"^\t((?:otp|token)_\w+) = \{", source, re.MULTILINE))
    elsewhere = {"token_ledger", "token_ledger_timeout", "token_ledger_password"}
    elsewhere |= {"token_expired_limit", "token_passwords"}
    assert set(OPTIONS) | elsewhere == names
