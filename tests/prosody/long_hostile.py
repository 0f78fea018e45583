"""Long runs with hostile clients, which `make trust-hostile` starts.

XTOKEN_EXCHANGES and XTOKEN_HALVES say how many exchanges there are on both versions of Prosody,
XTOKEN_SEED repeats those of an earlier run.
"""

import collections
import contextlib
import http.client
import os
import pathlib
import random
import re
import socket
import struct
import time
from xml.etree import ElementTree

from client import SASL, SASL2, STREAM, Client, StreamClosed
from mint import mint
from mutations import HEADER, Mutations
from server import PATIENCE, PLUGINS, ROOT, Prosody, eventually, free_port
from versions import VERSIONS
from websocket import WebSocket

EXCHANGES = int(os.environ.get("XTOKEN_EXCHANGES", "600"))
HALVES = int(os.environ.get("XTOKEN_HALVES", "300"))
# What is sent on one stream, if no answer ends it.
PER_STREAM = 8
# Seconds for a login. Until then, a timer of the server keeps what it knows of a connection.
TIMEOUT = 20
# Half-finished exchanges at a time.
STAY_OPEN = 100
# The modules of Debian that go with the version.
SUITES = {"0.12": "bookworm", "13.0": "bookworm-backports"}
PING = "<iq xmlns='jabber:client' type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>"
FRAMING = "{urn:ietf:params:xml:ns:xmpp-framing}"
# Debian's mod_sasl2 for 0.12 fails on sessions of BOSH. xtoken answers, and logs the traceback.
WITHOUT_TYPE = r"A login failed: .*mod_sasl2.lua.* \(field 'base_type'\)\n\tstack traceback"
# Bytes that the server may grow between the second and the last quarter of a run. A leak of 100
# bytes an exchange would be more.
LUA_HEAP = 300_000
RESIDENT = 4_000_000


def is_last(reply):
    return reply.get("id") == "last"


def is_success(reply):
    """After a success the client opens another stream, and a ping on the old one is a mistake."""
    return reply.tag in (SASL + "success", SASL2 + "success")


class OverTcp:
    """A stream on which elements are sent, and their answers received until the one to a ping."""

    breaks_markup = True

    def __init__(self, server):
        self.client = Client(server.port, "localhost", "alice")

    def answers_to(self, data):
        """Returns the tags of the answers, and whether the stream goes on."""
        self.client.send(data + PING.encode())
        answers = []
        try:
            while not is_last(reply := self.client.receive()):
                answers.append(reply)
                if is_success(reply):
                    break
        except (StreamClosed, ConnectionResetError):
            return answers, False
        return answers, True

    def close(self):
        self.client.socket.close()


class OverWebSocket:
    # A frame has one element, so what is no element is not taken apart.
    breaks_markup = False

    def __init__(self, server):
        port = server.settings["http_ports"][0]
        self.socket = WebSocket(
            socket.create_connection(("127.0.0.1", port), PATIENCE), "localhost"
        )

    def receive(self):
        try:
            text = self.socket.receive()
            # 13.0 does not declare the prefix there.
            if text.startswith("<stream:error>"):
                text = text.replace(">", f" xmlns:stream='{STREAM[1:-1]}'>", 1)
            return ElementTree.fromstring(text)
        except (ElementTree.ParseError, ValueError, ConnectionResetError):
            # A frame that closes, or the end of the connection.
            raise StreamClosed from None

    def answers_to(self, data):
        self.socket.send(data.decode())
        self.socket.send(PING)
        answers = []
        try:
            while not is_last(reply := self.receive()):
                if reply.tag == FRAMING + "close":
                    return answers, False
                answers.append(reply)
                if is_success(reply):
                    break
        except StreamClosed:
            return answers, False
        return answers, True

    def close(self):
        self.socket.__exit__()


