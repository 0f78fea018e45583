"""What `prosodyctl mod_auth_token check` finds in the configuration around xtoken.

For each finding, a running server shows that it is true. test_command.py has the rest of `check`.
"""

import contextlib
import os
import random
import re
import shutil
import ssl

import pytest
from client import Client, StreamClosed
from mint import mint
from server import PLUGINS, Expression, lua
from test_command import ENCRYPTED, FAKETIME, OTHER, configured, ctl, days, pair
from web_client import KINDS

NO_CERTIFICATE = (
    "error    no certificate: clients cannot encrypt, so X-TOKEN is not offered. Import"
)
DEFAULTS = {"c2s_require_encryption": None, "allow_unencrypted_plain_auth": None}


@pytest.fixture
def made(prosody):
    """made(host_options, **settings) makes a server with Debian's options about encryption."""

    def server(options, **settings):
        enabled = ["tls", *settings.pop("modules_enabled", [])]
        hosts = {"localhost": {**pair(), **options}}
        return prosody(hosts, modules_enabled=enabled, **{**DEFAULTS, **settings})

    return server


def findings(output):
    return [line for line in output.splitlines() if re.match("error |warning ", line)]


def mechanisms(server):
    """Returns what a client is offered that encrypts if it can."""
    try:
        with Client(server.port, "localhost") as client:
            with contextlib.suppress(AssertionError):
                client.start_tls()
            return client.mechanisms()
    except (AssertionError, StreamClosed, ssl.SSLError, ConnectionError):
        return set()


@pytest.mark.parametrize(
    "options, settings, status, line",
    [
        ({}, {}, 0, None),
        (
            {},
            {"modules_disabled": ["tls", "s2s"]},
            2,
            'error    "tls" is in modules_disabled: take it out, clients cannot encrypt without it',
        ),
        (
            {},
            {"modules_disabled": ["saslauth", "s2s"]},
            2,
            'error    "saslauth" is in modules_disabled: take it out, nobody can log in without it',
        ),
        (
            {},
            {"modules_disabled": ["sasl_token", "s2s"]},
            2,
            'error    "sasl_token" is in modules_disabled: take it out, nobody can log in without',
        ),
        (
            {"modules_disabled": ["auth_token"]},
            {},
            0,
            None,
        ),
        (
            {"anonymous_login": True},
            {},
            2,
            "error    nobody can log in with a token, because anonymous_login is set: take it out",
        ),
        (
            {"disable_sasl_mechanisms": ["X-TOKEN"]},
            {},
            2,
            'error    disable_sasl_mechanisms has "X-TOKEN", so it is not offered: take it out',
        ),
        (
            {"disable_sasl_mechanisms": "X-TOKEN"},
            {},
            2,
            'error    disable_sasl_mechanisms has "X-TOKEN", so it is not offered: take it out',
        ),
        (
            {"sasl_mechanisms": ["PLAIN"]},
            {},
            1,
            "warning  sasl_mechanisms is not an option of Prosody and has no effect: take it out",
        ),
        (
            {"modules_enabled": ["auth_internal_hashed"]},
            {},
            1,
            'warning  "auth_internal_hashed" in modules_enabled does not authenticate anybody',
        ),
        (
            {"modules_enabled": ["auth_token", "sasl_token"]},
            {},
            1,
            'warning  "auth_token" is in modules_enabled: take it out',
        ),
        ({"modules_enabled": ["sasl_token"]}, {}, 0, None),
        (
            {"storage": "none", "token_known_users": "existing"},
            {},
            2,
            'error    the storage of accounts is "none", so token_known_users = "existing" has no',
        ),
        ({"storage": "none"}, {}, 0, None),
        ({"insecure_sasl_mechanisms": ["PLAIN"]}, {}, 0, None),
    ],
)
def test_check_and_the_server_agree(made, options, settings, status, line):
    with made({}) as server:
        server.stop()
        server.make_certificate()
        server.hosts["localhost"].update(options)
        server.settings.update(settings)
        server.start()
        offered = mechanisms(server)
        server.stop()
        found, output = ctl(server, "check")
    assert (found, len(findings(output))) == (status, 0 if line is None else 1), output
    assert line is None or "\n" + line in output
    # With other accounts than configured, X-TOKEN is offered still.
    assert ("X-TOKEN" in offered) == (status < 2 or "storage" in options)


