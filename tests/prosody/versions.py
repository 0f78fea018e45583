#!/usr/bin/env python3
"""Which versions of Prosody are on this machine: the installed one, and those unpacked for tests.

As a program: prints the one that a demo uses, or says what is missing.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = ["0.12", "13.0"]
INSTALLED = pathlib.Path("/usr/bin/prosody")


def version_of(launcher):
    """Like 0.12.3; None where no Prosody is."""
    # Not from `prosodyctl about`, which wants a configuration that only some may read.
    file = launcher.parents[1] / "lib/prosody/prosody.version"
    return file.read_text().strip() if launcher.exists() and file.exists() else None


def launcher(version):
    """The program that starts a Prosody of this version."""
    for path in (INSTALLED, ROOT / f"target/prosody-{version}/usr/bin/prosody"):
        if (version_of(path) or "").startswith(f"{version}."):
            return path
    raise FileNotFoundError(f"Prosody {version} is missing: scripts/prosody {version} fetches it")


def any_version():
    """The installed version if xtoken supports it, else one that was unpacked."""
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
