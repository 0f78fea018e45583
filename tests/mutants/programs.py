"""Builds the tests, and runs them one by one."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

import cache

# The tests of the core and of the C library. The others test what is left out here, or read files.
CRATES = "corpus dated explain freed heap minters sqlite vectors verify".split()
C_PROGRAMS = "names misuse keys dated vectors hammer fork ledger memory".split()
NOT_RUN = {
    # It reads the code, which the switches change.
    "capi::guard::tests::every_export_is_guarded",
    # They test the model of the ledgers.
    "ledger::model::faults_of_a_file_are_found",
    "ledger::model::faults_of_a_redis_are_found",
}
# Fewer operations of that model than in `make test`.
STEPS = {"XTOKEN_MODEL_STEPS": "20000"}
FEATURES = os.environ.get("FEATURES", "capi,sqlite-bundled,redis")
CARGO = os.environ.get("CARGO", "cargo").split()
OPTIONS = [
    "--locked",
    f"--features={FEATURES}",
    "--message-format=json",
    "--config=profile.dev.package.xtoken-auth.debug=false",
    # The tests run thousands of times.
    "--config=profile.dev.opt-level=1",
]
# With a test, whose dependencies decide what others are built with.
CHECK = ["check", "--lib", "--test=vectors"]
ALL = ["test", "--no-run", "--lib", *(f"--test={name}" for name in CRATES)]
# A test that takes ten times as long as without a mutant, and at least this many seconds, hangs.
PATIENCE = 20


class Failure(Exception):
    """The tests could not be built or do not pass."""


class Test:
    """A test that can run alone."""

    def __init__(self, name, version, command, folder, **environment):
        self.name = name
        self.version = version
        self.command = command
        self.folder = folder
        self.environment = environment
        self.seconds = 0
        self.reached = set()

    def passes(self, timeout=None, **environment):
        """Runs it. Returns whether it passes, within `timeout` seconds."""
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **STEPS, **self.environment, **environment, "TMPDIR": folder},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                return process.wait(timeout) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                # Also what it started.
                try:
                    os.killpg(process.pid, 9)
                except ProcessLookupError:
                    pass
                process.wait()

    def observe(self, known):
        """Notes how long it takes without a mutant, and which functions it calls."""
        self.seconds, reached = known.get(self, "alone", self.observed)
        self.reached = set(reached)

    def observed(self):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            reached = pathlib.Path(folder, "reached")
            # Writing them down allocates memory, which some tests count.
            if not self.passes(XTOKEN_REACHED=str(reached)) and not self.passes():
                raise Failure(f"{self.name} fails without a mutant")
            functions = set(reached.read_text().split()) if reached.exists() else set()
        return time.monotonic() - start, sorted(map(int, functions))

    def finds(self, mutant, known):
        """Returns whether it fails with a mutant."""
        timeout = max(PATIENCE, 10 * self.seconds)
        environment = {"XTOKEN_MUTANT": str(mutant.number)}
        return known.get(self, mutant.number, lambda: not self.passes(timeout, **environment))


def built(folder, target, arguments):
    """Builds the tests. Returns the errors as file, line and message, and the programs."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    command = [*CARGO, *arguments, *OPTIONS]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    programs = [message["executable"] for message in messages if message.get("executable")]
    errors = []
    for message in messages:
        if message["reason"] == "compiler-message" and message["message"]["level"] == "error":
            errors += errors_of(message["message"])
    if done.returncode != 0 and not errors:
        raise Failure(done.stderr.decode())
    return errors, programs


def errors_of(message):
    """Yields where an error is."""
    for span in message["spans"]:
        if span["is_primary"]:
            while span["expansion"] and not span["file_name"].startswith("src/"):
                span = span["expansion"]["span"]
            yield span["file_name"], span["line_start"], message["message"]


def rust_tests(programs, folder):
    """Yields the tests in programs of Rust."""
    for program in programs:
        command = [program, "--list", "--format=terse"]
        listed = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True, text=True)
        ignored = subprocess.run(
            [*command, "--ignored"], cwd=folder, stdout=subprocess.PIPE, check=True, text=True
        )
        version = cache.version(program)
        for line in sorted(set(listed.stdout.splitlines()) - set(ignored.stdout.splitlines())):
            name = line.removesuffix(": test")
            if name not in NOT_RUN:
                yield Test(name, version, [program, "--exact", name, "--test-threads=1"], folder)


def c_tests(folder, target):
    """Yields the programs in tests/c, linked with the library that has the mutants."""
    library = pathlib.Path(target, "debug/deps")
    out = pathlib.Path(target, "c")
    out.mkdir(exist_ok=True)
    vectors = out / "vectors.tsv"
    with open(vectors, "wb") as file:
        subprocess.run(["python3", "tests/c/vectors.py"], cwd=folder, stdout=file, check=True)
    for name in C_PROGRAMS:
        program = out / name
        compiler = ["gcc", "-std=c11", "-pthread", "-Iinclude", "-Itests/c", f"tests/c/{name}.c"]
        compiler += [f"-L{library}", "-lxtoken", "-o", program]
        subprocess.run(compiler, cwd=folder, check=True)
        arguments = {"vectors": [vectors], "hammer": ["2000"], "fork": ["5"]}.get(name, [])
        version = cache.version(program, library / "libxtoken.so")
        command = [program, *arguments]
        yield Test(f"tests/c/{name}.c", version, command, folder, LD_LIBRARY_PATH=str(library))
