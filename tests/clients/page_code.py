"""The code that a page of docs/ shows of files in examples/."""

import re


def section_of(page, heading):
    """Returns the text of a page below a heading of the second level."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def code_shown(text, folder):
    """Returns the name of each file that the text links to, with the code that follows its link."""
    link = rf"\]\((?:\.\./)+{folder}/([\w.]+)\)"
    between = r"[^\n]*\n(?:(?!```)[^\n]+\n)*?"
    block = r"\n```\w+\n(.*?)```\n"
    return re.findall(link + between + block, text, re.DOTALL)


# What comes before code that a comment shows: in a docstring of Python, in JavaScript.
MARGINS = ("", "    ", "//   ")


def is_in(code, file):
    """Returns whether a file contains the code, as such or in a comment that says how to use it."""
    text = re.sub(r"^//$", "//   ", file.read_text("utf-8"), flags=re.MULTILINE)
    shown = [re.sub(r"^", margin, code.rstrip("\n"), flags=re.MULTILINE) for margin in MARGINS]
    return any(code in text or code.replace("    \n", "\n") in text for code in shown)
