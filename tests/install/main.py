"""Tries each channel through which xtoken is installed, in fresh roots of Debian.

usage: main.py [CHANNEL...]           all unless given; RELEASES=… chooses releases
       main.py --follow CHANNEL ROOT  the second half, in namespaces that end with it

Ends with a line "N passed, N failed". A channel is a module with two functions:

    prepare(root)   installs from the network what the artefact needs, and the artefact
    follow(root)    logs in to a server, or runs a program; without the network

In the second half each server runs as the user of its package, with namespaces of its own for the
network, mounts and processes. So it meets nothing on this machine.
"""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys

from root import Failure, Root, say

CHANNELS = ["checkout", "deb", "container", "rock", "c_archive", "source"]
RELEASES = os.environ.get("RELEASES", "bookworm trixie").split()
TOOLS = ["debootstrap", "unshare", "ip", "openssl", "make"]
ALONE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]


def releases_of(channel):
    """A channel that does not work on every release has a list of its own."""
    there = getattr(importlib.import_module(channel), "RELEASES", RELEASES)
    return [release for release in RELEASES if release in there]


def succeeds(channel, release):
    root = Root.fresh(release)
    try:
        importlib.import_module(channel).prepare(root)
        follower = [sys.executable, __file__, "--follow", channel, root.path]
        return subprocess.run([*ALONE, *follower]).returncode == 0
    except Failure as failure:
        say(failure)
        return False
    finally:
        root.remove()


def main(channels):
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        sys.exit(f"{', '.join(missing)} is missing (make test-install installs it)")
    if os.getuid() != 0:
        sys.exit("debootstrap and chroot need root: run make test-install as root")
    results = []
    for channel in channels or CHANNELS:
        for release in releases_of(channel):
            print(f"== {channel} on {release}", flush=True)
            results.append(succeeds(channel, release))
            print(f"{'ok  ' if results[-1] else 'FAIL'}  {channel} on {release}", flush=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


def follow(channel, path):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", path / "proc"], check=True)
    try:
        importlib.import_module(channel).follow(Root(path))
    except Failure as failure:
        sys.exit(f"  {failure}")


if sys.argv[1:2] == ["--follow"]:
    follow(sys.argv[2], pathlib.Path(sys.argv[3]))
else:
    main(sys.argv[1:])
