"""Mistakes in Debian's stock configuration, and the line of `check` with which to mend each."""

import re

import pytest
from mint import new_key
from test_first_setup import HOST, check, host_file, mechanisms, stock  # noqa: F401

SEED, SECRET = new_key()
PAIR = f'otp_seed = "{SEED}", token_secret = "{SECRET}"'
BARE = "is a word without quotes"
NO_SUCH = 'Prosody has no such authentication: set authentication = "token" below VirtualHost'
DOTS = "is the dots that documentation has in its place"


def replaced(option, line):
    """Returns a change of the file: another line in the place of an option's."""
    return lambda text: re.sub(rf"^ *{option}\b.*$", lambda _: line, text, flags=re.MULTILINE)


def added(*lines):
    return lambda text: text + "".join(f"    {line}\n" for line in lines)


def keys(entry):
    return lambda text: added(f"token_keys = {entry}")(
        replaced("otp_seed", "")(replaced("token_secret", "")(text))
    )


MISTAKES = [
    # Values without quotes.
    (added("token_known_users = existing"), "value of token_known_users in line 5"),
    (added("token_allow_plain = True"), "value of token_allow_plain in line 5"),
    (added("token_allow_plain = yes -- please"), BARE),
    (added("token_ledger = memory;"), BARE),
    (added("token_passwords = internal_hashed"), BARE),
    (added("token_nonce_policy = dated", "token_deviation = 1"), BARE),
    (added("token_deviation = one"), BARE),
    (added("--[[ a comment", "]] token_known_users = seen"), "token_known_users in line 6"),
    (added("x = [==[ ]] ]==]", "token_known_users = seen"), "token_known_users in line 6"),
    (replaced("otp_seed", "otp_seed = ABC"), "value of otp_seed in line 3"),
    (replaced("token_secret", "token_secret = abc"), "value of token_secret in line 4"),
    (replaced("authentication", "authentication = token"), "value of authentication in line 2"),
    (replaced("VirtualHost", f'VirtualHost("{HOST}")\ntoken_known_users = seen'), BARE),
    (keys(f"{{ {{ {PAIR}, not_after = tomorrow }} }}"), "value of token_keys in line 5"),
    (keys("{ { otp_seed = ABC, token_secret = abc } }"), "value of token_keys in line 5"),
    (added("modules_enabled = { websocket }"), "value of modules_enabled in line 5"),
    (added("c2s_require_encryption = True"), "value of c2s_require_encryption in line 5"),
    # The authentication.
    (replaced("authentication", 'authentication = "xtoken"'), NO_SUCH),
    (replaced("authentication", 'authentication = "auth_token"'), NO_SUCH),
    (replaced("authentication", 'authentication = "tokens"'), NO_SUCH),
    (replaced("authentication", 'authentication = "Token"'), NO_SUCH),
    (replaced("authentication", 'authentication = { "token" }'), NO_SUCH),
    (replaced("authentication", 'modules_enabled = { "auth_token" }'), "is not enough: set authen"),
    (added('modules_enabled = { "mod_websocket" }'), 'write "websocket"'),
    (added('modules_enabled = { "websockets" }'), 'of modules_enabled: write "websocket"'),
    # The name of the host.
    *(
        (
            replaced("VirtualHost", f'VirtualHost "{name}"'),
            f'no client finds it: write VirtualHost "{HOST}"',
        )
        for name in (f"https://{HOST}", f"{HOST}:5222", f" {HOST}", f"{HOST}/chat", f"alice@{HOST}")
    ),
    # Secrets.
    (replaced("otp_seed", 'otp_seed = "…"'), f"otp_seed {DOTS}"),
    (replaced("token_secret", 'token_secret = "…………………………………………"'), f"token_secret {DOTS}"),
    (replaced("token_secret", 'token_secret = "..."'), f"token_secret {DOTS}"),
    (
        lambda text: added(f'token_keys = {{ {{ id = "a", {PAIR} }} }}')(
            replaced("token_secret", 'token_secret = "…"')(text)
        ),
        "beside token_keys, otp_seed or token_secret is dots: take both lines out",
    ),
    (added('otp_seed_file = "~/seed"'), "otp_seed and otp_seed_file are both set: take one"),
    (replaced("otp_seed", 'otp_seed_file = "~/seed"'), "Prosody does not know what ~ is"),
    # Numbers in quotes.
    (added('token_deviation = "1"'), "(a whole number from 0 to 10, without quotes; usually 1)"),
    (added('token_nonce_length = "32"'), "1 to 970, without quotes; usually 32)"),
    (added('token_allow_plain = "true"'), "(true or false, without quotes; usually false)"),
    # The ledger.
    (added('token_ledger = "missing/ledger"'), "names a folder that does not exist in {folder}"),
    (added('token_ledger = "/missing/x/ledger"'), "does not exist in /, or"),
    (added('token_ledger = ""'), "token_ledger is the folder {folder}"),
    (added('token_ledger = "127.0.0.1:6379"'), 'for a Redis, write "redis://HOST:PORT"'),
]


