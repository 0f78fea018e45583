"""Files of xtoken that are missing, unreadable, incomplete or of another version.

The server runs as the user prosody, as Debian's does. Each time, one sentence names the file.
"""

import re
import shutil

import pytest
from client import Client
from mint import mint, new_key
from server import PLUGINS, Prosody

KEY = new_key()
OPTIONS = dict(zip(("otp_seed", "token_secret"), KEY))
AGAIN = "Install all files of xtoken again, from one version and readable for Prosody's user"


@pytest.fixture
def server(version):
    """A server that is not root, with a copy of the plugins. It is not running."""
    server = Prosody(version, {"localhost": OPTIONS})
    server.user = "prosody"
    server.plugins = server.folder / "plugins"
    shutil.copytree(PLUGINS, server.plugins)
    server.settings["plugin_paths"] = [str(server.plugins)]
    server.settings["modules_disabled"] = ["s2s", "offline", "pep", "register", "report_auth"]
    yield server
    server.__exit__()


def log_in(server):
    with Client(server.port, "localhost") as client:
        return client.log_in("alice", mint("alice@localhost", KEY))


def errors(text):
    return re.findall(r"(?:localhost:auth_token|modulemanager)\terror\t(.*)", text)


def is_a_sentence(text):
    assert not re.search(r"(?i)traceback|\[C\]|attempt to|in function|in main chunk", text), text
    return True


def unreadable(path):
    path.chmod(0)


def missing(path):
    path.unlink()


def empty(path):
    path.write_text("")


