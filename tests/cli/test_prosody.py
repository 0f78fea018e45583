"""Keys from a configuration, read with the loaders of real Prosodys."""

import json
import os
import stat
import time

import pytest
from client import Client
from conftest import PATH
from mint import mint, new_key
from server import Expression, Prosody, lua, options
from versions import VERSIONS, launcher

OLD, NEW = new_key(), new_key()


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def prosody(version):
    return ["--prosody-config", "prosody.cfg.lua", "--prosodyctl", launcher(version).with_name("prosodyctl")]


@pytest.fixture
def config(tmp_path):
    """config(text, {host: options}): writes a configuration. The lines of the text keep their numbers."""

    def write(text="", hosts={}):
        for host, values in hosts.items():
            text += f"VirtualHost {lua(host)}\n{options(**values)}"
        content = text.encode("latin-1") if isinstance(text, str) else text
        # Not that of this machine's Prosody.
        (tmp_path / "prosody.cfg.lua").write_bytes(f'data_path = "{tmp_path}" '.encode() + content)

    return write


def single(key):
    return dict(zip(("otp_seed", "token_secret"), key))


def environment(key):
    return dict(zip(("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET"), key))


def minted_with(done, key, jid="alice@localhost"):
    assert done.returncode == 0, done.stderr
    token = done.stdout.rstrip("\n")
    return any(token == mint(jid, key, nonce=token[8:-45], steps=steps) for steps in (0, -1))


def is_wrong(done, *words):
    assert (done.returncode, done.stdout) == (2, "")
    assert all(key not in done.stderr for key in (*OLD, *NEW))
    return all(word in done.stderr for word in words)


def test_a_login_with_the_key_of_the_server(xtoken, version):
    with Prosody(version, {"localhost": single(NEW)}) as server:
        source = ["--prosody-config", server.config, "--prosodyctl", server.launcher.with_name("prosodyctl")]
        done = xtoken("mint", "alice@localhost", *source)
        assert (done.returncode, done.stderr) == (0, "")
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", done.stdout.rstrip("\n")) == "success"
        used = done.stdout
        done = xtoken("explain", "alice@localhost", "--json", *source, input=used)
        assert [finding["name"] for finding in json.loads(done.stdout)["findings"]] == ["replayed"]
        done = xtoken("verify", "alice@localhost", *source, input=used)
        assert done.returncode == 1 and done.stderr.startswith("refused: replayed: ")
        # What the command has used up, the server refuses.
        token = mint("alice@localhost", NEW)
        assert xtoken("verify", "alice@localhost", *source, input=token).returncode == 0
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", token) == "not-authorized"


def test_the_ledger_is_that_of_the_configuration(xtoken, prosody, config, tmp_path):
    def verify(*more, env={}, **options):
        config(f'data_path = "{tmp_path}"\n', {"localhost": {**single(NEW), **options}})
        return xtoken("verify", "alice@localhost", mint("alice@localhost", NEW), *prosody, *more, env=env)

    # Prosody has not run yet: the command makes the file, and Prosody goes on with it.
    token = mint("alice@localhost", NEW)
    config(f'data_path = "{tmp_path}"\n', {"localhost": single(NEW)})
    explained = xtoken("explain", "alice@localhost", *prosody, input=token)
    assert explained.returncode == 0 and not list(tmp_path.glob("*.sqlite*"))
    assert xtoken("verify", "alice@localhost", *prosody, input=token).returncode == 0
    again = xtoken("verify", "alice@localhost", *prosody, input=token)
    assert again.returncode == 1 and again.stderr.startswith("refused: replayed: ")
    for path in ["token_ledger.sqlite", "other.sqlite"]:
        assert xtoken("verify", "alice@localhost", mint("alice@localhost", OLD), "--ledger", f"sqlite:{path}", env=environment(OLD)).returncode == 0
        assert verify(token_ledger=path).returncode == 0
        assert is_wrong(verify("--at", "59", token_ledger=path), "--at would mislead")
        assert verify("--at", "59", "--ledger", "memory:", token_ledger=path).returncode == 1
    done = verify(token_ledger="redis://127.0.0.1:1", token_ledger_timeout=0.1)
    assert done.returncode == 1 and done.stderr.startswith("refused: unavailable: ")
    done = verify(token_ledger="memory")
    assert done.returncode == 0 and "only the running server knows which tokens were used" in done.stderr
    assert is_wrong(verify(token_ledger=5), "token_ledger must be a string")
    assert is_wrong(verify(token_ledger="redis://h", token_ledger_timeout=100), "token_ledger_timeout must be")
    done = verify(env={"XTOKEN_LEDGER": "memory:"}, token_ledger="redis://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_root_makes_is_that_of_the_folder(xtoken, prosody, config, tmp_path):
    """Prosody must be able to write it."""
    assert os.geteuid() == 0, "this test must run as root"
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, 54321)
    config(f'data_path = "{data}"\n', {"localhost": single(NEW)})
    token = mint("alice@localhost", NEW)
    assert xtoken("verify", "alice@localhost", *prosody, input=token).returncode == 0
    files = list(data.iterdir())
    assert len(files) == 4
    assert {(file.stat().st_uid, file.stat().st_gid) for file in files} == {(12345, 54321)}


