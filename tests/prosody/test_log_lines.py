"""docs/log-lines.md lists every line that the modules write into the log, with its level."""

import re

from server import PLUGINS, ROOT

PAGE = (ROOT / "docs/log-lines.md").read_text()
LISTED = re.findall(r"^\| (info|warn|error) \| `(.+?)`(?= \|)", PAGE, re.MULTILINE)
CALL = re.compile(r'log\("(info|warn|error)",\s*')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\.\.)?\s*|[\w ]+(?=")')
# These are logged through "%s" or "%s%s: %s", and other tests compare them.
FROM_ELSEWHERE = {"…", "…: …"}
ELSEWHERE = {
    "Keys of … in force: …",
    "Users of … log in as before the reload: …",
    "…: others can read …",
}


def texts(rest):
    """Yields the texts that a call may log: literals, joined by .. or chosen by `and` and `or`."""
    text = ""
    while part := LITERAL.match(rest):
        rest = rest[part.end() :]
        if part[1] is not None:
            text += part[1].replace('\\"', '"')
            if not part[2]:
                yield re.sub("(%[sdq])+", "…", text)
                text = ""


def logged():
    for path in sorted(PLUGINS.rglob("*.lua")):
        source = path.read_text()
        if "prosodyctl" in path.parts:
            continue
        for call in CALL.finditer(source):
            # Up to the arguments, which begin with a comma.
            yield from ((call[1], text) for text in texts(source[call.end() :]))


def begins(text, line):
    return text.startswith(line.removesuffix("…"))


def test_every_line_is_listed():
    found = [pair for pair in logged() if pair[1] not in FROM_ELSEWHERE]
    assert len(found) > 40
    for level, text in found:
        matches = [line for at, line in LISTED if at == level and begins(text, line)]
        assert matches, f"docs/log-lines.md has no line for {level}: {text}"


def test_every_listed_line_is_logged():
    found = list(logged())
    assert len(LISTED) > 40
    for level, line in LISTED:
        is_found = any(at == level and begins(text, line) for at, text in found)
        assert is_found or line in ELSEWHERE, f"nothing logs {level}: {line}"