def test_plain_can_be_what_is_left(made):
    server = made({"token_allow_plain": True, "disable_sasl_mechanisms": ["X-TOKEN"]})
    server.make_certificate()
    with server:
        assert mechanisms(server) == {"PLAIN"}
        assert ctl(server, "check")[0] == 1
        server.hosts["localhost"]["disable_sasl_mechanisms"] = ["PLAIN"]
        server.write_config()
        status, output = ctl(server, "check")
        assert status == 1
        assert '\nwarning  disable_sasl_mechanisms has "PLAIN", so token_allow_plain has' in output


def test_each_option_of_encryption_must_be_true_or_false(made):
    """Prosody takes "yes" for false: then X-TOKEN is offered without encryption."""
    server = made({}, c2s_require_encryption="yes", allow_unencrypted_plain_auth=True)
    server.make_certificate()
    with server:
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == {"X-TOKEN"}
        status, output = ctl(server, "check")
        place = "in the global section is neither true nor false"
        assert (status, f"error    c2s_require_encryption {place}" in output) == (2, True)
        assert "warning  X-TOKEN is offered on unencrypted connections too" in output


def test_the_option_that_allows_unencrypted_tokens_is_named(made):
    options = {"insecure_sasl_mechanisms": ["LOGIN"], "require_encryption": False}
    server = made(options)
    server.make_certificate()
    with server:
        with Client(server.port, "localhost") as client:
            assert client.mechanisms() == {"X-TOKEN"}
        status, output = ctl(server, "check")
        advice = "take out insecure_sasl_mechanisms and require_encryption = false"
        assert (status, advice in output) == (1, True)


# Certificates


def test_a_host_without_a_certificate_is_found(made):
    with made({}) as server:
        assert mechanisms(server) == set()
        status, output = ctl(server, "check")
        assert status == 2 and len(findings(output)) == 1 and NO_CERTIFICATE in output
        server.settings["modules_enabled"] += ["websocket"]
        server.settings["consider_websocket_secure"] = True
        server.write_config()
        # The proxy has the certificate.
        status, output = ctl(server, "check")
        assert status == 0 and NO_CERTIFICATE.replace("error ", "ok    ") in output


@pytest.mark.parametrize(
    "name, when, status, line",
    [
        ("localhost", "+0", 0, "ok       certificate: "),
        (
            "other.example",
            "+0",
            1,
            "is not one for localhost, so clients refuse it: import another",
        ),
        (
            "localhost",
            "-9d",
            2,
            "cert.pem is not valid now, so clients refuse it: it is valid from",
        ),
        (
            "localhost",
            "+9d",
            2,
            "cert.pem is not valid now, so clients refuse it: it is valid from",
        ),
    ],
)
def test_a_certificate_that_clients_refuse_is_found(made, name, when, status, line):
    with configured(made({})) as server:
        hosts, server.hosts = server.hosts, {name: {}}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LD_PRELOAD", str(FAKETIME))
            patch.setenv("FAKETIME", when)
            server.make_certificate()
        server.hosts = hosts
        found, output = ctl(server, "check")
        assert (found, line in output) == (status, True), output


def test_a_certificate_that_cannot_be_read_is_found(made):
    with configured(made({})) as server:
        (server.folder / "key.pem").write_text("nonsense")
        status, output = ctl(server, "check")
        assert status == 2 and len(findings(output)) == 1
        line = f"error    the certificate {server.folder}/cert.pem or its key cannot be used ("
        assert line in output


def test_a_server_can_have_direct_tls_alone(made):
    direct = {"c2s_ports": [], "c2s_direct_tls_ports": [5223]}
    with configured(made({}, modules_disabled=["tls", "s2s"], **direct)) as server:
        text = server.config.read_text().replace("c2s_ports = { 5222 }", "c2s_ports = { }")
        server.config.write_text(text)
        status, output = ctl(server, "check")
        assert (status, "ok       certificate: " in output) == (0, True), output
        server.config.write_text(text.replace("{ 5223 }", "{ }"))
        status, output = ctl(server, "check")
        assert (status, "error    c2s_ports is empty, so clients cannot connect" in output) == (
            2,
            True,
        )


