"""Programs for Node.js that ask the test for what only the test can do."""

import os
import shutil
import subprocess
import threading

PATIENCE = 120  # seconds for all that a program does


def tool(name):
    """Returns the path of a program."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is missing (make test-clients installs it)")
    return path


def run_node(program, *arguments, requests, environment=()):
    """Runs a program, does what each line of its output asks for, and returns its exit status."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", tool("node"), program, *arguments],
        env=os.environ | dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = threading.Timer(PATIENCE, process.kill)
    deadline.start()
    try:
        with process:
            for request in process.stdout:
                requests[request.strip()]()
                process.stdin.write("done\n")
                process.stdin.flush()
    finally:
        deadline.cancel()
    return process.returncode