class OverBosh:
    breaks_markup = False

    def __init__(self, server):
        port = server.settings["http_ports"][0]
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.rid, self.attributes = random.randrange(10**9), {}
        opened, _ = self.request(
            **{"to": "localhost", "wait": 10, "hold": 1, "ver": "1.6", "xmpp:version": "1.0"}
        )
        assert opened[0].tag == STREAM + "features"

    def request(self, content="", **attributes):
        """Returns what is in the answer, and whether the session goes on."""
        self.rid += 1
        attributes = {
            **self.attributes,
            **attributes,
            "rid": self.rid,
            "xmlns:xmpp": "urn:xmpp:xbosh",
        }
        written = "".join(f" {name}='{value}'" for name, value in attributes.items())
        body = f"<body xmlns='http://jabber.org/protocol/httpbind'{written}>{content}</body>"
        self.connection.request("POST", "/http-bind", body.encode(), {"Host": "localhost"})
        answer = ElementTree.fromstring(self.connection.getresponse().read())
        self.attributes = self.attributes or {"sid": answer.get("sid")}
        return list(answer), answer.get("type") != "terminate"

    def answers_to(self, data):
        answers, goes_on = self.request(data.decode() + PING)
        while goes_on and not any(is_success(reply) or is_last(reply) for reply in answers):
            more, goes_on = self.request()
            answers += more
        return [reply for reply in answers if not is_last(reply)], goes_on

    def close(self):
        self.connection.close()


WAYS = [OverTcp] * 2 + [OverWebSocket, OverBosh]


@contextlib.contextmanager
def server_for_all(version, key):
    parent = ROOT / f"target/prosody-modules/{SUITES[version]}/usr/lib/prosody/modules"
    made = Prosody(
        version,
        {"localhost": {"otp_seed": key[0], "token_secret": key[1]}},
        modules_enabled=["sasl2", "websocket", "bosh"],
        plugin_paths=[str(PLUGINS), str(ROOT / "tests/prosody/plugins"), str(parent / "mod_sasl2")],
        http_ports=[free_port()],
        https_ports=[],
        http_interfaces=["127.0.0.1"],
        consider_websocket_secure=True,
        consider_bosh_secure=True,
        c2s_timeout=TIMEOUT,
        bosh_max_inactivity=TIMEOUT // 2,
    )
    with made as server:
        is_open = f"Activated service 'http' on [127.0.0.1]:{server.settings['http_ports'][0]}"
        eventually(lambda: is_open in server.log(), PATIENCE, "Prosody does not listen for HTTP")
        yield server


def memory(server):
    """Returns the bytes of Lua's heap without garbage, and the resident bytes.

    First waits until the server closes a connection that does nothing: then no timer of an earlier
    one is left.
    """
    with Client(server.port, "localhost") as idle, contextlib.suppress(StreamClosed):
        idle.receive()
        idle.receive()
    printed = server.shell('>collectgarbage() collectgarbage() return collectgarbage("count")')
    (heap,) = re.findall(r"(\d+\.\d+|\d+)\s*$", printed.strip())
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    (resident,) = re.findall(r"VmRSS:\s*(\d+) kB", status)
    return 1024 * float(heap), 1024 * int(resident)


def assert_flat(before, after):
    """Returns by how many bytes both grew, as text."""
    heap, resident = (later - earlier for earlier, later in zip(before, after))
    assert heap < LUA_HEAP and resident < RESIDENT, (heap, resident)
    return f"{heap / 1000:+.0f} kB of Lua's heap, {resident / 1000:+.0f} kB resident"


def assert_no_traceback(server, seed):
    before, found, after = re.sub(WITHOUT_TYPE, "", server.log()).partition("raceback")
    assert not found, f"seed {seed}:\n{before[-2000:]}{found}{after[:1000]}"


def still_works(server, key):
    with Client(server.port, "localhost") as client:
        return client.log_in("carol", mint("carol@localhost", key)) == "success"


def condition(reply):
    inner = reply[0].tag if len(reply) else reply.tag
    return inner.rpartition("}")[2]


def exchange(way, drawn, count, seen):
    """Makes one exchange, and returns whether the stream may be used for the next."""
    answers, goes_on = way.answers_to(drawn)
    # They follow a success of SASL2.
    answers = [answer for answer in answers if answer.tag != STREAM + "features"]
    what = drawn, [ElementTree.tostring(answer) for answer in answers], goes_on
    seen.update(map(condition, answers))
    succeeded = any(map(is_success, answers))
    if count == 1 or (goes_on and not succeeded):
        assert len(answers) == count, what
    elif not succeeded:
        assert answers[-1].tag == STREAM + "error" and len(answers) <= (count or 20) + 1, what
    return goes_on and not succeeded


