"""The archive of the C library: unpacked anywhere, found by pkg-config, linked both ways."""

import shutil
import subprocess

from root import PROJECT, Failure, expect


def archive():
    found = list((PROJECT / "target/dist").glob("xtoken-*-linux-amd64.tar.gz"))
    if len(found) != 1:
        raise Failure("there is no archive of the C library: run make c-archive, or make dist")
    return found[0]


def prepare(root):
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "gcc", "libc6-dev", "pkg-config")
    subprocess.run(["tar", "-xzf", archive(), "-C", root / "opt"], check=True)
    shutil.copy(PROJECT / "examples/ffi/once.c", root / "opt")
    shutil.copy(PROJECT / "examples/ffi/expected.txt", root / "opt")


def follow(root):
    (library,) = (root / "opt").glob("xtoken-*/lib")
    inside = "/" + str(library.relative_to(root.path))
    for static in ("", "--static"):
        flags = f"PKG_CONFIG_PATH={inside}/pkgconfig pkg-config {static} --cflags --libs xtoken"
        link = "-static" if static else f"-Wl,-rpath,{inside}"
        root.run("sh", "-c", f"gcc -o /opt/once /opt/once.c $({flags}) {link}")
        expect(root.run("/opt/once"), (root / "opt/expected.txt").read_text(), "what it printed")