def test_the_host_is_that_of_the_address(xtoken, prosody, config):
    config("", {"localhost": single(NEW), "Other.Example": single(OLD)})
    assert minted_with(xtoken("mint", "alice@localhost", *prosody), NEW)
    assert minted_with(xtoken("mint", "alice@other.example", *prosody), OLD, "alice@other.example")
    assert minted_with(xtoken("mint", "alice@localhost", *prosody, "--host", "OTHER.example"), OLD)


def test_global_options_and_included_files(xtoken, prosody, config, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/host.cfg.lua").write_text('VirtualHost "localhost"\n')
    config(options(**single(NEW)) + 'Include "conf.d/*.cfg.lua"\n')
    assert minted_with(xtoken("mint", "alice@localhost", *prosody), NEW)


def test_it_is_lua_that_is_run(xtoken, prosody, config):
    """What a search for `otp_seed = ` would not find."""
    config('print("noise", nil, {}); io.write("noise")\nlocal parts = { "' + NEW[0][:9] + '", "' + NEW[0][9:] + '" }\n'
           'VirtualHost "localhost"\n-- otp_seed = "X"\notp_seed = parts[1]..parts[2]\ntoken_secret = ENV_SECRET\n')
    done = xtoken("mint", "alice@localhost", *prosody, env={"SECRET": NEW[1]})
    assert minted_with(done, NEW) and "noise" not in done.stdout


def test_keys_that_overlap(xtoken, prosody, config):
    now = int(time.time())
    keys = [
        {"id": "over", **single(new_key()), "not_after": "2026-01-31"},
        {"id": "next", **single(new_key()), "not_before": now + 3600},
        {"id": "new", **single(NEW), "not_before": now - 60},
        {"id": "old", **single(OLD)},
    ]
    config("", {"localhost": {"token_keys": keys, **single(new_key())}})
    done = xtoken("mint", "alice@localhost", *prosody, "--json")
    assert json.loads(done.stdout)["key"] == "new"
    for key, name in [(OLD, "old"), (NEW, "new")]:
        done = xtoken("verify", "alice@localhost", *prosody, input=mint("alice@localhost", key))
        assert done.stdout == f"accepted: key {name}\n"
    config("", {"localhost": {"token_keys": keys[:1]}})
    assert is_wrong(xtoken("mint", "alice@localhost", *prosody), "no key is valid at this time")
    assert xtoken("mint", "alice@localhost", *prosody, "--at", "2026-01-31T23:59:59Z").returncode == 0
    assert is_wrong(xtoken("mint", "alice@localhost", *prosody, "--at", "2026-02-01T00:00:00Z"), "no key is valid")


def test_secrets_in_files(xtoken, prosody, config, tmp_path):
    for name, content in zip(("seed", "secret"), NEW):
        (tmp_path / name).write_text(content + "\n")
        (tmp_path / name).chmod(0o640)
    config("", {"localhost": {"otp_seed_file": "seed", "token_secret_file": "secret"}})
    assert minted_with(xtoken("mint", "alice@localhost", *prosody), NEW)
    (tmp_path / "secret").chmod(0o644)
    assert is_wrong(xtoken("mint", "alice@localhost", *prosody), "option token_secret_file", f"write {tmp_path}/secret")


def test_settings_of_the_protocol(xtoken, prosody, config):
    config("", {"localhost": {**single(NEW), "token_nonce_length": 20, "token_deviation": 3}})
    done = xtoken("mint", "alice@localhost", *prosody)
    assert len(done.stdout.split()[0]) == 28 and minted_with(done, NEW)
    late = mint("alice@localhost", NEW, nonce="1" * 20, steps=-2)
    verify = ["verify", "alice@localhost", late, *prosody, "--ledger", "memory:"]
    assert xtoken(*verify).returncode == 0
    assert xtoken(*verify, "--deviation", "1").returncode == 1
    assert xtoken(*verify, "--nonce-length", "32").returncode == 1
    config("", {"localhost": {**single(NEW), "token_nonce_policy": "dated"}})
    undated = mint("alice@localhost", NEW, nonce="1" * 32)
    done = xtoken("verify", "alice@localhost", undated, *prosody, "--ledger", "memory:")
    assert (done.returncode, done.stderr.startswith("refused: undated: ")) == (1, True)
    exact = ["--nonce-policy", "exact"]
    assert xtoken("verify", "alice@localhost", undated, *prosody, "--ledger", "memory:", *exact).returncode == 0
    for wrong in ("lax", 7):
        config("", {"localhost": {**single(NEW), "token_nonce_policy": wrong}})
        done = xtoken("mint", "alice@localhost", *prosody)
        assert is_wrong(done, "token_nonce_policy", "no such nonce_policy")
    config("", {"localhost": {**single(NEW), "token_nonce_length": "many"}})
    assert is_wrong(xtoken("mint", "alice@localhost", *prosody), "token_nonce_length", "a whole number")


def test_a_secret_of_any_bytes(xtoken, prosody, config):
    config(f'VirtualHost "localhost" otp_seed = "{NEW[0]}" token_secret = "\\0\\255\xfc\\n"\n')
    token = xtoken("mint", "alice@localhost", *prosody, "--at", "59").stdout
    assert xtoken("verify", "alice@localhost", *prosody, "--at", "59", "--ledger", "memory:", input=token).returncode == 0

    class Bytes:
        """So much of text as the minter of the tests needs."""

        def encode(self):
            return b"\0\xff\xfc\n"

    assert token == mint("alice@localhost", (NEW[0], Bytes()), now=59, nonce=token[8:40]) + "\n"


def test_credentials_of_systemd(xtoken, config, tmp_path):
    (tmp_path / "secret").write_text(NEW[1])
    config("", {"localhost": {"otp_seed": NEW[0], "token_secret": Expression('Credential("secret")')}})
    source = ["--prosody-config", "prosody.cfg.lua", "--prosodyctl", launcher("13.0").with_name("prosodyctl")]
    assert minted_with(xtoken("mint", "alice@localhost", *source, env={"CREDENTIALS_DIRECTORY": str(tmp_path)}), NEW)
    assert is_wrong(xtoken("mint", "alice@localhost", *source), "CREDENTIALS_DIRECTORY", "token_secret")


@pytest.mark.parametrize(
    "text, advice",
    [
        ('VirtualHost "elsewhere"\n', 'no VirtualHost of that name: say which with --host'),
        ('Component "localhost" "muc"\n', 'no VirtualHost of that name'),
        ('VirtualHost "localhost"\n', 'otp_seed of VirtualHost "localhost" is not set'),
        ('VirtualHost "localhost" otp_seed = 1234 token_secret = "x"\n', "otp_seed"),
        ('VirtualHost "localhost" otp_seed = "x" token_secret = "x"\n', "otp_seed is not base32"),
        ('VirtualHost "localhost" token_keys = { { id = "new", notafter = 1 } }\n', "key 1 of token_keys: unknown field: there are only id, "),
        ('VirtualHost "localhost" otp_seed = "SEED\n', "prosody.cfg.lua:1 cannot be loaded"),
        ('VirtualHost "localhost" otp_seed = SEED..nothing\n', "prosody.cfg.lua:1 cannot be loaded"),
        (None, "--prosody-config: No such file"),
    ],
)
def test_mistakes_are_named(xtoken, prosody, config, text, advice):
    if text is not None:
        config(text.replace("SEED", NEW[0]))
    assert is_wrong(xtoken("mint", "alice@localhost", *prosody), advice)


def test_programs_that_are_no_prosodyctl(xtoken, config):
    config("", {"localhost": single(NEW)})
    source = ["--prosody-config", "prosody.cfg.lua", "--prosodyctl"]
    assert is_wrong(xtoken("mint", "alice@localhost", *source, "nowhere"), "needs Prosody on this machine")
    for program in ["true", "false", "echo"]:
        assert is_wrong(xtoken("mint", "alice@localhost", *source, program), "did not start Prosody's loader")
    assert is_wrong(xtoken("mint", "alice", "--prosody-config", "x"), "user@host")
    assert is_wrong(xtoken("mint", "alice@localhost", "--host", "localhost"), "--prosody-config")


def test_ps_shows_no_secret(xtoken, prosody, config, tmp_path):
    """Nor does the environment of what is started: it is looked at from there."""
    config("", {"localhost": single(NEW)})
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline /proc/$PPID/environ >seen\nexec {prosody[-1]} \"$@\"\n")
    spy.chmod(spy.stat().st_mode | stat.S_IXUSR)
    done = xtoken("mint", "alice@localhost", *prosody[:-1], spy, env={"PATH": PATH})
    assert minted_with(done, NEW)
    seen = (tmp_path / "seen").read_bytes()
    assert b"alice@localhost" in seen and b"LUA_INIT=" in seen
    assert all(os.fsencode(secret) not in seen for secret in NEW)
