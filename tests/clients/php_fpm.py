"""php-fpm with the pool of examples/servers/README.md."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from pages import with_replacements
from samples import FOLDER, README
from server import PATIENCE, eventually


def fenced(language):
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return block


class PhpFpm:
    def __init__(self, variables):
        self.variables = variables
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="xtoken-fpm-"))
        self.folder.chmod(0o755)  # nginx may run as another user
        self.socket = self.folder / "chat.sock"

    def __enter__(self):
        programs = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
        if not programs:
            raise FileNotFoundError("php-fpm is missing (make test-clients installs it)")
        pool = fenced("ini").replace("…", "{}")
        pool = pool.format(self.variables["XTOKEN_OTP_SEED"], self.variables["XTOKEN_TOKEN_SECRET"])
        owner = f"{self.folder.owner()}\n"
        pool = with_replacements(
            pool,
            {
                "/run/php/chat.sock": self.socket,
                # The tests' own user, and any nginx.
                "user = www-data\n": f"user = {owner}",
                "group = www-data\n": f"group = {self.folder.group()}\n",
                "listen.owner = www-data\n": "listen.mode = 0666\n",
            },
        )
        (self.folder / "fpm.conf").write_text(f"[global]\nerror_log = {self.log}\n{pool}")
        self.process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                programs[-1],
                "--nodaemonize",
                "--allow-to-run-as-root",
            ]
            + ["--fpm-config", self.folder / "fpm.conf"],
            stdin=subprocess.DEVNULL,
        )
        try:
            eventually(self.is_up, PATIENCE, "php-fpm does not listen")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self):
        return self.folder / "fpm.log"

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()
        return self.socket.is_socket()

    def location(self):
        """Returns what nginx needs, in place of the `location` of a proxied application."""
        return with_replacements(
            fenced("nginx"),
            {
                "include fastcgi_params": "include /etc/nginx/fastcgi_params",
                "/srv/xtoken/examples/servers": FOLDER,
                "/run/php/chat.sock": self.socket,
            },
        )
