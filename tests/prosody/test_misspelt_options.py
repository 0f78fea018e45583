"""Options that are misspelt."""

import pathlib
import re
import subprocess

import pytest
from mint import new_key
from server import PATIENCE, ROOT, eventually, lua
from versions import VERSIONS, launcher

PAIR = dict(zip(("otp_seed", "token_secret"), new_key()))
SECRET = "HUNTER2HUNTER2HUNTER2HUNTER2HUNT"

MISSPELT = {
    "token_known_user": "token_known_users",
    "token_know_users": "token_known_users",
    "token_knwon_users": "token_known_users",
    "tokens_known_users": "token_known_users",
    "tokenknown_users": "token_known_users",
    "Token_Known_Users": "token_known_users",
    "xtoken_known_users": "token_known_users",
    "token_users": None,
    "known_users": "token_known_users",
    "known_user": "token_known_users",
    "allow_plain": "token_allow_plain",
    "nonce_length": "token_nonce_length",
    "token_nonce_lenght": "token_nonce_length",
    "token_ledger_time": "token_ledger_timeout",
    "token_key": "token_keys",
    "otpseed": "otp_seed",
    "opt_seed": "otp_seed",
    "token_seed": "otp_seed",
    "otp_secret": "token_secret",
    "otp_secret_file": "token_secret_file",
    "TOKEN_SECRET": "token_secret",
    "tokn_secret": "token_secret",
    "token_magic": None,
    "secret_token": "token_secret",
    "seed_otp": "otp_seed",
    "ledger": "token_ledger",
    "deviation": "token_deviation",
}
# A configuration can only have these names in a table.
IN_TABLES = {
    "token-known-users": "token_known_users",
    "token_known_users ": "token_known_users",
    "otp-seed": "otp_seed",
}
OTHERS = [
    "token_auth_access_time_granularity",
    "token_verification_allowlist",
    "known_hosts",
    "secret",
    "keys",
    "seed",
]


def told(option):
    meant = {**MISSPELT, **IN_TABLES}[option]
    return f"{option} is not an option of xtoken and has no effect here: " + (
        f"did you mean {meant}?" if meant else "check its spelling"
    )


def warnings(text, host):
    return re.findall(rf"{host}:auth_token\twarn\t(.* is not an option of xtoken.*)", text)


def test_a_misspelt_option_is_named_at_start_at_a_reload_and_in_check(prosody):
    hosts = {
        f"h{number}.example": name for number, name in enumerate([*MISSPELT, *IN_TABLES, *OTHERS])
    }
    server = prosody({})
    write_config = server.write_config

    def write():
        write_config()
        with server.config.open("a") as config:
            for host, name in hosts.items():
                values = {f"[{lua(name)}]": SECRET, **PAIR}
                config.write(f"VirtualHost {lua(host)} {lua(values)}\n")

    server.write_config = write
    with server:
        for times in (1, 2):
            for host, name in hosts.items():
                expected = [] if name in OTHERS else [told(name)] * times
                eventually(
                    lambda: (
                        server.log().count(f"Tokens of {host} are") == 1
                        and warnings(server.log(), host) == expected
                    ),
                    PATIENCE,
                    f"{name}: {expected}",
                )
            server.reload_config()
        output = server.prosodyctl("mod_auth_token", "check")
        for name in [*MISSPELT, *IN_TABLES]:
            assert output.count(f"warning  {told(name)}\n") == 1
        assert output.count("is not an option") == len(MISSPELT) + len(IN_TABLES)
        assert SECRET not in server.log() + output


def test_one_in_the_global_section_is_named_too(prosody):
    with prosody({"localhost": PAIR}, token_known_user="existing") as server:
        assert warnings(server.log(), "localhost") == [told("token_known_user")]
        assert told("token_known_user") in server.prosodyctl("mod_auth_token", "check")


def test_it_may_be_why_another_is_missing(prosody):
    with prosody(
        {"localhost": {"otp_seed": PAIR["otp_seed"], "tokn_secret": PAIR["token_secret"]}}
    ) as server:
        log = server.log()
        assert "token_secret is missing" in log and PAIR["token_secret"] not in log
        assert warnings(log, "localhost") == [told("tokn_secret")]


@pytest.mark.parametrize(
    "missing, name, meant",
    [
        ("otp_seed", "seed", "otp_seed"),
        ("token_secret", "secret", "token_secret"),
        ("token_secret", "SECRET", "token_secret"),
        (None, "keys", "token_keys"),
    ],
)
def test_a_short_name_is_telling_if_that_option_is_missing(prosody, missing, name, meant):
    values = {field: value for field, value in PAIR.items() if missing not in (None, field)}
    values |= {name: PAIR.get(missing, [PAIR])}
    with prosody({"localhost": values}) as server:
        assert warnings(server.log(), "localhost") == [
            f"{name} is not an option of xtoken and has no effect here: did you mean {meant}?"
        ]
        assert PAIR["token_secret"] not in server.log()


def test_a_reload_that_is_refused_names_it_too(prosody):
    with prosody({"localhost": PAIR}) as server:
        server.hosts["localhost"] = {"tokn_secret": SECRET, "otp_seed": PAIR["otp_seed"]}
        server.write_config()
        server.reload_config()
        assert "log in as before the reload: token_secret is missing" in server.log()
        assert warnings(server.log(), "localhost") == [told("tokn_secret")]


def names_read_by(folder):
    for path in pathlib.Path(folder).rglob("*.lua"):
        yield from re.findall(
            r"get_option\w*\s*\(?\s*[\"']([^\"']+)[\"']", path.read_text(errors="replace")
        )


def test_no_option_of_another_module_is_taken_for_a_misspelt_one():
    """No option that a module of Prosody or of the community reads."""
    folders = [launcher(version).parents[1] / "lib/prosody" for version in VERSIONS] + [
        ROOT / "target/prosody-modules"
    ]
    names = sorted({name for folder in folders for name in names_read_by(folder)})
    assert len(names) > 400 and "allow_unencrypted_plain_auth" in names
    script = """
        local names = {};
        for name in io.lines() do names[name] = true; end
        -- The other modules may be on a host that lacks every option of xtoken.
        package.loaded["core.configmanager"] = {
            getconfig = function () return { ["*"] = names }; end;
        };
        module = {};
        function module:require(name) return dofile("lua/"..name..".lib.lua"); end
        local function log(_, ...) print(string.format(...)); end
        module:require "xtoken/misspelt_options".warn("localhost", log);"""
    done = subprocess.run(
        ["lua5.4", "-e", script],
        cwd=ROOT,
        input="\n".join(names),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout == ""
