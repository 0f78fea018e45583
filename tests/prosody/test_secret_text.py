"""What an editor, a shell or an export leaves in a secret: in files, credentials and quotes."""

import re

import pytest
from client import Client
from mint import mint, new_key
from server import PATIENCE, Expression, Prosody, eventually

SEED, SECRET = new_key()
PLAIN = {"otp_seed": SEED, "token_secret": SECRET}

# What is around the secret, and what is said of it.
ACCIDENTS = {
    b"%s\n": None,
    b"%s\r\n": None,
    b"%s": None,
    b"%s ": "ends with a space",
    b"%s \n": "ends with a space",
    b"%s\t\n": "ends with a tab",
    b"%s\n\n": "ends with a line break",
    b"%s\r\n\r\n": "ends with a line break",
    b"%s\n\n\n\n": "ends with a line break",
    b"%s\r": "ends with a carriage return",
    b" %s\n": "begins with a space",
    b"\n%s": "begins with a line break",
    b"%s\xc2\xa0": "ends with a no-break space",
    b"\xe2\x80\x8b%s": "begins with an invisible character",
    b"\xef\xbb\xbf%s\n": "begins with a byte order mark",
    b"first\n%s\n": "has more than one line",
    b"12345678\t%s": "contains a tab",
    b"12345678\r%s": "contains a carriage return",
    b"12345678\0%s": "contains a NUL byte",
    b"12345678\x1b[A%s": "contains a control character",
    b'"%s"\n': "is in quotation marks",
    b"'%s'": "is in quotation marks",
    b'token_secret = "%s"\n': "has the name of an option before the value",
}
UTF_16 = {
    "utf-16": "is written in UTF-16",
    "utf-16-le": "is written in UTF-16",
    "utf-16-be": "is written in UTF-16",
}


def contents(secret):
    """Yields what a file may contain, and what is said of it."""
    for form, said in ACCIDENTS.items():
        yield form % secret.encode(), said
    for encoding, said in UTF_16.items():
        yield f"{secret}\n".encode(encoding), said


class Bytes(bytes):
    """A secret for `mint`, which encodes texts."""

    def encode(self):
        return self


def used(content):
    """Returns the secret that is used: without one line break at the end."""
    return Bytes(re.sub(rb"\r?\n\Z", b"", content))


def in_quotes(server, content, number):
    return {"token_secret": Expression('"' + "".join(f"\\{byte:03}" for byte in content) + '"')}


def in_file(server, content, number):
    path = server.folder / f"secret-{number}"
    path.write_bytes(content)
    path.chmod(0o640)
    return {"token_secret_file": str(path)}


def in_credential(server, content, number):
    in_file(server, content, number)
    return {"token_secret": Expression(f'Credential("secret-{number}")')}


def in_file_contents(server, content, number):
    in_file(server, content, number)
    return {"token_secret": Expression(f'FileContents("secret-{number}")')}


CASES = [(version, place) for version in ("0.12", "13.0") for place in (in_quotes, in_file)]
CASES += [("13.0", in_credential), ("13.0", in_file_contents)]


def logged(server, host, level):
    return re.findall(rf"{re.escape(host)}:auth_token\t{level}\t(.*)", server.log())


@pytest.mark.parametrize("listed", [False, True], ids=["single", "listed"])
@pytest.mark.parametrize("version, place", CASES)
def test_an_accident_in_a_secret_is_noticed(monkeypatch, version, place, listed):
    server = Prosody(version, {}, c2s_require_encryption=True, allow_unencrypted_plain_auth=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(server.folder))
    (server.folder / "certs").mkdir()
    cases = list(contents(SECRET))
    for number, (content, _) in enumerate(cases):
        key = {"otp_seed": SEED, **place(server, content, number)}
        server.hosts[f"h{number}.example"] = {"token_keys": [{"id": "a", **key}]} if listed else key
    with server:
        for number, (content, said) in enumerate(cases):
            host = f"h{number}.example"
            eventually(lambda: logged(server, host, "info"), PATIENCE, host)
            of = f'token_secret of key "a" of {host}' if listed else f"token_secret of {host}"
            if place is in_file:
                of = f"{server.folder}/secret-{number}, the {of},"
            found = logged(server, host, "warn")
            assert (found != []) == (said is not None), (content, found)
            assert not said or found[0].startswith(f"{of} {said}"), (content, found)
        output = server.prosodyctl("mod_auth_token", "check")
        expected = [said for _, said in cases if said]
        assert output.count(". Every byte counts: unless your web application") == len(expected)
        assert all(said in output for said in expected)
        assert SECRET not in server.log() + output


