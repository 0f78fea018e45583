"""The steps of the Containerfile, in a root: containers cannot be built everywhere."""

import json
import os
import shutil

from mint import new_key
from root import HOST, PROJECT, Failure, expect, log_in, quietly

FOLDER = PROJECT / "packaging/container"


def instructions():
    """Returns the instructions of the Containerfile: [("RUN", "apt-get …"), …]."""
    lines = (FOLDER / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    return [line.split(None, 1) for line in lines if line and not line.startswith("#")]


def copy(root, sources, target):
    target = root / target
    if len(sources) > 1 or "*" in sources[0]:
        target.mkdir(parents=True, exist_ok=True)
    for pattern in sources:
        found = list(PROJECT.glob(pattern))
        if not found:
            raise Failure(f"there is no {pattern} for COPY")
        for file in found:
            shutil.copy(file, target)


def prepare(root):
    quietly(PROJECT / "target/hadolint/bin/hadolint", FOLDER / "Containerfile")
    for name, arguments in instructions():
        if name == "RUN":
            root.run("sh", "-c", arguments)
        elif name == "COPY":
            *sources, target = arguments.split()
            copy(root, sources, target)
    root.make_certificate()


def write_secrets(root, key):
    """As compose.yaml says, which mounts them, with the certificate of the host."""
    folder = root / "run/secrets"
    folder.mkdir()
    for name, secret in zip(("otp_seed", "token_secret"), key):
        (folder / name).write_text(secret)
    live = root / f"etc/letsencrypt/live/{HOST}"
    shutil.copy(live / "fullchain.pem", folder / f"{HOST}.crt")
    shutil.copy(live / "privkey.pem", folder / f"{HOST}.key")
    for file in folder.iterdir():
        file.chmod(0o400)
        os.chown(file, *root.owner())


def follow(root):
    given = dict(instructions())
    expect(given["USER"], "prosody", "the user of the container")
    key = new_key()
    write_secrets(root, key)
    root.start_prosody(*json.loads(given["ENTRYPOINT"]), XMPP_HOST=HOST)
    log_in(key)