@pytest.mark.parametrize("change, words", MISTAKES)
def test_check_says_what_to_mend(stock, change, words):  # noqa: F811
    host_file(stock).write_text(change(host_file(stock).read_text()))
    found = [line for line in check(stock).splitlines() if re.match("error |warning ", line)]
    assert words.format(folder=stock.folder) in "\n".join(found), found
    assert "ABC" not in "\n".join(found)


RIGHT = [
    'local users = "existing"\n    token_known_users = users',
    "token_known_users = ENV_THAT_IS_NOT_SET",
    "-- token_known_users = existing",
    "--[[ token_known_users = existing ]]",
    'x = "\\" token_known_users = existing"',
    "x = [[\ntoken_known_users = existing]]",
    "token_allow_plain = false; token_deviation = 1",
    'local function f(a, b) if a == b then return "all" end end\n    token_known_users = f(1, 1)',
    "token_known_users = nil",
    'modules_enabled = { "ping"; "time", }',
]


@pytest.mark.parametrize("line", RIGHT)
def test_what_is_right_is_not_complained_of(stock, line):  # noqa: F811
    host_file(stock).write_text(added(line)(host_file(stock).read_text()))
    assert BARE not in check(stock)


def test_all_mistakes_are_named_at_once(stock):  # noqa: F811
    change = added(
        'token_deviation = "1"',
        'token_nonce_length = "32"',
        'token_known_users = "any"',
        "token_allow_plain = True",
        "token_passwords = 1",
    )
    text = change(host_file(stock).read_text())
    text = replaced("otp_seed", 'otp_seed = "…"')(
        replaced("token_secret", 'token_secret = "…"')(text)
    )
    host_file(stock).write_text(text)
    found = [line for line in check(stock).splitlines() if line.startswith("error ")]
    for option in (
        *("token_deviation", "token_nonce_length", "token_known_users", "token_allow_plain"),
        *("token_passwords", "otp_seed", "token_secret"),
    ):
        assert sum(f"Set the option {option} of" in line for line in found) == 1, (option, found)


@pytest.mark.parametrize("mode, words", [(0o600, "cannot read"), (0o640, "chown root:nogroup")])
def test_files_that_only_root_can_read(stock, mode, words):  # noqa: F811
    stock.folder.chmod(0o755)
    host_file(stock).chmod(mode)
    (stock.folder / "prosody.log").touch()
    text = stock.config.read_text().replace("run_as_root = true", "run_as_root = false")
    text = text.replace(
        "\nrun_as_root", '\nprosody_user = "nobody"\nprosody_group = "nogroup"\nrun_as_root'
    )
    stock.config.write_text(text)
    stock.config.chmod(0o644)
    found = check(stock)
    line = f"error    Prosody's user nobody cannot read {host_file(stock)} (Permission denied)"
    assert line in found and words in found
    host_file(stock).chmod(0o644)
    assert "so Prosody does not start" not in check(stock)


def test_a_new_host_is_not_served_until_a_restart(stock):  # noqa: F811
    stock.start()
    text = host_file(stock).read_text()
    (stock.folder / "conf.d/example.org.cfg.lua").write_text(text.replace(HOST, "example.org"))
    stock.reload_config()
    assert (
        "example.org is new in the configuration and not served yet: restart Prosody" in stock.log()
    )
    assert mechanisms(stock) == {"X-TOKEN"}
