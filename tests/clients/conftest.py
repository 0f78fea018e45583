import pathlib
import sys

# The servers and the plain client of the other tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "prosody"))

from fixtures import *  # noqa: E402, F403
