#!/usr/bin/env python3
"""Starts a Prosody on this machine, and the web chat in front of it. Runs until Ctrl-C."""

import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/prosody"), str(ROOT / "tests/clients")]

from mint import new_key  # noqa: E402
from versions import any_version  # noqa: E402
from webchat import WebChat  # noqa: E402

signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    with WebChat(any_version(), new_key()) as chat:
        print(f"Open {chat.address} in two browsers, one of them private.")
        print("Sign in as alice and as bob.")
        print("Ctrl-C ends it.", flush=True)
        signal.pause()
except KeyboardInterrupt:
    print()