# Browsers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings, status, line",
    [
        ({}, 0, "by https; behind a proxy that ends TLS, set consider_{kind}_secure = true in the"),
        ({"https_ports": []}, 1, "only to a proxy that is in trusted_proxies and sends X-Forward"),
        ({"consider": True, "https_ports": []}, 0, "offers X-TOKEN at /"),
        ({"http_ports": [], "https_ports": []}, 2, "cannot be reached, because http_ports and"),
        ({"modules_disabled": ["http", "s2s"]}, 2, '"http" is in modules_disabled: take it out'),
        ({"modules_disabled": ["c2s", "s2s"]}, 2, '"c2s" is in modules_disabled: take it out'),
        ({"trusted_proxies": ["10.0.0.0/8", "nginx"]}, 1, "number 2 of trusted_proxies is not an"),
        ({"consider": "yes"}, 2, "consider_{kind}_secure in the global section is neither true"),
        ({"cross_domain": True}, 1, "cross_domain_{kind} has no effect any more: take it out"),
    ],
)
def test_what_browsers_need_is_found(made, kind, settings, status, line):
    names = {"consider": f"consider_{kind}_secure", "cross_domain": f"cross_domain_{kind}"}
    settings = {names.get(name, name): value for name, value in settings.items()}
    with configured(made({}, modules_enabled=[kind], **settings)) as server:
        found, output = ctl(server, "check")
        assert (found, line.format(kind=kind) in output) == (status, True), output
        assert len(findings(output)) == (1 if status else 0)


def test_a_host_of_its_own_is_named(made):
    options = {"modules_enabled": ["websocket"], "http_host": "www.example.com"}
    with configured(made({**options, "http_paths": {"websocket": "/chat"}})) as server:
        status, output = ctl(server, "check")
        assert (status, "WebSocket offers X-TOKEN at /chat of www.example.com alone" in output) == (
            0,
            True,
        )


# Places and names


@pytest.mark.parametrize("section", ["VirtualHost", "Component"])
@pytest.mark.parametrize(
    "name, value",
    [
        ("plugin_paths", ["/opt"]),
        ("certificates", "/etc/certs"),
        ("consider_websocket_secure", True),
        ("trusted_proxies", ["192.0.2.1"]),
        ("https_ports", [443]),
    ],
)
def test_what_stands_in_the_wrong_section_is_found(made, section, name, value):
    with configured(made({})) as server:
        text = server.config.read_text()
        server.config.write_text(f'{text}\n{section} "b.localhost"\n{name} = {lua(value)}\n')
        status, output = ctl(server, "check", "localhost")
        line = f'warning  {name} below {section} "b.localhost" is ignored: '
        assert (status, line in output) == (1, True), output


@pytest.mark.parametrize(
    "value", ["tokens", "auth_token", "Token", "xtoken", "toekn", ["token"], True, 5]
)
def test_a_misspelt_authentication_is_found(prosody, value):
    hosts = {"localhost": pair(), "b.example": {**pair(OTHER), "authentication": value}}
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        line = 'set authentication = "token" below VirtualHost "b.example"'
        for words in ([], ["b.example"]):
            status, output = ctl(server, "check", *words)
            assert (status, line in output, len(findings(output))) == (2, True, 1), output
        assert ctl(server, "check", "localhost")[0] == 0
        for options in server.hosts.values():
            options.pop("authentication", None)
        server.settings["authentication"] = value
        server.write_config()
        status, output = ctl(server, "check")
        assert (status, 'set authentication = "token" in the global section' in output) == (2, True)


def test_options_of_hosts_without_tokens_are_found(prosody):
    other = {**pair(), "authentication": "internal_hashed"}
    jitsi = {"authentication": "internal_hashed", "token_verification_require_token_for": 1}
    hosts = {"localhost": pair(), "b.example": other, "c.example": jitsi}
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert status == 1
        assert findings(output) == [
            'warning  authentication of VirtualHost "b.example" is not "token", so this has no '
            "effect below it: otp_seed, token_secret"
        ]
        server.hosts["b.example"]["enabled"] = False
        server.write_config()
        assert ctl(server, "check")[0] == 0


@pytest.mark.parametrize("line", ['authentication = "token"', 'otp_seed = "x"'])
def test_a_component_has_no_tokens(made, line):
    with configured(made({})) as server:
        text = server.config.read_text()
        server.config.write_text(f'{text}\nComponent "b.localhost" "muc"\n{line}\n')
        status, output = ctl(server, "check")
        (found,) = findings(output)
        assert status == 1
        assert found.startswith("warning  nobody logs in to a Component, so this has no effect")
        assert line.split()[0] in found
        status, output = ctl(server, "check", "b.localhost")
        assert (status, "that is a Component, where nobody logs in" in output) == (2, True)


