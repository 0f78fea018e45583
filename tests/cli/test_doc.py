"""docs/command.md shows what the command prints."""

import re
import subprocess

from conftest import PATH, ROOT, XTOKEN

DOCUMENT = (ROOT / "docs/command.md").read_text("utf-8")
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL))

# What differs each time: tokens, keys, and a step that ends in between.
CHANGING = [
    (r"\b\d{40} [A-Za-z0-9+/]{43}=", "TOKEN"),
    (r"(?<=^OTP        )\d{8}$|(?<=^signed     )\d{8}", "OTP"),
    (r'= "[A-Z2-7]{32}"|= "[A-Z2-7]{52}"', "= KEY"),
    (r'"step_offset":(0|-1)', '"step_offset":RECENT'),
    (r'"clock_skew":(0|-\d+)', '"clock_skew":RECENT'),
]


def comparable(text):
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


def test_the_commands_print_what_is_shown(tmp_path):
    """All run in one shell, which prints each command before it runs it."""
    script = ""
    for line in COMMANDS.splitlines():
        if line.startswith("$ "):
            script += f"status=$?; cat <<'COMMAND'\n{line}\nCOMMAND\n(exit $status)\n{line[2:]}\n"
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=tmp_path,
        env={"PATH": f"{XTOKEN.parent}:{PATH}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert script.count("\nxtoken ") >= 8
    assert comparable(done.stdout) == comparable(COMMANDS)


def test_every_command_is_listed():
    listed = re.findall(r"^\| `xtoken ([a-z-]+)", DOCUMENT, re.MULTILINE)
    shown = subprocess.run([XTOKEN, "-h"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert (
        listed
        == re.findall(
            r"^  ([a-z-]+) ", shown.partition("Commands:")[2].partition("Options:")[0], re.MULTILINE
        )[:-1]
    )
