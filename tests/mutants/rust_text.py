"""Positions in Rust code."""

import re

# Comments and literals, in which braces mean nothing, and braces.
TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/
    |(?<![A-Za-z0-9_])b?r(?P<raw>\#*)".*?"(?P=raw)
    |"(?:\\.|[^"\\])*"
    |'(?:\\[^']+|\\'|[^\\'])'
    |[{}]""",
    re.DOTALL | re.VERBOSE,
)


def offset(text, position):
    """Returns the offset of a line and a column, both counted from 1."""
    start = 0
    for _ in range(position["line"] - 1):
        start = text.index("\n", start) + 1
    return start + position["column"] - 1


def body(text, start, end):
    """Returns where the body of a function begins and ends, with its braces."""
    open_braces = []
    for token in TOKEN.finditer(text, start, end):
        if token[0] == "{":
            open_braces.append(token.start())
        elif token[0] == "}":
            opened = open_braces.pop()
            if not open_braces and not text[token.end() : end].strip():
                return opened, token.end()
    raise ValueError(f"no function: {text[start:end]}")
