"""Values that documentation shows, which are no secrets, and secrets that no output may show."""

import re
import subprocess

import pytest
from client import Client
from mint import mint, new_key
from pages import option_names
from server import PATIENCE, ROOT, Expression, eventually, lua

KEY = new_key()
PAIR = dict(zip(("otp_seed", "token_secret"), KEY))


# What documentation shows


def is_printed(values):
    """Returns for each value whether the plugin knows it from documentation."""
    script = """
        local is_printed = dofile("lua/xtoken/secrets.lib.lua").is_printed;
        for line in io.lines() do print(is_printed(line)); end"""
    done = subprocess.run(
        ["lua5.4", "-e", script],
        cwd=ROOT,
        input="".join(f"{value}\n" for value in values),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(zip(values, (line == "true" for line in done.stdout.splitlines()), strict=True))


def pages():
    names = subprocess.run(
        ["git", "ls-files", "README.md", "docs", "examples"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in names.stdout.splitlines():
        # Hashes of packages are no secrets.
        if not name.endswith((".png", "package-lock.json")):
            yield name, (ROOT / name).read_text()


SHOWN = [
    # otp_seed = "…", XTOKEN_TOKEN_SECRET='…', "otp_seed": "…", export XTOKEN_OTP_SEED=…
    re.compile(r"""(?i)(?:otp_seed|token_secret)\b["'`\]]?\s*[=:]\s*(["'`])(.*?)\1"""),
    re.compile(r"""(?i)(?:otp_seed|token_secret)=()([^\s"'`$;,(){}\[\]]+)"""),
    # `token_secret` "…", as in a sentence.
    re.compile(r"""(?i)(?:otp_seed|token_secret)` ()([^\s".,;]{16,})"""),
    re.compile(r"""(?i)(?:otp_seed|token_secret)` (")(.*?)\1"""),
    # After a seed, in a call.
    re.compile(r"""["'][A-Z2-7]{16,}["'],\s*(["'])(.*?)\1"""),
    # A seed, or a secret in base32, wherever it is.
    re.compile(r"""()\b((?<![+/])[A-Z2-7]{16,})\b"""),
]


def shown(text):
    return {match[2] for pattern in SHOWN for match in pattern.finditer(text)}


def test_every_value_that_a_page_shows_is_known():
    found = {}
    for name, text in pages():
        for value in shown(text):
            # The value is the name of a variable, or what sed has found.
            if not re.fullmatch(
                r"(?i)arg|\{?(xtoken_)?(otp_?seed|token_?secret)\}?|\\[1-9(].*", value
            ):
                found.setdefault(value, name)
    assert {"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "a long random string", "…"} <= set(found)
    known = is_printed(found)
    assert [f"{found[value]}: {value}" for value in found if not known[value]] == [], (
        "add them to lua/xtoken/secrets.lib.lua"
    )


def test_what_is_looked_for_on_a_page():
    for text in (
        'otp_seed = "VALUE"',
        "token_secret: 'VALUE'",
        '{ "token_secret": "VALUE" }',
        "export XTOKEN_TOKEN_SECRET=VALUE",
        "XTOKEN_OTP_SEED='VALUE'",
        'has `token_secret` "VALUE".',
        'mint("alice@example.com", "JBSWY3DPEHPK3PXP", "VALUE")',
    ):
        assert "VALUE" in shown(text), text
    assert shown("ABCDEFGHABCDEFGH234567 is one") == {"ABCDEFGHABCDEFGH234567"}


def listed():
    source = (ROOT / "lua/xtoken/secrets.lib.lua").read_text()
    return re.findall(r'^\t"(.*)";$', source, re.M)


def test_spellings_of_the_same_value():
    values = [
        spelling
        for value in listed()
        for spelling in (value, value.lower(), value + "==", value + " ", value.title())
    ]
    values += ["." * 8, "." * 40, "…" * 6, "A" * 32, "x" * 20]
    assert is_printed(values) == dict.fromkeys(values, True)
    others = [*new_key(), "correct horse battery staple", "changed" * 3, "a longer random string"]
    assert is_printed(others) == dict.fromkeys(others, False)


def is_seed(value):
    return re.fullmatch("[A-Z2-7]+", value) is not None


def test_a_value_that_documentation_shows_is_warned_of(prosody):
    """Tries seed and secret, in configuration and file, at start, at reload and in `check`."""
    server, cases = prosody({}), {}
    for value in listed():
        for name in ["otp_seed", "token_secret"] if is_seed(value) else ["token_secret"]:
            host = f"h{len(cases)}.example"
            server.hosts[host], cases[host] = {**PAIR, name: value}, f"{name} of {host}"
            host = f"h{len(cases)}.example"
            (server.folder / host).write_text(value + "\n")
            (server.folder / host).chmod(0o600)
            key = {**PAIR, name: None, f"{name}_file": host}
            key = {field: value for field, value in key.items() if value}
            server.hosts[host], cases[host] = (
                {"token_keys": [{"id": "new", **key}]},
                f'{name} of key "new" of {host}',
            )
    warnings = {
        f"{of} is not secret, because documentation shows it": host for host, of in cases.items()
    }
    assert len(warnings) > 20
    with server:
        for times in (1, 2):
            for warning, host in warnings.items():
                line = f"{host}:auth_token\twarn\t{warning}"
                eventually(lambda: server.log().count(line) == times, PATIENCE, line)
            server.reload_config()
        output = server.prosodyctl("mod_auth_token", "check")
        for warning in warnings:
            assert f"warning  {warning}" in output
        assert not any(value in server.log() + output for value in listed())


# What no output may show

SECRET = "HUNTER2HUNTER2HUNTER2HUNTER2HUNT"
NUMBER = 4815162342481516
FIELDS = [
    "id",
    "otp_seed",
    "otp_seed_file",
    "token_secret",
    "token_secret_file",
    "not_before",
    "not_after",
    SECRET,
]


def conceals(text):
    assert not re.search(rf"(?i)hunter2|{NUMBER}|4\.815", text), [
        line for line in text.splitlines() if re.search("(?i)hunter2|4815|4\\.815", line)
    ]
    return text


SHAPES = [SECRET, NUMBER, {SECRET: SECRET}]
PLACES = [f"/not-there/{SECRET}", f"{SECRET}/x", Expression(f'"is-there\\0{SECRET}"')]
URLS = [
    f"redis://{SECRET}",
    f"redis://{SECRET}@127.0.0.1:1",
    f"redis://127.0.0.1:1/?prefix={SECRET}",
    f"sqlite:/{SECRET}/x",
    f"file:{SECRET}",
]


def with_value(name, value):
    """Returns the pair with this value. An option with `_file` replaces the one without."""
    return {**{field: text for field, text in PAIR.items() if f"{field}_file" != name}, name: value}


def misplaced(folder):
    """Yields a secret in every option and field: as text, number, name, path and URL."""
    (folder / "is-there").mkdir()
    content = folder / "content"
    content.write_text(f"{SECRET}1\n{SECRET}\n")
    content.chmod(0o600)
    for name in option_names():
        for shape in (
            SHAPES
            + PLACES * name.endswith("_file")
            + (PLACES + URLS) * (name == "token_ledger")
            + ["content"] * name.endswith("_file")
        ):
            yield with_value(name, shape)
    for field in FIELDS:
        for shape in (
            SHAPES + PLACES[:1] * field.endswith("_file") + ["content"] * field.endswith("_file")
        ):
            # A valid id is a name, and is shown.
            if (field, shape) != ("id", SECRET):
                yield {"token_keys": [{"id": "new", **with_value(field, shape)}]}
    yield {"token_keys": [{"id": SECRET, **PAIR, "token_secret": SECRET}]}
    yield {"token_keys": [{"id": SECRET, **PAIR, "otp_seed": SECRET}]}
    yield {
        "token_keys": [{"id": SECRET, "otp_seed": "2026-11", "token_secret": PAIR["token_secret"]}]
    }
    yield {"token_keys": [{"id": SECRET, "otp_seed": PAIR["otp_seed"], "token_secret": "2026-11"}]}
    yield {"token_keys": [{"id": f"a {SECRET}", **PAIR}]}
    yield {"token_keys": [SECRET]}
    yield {"token_keys": [[SECRET]]}
    yield {**PAIR, "otp_seed": f"{SECRET}1"}


@pytest.mark.parametrize("part", range(3))
def test_no_output_repeats_a_value_that_may_be_a_secret(prosody, part):
    server = prosody({}, token_ledger_timeout=0.1)
    (server.folder / "certs").mkdir()
    cases = list(misplaced(server.folder))[part::3]
    server.hosts.update({f"h{number}.example": options for number, options in enumerate(cases)})
    with server:
        for host in server.hosts:
            eventually(lambda: f"{host}:auth_token\t" in server.log(), PATIENCE, host)
        server.reload_config()
        # They print what `check` prints, so a few are enough.
        for command, first in (("explain", 0), ("verify", 3), ("mint", 6)):
            for host in list(server.hosts)[first::10]:
                conceals(server.prosodyctl("mod_auth_token", command, f"alice@{host}", "x"))
        conceals(server.prosodyctl("mod_auth_token", "check"))
        for host in [host for host, options in server.hosts.items() if "token_ledger" in options]:
            with Client(server.port, host) as client:
                client.log_in("alice", mint(f"alice@{host}", KEY))
        conceals(server.prosodyctl("mod_auth_token", "check"))
        conceals(server.log() + server.output())


def test_no_word_of_a_command_is_repeated(prosody):
    with prosody({"localhost": PAIR}) as server:
        words = [
            SECRET,
            f"alice@{SECRET}",
            f"{SECRET}@",
            f"@{SECRET}",
            f"alice@localhost/{SECRET}",
            f"--{SECRET}",
        ]
        for command in ("explain", "verify", "mint", "check", "generate-key"):
            for word in words:
                conceals(server.prosodyctl("mod_auth_token", command, word, input=SECRET))
        conceals(server.prosodyctl("mod_auth_token", SECRET))
        for command in ("explain", "verify"):
            conceals(server.prosodyctl("mod_auth_token", command, "alice@localhost", SECRET))
        conceals(server.shell(f"auth_token:explain('alice@localhost', {lua(SECRET)})"))
        conceals(server.log())


def test_what_is_known_to_be_harmless_is_shown(prosody):
    options = {
        **PAIR,
        "token_deviation": 2,
        "token_known_users": "seen",
        "token_allow_plain": False,
        "token_nonce_policy": "exact",
    }
    with prosody({"localhost": options}) as server:
        output = server.prosodyctl("mod_auth_token", "check")
        shown = (
            "otp_seed, token_allow_plain = false, token_deviation = 2, token_known_users = seen, "
            "token_nonce_policy = exact, token_secret"
        )
        assert f"options set: {shown}\n" in output
