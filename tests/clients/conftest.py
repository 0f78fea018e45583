import pathlib
import sys

# The servers and the plain client of the other tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "prosody"))
