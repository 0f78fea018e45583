"""The Debian packages: installed with apt, upgraded under a running server, purged."""

import re
import shutil

from mint import new_key
from root import HOST, PROJECT, expect, expect_ledger, quietly, serve_through_an_upgrade

PACKAGES = PROJECT / "target/deb"
INSTALLED = ["prosody-xtoken", "lua-xtoken"]
OTHERS = ["libxtoken0", "libxtoken-dev", "xtoken"]


def package(name):
    (file,) = PACKAGES.glob(f"{name}_*.deb")
    return file


def prepare(root):
    folder = root / "debs"
    folder.mkdir()
    for name in INSTALLED + OTHERS:
        shutil.copy(package(name), folder)
    root.run("sh", "-c", "apt-get install -y -qq /debs/prosody-xtoken_*.deb /debs/lua-xtoken_*.deb")
    root.run("sh", "-c", "apt-get install -y -qq gcc libc6-dev pkg-config /debs/*.deb")
    root.make_certificate()


def next_version(root):
    """The same packages under a higher version, as an upgrade would bring them."""
    made = []
    for name in INSTALLED:
        tree = PACKAGES / "next" / name
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(exist_ok=True)
        quietly("dpkg-deb", "-R", package(name), tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub("(?m)^(Version: .*)$", r"\1.1", control.read_text()))
        quietly("dpkg-deb", "--root-owner-group", "-b", tree, root / f"debs/{name}-next.deb")
        made.append(f"/debs/{name}-next.deb")
    return made


def follow(root):
    serve_through_an_upgrade(root, lambda: root.run("dpkg", "-i", *next_version(root)))
    compile_and_run(root)
    listed = map(root.__truediv__, root.run("dpkg", "-L", *INSTALLED).split())
    files = [path for path in listed if path.is_file()]
    root.run("dpkg", "--purge", *INSTALLED)
    expect([path for path in files if path.exists()], [], "files left after purge")
    expect_ledger(root)


def compile_and_run(root):
    """A C program built with libxtoken-dev mints, the command verifies."""
    shutil.copy(PROJECT / "examples/mint/mint.c", root / "tmp/mint.c")
    otp_seed, token_secret = new_key()
    secrets = f"XTOKEN_OTP_SEED={otp_seed} XTOKEN_TOKEN_SECRET={token_secret}"
    root.run("sh", "-c", "gcc -o /tmp/mint /tmp/mint.c $(pkg-config --cflags --libs xtoken)")
    jid = f"alice@{HOST}"
    root.run("sh", "-c", f'export {secrets}; xtoken verify {jid} "$(/tmp/mint {jid})"')
