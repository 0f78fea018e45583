"""The commands of xtoken in Prosody's shell, and what a reload says where it was asked for."""

import signal

from client import Client
from mint import mint, new_key
from server import PATIENCE, eventually


def entry(name, key, **more):
    return {"id": name, "otp_seed": key[0], "token_secret": key[1], **more}


def shell(server, *words):
    """Returns the exit status of a command of the shell, and what it printed."""
    server.shell("xtoken:keys()")
    done = server.run_prosodyctl("shell", *words)
    return done.returncode, done.stdout


def configure(server, host="localhost", **options):
    server.hosts[host] = options
    server.write_config()
    return server.reload_config()


def test_keys_are_those_of_the_running_server(prosody, key):
    leaked, fresh = key, new_key()
    old = entry("old", new_key(), not_after="2026-01-01")
    with prosody({"localhost": {"token_keys": [entry("leaked", leaked), old]}}) as server:
        said = "Keys of localhost in force: leaked. Not valid now: old\n"
        assert f"\tinfo\t{said}" in server.log()
        assert shell(server, "xtoken", "keys", "LOCALHOST")[1].endswith(said)
        server.hosts["localhost"] = {"token_keys": [entry("fresh", fresh)]}
        server.write_config()
        assert shell(server, "xtoken", "keys", "localhost")[1].endswith(said), "not reloaded yet"
        server.reload_config()
        said = "Keys of localhost in force: fresh\n"
        assert server.log().count(f"\tinfo\t{said}") == 1
        assert shell(server, "xtoken:keys()")[1].endswith(said)
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", mint("alice@localhost", leaked)) == "not-authorized"
        status, printed = shell(server, "xtoken", "keys", "elsewhere")
        assert status != 0 and "verifies no tokens of that host" in printed


def test_commands_know_each_host_and_survive_reloads(prosody, options, key):
    hosts = {"localhost": options, "example.com": options}
    with prosody(hosts) as server:
        for _ in range(2):
            for host in hosts:
                assert "Reloaded" in server.reload_module(host)
        if server.version != "0.12":
            assert "Reloaded" in server.reload_module("localhost", "admin_shell")
        assert "already registered" not in server.log()
        for host in hosts:
            for section in ("xtoken", "auth_token"):
                token = mint(f"alice@{host}", key)
                status, printed = shell(server, section, "explain", f"alice@{host}", token)
                assert (status, "it would be accepted" in printed) == (0, True), printed
        assert "Usage: xtoken:explain" in shell(server, "xtoken", "explain", "alice@localhost")[1]
        server.shell("module:unload('auth_token', 'localhost')")
        _, printed = shell(server, "xtoken:keys()")
        assert printed.endswith("\nOK: Keys of example.com in force: default\n")
        assert "no tokens of that host" in shell(server, "xtoken", "keys", "localhost")[1]


def test_help_names_the_commands(server):
    if server.version == "0.12":
        return  # Its help cannot be extended.
    assert "One-time tokens" in shell(server, "help")[1]
    for words in (("help", "xtoken"), ("xtoken",)):
        status, printed = shell(server, *words)
        assert status == 0
        assert "xtoken explain <jid> <token>\n" in printed and "xtoken keys <host>\n" in printed


def test_a_reload_that_fails_says_so_where_it_was_asked_for(prosody, options):
    good = {"localhost": options, "example.com": options, "example.org": options}
    with prosody(dict(good)) as server:
        for host in ("localhost", "example.com"):
            server.hosts[host] = {**options, "token_known_users": "nobody"}
        server.write_config()
        status, printed = shell(server, "config:reload()")
        assert status != 0 and "OK" not in printed
        for host in ("example.com", "localhost"):
            problem = f"Users of {host} log in as before the reload: token_known_users must be"
            assert problem in printed and f"\terror\t{problem}" in server.log()
            assert problem in shell(server, f"module:list('{host}')")[1]
            assert problem in shell(server, "xtoken", "keys", host)[1]
        assert "as before" not in shell(server, "module:list('example.org')")[1]
        if server.version != "0.12":
            done = server.run_prosodyctl("reload")
            assert done.returncode != 0 and "log in as before the reload" in done.stdout
        # Nobody would catch an error that the signal raises.
        before = server.log().count("log in as before the reload")
        server.process.send_signal(signal.SIGHUP)

        def is_reloaded():
            return server.log().count("log in as before the reload") >= before + 2

        eventually(is_reloaded, PATIENCE, "the signal reloads the configuration")
        server.hosts.update(good)
        server.write_config()
        status, printed = shell(server, "config:reload()")
        assert status == 0 and "OK" in printed
        assert "raceback" not in server.log()
        assert "as before" not in shell(server, "module:list('localhost')")[1]
        assert "as before" not in shell(server, "xtoken:keys()")[1]


def test_a_module_reload_that_fails_says_so(server, key):
    server.hosts["localhost"] = {"otp_seed": key[0], "token_secret": ""}
    server.write_config()
    server.reload_config()
    assert "token_secret is empty" in server.reload_module("localhost")
    assert "as before the reload" not in server.reload_config()


def test_verify_token_follows_a_reload(prosody, options, key):
    module = 'require "core.modulemanager".get_module("localhost", "calls_utils")'
    verify = f">return (({module}).verify_token('alice', '{{}}', '{{}}', '{{}}'))"
    hosts = {"localhost": {**options, "test_token": "none"}}
    with prosody(hosts, modules_enabled=["calls_utils"]) as server:
        late = [mint("alice@localhost", key, steps=-5) for _ in range(2)]
        assert "false" in server.shell(verify.format(late[0], *key))
        server.hosts["localhost"]["token_deviation"] = 10
        server.write_config()
        server.reload_config()
        assert "true" in server.shell(verify.format(late[1], *key))
