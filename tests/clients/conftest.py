import pathlib
import sys

# For the servers and the client of tests/prosody.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "prosody"))

import pytest  # noqa: E402
from fixtures import *  # noqa: E402, F403
from webchat import WebChat  # noqa: E402


@pytest.fixture
def webchat(version, key):
    with WebChat(version, key) as webchat:
        yield webchat
