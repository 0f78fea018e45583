#!/usr/bin/env python3
"""Makes docs/webchat.png, the picture of the web chat, again."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/prosody"))

from mint import new_key  # noqa: E402
from versions import any_version  # noqa: E402
from webchat import WebChat  # noqa: E402

with WebChat(any_version(), new_key()) as chat:
    sys.exit(chat.browse("picture", str(ROOT / "docs/webchat.png")))
