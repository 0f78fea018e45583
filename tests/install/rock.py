"""The rock: installed with prosodyctl, upgraded under a running server, removed."""

import re
import shutil

from root import PROJECT, expect, expect_ledger, quietly, serve_through_an_upgrade

ROCKS = PROJECT / "target/rock"


def prepare(root):
    root.run("apt-get", "install", "-y", "-qq", "prosody", "luarocks")
    shutil.copytree(ROCKS, root / "rocks")
    root.make_certificate()


def publish_next_version(root):
    """Adds the same rock under a higher version, as an upgrade would bring it."""
    (rock,) = (root / "rocks").glob("*.linux-x86_64.rock")
    version = re.search(r"-([0-9.]+)-1\.", rock.name)[1]
    tree = root / "tmp/next"
    quietly("unzip", "-q", rock, "-d", tree)
    (old,) = tree.glob("*.rockspec")
    text = old.read_text().replace(f'"{version}-1"', f'"{version}.1-1"')
    old.unlink()
    new = tree / old.name.replace(version, f"{version}.1")
    new.write_text(text)
    path = root / f"rocks/{rock.name.replace(version, f'{version}.1')}"
    quietly("sh", "-c", f"cd {tree} && zip -qr {path} .")
    root.run("luarocks-admin", "--lua-version=5.4", "make-manifest", "/rocks")


def install(root):
    print(root.run("prosodyctl", "install", "--server=/rocks", "mod_auth_token"))


def upgrade(root):
    publish_next_version(root)
    install(root)


def follow(root):
    install(root)
    serve_through_an_upgrade(root, lambda: upgrade(root))
    root.run("prosodyctl", "remove", "mod_auth_token")
    plugins = root / "var/lib/prosody/custom_plugins"
    files = [path for path in plugins.rglob("*") if path.is_file() and path.name != "manifest"]
    expect(files, [], "files left after the removal")
    expect_ledger(root)
