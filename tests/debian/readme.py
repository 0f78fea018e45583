"""Follows README.md to the letter in fresh roots of Debian: from the package to a login over TLS.

usage: readme.py [RELEASE...]     bookworm and trixie unless given

Ends with a line "N passed, N failed". Each server runs as the user of its package, with namespaces
of its own for the network, mounts and processes, so it meets nothing on this machine.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/prosody"))

from client import Client  # noqa: E402
from mint import mint, new_key  # noqa: E402

RELEASES = ["bookworm", "trixie"]
HOST = "example.com"
TOOLS = ["debootstrap", "unshare", "ip", "openssl", "make"]
README = (ROOT / "README.md").read_text()
CONFIGURE = README.partition("\n## Configure Prosody\n")[2].partition("\n### ")[0]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)```", CONFIGURE, re.MULTILINE | re.DOTALL)


def say(*words):
    print(" ", *words, flush=True)


def quietly(*command, **environment):
    """Returns what a command printed; shows it only if the command fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with status {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def in_root(root, *command):
    say("#", *command)
    environment = {"PATH": os.environ["PATH"], "HOME": "/root"}
    done = subprocess.run(["chroot", root, *command], env=environment)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with status {done.returncode}")


def set_up(root, release):
    """Makes what README.md expects: the package, and the host's certificate."""
    archive = quietly(ROOT / "scripts/archive").strip()
    quietly("debootstrap", "--variant=minbase", release, root, archive)
    # This test starts the services itself.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    apt = ["apt-get", "install", "-y", "-qq", "prosody"]
    quietly("chroot", root, *apt, DEBIAN_FRONTEND="noninteractive")
    live = root / "etc/letsencrypt/live"
    (live / HOST).mkdir(parents=True)
    live.chmod(0o700)
    elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", live / HOST / "privkey.pem", "-out", live / HOST / "fullchain.pem"]
    quietly("openssl", "req", "-x509", *elliptic, *subject, *files)
    # What systemd does for the service.
    (root / "run/prosody").mkdir()
    shutil.chown(root / "run/prosody", *owner(root))


def owner(root):
    state = (root / "var/lib/prosody").stat()
    return state.st_uid, state.st_gid


def write_host(root, key):
    """The new file, with the secrets in place of the dots."""
    (path,) = set(re.findall(r"`(/etc/prosody/conf\.d/\S+)`", CONFIGURE))
    text = next(block for block in blocks("lua") if block.startswith("VirtualHost"))
    for secret in key:
        text = text.replace("…", secret, 1)
    (root / path.lstrip("/")).write_text(text)


def start(root):
    """As the service does, which systemd would."""
    uid, gid = owner(root)
    prosody = ["chroot", f"--userspec={uid}:{gid}", root, "/usr/bin/prosody", "-F"]
    say("#", "prosody -F", f"(user {uid}, group {gid})")
    subprocess.Popen(prosody, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL)


def connect():
    deadline = time.monotonic() + 60
    while True:
        try:
            return Client(5222, HOST)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                sys.exit("Prosody did not come up")
            time.sleep(0.1)


def follow(root):
    """What README.md has an administrator do, in namespaces that end with this process."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    key = new_key()
    lines = re.findall("^sudo ([^#\n]*)", "".join(blocks("sh")), re.MULTILINE)
    commands = [line.split() for line in lines]
    for expected in ("make install-plugins", "systemctl restart prosody"):
        assert expected.split() in commands, expected
    for command in commands:
        if command == ["make", "install-plugins"]:
            say("#", *command)
            subprocess.run(["make", "-s", *command[1:], f"DESTDIR={root}"], cwd=ROOT, check=True)
            write_host(root, key)
        elif command[0] == "systemctl":
            start(root)
            connect().socket.close()
        else:
            in_root(root, *command)

    with connect() as client:
        assert client.mechanisms() == set(), "X-TOKEN is offered without TLS"
        client.start_tls()
        answer = client.log_in("alice", mint(f"alice@{HOST}", key))
        assert answer == "success", answer
        say(client.bind(), "is logged in")
    ledger = (root / "var/lib/prosody/token_ledger.sqlite").stat()
    assert ledger.st_uid == owner(root)[0] != 0, "the server does not run as its user"


def try_release(release):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"xtoken-{release}-"))
    root = folder / "root"
    try:
        set_up(root, release)
        alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        followed = subprocess.run([*alone, sys.executable, __file__, "--follow", root])
        return followed.returncode == 0
    except SystemExit as problem:
        say(problem)
        return False
    finally:
        shutil.rmtree(folder)


def main(releases):
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        sys.exit(f"{', '.join(missing)} is missing (make test-debian installs it)")
    if os.getuid() != 0:
        sys.exit("debootstrap and chroot need root: run make test-debian as root")
    failed = 0
    for release in releases or RELEASES:
        print(f"== {release}", flush=True)
        failed += not try_release(release)
    print(f"{len(releases or RELEASES) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if sys.argv[1:2] == ["--follow"]:
    follow(pathlib.Path(sys.argv[2]))
else:
    main(sys.argv[1:])
