#!/usr/bin/env python3
"""Makes user parts of JIDs from the names that a web application has for its users."""

import re


def escape_name(name):
    """Returns the user part of the JID for a name, say an e-mail address (XEP-0106)."""
    if not name or name != name.strip(" "):
        raise ValueError("the name is empty, or begins or ends with a space")
    if re.search(r"[\x00-\x1fA-Z\x7f]", name):
        raise ValueError("the name has a capital letter or a control character: lower-case it")
    if re.search("[\ud800-\udfff\ufffd]", name):
        raise ValueError("the name is not UTF-8")
    forbidden = r"""[ "&'/:<>@]|\\(?=2[0267f]|3[ace]|40|5c)"""
    return re.sub(forbidden, lambda found: f"\\{ord(found[0]):02x}", name)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    arguments = parser.parse_args()
    try:
        print(escape_name(arguments.name))
    except ValueError as error:
        parser.error(str(error))
