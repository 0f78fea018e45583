"""Draws elements of logins by SASL and SASL2, most of them damaged."""

import base64
import xml.parsers.expat

from fast import FAST_MECHANISM
from mint import mint

HEADER = (
    "<stream:stream xmlns='jabber:client' version='1.0' to='localhost' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
SASL_1 = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
SASL_2 = " xmlns='urn:xmpp:sasl:2'"
MECHANISMS = ["PLAIN", "ANONYMOUS", "EXTERNAL", FAST_MECHANISM, "SCRAM-SHA-1", "x-token", "", "?"]
CHILDREN = [
    "<a/>",
    "<initial-response/>",
    "<initial-response>AGFsaWNlAG5v</initial-response>",
    "<user-agent/>",
    "<user-agent id='1'><software>x</software></user-agent>",
    "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>",
    "<fast xmlns='urn:xmpp:fast:0'/>",
    "<fast xmlns='urn:xmpp:fast:0' count='-1' invalidate='true'/>",
    "<bind xmlns='urn:xmpp:bind:0'><tag>x</tag></bind>",
    "<resume xmlns='urn:xmpp:sm:3' h='x' previd='?'/>",
    "text",
    "&#65;&amp;",
    "<![CDATA[AGFsaWNl]]>",
]
MARKUP = [b"<", b">", b"/", b"'", b"&", b"<!--", b"<?x?>", b"<!DOCTYPE a>", b"]]>", b"&#0;", b"\0"]


class Mutations:
    def __init__(self, chance, key, host="localhost"):
        """`chance` is a random.Random."""
        self.chance, self.key, self.host = chance, key, host

    def damaged(self, data, pieces=(b"\0", b" ", b"=", b"@", b"\xff", b"\xed\xa0\x80")):
        """Returns bytes after one to four changes, each in a place of its own."""
        chance = self.chance
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            at = chance.randrange(len(data) + 1)
            end = min(len(data), at + chance.choice([1, 1, 2, 8, 40]))
            change = chance.randrange(6)
            if change == 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            elif change == 1:
                data = data[:at] + data[end:]
            elif change == 2:
                data = data[:at] + chance.choice(pieces) + data[at:]
            elif change == 3:
                data = data[:end] + data[at:end] * chance.choice([1, 2, 30]) + data[end:]
            elif change == 4:
                data = data[:at]
            else:
                data = data[:at] + bytes(reversed(data[at:end])) + data[end:]
        return data

    def text(self):
        """Returns a SASL message in base64, of a token that was valid before it was damaged."""
        chance = self.chance
        user = chance.choice(["alice", "bob", "7alice"])
        message = f"\0{user}\0{mint(f'{user}@{self.host}', self.key)}".encode()
        if chance.random() < 0.9:
            message = self.damaged(message)
        encoded = base64.b64encode(message)
        if chance.random() < 0.1:
            encoded = self.damaged(encoded, pieces=(b"=", b"!", b" ", b"\n", b"A", b"-_"))
        # Markup would be another element, and that is what `element` draws.
        return "".join(
            c for c in encoded.decode("ascii", "ignore") if c.isalnum() or c in "+/=!-_ "
        )

    def mechanism(self):
        if self.chance.random() < 0.05:
            return ""
        name = "X-TOKEN" if self.chance.random() < 0.85 else self.chance.choice(MECHANISMS)
        return f" mechanism='{name}'"

    def element(self):
        """Returns one element, well-formed."""
        chance = self.chance
        children = [chance.choice(CHILDREN) for _ in range(chance.choice([0, 0, 0, 1, 3]))]
        attributes = self.mechanism() + chance.choice(["", "", "", " id='1'", " xml:lang='en'"])
        if chance.random() < 0.5:
            name = chance.choice(["auth"] * 9 + ["response", "abort", "success"])
            children.append(self.text())
            namespace = SASL_1
        else:
            name = chance.choice(["authenticate"] * 9 + ["response", "abort", "next"])
            inner = f"<initial-response>{self.text()}</initial-response>"
            children.append(inner if name == "authenticate" else self.text())
            namespace = SASL_2
        chance.shuffle(children)
        return f"<{name}{namespace}{attributes}>{''.join(children)}</{name}>"

    def draw(self, *, may_break_markup):
        """Returns bytes, and how many whole elements they are; None if they are no XML."""
        while True:
            drawn = self.element().encode()
            if may_break_markup and self.chance.random() < 0.2:
                drawn = self.damaged(drawn, MARKUP)
            count = elements_in(drawn)
            # Half of an element is answered when its other half has come.
            if count != 0:
                return drawn, count


def elements_in(data):
    """Returns how many elements are in a stream: 0 if one has not ended, None if it is no XML."""
    depth = ends = 0

    def start(*_):
        nonlocal depth
        depth += 1

    def end(_):
        nonlocal depth, ends
        depth -= 1
        ends += depth == 1

    parser = xml.parsers.expat.ParserCreate("UTF-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(HEADER.encode() + data)
        before = ends
        # What follows is an element of its own only if nothing is open before it.
        parser.Parse(b"<x/>")
    except xml.parsers.expat.ExpatError:
        return None
    return before if ends == before + 1 and depth == 1 else 0
