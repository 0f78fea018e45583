"""What the figures should be, and whether they are."""

import statistics
from dataclasses import dataclass


class Figures:
    """The numbers that were measured, by name: one for each round."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __contains__(self, name):
        return name in self.numbers

    def median(self, name):
        return statistics.median(self.numbers[name])

    def spread(self, name):
        return min(self.numbers[name]), max(self.numbers[name])

    def ratio(self, name, base):
        """Returns the median of the ratios of each round, or of the medians if rounds differ."""
        numbers, bases = self.numbers[name], self.numbers[base]
        if len(numbers) != len(bases):
            return self.median(name) / self.median(base)
        return statistics.median(number / base for number, base in zip(numbers, bases))

    def names(self, prefix):
        """Returns what comes after the prefix, of each name that has it."""
        return [name.removeprefix(prefix) for name in self.numbers if name.startswith(prefix)]

    def largest(self, prefix):
        return max(int(size) for size in self.names(prefix))


@dataclass
class Target:
    """`key` finds the explanation in missed.toml; `figure` is None if it was not measured."""

    key: str
    text: str
    limit: float
    figure: float | None
    unit: str = "times"
    at_least: bool = False

    @property
    def is_met(self):
        if self.figure is None:
            return None
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    @property
    def verdict(self):
        return {None: "not measured", True: "met", False: "MISSED"}[self.is_met]

    @property
    def shown(self):
        if self.figure is None:
            return "-"
        digits = 0 if self.figure >= 100 else 2
        return f"{self.figure:,.{digits}f} {self.unit}".replace(",", " ")


def when_measured(figures, names, compute):
    return compute() if all(name in figures for name in names) else None


def ratio(figures, name, base):
    return when_measured(figures, [name, base], lambda: figures.ratio(name, base))


def of_logins(figures, versions):
    """Yields the targets of processor time per login, one for each ledger."""
    for ledger in ("memory", "file", "redis"):
        ratios = [ratio(figures, f"login/{v}/{ledger}", f"login/{v}/accept") for v in versions]
        yield Target(
            "logins",
            f"Processor time of Prosody per login, ledger in {PLACES[ledger]}: at most 1.02 times "
            "that of an accept-all login",
            1.02,
            max(ratios),
        )


PLACES = {"memory": "memory", "file": "a file", "redis": "Redis"}


def of_turns(figures, versions):
    added = [
        figures.median(f"turn/{version}/redis") - figures.median(f"turn/{version}/memory")
        for version in versions
    ]
    text = "Redis adds to the longest turn of Prosody's event loop: at most 1 ms"
    return Target("turns", text, 1, max(added), "ms")


def all_targets(figures, versions):
    million = "remembered/1000000"
    largest = figures.largest("redis-in-flight/")
    return [
        Target(
            "reference",
            "Lua 5.4: at least 200 times as fast as the Lua implementation",
            200,
            ratio(figures, "reference/accepted", "lua/accepted"),
            at_least=True,
        ),
        Target(
            "rust",
            "Rust: at most 1.6 times the floor",
            1.6,
            ratio(figures, "rust/accepted", "floor"),
        ),
        Target("c", "C: at most 1.8 times the floor", 1.8, ratio(figures, "c/accepted", "floor")),
        Target(
            "otp",
            "A wrong OTP: refused in at most 1.05 times the time of a wrong signature",
            1.05,
            ratio(figures, "rust/wrong-otp", "rust/bad-signature"),
        ),
        Target(
            "threads",
            "Two threads: at least 1.9 times as many tokens as one",
            1.9,
            figures.ratio("threads/2", "threads/1"),
            at_least=True,
        ),
        Target(
            "remembered",
            "A million remembered tokens: at most 2 times the time of a thousand",
            2,
            ratio(figures, million, "remembered/1000"),
        ),
        Target(
            "bytes",
            "Memory for a remembered token: at most 24 bytes at any time",
            24,
            figures.median("bytes/most"),
            "bytes",
        ),
        Target("tail", "No verification above 1 ms", 1, figures.median("tail/longest") / 1e6, "ms"),
        Target(
            "file",
            "A spend in a file: at most 16 µs",
            16,
            figures.median(f"file/{min(100_000, figures.largest('file/'))}"),
            "µs",
        ),
        Target(
            "deleting",
            "The longest spend in a file while 100 000 tokens are deleted: at most 5 ms",
            5,
            figures.median("file-longest"),
            "ms",
        ),
        Target(
            "redis",
            "Redis with 64 spends in flight: at least 20 000 spends per second",
            20_000,
            figures.median(f"redis-in-flight/{largest}"),
            "a second",
            at_least=True,
        ),
        *of_logins(figures, versions),
        of_turns(figures, versions),
    ]
