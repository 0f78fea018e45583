"""Right and wrong configurations, and what the log says about them."""

import shutil

import pytest
import server
from client import Client
from mint import mint

GOOD = {
    "otp_seed": "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U",
    "token_secret": "correct horse battery staple",
}
KEY = tuple(GOOD.values())


def outcome(server, key=KEY):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", mint("alice@localhost", key))


def complaints(server, level):
    return [
        line
        for line in server.log().splitlines()
        if f"\t{level}\t" in line and "auth_token" in line
    ]


@pytest.mark.parametrize(
    "option, value, problem",
    [
        ("otp_seed", None, "missing"),
        ("otp_seed", "", "not base32"),
        ("otp_seed", "not base32 at all!", "not base32"),
        ("otp_seed", "JBSWY3DP", "too short"),
        ("otp_seed", 2222222222222222, "string in quotes"),
        ("otp_seed", ["MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"], "string in quotes"),
        ("token_secret", None, "missing"),
        ("token_secret", "", "empty"),
        ("token_secret", "seven b", "fewer than 8 bytes: use 16 or more"),
        ("token_secret", "…", "is the dots that documentation has in its place"),
        ("token_secret", "...", "is the dots that documentation has in its place"),
        ("token_secret", 12345, "string in quotes"),
        ("token_nonce_length", 0, "out of range"),
        ("token_nonce_length", 1.5, "whole number"),
        ("token_nonce_length", "32", "whole number"),
        ("token_nonce_policy", "lax", "no such token_nonce_policy"),
        ("token_deviation", 11, "out of range"),
        ("token_deviation", -1, "whole number"),
        ("token_known_users", "some", "must be"),
        ("token_known_users", True, "must be"),
        ("token_allow_plain", "yes", "must be true or false"),
    ],
)
def test_a_bad_value_is_named_and_nobody_gets_in(prosody, option, value, problem):
    with prosody({"localhost": {**GOOD, option: value}}) as server:
        errors = "\n".join(complaints(server, "error"))
        assert f'option {option} of VirtualHost "localhost"' in errors and problem in errors
        assert (
            "restart Prosody, or reload its configuration and say in its shell: "
            'module:load("auth_token", "localhost")' in errors
        )
        assert "are verified by xtoken" not in server.log()
        assert outcome(server) != "success"
        for secret in GOOD.values():
            assert secret not in errors
        assert "traceback" not in server.log()


def test_good_values_give_no_warning(prosody):
    with prosody({"localhost": GOOD}) as server:
        assert complaints(server, "error") + complaints(server, "warn") == []
        assert outcome(server) == "success"


def test_an_option_that_is_gone_has_no_effect_and_the_log_says_so(prosody):
    with prosody({"localhost": {**GOOD, "token_expired_limit": "nonsense"}}) as server:
        (line,) = complaints(server, "warn")
        assert "token_expired_limit of localhost no longer has an effect: " in line
        assert complaints(server, "error") == [] and outcome(server) == "success"


@pytest.mark.parametrize(
    "values, warning",
    [
        ({"otp_seed": "XVGR73KMZH2M4XMY"}, "only 80 bits"),
        ({"otp_seed": "JBSWY3DPEHPK3PXPJBSWY3DP"}, "only 120 bits"),
        ({"token_secret": "8 bytes."}, "token_secret of localhost has fewer than 16 bytes"),
        ({"token_secret": "fifteen bytes.."}, "token_secret of localhost has fewer than 16 bytes"),
    ],
)
def test_a_weak_value_works_with_a_warning(prosody, values, warning):
    values = {**GOOD, **values}
    with prosody({"localhost": values}) as server:
        assert any(warning in line for line in complaints(server, "warn"))
        assert outcome(server, tuple(values.values())) == "success"


@pytest.mark.parametrize("modules", [["sasl_token"], ["auth_token", "sasl_token"]], ids=repr)
def test_the_configuration_of_the_lua_implementation_works(prosody, modules):
    with prosody({"localhost": GOOD}, modules_enabled=modules) as server:
        assert outcome(server) == "success"
        assert complaints(server, "error") == []


def test_the_log_says_who_verifies(prosody):
    with prosody({"localhost": GOOD}) as server:
        assert "auth_token\tinfo\tTokens of localhost are verified by xtoken 0." in server.log()


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A copy of the plugins, for tests that change something there."""
    folder = tmp_path / "lua"
    shutil.copytree(server.PLUGINS, folder)
    monkeypatch.setattr(server, "PLUGINS", folder)
    return folder


def test_a_native_module_that_is_missing(prosody, plugins, monkeypatch):
    native = plugins / "xtoken.so"
    elsewhere = native.rename(plugins.parent / "xtoken.so")
    with prosody({"localhost": GOOD}) as running:
        assert f"{native}: no such file" in running.log()
        assert "Put the xtoken.so that was built for Lua 5.4 and this machine" in running.log()
        assert outcome(running) == "invalid-mechanism"
    monkeypatch.setenv("LUA_CPATH_5_4", f"{elsewhere.parent}/?.so;;")
    with prosody({"localhost": GOOD}) as running:
        assert outcome(running) == "success"


def test_a_native_module_that_luarocks_installed(prosody, tmp_path, monkeypatch):
    plugins, natives = tmp_path / "share/lua/5.4", tmp_path / "lib/lua/5.4"
    shutil.copytree(server.PLUGINS, plugins)
    monkeypatch.setattr(server, "PLUGINS", plugins)
    natives.mkdir(parents=True)
    native = (plugins / "xtoken.so").rename(natives / "xtoken.so")
    with prosody({"localhost": GOOD}) as running:
        assert outcome(running) == "success"
    native.unlink()
    with prosody({"localhost": GOOD}) as running:
        assert f"{native}: no such file" in running.log()


def test_a_native_module_that_is_none(prosody, plugins):
    (plugins / "xtoken.so").write_bytes(b"\x7fELF, but not much else")
    with prosody({"localhost": GOOD}) as running:
        assert "Put the xtoken.so that was built for Lua 5.4 and this machine" in running.log()
        assert outcome(running) == "invalid-mechanism"
