import signal

import pytest
from mint import new_key
from server import PLUGINS, ROOT, Prosody
from versions import VERSIONS

# Those of Debian 12 and of its backports. The README of the latter says that 0.12 cannot use them.
SUITES = ["bookworm", "bookworm-backports"]

# If the tests are ended early, they still remove their folders.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def prosody(version):
    """prosody(hosts, **settings) makes a server for a `with`."""
    return lambda hosts, **settings: Prosody(version, hosts, **settings)


@pytest.fixture
def key():
    return new_key()


@pytest.fixture
def options(key):
    return dict(zip(("otp_seed", "token_secret"), key))


@pytest.fixture
def server(prosody, options):
    with prosody({"localhost": options}) as server:
        yield server


@pytest.fixture(params=SUITES)
def suite(request):
    """Returns the suite of Debian whose community modules `with_modules` loads."""
    return request.param


@pytest.fixture
def with_modules(prosody, options, suite):
    """with_modules("sasl2", known_users="seen") makes a server with that module and TLS."""

    def server(*modules, settings=None, **host_options):
        parent = ROOT / f"target/prosody-modules/{suite}/usr/lib/prosody/modules"
        folders = [parent / f"mod_{name}" for name in modules]
        for folder in folders:
            if not folder.exists():
                raise FileNotFoundError(f"{folder} is missing: tests/prosody/run fetches it")
        settings = dict(settings or {})
        enabled = [*modules, *settings.pop("modules_enabled", [])]
        paths = [str(PLUGINS), str(ROOT / "tests/prosody/plugins"), *map(str, folders)]
        hosts = {"localhost": {**options, **host_options}}
        made = prosody(hosts, modules_enabled=enabled, plugin_paths=paths, **settings)
        made.make_certificate()
        return made

    return server


@pytest.fixture
def with_fast(with_modules):
    def server(*modules, **options):
        modules = ("sasl2", "sasl2_fast", *modules)
        return with_modules(*modules, allow_unencrypted_plain_auth=False, **options)

    return server