def test_options_without_any_host_are_found(prosody):
    server = prosody(
        {"localhost": {}}, **{**ENCRYPTED, **pair(), "authentication": "internal_plain"}
    )
    with configured(server):
        status, output = ctl(server, "check")
        assert (status, 'no host has tokens: set authentication = "token" below' in output) == (
            2,
            True,
        )


@pytest.mark.parametrize(
    "typed, found",
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("alice@example.com", "example.com"),
        ("München.example", "münchen.example"),
        ("xn--mnchen-3ya.example", "münchen.example"),
    ],
)
def test_a_host_can_be_written_in_other_ways(prosody, typed, found):
    hosts = {"example.com": pair(), "münchen.example": pair()}
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        status, output = ctl(server, "check", typed)
        assert (status, f"\n\n{found}\n" in output) == (0, True), output


@pytest.mark.parametrize(
    "typed, said",
    [
        ("example.co", ". Did you mean example.com?\n"),
        ("elsewhere", "Tokens are verified for: example.com\n"),
        ("", "Tokens are verified for: example.com\n"),
        ("a b\1", "there is no such VirtualHost in the configuration"),
        ("off.example", "enabled is false for that host, but for: example.com"),
    ],
)
def test_an_unknown_host_is_said(prosody, typed, said):
    hosts = {"example.com": pair(), "off.example": {**pair(), "enabled": False}}
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        status, output = ctl(server, "check", typed)
        assert (status, said in output, len(findings(output))) == (2, True, 1), output


def test_a_host_is_called_by_its_unicode_name(prosody):
    with configured(prosody({"xn--mnchen-3ya.example": pair()}, **ENCRYPTED)) as server:
        status, output = ctl(server, "check", "münchen.example")
        line = 'write VirtualHost "münchen.example"'
        assert (status, line in output) == (1, True), output


def test_there_is_one_host_or_none(made):
    with configured(made({})) as server:
        status, output = ctl(server, "check", "localhost", "example.com")
        assert (status, output.startswith("Usage: prosodyctl mod_auth_token check [host]")) == (
            2,
            True,
        )


# Keys, accounts, files


@pytest.mark.parametrize(
    "validity, line",
    [
        ({"not_after": days(-9)}, "error    key a: seed of 160 bits, not valid since "),
        ({"not_before": days(9)}, "error    key a: seed of 160 bits, valid from "),
    ],
)
def test_an_only_key_that_is_not_valid_is_no_good(prosody, validity, line):
    key = {"id": "a", **validity, **pair()}
    with configured(prosody({"localhost": {"token_keys": [key]}}, **ENCRYPTED)) as server:
        status, output = ctl(server, "check")
        assert (status, line in output) == (2, True), output
        server.hosts["localhost"]["token_keys"] = [key, {"id": "b", **pair(OTHER)}]
        server.write_config()
        # While another key is valid, it may stay for `explain`.
        status, output = ctl(server, "check")
        assert (status, line.replace("error", "ok   ") in output) == (0, True), output


@pytest.mark.parametrize(
    "options, status, line",
    [
        (
            {"storage": "sql_misspelt"},
            2,
            "error    nobody can log in because accounts cannot be read: the module of their",
        ),
        (
            {"token_known_users": "existing"},
            1,
            "warning  nobody can log in yet, because no user has an account",
        ),
        ({"allow_registration": True, "modules_enabled": ["register"]}, 0, "may log in"),
    ],
)
def test_accounts_that_admit_nobody_are_found(made, options, status, line):
    with configured(made(options)) as server:
        found, output = ctl(server, "check")
        assert (found, line in output) == (status, True), output
        assert len(findings(output)) == (1 if status else 0)


def test_registration_in_band_makes_accounts(made):
    options = {"token_known_users": "existing", "allow_registration": True}
    server = made({**options, "modules_enabled": ["register"]}, modules_disabled=["s2s"])
    server.make_certificate()
    with server:
        with Client(server.port, "localhost") as client:
            client.start_tls()
            client.send(
                "<iq type='set' id='r'><query xmlns='jabber:iq:register'>"
                "<username>mallory</username><password>x</password></query></iq>"
            )
            assert client.receive().get("type") == "result"
            token = mint("mallory@localhost", tuple(pair().values()))
            assert client.log_in("mallory", token) == "success"
        status, output = ctl(server, "check")
        (line,) = findings(output)
        assert (status, "allow_registration lets anybody make an account" in line) == (1, True)


