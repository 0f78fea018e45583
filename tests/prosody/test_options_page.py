"""docs/options.md: every option of xtoken, an example that works, and the real default."""

import re

from pages import blocks, option_names
from server import PLUGINS, ROOT, Expression
from test_command import ENCRYPTED, KEY, configured, ctl, pair

SECTIONS = dict(
    re.findall(r"(?ms)^## `(\w+)`$(.*?)(?=^## |\Z)", (ROOT / "docs/options.md").read_text())
)
# This one no longer has an effect.
REMOVED = {"token_expired_limit"}


def example(name):
    """Returns the value in the example of an option, with the key of a test."""
    (written,) = re.findall(r"(?ms)^```lua\n(.*?)^```$", SECTIONS[name])
    value = re.fullmatch(rf"(?s){name} = (.*?)\n", written)[1]
    for field, text in zip(("otp_seed", "token_secret"), KEY):
        value = value.replace(f'{field} = "…"', f'{field} = "{text}"')
    value = value.replace('"…"', f'"{KEY[name == "token_secret"]}"')
    return Expression(value)


def default(name):
    """Returns the default of an option as Lua, None if it has none."""
    (cell,) = re.findall(r"^\| default \| (.*) \|$", SECTIONS[name], re.MULTILINE)
    value = re.match("`([^`]+)`", cell)
    assert value or cell.startswith("none"), cell
    return value and value[1]


def test_every_option_is_described():
    source = (ROOT / "lua/xtoken/known_options.lib.lua").read_text()
    table = re.search(r"local options = \{\n(.*?)\n\};", source, re.DOTALL)[1]
    known = set(re.findall(r"^\t(\w+) =", table, re.MULTILINE))
    assert set(option_names()) == set(SECTIONS) == known - REMOVED


def test_the_examples_work(prosody):
    """A host for each option."""
    hosts = {}
    for name in option_names():
        options = {**pair(), name: example(name)}
        options.pop(name.removesuffix("_file") if name.endswith("_file") else None, None)
        hosts[name.replace("_", "-") + ".example"] = options
    # Only a server has a password, and nobody answers there.
    redis = Expression('"redis://127.0.0.1:1"')
    for name in ("token-ledger-password.example", "token-ledger-timeout.example"):
        hosts[name]["token_ledger"] = redis
    with configured(prosody(hosts, **ENCRYPTED)) as server:
        for name, text in zip(("example.com.seed", "example.com.secret"), KEY):
            (server.folder / name).write_text(text)
            (server.folder / name).chmod(0o600)
        output = ctl(server, "check")[1]
    for name in option_names():
        host = name.replace("_", "-") + ".example"
        section = output.partition(f"\n{host}\n")[2].partition("\n\n")[0]
        assert re.search(rf"options set: .*\b{name}\b", section), section
        assert "nobody can log in: token_" not in section and "is not" not in section, section


def test_the_defaults_are_those_of_the_code():
    sources = [path.read_text() for path in sorted((PLUGINS / "xtoken").glob("*.lua"))]
    code = "\n".join(sources).replace(", default_deviation)", f", {deviation_of(sources)})")
    for name in option_names():
        value = re.escape(default(name) or "")
        read = rf'get_option\("{name}", (?:has_passwords and "seen" or )?{value}\)'
        elsewhere = {
            "token_ledger": f"value = {value};",
            # The ledger has this one, and the tests of Redis compare it.
            "token_ledger_timeout": f'usually {value}"',
        }
        if value:
            assert re.search(elsewhere.get(name, read), code), f"{name} = {value}"


def deviation_of(sources):
    (value,) = re.findall(r"^local default_deviation = (\d+);$", "\n".join(sources), re.MULTILINE)
    return value


def test_the_first_block_is_a_whole_configuration():
    assert blocks("options.md", "lua")[0].count("\n") == 4
