"""A copy of the project with every mutant in it. The environment says which one runs, so all are
compiled at once, which takes a minute: each alone would take several seconds, a thousand times.

Each function that has mutants becomes

    fn name(…) -> … { match crate::switches::on(FUNCTION) {
        NUMBER => { the body of one mutant }
        …
        _ => { the original body }
    } }
"""

import pathlib
import re
import shutil
import subprocess

import rust_text
from mutants import PROJECT

ROOT = "src/lib.rs"
MARK = re.compile(r"/\* (?P<kind>from|to) (?P<number>\d+) \*/")


class Function:
    """A function, not inside another one, with its mutants."""

    def __init__(self, text, span):
        self.start = rust_text.offset(text, span["start"])
        self.end = rust_text.offset(text, span["end"])
        self.mutants = []

    def contains(self, other):
        return self.start <= other.start and other.end <= self.end


def replaced(text, mutant):
    """Returns the bounds of what a mutant replaces, and what it puts there."""
    start, end = (rust_text.offset(text, mutant.span[edge]) for edge in ("start", "end"))
    return start, end, mutant.replacement


def functions(text, mutants):
    """Returns the outermost functions with the mutants of each."""
    all_of_them = [Function(text, mutant.function) for mutant in mutants]
    outermost = {}
    for mutant, function in zip(mutants, all_of_them, strict=True):
        outer = min(
            (other for other in all_of_them if other.contains(function)),
            key=lambda other: (other.start, -other.end),
        )
        outermost.setdefault((outer.start, outer.end), outer).mutants.append(mutant)
    return sorted(outermost.values(), key=lambda function: function.start)


def with_switch(text, function, number):
    """Returns the code of a function, which chooses one of its bodies."""
    opened, closed = rust_text.body(text, function.start, function.end)
    signature = text[function.start : opened]
    signature = re.sub(r"\bconst (unsafe )?fn\b", r"\1fn", signature)
    opaque = re.search(r"->\s*impl\s+(.*?)\s*$", signature, re.DOTALL)
    arms = []
    for mutant in [*function.mutants, None]:
        if mutant is None:
            pattern, code = "_", text[opened:closed]
        else:
            start, end, replacement = replaced(text, mutant)
            pattern = str(mutant.number)
            code = f"{text[opened:start]}{replacement}{text[end:closed]}"
        if opaque:
            # The bodies have different types.
            code = f"Box::new({code}) as Box<dyn {opaque[1]} + '_>,"
        if mutant:
            code = f"/* from {pattern} */\n{code}\n/* to {pattern} */"
        arms.append(f"{pattern} => {code}")
    inner = "\n".join(arms)
    return f"{signature}{{\nmatch crate::switches::on({number}) {{\n{inner}\n}}\n}}"


class Tree:
    """The copy, and the programs that are built in it."""

    def __init__(self, folder, mutants):
        self.folder = pathlib.Path(folder)
        self.mutants = {mutant.number: mutant for mutant in mutants}
        self.number_of_function = {}  # by the number of the mutant

    def copy(self):
        """Copies what Git knows, but for the files that `write` writes."""
        written = {mutant.file for mutant in self.mutants.values()} | {ROOT}
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)
        for name in listed.stdout.splitlines():
            source, copy = PROJECT / name, self.folder / name
            if not source.is_file() or name in written:
                continue
            # Cargo builds anew what is written anew.
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)

    def write(self, without=()):
        """Writes every mutant into the copy but those of these numbers."""
        by_file = {}
        for number, mutant in self.mutants.items():
            if mutant.function and number not in without:
                by_file.setdefault(mutant.file, []).append(mutant)
        self.number_of_function = {}
        count = 0
        for name in sorted({mutant.file for mutant in self.mutants.values()}):
            text = (PROJECT / name).read_text("utf-8")
            done, parts = 0, []
            for function in functions(text, by_file.get(name, [])):
                parts += [text[done : function.start], with_switch(text, function, count)]
                self.number_of_function |= {m.number: count for m in function.mutants}
                done, count = function.end, count + 1
            self.replace(name, "".join(parts) + text[done:])
        switches = pathlib.Path(__file__).with_name("switches.rs").read_text("utf-8")
        self.replace("src/switches.rs", switches)
        root = (PROJECT / ROOT).read_text("utf-8")
        self.replace(ROOT, root.replace("mod completions;", "mod completions;\nmod switches;", 1))

    def replace(self, name, text):
        """Writes a file, unless it has this text."""
        copy = self.folder / name
        if not copy.exists() or copy.read_text("utf-8") != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, "utf-8")

    def mutant_at(self, name, line):
        """Returns the number of the mutant in this line of a file; None if there is none."""
        inside = None
        for number, text in enumerate((self.folder / name).read_text("utf-8").splitlines(), 1):
            for mark in MARK.finditer(text):
                inside = int(mark["number"]) if mark["kind"] == "from" else None
            if number == line:
                return inside
        return None
