#!/usr/bin/env python3
"""Prints conformance.json: tokens that every minter makes, decisions that every verifier takes.

Python's standard library only, and no line in common with what it checks. README.md describes the
format; `make vectors` writes the file.
"""

import base64
import hashlib
import hmac
import json
import stringprep
import struct
import unicodedata

KEY = ("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "a long random string")
ALICE = "alice@example.com"
NOW = 1700000010  # the first second of a step
NONCE = "31415926535897932384626433832795"
RANDOM = "31415926535897932384"  # what follows the date in a dated nonce

RFC_6238 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"
CODES_OF_RFC_6238 = {  # appendix B, SHA-1
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


# Steps with the one-time password of the step of NOW plus -1, 0 and 1, under the seed of KEY. Found
# by trying all from 40,000,000 on; so were the next two, which have the same one.
LUCKY_STEPS = {-1: 75039493, 0: 47570699, 1: 40882663}
TWINS = 55623251, 55623252


def decode_seed(otp_seed):
    return base64.b32decode(otp_seed.rstrip("=").upper() + "=" * (-len(otp_seed.rstrip("=")) % 8))


def otp_at(seed, step, *, hash=hashlib.sha1, digits=8):
    digest = hmac.digest(seed, struct.pack(">Q", step), hash)
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return "%0*d" % (digits, number % 10**digits)


def signature(digits, jid, token_secret):
    return hmac.digest(token_secret, digits.encode() + jid.encode(), hashlib.sha256)


def token_of(digits, jid, token_secret):
    return digits + " " + base64.b64encode(signature(digits, jid, token_secret)).decode()


def mint(otp_seed, token_secret, jid, now, nonce):
    return token_of(otp_at(decode_seed(otp_seed), now // 30) + nonce, jid, token_secret.encode())


def dated(date, random=RANDOM):
    """The nonce of a token that is made at `date`."""
    return f"{date:012}{random}"


def prepare(spelled):
    """Prepares a JID as people write it: RFC 4013, RFC 3920 appendix A, RFC 3491."""
    user, host = spelled.split("@")
    user = normalize("".join(c for c in user if not stringprep.in_table_b1(c)))
    return f"{fold(user)}@{fold(host)}"


def fold(text):
    return normalize(
        "".join(stringprep.map_table_b2(c) for c in text if not stringprep.in_table_b1(c))
    )


def normalize(text):
    return unicodedata.ucd_3_2_0.normalize("NFKC", text)


def mint_cases():
    def case(name, *, key=KEY, jid=ALICE, spelled=None, now=NOW, nonce=NONCE):
        jid = jid if spelled is None else prepare(spelled)
        values = {
            "name": name,
            "otp_seed": key[0],
            "token_secret": key[1],
            "jid": jid,
            "now": now,
            "nonce": nonce,
        }
        if spelled is not None:
            values["spelled"] = spelled
        return {**values, "token": mint(*key, jid, now, nonce)}

    yield case("the example of docs/minting.md", nonce=dated(NOW))
    yield case("nonce: undated")
    for now, code in CODES_OF_RFC_6238.items():
        made = case(f"RFC 6238, time {now}", key=(RFC_6238, KEY[1]), now=now)
        assert made["token"].startswith(code)
        yield made

    for name, now in [
        ("the first second of 1970", 0),
        ("the last second of the first step", 29),
        ("the first second of the second step", 30),
        ("the last second of a step", NOW - 1),
        ("the last second of the next", NOW + 29),
        ("the first second of the one after it", NOW + 30),
        ("beyond 31 bits", 2**31),
        ("beyond 32 bits", 2**32),
        ("beyond 34 bits", 2**34),
        ("the last step of 32 bits", 2**32 * 30 - 1),
        ("the first step beyond 32 bits", 2**32 * 30),
    ]:
        yield case(f"time: {name}", now=now)

    for name, now, code in [
        ("one leading zero", 1700000430, "04374585"),
        ("two leading zeros", 1700001510, "00529628"),
        ("three leading zeros", 1700033820, "00097894"),
        ("five leading zeros", 1700312040, "00000359"),
        ("six leading zeros", 1706407410, "00000112"),
    ]:
        zeros = case(f"one-time password: {name}", key=(RFC_6238, KEY[1]), now=now)
        assert zeros["token"].startswith(code)
        yield zeros

    for name, nonce in [
        ("leading zeros", "00000000000000000000000000000042"),
        ("zeros only", "0" * 32),
        ("nines only", "9" * 32),
        ("larger than 64 bits can hold", "99999999999999999999999999999998"),
    ]:
        yield case(f"nonce: {name}", nonce=nonce)
    for name, now in [
        ("the first second of 1970", 0),
        ("a minute later", 59),
        ("beyond 31 bits", 2**31),
        ("beyond 32 bits", 2**32 * 30),
        ("the last there is", 10**12 - 1),
    ]:
        yield case(f"nonce: dated, {name}", now=now, nonce=dated(now))
    yield case("nonce: dated, then zeros", nonce=dated(NOW, "0" * 20))

    both = case("signature: with + and /", nonce="00000000000000000000000000000001")
    assert {"+", "/"} <= set(both["token"])
    yield both

    for name, otp_seed in [
        ("80 bits", "XVGR73KMZH2M4XMY"),
        ("80 bits, lower case", "xvgr73kmzh2m4xmy"),
        ("88 bits, padded", "GEZDGNBVGY3TQOJQMY======"),
        ("88 bits, not padded", "GEZDGNBVGY3TQOJQMY"),
        ("88 bits, lower case, padded", "gezdgnbvgy3tqojqmy======"),
        ("128 bits, not padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY"),
        ("128 bits, padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY======"),
        ("136 bits, not padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY3Q"),
        ("144 bits, not padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQ"),
        ("152 bits, not padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOI"),
        ("152 bits, padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOI="),
        ("160 bits, lower case", "jbswy3dpehpk3pxpjbswy3dpehpk3pxp"),
        ("160 bits, mixed case", "JbSwY3dPeHpK3pXpJbSwY3dPeHpK3pXp"),
        ("160 bits, all zero", "A" * 32),
        ("160 bits, all one", "7" * 32),
        ("512 bits, one block of SHA-1", base64.b32encode(bytes(range(64))).decode().rstrip("=")),
        ("520 bits, more than one block", base64.b32encode(bytes(range(65))).decode()),
    ]:
        yield case(f"seed: {name}", key=(otp_seed, KEY[1]))

    for name, token_secret in [
        ("one byte", "s"),
        ("with spaces", "with spaces  in it"),
        ("with spaces around it", "  spaces around it "),
        ("digits with leading zeros", "007"),
        ("looks like base32, is not decoded", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7"),
        ("looks like base64, is not decoded", "bm90IGRlY29kZWQ="),
        ("looks like hexadecimal, is not decoded", "00ff00ff00ff00ff"),
        (
            "what shells and formats would change",
            "$HOME `id` \\n \"quoted\" 'single' %s 100% #{x} {{y}} *",
        ),
        ("with tab and newline", "a\tb\nc"),
        ("not ASCII, composed", "schl\u00fcssel \u540d\u524d \U0001f511"),
        ("not ASCII, decomposed, is not normalised", "schlu\u0308ssel \u540d\u524d \U0001f511"),
        ("64 bytes, one block of SHA-256", "0123456789abcdef" * 4),
        ("65 bytes, more than one block", "0123456789abcdef" * 4 + "0"),
        ("200 bytes", "0123456789" * 20),
        ("63 characters of 126 bytes", "\u00e4" * 63),
    ]:
        yield case(f"secret: {name}", key=(KEY[0], token_secret))

    for name, jid in [
        ("one character each", "a@b"),
        ("begins with a digit", "7alice@example.com"),
        ("digits only", "31415@example.com"),
        ("with signs", "o-b_r.i+e=n!#$%*{x}~@example.com"),
        ("a user of 1,023 bytes", "u" * 1023 + "@example.com"),
        ("an emoji", "\U0001f600@example.com"),
        ("right to left", "\u05d0\u05d1\u05d2@example.com"),
        ("an escaped e-mail address", "alice\\40mail.com@example.com"),
        ("capitals that stringprep does not know", "\u13e3\u10a0\u1e9e\u023a@example.com"),
        ("a combining accent that remains", "q\u0308@example.com"),
    ]:
        yield case(f"jid: {name}", jid=jid)

    for name, spelled in [
        ("upper case", "Alice@EXAMPLE.com"),
        ("nothing to prepare beyond ASCII", "\u540d\u524d@example.com"),
        ("accents, upper case", "M\u00dcLLER@example.com"),
        ("accents, decomposed", "mu\u0308ller@example.com"),
        ("sharp s becomes ss", "Stra\u00dfe@example.com"),
        (
            "final sigma becomes sigma",
            "\u0391\u039b\u0388\u039e\u0391\u039d\u0394\u03a1\u039f\u03a3@example.com",
        ),
        (
            "final sigma, lower case",
            "\u03b1\u03bb\u03ad\u03be\u03b1\u03bd\u03b4\u03c1\u03bf\u03c2@example.com",
        ),
        ("full width", "\uff21\uff4c\uff49\uff43\uff45@example.com"),
        ("a ligature", "\ufb01sh@example.com"),
        ("capital I with a dot", "\u0130lker@example.com"),
        ("a soft hyphen disappears", "al\u00adice@example.com"),
        ("a host beyond ASCII", "alice@M\u00dcNCHEN.example"),
        ("both beyond ASCII", "J\u00dcRGEN@m\u00fcnchen.example"),
    ]:
        yield case(f"prepared: {name}", spelled=spelled)


def refused_jids():
    """What no prepared JID looks like, see README.md."""
    for name, jid in [
        ("empty", ""),
        ("the user alone", "alice"),
        ("the host alone", "@localhost"),
        ("no host", "alice@"),
        ("an e-mail address as the user", "alice@mail.com@localhost"),
        ("two @ in a row", "alice@@localhost"),
        ("with a resource", "alice@localhost/phone"),
        ("a slash in the user", "al/ice@localhost"),
        ("a URI", "xmpp:alice@localhost"),
        ("in angle brackets", "<alice@localhost>"),
        ("the user in quotation marks", '"alice"@localhost'),
        ("an apostrophe", "o'brien@localhost"),
        ("a colon", "alice:bob@localhost"),
        ("a capital in the user", "Alice@localhost"),
        ("a capital in the host", "alice@Localhost"),
        ("a space in the user", "a b@localhost"),
        ("a space in front", " alice@localhost"),
        ("a space at the end", "alice@localhost "),
        ("a space in the host", "alice@local host"),
        ("a tab", "alice\t@localhost"),
        ("a line feed at the end", "alice@localhost\n"),
        ("two lines, the second a JID", "x\nalice@localhost"),
        ("two lines, the first a JID", "alice@localhost\nx"),
        ("a carriage return", "alice@localhost\r\n"),
        ("a control character", "ali\x01ce@localhost"),
        ("an escape character in the host", "alice@local\x1bhost"),
        ("DEL", "ali\x7fce@localhost"),
        ("not UTF-8, in the user", b"ali\xffce@localhost"),
        ("not UTF-8, in the host", b"alice@local\xffhost"),
        ("UTF-8 that is longer than necessary", b"a\xc0\xafb@localhost"),
        ("UTF-8 of half a character", b"a\xed\xa0\x80b@localhost"),
        ("a Latin capital with an accent", "\u00d6mer@localhost"),
        ("a Polish capital", "\u0141ukasz@localhost"),
        ("a Greek capital", "\u0391\u03bb\u03ad\u03be\u03b7\u03c2@localhost"),
        ("a Cyrillic capital", "\u0412\u043b\u0430\u0434\u0438\u043c\u0438\u0440@localhost"),
        ("an Armenian capital", "\u0531\u0580\u0561\u0574@localhost"),
        ("a capital beyond ASCII in the host", "alice@m\u00dcnchen.example"),
        ("the last of the Latin capitals", "y\u0232@localhost"),
        ("the last of the Greek capitals", "\u03ab@localhost"),
        ("the last of the Cyrillic capitals", "\u042f@localhost"),
        ("the last of the Armenian capitals", "\u0556@localhost"),
        ("a space that does not break", "ali\u00a0ce@localhost"),
        ("an ideographic space", "\u540d\u3000\u524d@localhost"),
        ("a line separator at the end", "alice@localhost\u2028"),
        ("a control character beyond ASCII", "ali\u0085ce@localhost"),
        ("the last control character", "ali\u009fce@localhost"),
    ]:
        if isinstance(jid, bytes):
            yield {"name": f"refused: {name}", "jid_base64": base64.b64encode(jid).decode()}
        else:
            yield {"name": f"refused: {name}", "jid": jid}


def fresh(jid=ALICE, now=NOW, nonce=NONCE):
    return mint(*KEY, jid, now, nonce)


def case(name, *presentations, key=KEY, **options):
    keys = {"name": name, "otp_seed": key[0], "token_secret": key[1]}
    return {**keys, **options, "presentations": [presentation(*values) for values in presentations]}


def presentation(token, decision, now=NOW, jid=ALICE):
    token = token if isinstance(token, bytes) else token.encode()
    try:
        return {"jid": jid, "token": token.decode(), "now": now, "decision": decision}
    except UnicodeDecodeError:
        return {
            "jid": jid,
            "token_base64": base64.b64encode(token).decode(),
            "now": now,
            "decision": decision,
        }


def dated_cases():
    seed, secret = decode_seed(KEY[0]), KEY[1].encode()

    def under(policies, name, *presentations, **options):
        for policy in policies:
            more = {} if policy == "exact" else {"nonce_policy": policy}
            yield case(f"{name} ({policy})", *presentations, **more, **options)

    every = "exact", "dated", "report"
    but_dated = "exact", "report"

    # The token was made 13 seconds after the step began.
    token = fresh(now=NOW + 13, nonce=dated(NOW + 13))
    for name, decision, now in [
        ("at the second it was made", "accepted", NOW + 13),
        ("in the last second of the step after", "accepted", NOW + 59),
        ("in the first second of the second step after", "expired", NOW + 60),
        ("in the first second of the step before", "accepted", NOW - 30),
        ("in the last second of the second step before", "expired", NOW - 31),
        ("a year later", "expired", NOW + 365 * 86400),
    ]:
        yield from under(every, f"dated: {name}", (token, decision, now))
    yield from under(every, "dated: a second time", (token, "accepted"), (token, "replayed"))
    redated = token.replace(dated(NOW + 13), dated(NOW + 14))
    yield from under(every, "dated: with another date than was signed", (redated, "bad-signature"))
    for now in (0, 59, 10**12 - 1):
        made = fresh(now=now, nonce=dated(now))
        yield from under(["dated"], f"dated: at {now}", (made, "accepted", now))

    # Old or of the future, but by chance with the one-time password of the present.
    for offset, step in LUCKY_STEPS.items():
        assert otp_at(seed, step) == otp_at(seed, NOW // 30 + offset)
        lucky = fresh(now=step * 30, nonce=dated(step * 30))
        name = f"of the step {step}, whose one-time password is that of another in the window"
        decisions = (
            (lucky, "expired"),
            (lucky, "expired", NOW + 3600),
            (lucky, "accepted", step * 30),
        )
        yield from under(every, f"dated: {name}", *decisions)
        undated = fresh(now=step * 30)
        yield from under(but_dated, f"undated: {name}", (undated, "accepted"))
        yield from under(["dated"], f"undated: {name}", (undated, "undated"))
    first, second = TWINS
    assert otp_at(seed, first) == otp_at(seed, second)
    twin = fresh(now=first * 30 + 29, nonce=dated(first * 30 + 29))
    name = "dated: expired, while the one-time password is that of the next step too"
    yield from under(every, name, (twin, "expired", second * 30 + 30))

    # Undated.
    otp, next_otp = (otp_at(seed, NOW // 30 + steps) for steps in (0, 1))
    for name, nonce in [
        ("a random nonce", NONCE),
        ("zeros only", "0" * 32),
        ("the date in milliseconds", f"{NOW * 1000}{RANDOM[:19]}"),
        ("the date at the end", RANDOM + f"{NOW:012}"),
        ("the date without leading zeros", f"{NOW}{RANDOM}31"),
        ("the date of the next step, as of a clock that was read twice", dated(NOW + 30)),
    ]:
        undated = token_of(otp + nonce, ALICE, secret)
        now_and_later = lambda *decisions: zip([undated] * 2, decisions, (NOW, NOW + 60))
        yield from under(but_dated, f"undated: {name}", *now_and_later("accepted", "expired"))
        yield from under(["dated"], f"undated: {name}", *now_and_later("undated", "undated"))
    crossed = token_of(next_otp + dated(NOW), ALICE, secret)
    name = "undated: the one-time password of the next step"
    yield from under(["exact"], name, (crossed, "accepted", NOW + 30))

    # From 24 digits on there is room for a date.
    old = LUCKY_STEPS[0] * 30
    for length, policies, decision in [
        (23, ["exact"], "accepted"),
        (24, ["exact", "dated"], "expired"),
        (970, ["exact", "dated"], "expired"),
    ]:
        tokens = [fresh(now=now, nonce=dated(now, "7" * (length - 12))) for now in (NOW, old)]
        presentations = [*zip(tokens, ("accepted", decision))]
        name = f"dated: a nonce of {length} digits"
        yield from under(policies, name, *presentations, nonce_length=length)
        yield from under(["report"], name, *presentations)
    longer = fresh(nonce=dated(NOW, RANDOM + "7"))
    yield from under(["dated"], "dated: a nonce of another length", (longer, "malformed"))


def verify_cases():
    seed, secret = decode_seed(KEY[0]), KEY[1].encode()
    token, other = fresh(), fresh(nonce="27182818284590452353602874713526")
    digits, sent = token.split(" ")
    otp = digits[:8]

    # The window. The token's step is that of NOW.
    for name, decision, now in [
        ("at the second it was made for", "accepted", NOW),
        ("in the last second of its step", "accepted", NOW + 29),
        ("in the first second of the step after", "accepted", NOW + 30),
        ("in the last second of the step after", "accepted", NOW + 59),
        ("in the first second of the second step after", "expired", NOW + 60),
        ("an hour late, as with a time zone too many", "expired", NOW + 3600),
        ("in the last second of the step before", "accepted", NOW - 1),
        ("in the first second of the step before", "accepted", NOW - 30),
        ("in the last second of the second step before", "expired", NOW - 31),
        ("an hour early, as with a time zone too many", "expired", NOW - 3600),
    ]:
        yield case(f"window: {name}", (token, decision, now))
    for name, minted, decision, now in [
        ("there is no step before the first", 0, "accepted", 0),
        ("the second step in the first", 30, "accepted", 0),
        ("the third step in the first", 60, "expired", 29),
        ("the year 2603", 20000000000, "accepted", 20000000000),
        ("the year 2603, too late", 20000000000, "expired", 20000000080),
        ("the step counter passes 32 bits", 2**32 * 30 - 1, "accepted", 2**32 * 30),
    ]:
        yield case(f"window: {name}", (fresh(now=minted), decision, now))

    # Spent once.
    older = fresh(now=NOW - 30)
    yield case("spent: a second time", (token, "accepted"), (token, "replayed"))
    yield case(
        "spent: a second time, a step later", (token, "accepted"), (token, "replayed", NOW + 30)
    )
    yield case(
        "spent: a second time, once expired", (token, "accepted"), (token, "expired", NOW + 60)
    )
    yield case("spent: another one in the same step", (token, "accepted"), (other, "accepted"))
    yield case(
        "spent: an older one in between frees nothing",
        *((t, "accepted") for t in (token, older)),
        *((t, "replayed") for t in (token, older)),
    )
    yield case(
        "spent: the same nonce in the next step",
        (token, "accepted"),
        (fresh(now=NOW + 30), "accepted", NOW + 30),
    )
    yield case(
        "spent: not by somebody else's attempt",
        (token, "bad-signature", NOW, "bob@example.com"),
        (token, "accepted"),
        (token, "replayed"),
    )
    yield case(
        "spent: not before its time",
        (token, "expired", NOW - 60),
        (token, "accepted"),
        (token, "replayed"),
    )
    expired = fresh(now=NOW - 3600)
    many = ((expired, "expired"),) * 12
    yield case("expired: many of them lock nobody out", *many, (token, "accepted"))
    yield from dated_cases()

    # Signed for something else than is asked about.
    for name, signed in [
        ("another user", "bob@example.com"),
        ("a user whose name begins with a digit", "7alice@example.com"),
        ("another host", "alice@example.org"),
        ("a subdomain", "alice@chat.example.com"),
        ("an upper-case user", "Alice@example.com"),
        ("an upper-case host", "alice@Example.com"),
        ("a full JID", "alice@example.com/phone"),
        ("the user alone", "alice"),
        ("the JID and a newline", "alice@example.com\n"),
        ("the JID as a URI", "xmpp:alice@example.com"),
        ("nobody", ""),
    ]:
        yield case(f"signed for: {name}", (token_of(digits, signed, secret), "bad-signature"))
    for name, signed, jid in [
        ("a decomposed user", "mu\u0308ller@example.com", "m\u00fcller@example.com"),
        ("a user with a sharp s", "stra\u00dfe@example.com", "strasse@example.com"),
        ("the ASCII form of a host", "alice@xn--mnchen-3ya.example", "alice@m\u00fcnchen.example"),
    ]:
        yield case(
            f"signed for: {name}", (token_of(digits, signed, secret), "bad-signature", NOW, jid)
        )

    # Signed in another way.
    base32_secret = ("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7")
    decoded = token_of(digits, ALICE, decode_seed(base32_secret[1]))
    yield case(
        "signed with: a secret that was decoded", (decoded, "bad-signature"), key=base32_secret
    )
    for name, other_secret in [
        ("another secret", b"another long random string"),
        ("the secret and a newline", secret + b"\n"),
        ("the secret in upper case", secret.upper()),
        ("the seed", KEY[0].encode()),
        ("no secret", b""),
    ]:
        yield case(f"signed with: {name}", (token_of(digits, ALICE, other_secret), "bad-signature"))

    def signed_over(message, hash=hashlib.sha256):
        return digits + " " + base64.b64encode(hmac.digest(secret, message.encode(), hash)).decode()

    for name, message in [
        ("one-time password, nonce and JID with spaces", f"{otp} {digits[8:]} {ALICE}"),
        ("the JID first", ALICE + digits),
        ("the nonce and the JID", digits[8:] + ALICE),
        ("the one-time password and the JID", otp + ALICE),
        ("the digits", digits),
    ]:
        yield case(f"signed over: {name}", (signed_over(message), "bad-signature"))
    plain_hash = base64.b64encode(
        hashlib.sha256(secret + (digits + ALICE).encode()).digest()
    ).decode()
    yield case(
        "signed with: a hash in place of the HMAC", (f"{digits} {plain_hash}", "bad-signature")
    )
    yield case("signed with: SHA-1", (signed_over(digits + ALICE, hashlib.sha1), "malformed"))
    yield case("signed with: SHA-512", (signed_over(digits + ALICE, hashlib.sha512), "malformed"))

    # Changed after it was signed.
    flipped = base64.b64encode(
        bytes([base64.b64decode(sent)[0] ^ 1]) + base64.b64decode(sent)[1:]
    ).decode()
    yield case("changed: a bit of the signature", (f"{digits} {flipped}", "bad-signature"))
    yield case(
        "changed: a digit of the nonce",
        (f"{digits[:-1]}{(int(digits[-1]) + 1) % 10} {sent}", "bad-signature"),
    )
    next_otp = otp_at(seed, NOW // 30 + 1)
    yield case(
        "changed: the one-time password", (f"{next_otp}{digits[8:]} {sent}", "bad-signature")
    )
    yield case(
        "changed: the signature of another token",
        (f"{digits} {other.split(' ')[1]}", "bad-signature"),
    )

    # Well signed, with another one-time password.
    for name, code in [
        ("of the seed as text, not decoded", otp_at(KEY[0].encode(), NOW // 30)),
        ("of another seed", otp_at(decode_seed(RFC_6238), NOW // 30)),
        ("of steps of 60 seconds", otp_at(seed, NOW // 60)),
        ("of a clock in milliseconds", otp_at(seed, NOW * 1000 // 30)),
        ("of the time, not the step", otp_at(seed, NOW)),
        ("with SHA-256", otp_at(seed, NOW // 30, hash=hashlib.sha256)),
        ("of 6 digits, filled up with zeros", "00" + otp_at(seed, NOW // 30, digits=6)),
        ("backwards", otp[::-1]),
    ]:
        yield case(f"one-time password: {name}", (token_of(code + NONCE, ALICE, secret), "expired"))

    # No tokens. Those of other lengths are well signed where that is possible.
    zero_otp = mint(RFC_6238, KEY[1], ALICE, 1111111109, NONCE)
    shortened = token_of(zero_otp[1:40], ALICE, secret)
    yield case(
        "shape: leading zero of the one-time password lost",
        (shortened, "malformed", 1111111109),
        key=(RFC_6238, KEY[1]),
    )
    blank = token_of(" " + zero_otp[1:40], ALICE, secret)
    yield case(
        "shape: blank in place of a leading zero",
        (blank, "malformed", 1111111109),
        key=(RFC_6238, KEY[1]),
    )
    takeover = token_of(digits, "7" + ALICE, secret).replace(" ", "7 ", 1)
    yield case(
        "shape: the token of 7alice with its 7 moved into the nonce", (takeover, "malformed")
    )
    for name, nonce in [
        ("31", NONCE[1:]),
        ("33", NONCE + "0"),
        ("16", NONCE[:16]),
        ("64", NONCE * 2),
        ("no", ""),
    ]:
        yield case(
            f"shape: a nonce of {name} digits", (token_of(otp + nonce, ALICE, secret), "malformed")
        )
    for name, nonce in [
        ("hexadecimal", "a" + NONCE[1:]),
        ("with a minus", "-" + NONCE[1:]),
        ("with full-width digits", "\uff13" + NONCE[3:]),
        ("with Arabic-Indic digits", "\u0663" + NONCE[2:]),
    ]:
        yield case(f"shape: a nonce {name}", (token_of(otp + nonce, ALICE, secret), "malformed"))
    raw = base64.b64decode(sent)
    with_both = fresh(nonce="00000000000000000000000000000001")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    unused_bit = sent[:42] + alphabet[alphabet.index(sent[42]) + 1] + "="
    for name, changed in [
        ("nothing", ""),
        ("a space", " "),
        ("one-time password and nonce alone", digits),
        ("no signature behind the space", digits + " "),
        ("signature alone", sent),
        ("signature not padded", token[:-1]),
        ("signature padded too much", token + "="),
        ("signature in the alphabet for URLs", with_both.replace("+", "-").replace("/", "_")),
        ("+ became a space, as in a form", with_both.replace("+", " ")),
        (
            "percent-encoded",
            with_both.replace(" ", "%20")
            .replace("+", "%2B")
            .replace("/", "%2F")
            .replace("=", "%3D"),
        ),
        ("unused bits of the signature set", f"{digits} {unused_bit}"),
        ("signature with a line break", f"{digits} {sent[:22]}\n{sent[22:]}"),
        ("signature in hexadecimal", f"{digits} {raw.hex()}"),
        (
            "signature as base64 of hexadecimal",
            f"{digits} {base64.b64encode(raw.hex().encode()).decode()}",
        ),
        ("signature in base32", f"{digits} {base64.b32encode(raw).decode()}"),
        ("signature too short", f"{digits} {base64.b64encode(raw[:31]).decode()}"),
        ("signature too long", f"{digits} {base64.b64encode(raw + bytes(1)).decode()}"),
        ("base64 behind the signature", token + "QUJD"),
        ("no space", digits + sent),
        ("two spaces", f"{digits}  {sent}"),
        ("a tab", f"{digits}\t{sent}"),
        ("a colon", f"{digits}:{sent}"),
        ("a space between one-time password and nonce", f"{otp} {digits[8:]} {sent}"),
        ("a space in front", " " + token),
        ("a byte order mark in front", "\ufeff" + token),
        ("junk in front", "token=" + token),
        ("a newline behind", token + "\n"),
        ("a NUL behind", token + "\0"),
        ("junk behind a NUL", token + "\0junk"),
        ("in quotes", f'"{token}"'),
        ("base64 of the whole", base64.b64encode(token.encode()).decode()),
        ("the SASL message", f"\0alice\0{token}"),
        ("letters", "x" * 85),
        ("zeros", "0" * 85),
        ("NULs", "\0" * 85),
        ("1,024 digits", "7" * 1024),
    ]:
        yield case(f"shape: {name}", (changed, "malformed"))
    yield case("shape: UTF-16", (token.encode("utf-16-be"), "malformed"))
    yield case("shape: bytes that are not UTF-8", (b"\xff" * 85, "malformed"))
    yield case(
        "shape: a byte that is not UTF-8 in the nonce",
        (token[:20].encode() + b"\xb3" + token[21:].encode(), "malformed"),
    )


def lines(cases):
    return ",\n".join("    " + json.dumps(case) for case in cases)


if __name__ == "__main__":
    about = "Made by tests/vectors/conformance.py (make vectors); "
    about += "README.md beside it describes the fields."
    print(f'{{\n  "about": "{about}",')
    print(f'  "mint": [\n{lines(mint_cases())}\n  ],')
    print(f'  "refused_jids": [\n{lines(refused_jids())}\n  ],')
    print(f'  "verify": [\n{lines(verify_cases())}\n  ]\n}}')
