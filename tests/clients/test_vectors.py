"""conformance.json is what its generator makes. Other tools make the same OTPs and signatures."""

import base64
import json
import pathlib
import subprocess
import sys

import pytest
from client import Client
from mint import mint, new_key
from server import Prosody
from versions import VERSIONS

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "vectors"
VECTORS = json.loads((FOLDER / "conformance.json").read_text("utf-8"))
MINTED = VECTORS["mint"]


def output(*command, input=b""):
    return subprocess.run(
        command, input=input, check=True, stdout=subprocess.PIPE, timeout=60
    ).stdout


def test_the_file_is_what_the_generator_makes():
    made = output(sys.executable, FOLDER / "conformance.py")
    assert made == (FOLDER / "conformance.json").read_bytes(), "run make vectors"


def test_names_are_unique():
    sections = [section for section in VECTORS.values() if isinstance(section, list)]
    names = [case["name"] for section in sections for case in section]
    assert len(sections) == 3
    assert len(names) == len(set(names))


def test_oathtool_makes_the_same_codes():
    for case in MINTED:
        command = ["oathtool", "--totp", "--base32", "--digits=8", f"--now=@{case['now']}", "-"]
        assert (
            output(*command, input=case["otp_seed"].encode()).decode().strip() == case["token"][:8]
        ), case["name"]


def test_openssl_makes_the_same_signatures():
    for case in MINTED:
        digits, signature = case["token"].split(" ")
        assert digits[8:] == case["nonce"]
        # The secrets of vectors are public, so they may be on a command line.
        command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-binary"]
        command += ["-macopt", "hexkey:" + case["token_secret"].encode().hex()]
        made = output(*command, input=(digits + case["jid"]).encode())
        assert base64.b64encode(made).decode() == signature, case["name"]


@pytest.mark.parametrize("version", VERSIONS)
def test_prosody_prepares_as_the_vectors_say(version):
    """A user who logs in with the spelled name has the JID that was signed."""
    key = new_key()
    # The internal storage has no files for the longest names.
    options = {**dict(zip(("otp_seed", "token_secret"), key)), "storage": {"accounts": "memory"}}
    addresses = {case.get("spelled", case["jid"]): case["jid"] for case in MINTED}
    with Prosody(version, {spelled.partition("@")[2]: options for spelled in addresses}) as server:
        for spelled, jid in addresses.items():
            with Client(server.port, jid.partition("@")[2]) as client:
                assert client.log_in(spelled.partition("@")[0], mint(jid, key)) == "success", (
                    spelled
                )
                assert client.bind().startswith(f"{jid}/")
