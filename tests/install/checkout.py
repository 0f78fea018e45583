"""From a checkout: the steps of docs/configure.md, to the letter."""

import re
import subprocess

from mint import new_key
from root import PROJECT, Failure, expect, log_in, say

PAGE = (PROJECT / "docs/configure.md").read_text()
CONFIGURE = PAGE.partition("\n## 2. ")[2].partition("\n## 5. ")[0]
CHECKOUT = PAGE.partition("\n## From a checkout\n")[2].partition("\n## ")[0]


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)```", text, re.MULTILINE | re.DOTALL)


def prepare(root):
    root.run("apt-get", "install", "-y", "-qq", "prosody")
    root.make_certificate()


def write_host(root, key):
    """The new file, with the secrets in place of the dots."""
    (path,) = set(re.findall(r"`(/etc/prosody/conf\.d/\S+)`", CONFIGURE))
    text = next(block for block in blocks("lua", CONFIGURE) if block.startswith("VirtualHost"))
    for secret in key:
        text = text.replace("…", secret, 1)
    (root / path).write_text(text)


def follow(root):
    key = new_key()
    shell = "".join(blocks("sh", CHECKOUT) + blocks("sh", CONFIGURE))
    lines = re.findall("^sudo ([^#\n]*)", shell, re.MULTILINE)
    commands = [line.split() for line in lines]
    for expected in ("make install-plugins", "systemctl restart prosody"):
        if expected.split() not in commands:
            raise Failure(f"docs/configure.md does not say: sudo {expected}")
    for command in commands:
        if command == ["make", "install-plugins"]:
            say("#", *command)
            install = ["make", "-s", "install-plugins", f"DESTDIR={root.path}"]
            subprocess.run(install, cwd=PROJECT, check=True)
            write_host(root, key)
        elif command[0] == "systemctl":
            root.start_prosody()
        else:
            print(root.run(*command))
    log_in(key)
    ledger = root / "var/lib/prosody/token_ledger.sqlite"
    expect(ledger.stat().st_uid, root.owner()[0], "owner of the ledger")
