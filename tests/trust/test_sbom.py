"""The bills of materials are valid CycloneDX, and list the crates that Cargo compiles.

XTOKEN_BOMS names the folder of `make sbom`, XTOKEN_LEDGERS the features of the ledgers.
"""

import json
import os
import pathlib
import subprocess

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / os.environ["XTOKEN_BOMS"]
LEDGERS = os.environ["XTOKEN_LEDGERS"]
VERSION = os.environ["XTOKEN_VERSION"]
CARGO = os.environ["CARGO"]
# Each feature with which something is delivered, by the end of the name of its bill.
FEATURES = {
    "c": ["capi"],
    "lua": ["lua51", "lua52", "lua53", "lua54", "lua55", "luajit"],
    "command": ["cli"],
}
OWN = "xtoken-auth"
found = {}


def bill_of(kind):
    return (FOLDER / f"xtoken-{VERSION}-{kind}.cdx.json").read_text("utf-8")


def in_tree(feature):
    """Returns (name, version) of each crate that Cargo has in its tree of what has a feature."""
    tree = [CARGO, "tree", "--locked", "--prefix=none", "--no-dedupe", "--edges=normal,build"]
    options = [f"--features={feature},{LEDGERS}", "--format={p}"]
    done = subprocess.run(
        [*tree, *options], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    crates = {tuple(line.split()[:2]) for line in done.stdout.splitlines()}
    return {(name, version.removeprefix("v")) for name, version in crates if name != OWN}


def compiled(feature):
    """Returns (name, version) of each crate that Cargo compiles for what has a feature."""
    check = [CARGO, "check", "--locked", "--quiet", f"--features={feature},{LEDGERS}"]
    kind = ["--lib", "--bins"] if feature == "cli" else ["--lib"]
    done = subprocess.run(
        [*check, *kind, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    messages = map(json.loads, done.stdout.splitlines())
    ids = {message["package_id"] for message in messages if "package_id" in message}
    crates = {id.rpartition("#")[2].rpartition("@")[::2] for id in ids}
    return {(name, version) for name, version in crates if name != OWN}


@pytest.mark.parametrize("kind", FEATURES)
def test_a_bill_is_valid(kind):
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill_of(kind)) is None


@pytest.mark.parametrize("kind", FEATURES)
def test_a_bill_lists_the_crates_that_cargo_compiles(kind):
    components = json.loads(bill_of(kind))["components"]
    listed = {(component["name"], component["version"]) for component in components}
    for feature in FEATURES[kind]:
        assert listed == in_tree(feature)
    # What Cargo tells beforehand is what it does.
    feature = FEATURES[kind][0] if kind != "lua" else "lua54"
    assert compiled(feature) == in_tree(feature)
    found[kind] = len(listed)


@pytest.mark.parametrize("kind", FEATURES)
def test_each_crate_has_its_licence_and_checksum(kind):
    for component in json.loads(bill_of(kind))["components"]:
        assert component["licenses"] and component["hashes"], component["name"]


def test_the_figure():
    assert found.keys() == FEATURES.keys()
    crates = ", ".join(f"{kind} {count}" for kind, count in found.items())
    print(f"\nsbom: {len(found)} valid bills, with the crates that Cargo compiles: {crates}")
