#!/usr/bin/env python3
"""Finds the versions of Prosody on this machine: the installed one, and those unpacked for tests.

If XTOKEN_PROSODY names the folder of another Prosody, that one takes the place of the latest
version, and the older ones are left out: `make test-trunk` sets it.

As a program: prints the one that a demo uses, or says what is missing.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = os.environ.get("XTOKEN_PROSODY")
VERSIONS = ["13.0"] if TREE else ["0.12", "13.0"]
INSTALLED = pathlib.Path("/usr/bin/prosody")


def version_of(launcher):
    """Returns a version like 0.12.3, or None if there is no Prosody."""
    # Not from `prosodyctl about`, which needs a configuration that not every user can read.
    file = launcher.parents[1] / "lib/prosody/prosody.version"
    return file.read_text().strip() if launcher.exists() and file.exists() else None


def launcher_in(tree):
    """Returns the program that starts the Prosody that was installed or unpacked in a folder."""
    for path in (tree / "bin/prosody", tree / "usr/bin/prosody"):
        if path.exists():
            return path
    raise FileNotFoundError(f"There is no Prosody in {tree}: bin/prosody is missing")


def launcher(version):
    """Returns the program that starts a Prosody of this version."""
    if TREE:
        return launcher_in(pathlib.Path(TREE))
    for path in (INSTALLED, ROOT / f"target/prosody-{version}/usr/bin/prosody"):
        if (version_of(path) or "").startswith(f"{version}."):
            return path
    raise FileNotFoundError(f"Prosody {version} is missing: scripts/prosody {version} fetches it")


def any_version():
    """Returns the installed version if xtoken supports it, else an unpacked one."""
    installed = version_of(INSTALLED) or "none"
    for version in sorted(VERSIONS, key=lambda version: not installed.startswith(f"{version}.")):
        try:
            launcher(version)
            return version
        except FileNotFoundError:
            pass
    raise FileNotFoundError(
        f"Prosody {' or '.join(VERSIONS)} is needed, and installed is {installed}: "
        "apt-get install prosody on Debian 12 or 13"
    )


if __name__ == "__main__":
    try:
        print(f"Prosody {version_of(launcher(any_version()))} is there.")
    except FileNotFoundError as missing:
        sys.exit(str(missing))