def test_without_a_storage_of_accounts_nobody_can_log_in(made):
    server = made({"storage": {"accounts": "misspelt"}})
    server.make_certificate()
    with server, Client(server.port, "localhost") as client:
        client.start_tls()
        token = mint("alice@localhost", tuple(pair().values()))
        assert client.log_in("alice", token) == "temporary-auth-failure"
        status, output = ctl(server, "check")
        (line,) = findings(output)
        assert status == 2 and line.startswith(
            "error    nobody can log in because accounts cannot be read"
        )


# The clock


def test_a_clock_that_cannot_be_right_is_found(made):
    long_ago = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": "2020-01-01 00:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with configured(made({})) as server:
        status, output = ctl(server, "check", **long_ago)
        assert status == 2
        assert "error    the clock of this machine says 20" in output


@pytest.mark.parametrize("answer, status", [("yes", 0), ("no", 1)])
def test_a_clock_that_ntp_does_not_set_is_found(made, tmp_path, answer, status):
    systemd = tmp_path / "timedatectl"
    systemd.write_text(f"#!/bin/sh\necho NTPSynchronized={answer}\n")
    systemd.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TZ": "Asia/Kathmandu"}
    with configured(made({})) as server:
        found, output = ctl(server, "check", **path)
        assert found == status
        assert ("warning  NTP does not set the clock of this machine: run" in output) == (
            status == 1
        )


def test_a_missing_library_is_found(made, tmp_path):
    folder = tmp_path / "lua"
    shutil.copytree(PLUGINS, folder)
    with configured(made({}, plugin_paths=[str(folder)])) as server:
        assert ctl(server, "check")[0] == 0
        for name in ("xtoken/guard", "xtoken/sasl", "xtoken/keys", "token_auth_utils"):
            library = folder / f"{name}.lib.lua"
            content = library.read_text()
            library.unlink()
            status, output = ctl(server, "check")
            line = f"error    {name}.lib.lua is missing in {folder}: install all files of one"
            assert (status, line in output) == (2, True), output
            assert len(findings(output)) == 1
            library.write_text(content)


# Any configuration

# Every option that `check` reads, ours or Prosody's.
READ = """
    access_control_allow_origins allow_registration allow_unencrypted_plain_auth anonymous_login
    authentication c2s_ports c2s_require_encryption c2s_ssl certificate certificates
    consider_bosh_secure consider_websocket_secure cross_domain_bosh cross_domain_websocket
    default_storage disable_sasl_mechanisms enabled http_cors_override http_default_host http_host
    http_paths http_ports https_ports insecure_sasl_mechanisms modules_disabled modules_enabled
    otp_seed otp_seed_file require_encryption sasl_mechanisms ssl storage tls_profile
    token_allow_plain token_deviation token_fast_not_before token_keys token_known_users
    token_ledger token_ledger_timeout token_nonce_length token_nonce_policy token_passwords
    token_secret token_secret_file trusted_proxies
""".split()
VALUES = [
    True, False, 0, -1, 1.5, 1e300, Expression("0/0"), "", "x", "\0\xff", "token", [], ["x"], [5],
    [[]], {"x": 1}, Expression("{ nil, 1 }"), Expression("{ [1.5] = {} }"),
    Expression("function () end"),
]  # fmt: skip
# With these, Prosody's own prosodyctl does not start, if they are wrong in the global section.
NOT_GLOBAL = {
    "certificate",
    "certificates",
    "ssl",
    "tls_profile",
    "modules_enabled",
    "modules_disabled",
}


@pytest.mark.parametrize("seed", range(6))
def test_no_configuration_ends_check(prosody, seed):
    draw = random.Random(seed)
    with configured(prosody({}, **ENCRYPTED)) as server:
        for _ in range(5):
            wrong = lambda: {
                name: draw.choice(VALUES) for name in draw.sample(READ, draw.choice([1, 3, 9]))
            }
            server.hosts = {"localhost": {**pair(), **wrong()}, "b.example": {**pair(), **wrong()}}
            server.settings = {
                **ENCRYPTED,
                "modules_enabled": ["websocket", "bosh"],
                **{name: value for name, value in wrong().items() if name not in NOT_GLOBAL},
            }
            server.write_config()
            text = server.config.read_text()
            server.config.write_text(f'{text}Component "c.example" "muc"\n')
            status, output = ctl(server, "check")
            assert status in (0, 1, 2) and "\nerrors: " in output, output + text
            assert "cannot be checked" not in output, output + text
