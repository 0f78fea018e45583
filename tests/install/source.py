"""The source archive with every crate in it: builds the C library without a network."""

import shutil
import subprocess

from root import PROJECT, Failure, expect

# The Rust of bookworm is too old.
RELEASES = ["trixie"]
PACKAGES = "cargo-web rustc-web make gcc libc6-dev ca-certificates python3 binutils git"


def prepare(root):
    found = list((PROJECT / "target/dist").glob("xtoken-*-vendored.tar.gz"))
    if len(found) != 1:
        raise Failure("there is no archive of the sources: run make dist")
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES.split())
    subprocess.run(["tar", "-xzf", found[0], "-C", root / "opt"], check=True)
    shutil.copy(PROJECT / "examples/ffi/expected.txt", root / "opt")


def follow(root):
    (folder,) = (root / "opt").glob("xtoken-*")
    inside = f"/opt/{folder.name}"
    root.run("make", "-C", inside, "install-c", "PREFIX=/usr")
    root.run("gcc", "-o", "/opt/once", f"{inside}/examples/ffi/once.c", "-lxtoken")
    expect(root.run("/opt/once"), (root / "opt/expected.txt").read_text(), "what it printed")
