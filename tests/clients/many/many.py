"""Mints many tokens with a recipe for Python.

usage: many.py RECIPE. Each line of standard input has the arguments of mint, each in base64. Prints
for each line the token, or an exclamation mark and the error.
"""

import base64
import importlib.util
import os
import sys

specification = importlib.util.spec_from_file_location("recipe", sys.argv[1])
recipe = importlib.util.module_from_spec(specification)
specification.loader.exec_module(recipe)
for line in sys.stdin:
    given = [os.fsdecode(base64.b64decode(text)) for text in line[:-1].split(" ")]
    jid, seed, secret, now, nonce = given
    try:
        print(recipe.mint(jid, seed, secret, int(now), nonce))
    except ValueError as error:
        print("!", error)