@pytest.mark.parametrize("place", [in_quotes, in_file])
def test_all_but_one_line_break_is_part_of_the_secret(prosody, place):
    server = prosody({})
    cases = list(contents("a long secret")) + [(b"\x00\xff\r\n\x80" * 8 + b"\n", None)]
    for number, (content, _) in enumerate(cases):
        server.hosts[f"h{number}.example"] = {"otp_seed": SEED, **place(server, content, number)}
    with server:
        for number, (content, _) in enumerate(cases):
            with Client(server.port, f"h{number}.example") as client:
                token = mint(f"alice@h{number}.example", (SEED, used(content)))
                assert client.log_in("alice", token) == "success", content


def test_random_bytes_are_no_accident(prosody):
    server = prosody({})
    key = {"otp_seed": SEED, **in_file(server, b"\x00\xff\r\x80\t\x03" * 8, 0)}
    server.hosts["localhost"] = key
    with server:
        assert logged(server, "localhost", "warn") == []


SEEDS = {
    b"\xef\xbb\xbf%s\n": "begins with a byte order mark",
    b'"%s"\n': "is in quotation marks",
    b'otp_seed = "%s"\n': "has the name of an option before the value",
    b" %s\n": "begins with a space",
    b"%s\0": "contains a NUL byte",
    b"%s\nsecond\n": "has more than one line",
}


@pytest.mark.parametrize("place", ["quotes", "file"])
@pytest.mark.parametrize("listed", [False, True], ids=["single", "listed"])
def test_a_seed_that_cannot_be_decoded_is_refused_with_the_reason(prosody, place, listed):
    server = prosody({})
    cases = [(form % SEED.encode(), said) for form, said in SEEDS.items()]
    cases += [(f"{SEED}\n".encode("utf-16"), "is written in UTF-16")]
    cases += [(b"JBSW Y3DP EHPK 3PXP\n", "not base32"), (b"JBSWY3DP", "too short")]
    for number, (content, _) in enumerate(cases):
        made = (in_file if place == "file" else in_quotes)(server, content, number)
        made = {name.replace("token_secret", "otp_seed"): value for name, value in made.items()}
        key = {"token_secret": SECRET, **made}
        server.hosts[f"h{number}.example"] = {"token_keys": [{"id": "a", **key}]} if listed else key
    with server:
        for number, (content, said) in enumerate(cases):
            host = f"h{number}.example"
            eventually(lambda: logged(server, host, "error"), PATIENCE, host)
            error = logged(server, host, "error")[0]
            assert said in error, content
            if place == "file":
                assert f"{server.folder}/secret-{number}" in error
                names = "otp_seed_file in token_keys" if listed else "otp_seed_file"
                assert f'file, which the option {names} of VirtualHost "{host}" names' in error
            else:
                option = "token_keys" if listed else "otp_seed"
                assert f'Set the option {option} of VirtualHost "{host}"' in error
            assert "key 1 of token_keys: " in error if listed else "key 1" not in error
        assert SEED not in server.log() and "traceback" not in server.log()


@pytest.mark.parametrize("end", [b" \n", b"\n\n", b"\t", b"\r"])
def test_white_space_after_a_seed_does_no_harm_and_is_noticed(prosody, end):
    server = prosody({})
    made = in_file(server, SEED.encode() + end, 0)
    server.hosts["localhost"] = {
        "token_secret": SECRET,
        "otp_seed_file": made["token_secret_file"],
    }
    with server:
        (warning,) = logged(server, "localhost", "warn")
        assert warning.startswith(f"{server.folder}/secret-0, the otp_seed of localhost, ends with")
        with Client(server.port, "localhost") as client:
            assert client.log_in("alice", mint("alice@localhost", (SEED, SECRET))) == "success"