def half(path):
    content = path.read_text()
    path.write_text(content[: len(content) // 2])


def without_its_result(path):
    path.write_text(re.sub(r"(?m)^return .*(?:\n\t.*)*(?:\n\};)?\s*\Z", "", path.read_text()))


def older(path):
    """As if the functions of this library had other names in another version."""
    path.write_text("return {};\n")


SPOILED = {
    unreadable: r"Prosody may not read \S+/{} \(Permission denied\)",
    missing: r"\S+/{} is missing",
    empty: r"\S+/{} is empty or incomplete",
    half: r"\S+/{} is damaged \(|\S+/{} is empty or incomplete",
    without_its_result: r"\S+/{} is empty or incomplete|\S+/{} is damaged",
    older: r"\S+/{} is of another version: it has no \w+",
}

# These return a value that is no table of functions of theirs, so an older one cannot be told.
NO_FUNCTIONS = {"xtoken/state.lib.lua", "xtoken/native.lib.lua"}
LIBRARIES = sorted(
    str(path.relative_to(PLUGINS))
    for path in (PLUGINS / "xtoken").rglob("*.lib.lua")
    if path.name != "libraries.lib.lua"
)
OF_SERVER = [name for name in LIBRARIES if "prosodyctl" not in name]
OF_COMMANDS = [name for name in LIBRARIES if "prosodyctl" in name]


def each_spoiled(server, names, spoil):
    """Yields the name of each library while it is spoiled."""
    for name in names:
        if spoil is older and name in NO_FUNCTIONS:
            continue
        path = server.plugins / name
        spoil(path)
        yield name
        path.unlink(missing_ok=True)
        shutil.copy(PLUGINS / name, path)


@pytest.mark.parametrize("spoil", SPOILED)
def test_each_library_of_the_server(server, spoil):
    server.start()
    assert log_in(server) == "success"
    server.shell("module:unload('auth_token', 'localhost')")
    for name in each_spoiled(server, OF_SERVER, spoil):
        before = len(server.log())
        server.shell("module:load('auth_token', 'localhost')")
        log = server.log()[before:]
        if "are verified by xtoken" in log and name not in log:
            # Only the commands need it.
            server.shell("module:unload('auth_token', 'localhost')")
            log = server.prosodyctl("mod_auth_token", "check")
            log += server.prosodyctl("mod_auth_token", "mint", "alice@localhost")
            if spoil is older and "of another version" not in log:
                # Its functions are called later, if at all.
                assert is_a_sentence(log)
                continue
        assert re.search(SPOILED[spoil].format(*[re.escape(name)] * 2), log), (name, log)
        assert AGAIN in log and is_a_sentence(log)


@pytest.mark.parametrize("spoil", SPOILED)
def test_each_library_of_the_commands(server, spoil):
    server.start()
    for name in each_spoiled(server, OF_COMMANDS, spoil):
        output = ""
        for words in (
            ["check"],
            ["generate-key", "--files", "/not-there/x"],
            ["mint", "alice@localhost"],
            ["verify", "alice@localhost", "x"],
            ["explain", "alice@localhost", "x"],
        ):
            output += server.prosodyctl("mod_auth_token", *words)
        assert re.search(SPOILED[spoil].format(*[re.escape(name)] * 2), output), (name, output)
        assert AGAIN in output and is_a_sentence(output)


@pytest.mark.parametrize("spoil", [unreadable, missing, empty, half])
def test_the_library_that_looks_after_the_others(server, spoil):
    spoil(server.plugins / "xtoken/libraries.lib.lua")
    server.start()
    assert "Prosody cannot read the libraries in the folder xtoken beside" in server.log()
    assert is_a_sentence(server.log())
    for module in ("mod_auth_token", "mod_xtoken"):
        output = server.prosodyctl(module, "check")
        assert "Prosody cannot read the libraries in the folder xtoken beside" in output
        assert is_a_sentence(output)


@pytest.mark.parametrize("mode", [0, 0o600, 0o700, 0o644])
def test_the_folder_of_the_libraries(server, mode):
    (server.plugins / "xtoken").chmod(mode)
    server.start()
    assert "Prosody cannot read the libraries in the folder xtoken beside" in server.log()
    assert "(chmod -R a+rX)" in server.log() and is_a_sentence(server.log())
    assert is_a_sentence(server.prosodyctl("mod_auth_token", "check"))


@pytest.mark.parametrize("mode", [0o600, 0o700])
def test_the_folder_of_the_commands(server, mode):
    (server.plugins / "xtoken/prosodyctl").chmod(mode)
    server.start()
    assert log_in(server) == "success"
    output = server.prosodyctl("mod_auth_token", "check")
    assert "Prosody may not read" in output and AGAIN in output and is_a_sentence(output)


# The native module


def spoil_native(server, spoil):
    path = server.plugins / "xtoken.so"
    spoil(path)
    return path


def truncated(path):
    path.write_bytes(path.read_bytes()[:100_000])


def almost_whole(path):
    path.write_bytes(path.read_bytes()[:-1])


def for_another_processor(path):
    """The machine in the header of an ELF file is at byte 18; 183 is aarch64."""
    content = bytearray(path.read_bytes())
    content[18:20] = (183).to_bytes(2, "little")
    path.write_bytes(content)


def of_no_bytes(path):
    path.write_bytes(b"")


NATIVE = {
    unreadable: ": Permission denied: run chmod a+r on it",
    missing: ": no such file",
    truncated: " is incomplete",
    almost_whole: " is incomplete",
    for_another_processor: " is for another processor, aarch64 instead of x86-64",
    of_no_bytes: ": file too short",
}


@pytest.mark.parametrize("spoil", NATIVE)
def test_the_native_module(server, spoil):
    path = spoil_native(server, spoil)
    server.start()
    assert log_in(server) != "success"
    assert f"{path}{NATIVE[spoil]}" in server.log() and is_a_sentence(server.log())
    output = server.prosodyctl("mod_auth_token", "check")
    assert f"{path}{NATIVE[spoil]}" in output and is_a_sentence(output)
    assert server.process.poll() is None


# The modules themselves, which Prosody looks for


@pytest.mark.parametrize("closed", ["plugins", "plugins/mod_auth_token.lua"])
def test_what_prosody_cannot_find_has_no_stack_trace(server, closed):
    (server.folder / closed).chmod(0)
    server.start()
    assert re.search(r"Unable to load module 'auth_token': .*(denied|such file)", server.log())
    assert is_a_sentence(server.log())
    assert is_a_sentence(server.prosodyctl("mod_auth_token", "check"))
    if closed != "plugins":
        output = server.prosodyctl("mod_xtoken", "check")
        assert f"Prosody may not read {server.folder / closed}" in output
