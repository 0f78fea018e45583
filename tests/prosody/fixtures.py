import signal

import pytest
from mint import new_key
from server import Prosody
from versions import VERSIONS

# Who ends the tests early lets them remove their folders.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def prosody(version):
    """prosody(hosts, **settings): a function that makes servers for a `with`."""
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