def exchanges(server, chance, mutations, number, seen):
    """Makes so many exchanges, on streams of every way in."""
    made = 0
    while made < number:
        way = chance.choice(WAYS)(server)
        for _ in range(PER_STREAM):
            made += 1
            drawn, count = mutations.draw(may_break_markup=way.breaks_markup)
            if not exchange(way, drawn, count, seen):
                break
        way.close()


def test_mutated_exchanges_are_answered_once(key):
    seed = int(os.environ.get("XTOKEN_SEED") or random.randrange(10**6))
    print(f"\nseed {seed}")
    seen, grown, started = collections.Counter(), {}, time.monotonic()
    for version in VERSIONS:
        chance = random.Random(seed)
        mutations = Mutations(chance, key)
        quarter = EXCHANGES // len(VERSIONS) // 4
        with server_for_all(version, key) as server:
            for part in range(4):
                exchanges(server, chance, mutations, quarter, seen)
                assert still_works(server, key)
                if part == 1:
                    before = memory(server)
            grown[version] = assert_flat(before, memory(server))
            assert_no_traceback(server, seed)
    print(", ".join(f"{name} {times}" for name, times in seen.most_common()))
    print(
        f"exchanges: {4 * quarter * len(VERSIONS)} damaged ones by TCP, WebSocket and BOSH, each "
        f"answered once; in the second half Prosody grew by "
        + "; ".join(f"{growth} ({version})" for version, growth in grown.items())
        + f"; {time.monotonic() - started:.0f} s"
    )


HANDSHAKE = (
    "GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
REQUEST = (
    "POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400\r\n\r\n<body rid='1' "
    "to='localhost' wait='1' hold='1' ver='1.6' xmpp:version='1.0' "
    "xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh'/>"
)


def begin(server, chance, mutations):
    """Returns a connection on which half of a login was sent."""
    if chance.random() < 0.25:
        port = server.settings["http_ports"][0]
        whole = chance.choice([HANDSHAKE, REQUEST]).encode()
    else:
        port = server.port
        whole = HEADER.encode() + mutations.element().encode()
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.sendall(whole[: chance.randrange(len(whole))])
    return connection


def end(connection, chance):
    """Ends a connection in one of the ways that clients do."""
    how = chance.randrange(3)
    if how == 0:
        # With RST, as if the client had crashed.
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    elif how == 1:
        connection.shutdown(socket.SHUT_WR)
    connection.close()


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def halves(server, chance, mutations, number):
    """Begins so many exchanges. Some stay open while others come and go; at the end, none is."""
    before, waiting = open_files(server), []
    for _ in range(number):
        waiting.append(begin(server, chance, mutations))
        if len(waiting) > STAY_OPEN:
            end(waiting.pop(chance.randrange(len(waiting))), chance)
    for connection in waiting:
        end(connection, chance)
    eventually(lambda: open_files(server) <= before, PATIENCE, "connections stay open")


def test_half_finished_exchanges_leave_nothing_behind(key):
    seed = int(os.environ.get("XTOKEN_SEED") or random.randrange(10**6))
    print(f"\nseed {seed}")
    grown, started = {}, time.monotonic()
    quarter = HALVES // len(VERSIONS) // 4
    for version in VERSIONS:
        chance = random.Random(seed)
        mutations = Mutations(chance, key)
        with server_for_all(version, key) as server:
            assert still_works(server, key)
            for part in range(4):
                halves(server, chance, mutations, quarter)
                assert still_works(server, key)
                if part == 1:
                    before = memory(server)
            grown[version] = assert_flat(before, memory(server))
            assert_no_traceback(server, seed)
    print(
        f"half-finished: {4 * quarter * len(VERSIONS)} exchanges left by their clients, every "
        "connection closed; in the second half Prosody grew by "
        + "; ".join(f"{growth} ({version})" for version, growth in grown.items())
        + f"; {time.monotonic() - started:.0f} s"
    )
