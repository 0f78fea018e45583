"""A Redis for a test: on a free port of the loopback interface, without files."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time

from server import PATIENCE, free_port


class Redis:
    def __init__(self, *options, password=None):
        if not shutil.which("redis-server"):
            raise FileNotFoundError("redis-server is missing: apt-get install redis-server")
        self.password = password
        self.options = list(options) + (["--requirepass", password] if password else [])
        self.folder = tempfile.mkdtemp(prefix="xtoken-redis-")
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        command = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--dir",
            self.folder,
        ]
        deadline = time.monotonic() + PATIENCE
        while True:
            # A connection of another test may use the port for a moment.
            if not self.process or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    command + self.options,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            try:
                return self.command("PING")
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not come up"
                time.sleep(0.01)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words):
        """Returns the first line of the answer, or the text of a bulk string."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            if self.password:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                assert connection.recv(100) == b"+OK\r\n"
            connection.sendall(
                b"".join(
                    [b"*%d\r\n" % len(words)]
                    + [b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words]
                )
            )
            file = connection.makefile("rb")
            line = file.readline().decode().strip()
            return (
                file.read(int(line[1:])).decode()
                if line.startswith("$") and line != "$-1"
                else line
            )

    def has_been_there(self):
        """Sets an old horizon. Without this, it takes a minute until a token is accepted."""
        info = dict(line.partition(":")[::2] for line in self.command("INFO").split("\r\n"))
        assert (
            self.command("SET", "xtoken:horizon", f"{info['run_id']}:{info['master_replid']} 0")
            == "+OK"
        )

    def url(self, scheme="redis"):
        login = f":{self.password}@" if self.password else ""
        return f"{scheme}://{login}127.0.0.1:{self.port}"
