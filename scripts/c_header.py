"""include/xtoken.h, taken apart: for the manual pages and for docs/c-api.md."""

import re


def unboxed(comment):
    """Returns a comment without the stars on its left."""
    lines = comment.strip().removeprefix("/*").removeprefix("*").removesuffix("*/").split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines).strip("\n")


def first_sentence(comment):
    """Returns the first sentence, without code font, as it continues a line."""
    sentence = re.match(r"(.*?)\.( |$)", " ".join(unboxed(comment).split("\n\n")[0].split()))[1]
    sentence = sentence.replace("`", "")
    return sentence[0].lower() + sentence[1:]


def name_of(declaration):
    return re.search(r"(xtoken_[a-z0-9_]+)\(", declaration)[1]


class Header:
    """What a header says: its introduction, and what it declares, each with its comment."""

    def __init__(self, text):
        self.version = re.search('XTOKEN_VERSION "(.*)"', text)[1]
        self.introduction = re.match(r"/\*.*?\*/", text, re.DOTALL)[0]
        declared = re.findall(r"^(/\*\*\n.*?\*/)\n([^\n].*?;)$", text, re.DOTALL | re.MULTILINE)
        self.types = [pair for pair in declared if pair[1].startswith("typedef")]
        self.functions = {name_of(pair[1]): pair for pair in declared if pair not in self.types}
        constant = r"^    (/\*\*.*?\*/)\n    (XTOKEN_[A-Z_]+ = \d+)"
        self.constants = re.findall(constant, text, re.DOTALL | re.MULTILINE)
