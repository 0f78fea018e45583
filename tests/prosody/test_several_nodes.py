"""docs/several-nodes.md: one node moves to a Redis, another joins it, and a token is spent once."""

import re

import pytest
from mint import early_in_a_step
from pages import as_included_file, block, blocks, with_key, with_replacements
from redis_server import Redis
from server import ROOT

PAGE = "several-nodes.md"
JID = "alice@example.com"


@pytest.fixture
def redis():
    """A Redis with the user that docs/ledgers.md describes."""
    ledgers = (ROOT / "docs/ledgers.md").read_text()
    (words,) = re.findall("^user (xtoken .*)$", ledgers, re.MULTILINE)
    with Redis() as redis:
        assert redis.command("ACL", "SETUSER", *words.split()) == "+OK"
        yield redis


@pytest.fixture
def new_node(prosody, key, redis):
    """new_node() makes a server with the configuration of the page. prosodyctl can use it."""
    made = []

    def node():
        place = {"192.0.2.30/0": f"127.0.0.1:{redis.port}/0"}
        text = with_key(with_replacements(block(PAGE, "lua", "token_ledger"), place), key)
        server = prosody({})
        made.append(server)
        (server.folder / "certs").mkdir()
        as_included_file(server, text)
        server.port = 5222
        server.write_config()
        return server

    yield node
    for server in made:
        server.__exit__()


def check(server):
    return server.prosodyctl("mod_auth_token", "check", "example.com")


def test_check_begins_the_horizon(new_node, redis):
    first = new_node()
    found = check(first)
    assert "answers" in found and "its clock and this one agree" in found
    assert "warning  ledger: it cannot tell which of the last tokens were spent" in found
    # So the pause counts from here, although Prosody was not started yet.
    horizon = redis.command("GET", "xtoken:horizon")
    assert re.fullmatch(r"\w+:\w+ \d+", horizon)
    assert check(new_node()) and redis.command("GET", "xtoken:horizon") == horizon


def test_a_token_is_spent_once_by_all_nodes(new_node, redis):
    redis.has_been_there()  # as if the pause were over
    nodes = [new_node(), new_node()]
    assert all("its clock and this one agree" in check(node) for node in nodes)
    spend, ask = blocks(PAGE, "console")
    early_in_a_step()
    token = nodes[0].prosodyctl("mod_auth_token", "mint", JID)
    for text, node in ((spend, nodes[0]), (ask, nodes[1])):
        command, printed = re.search(r"mod_auth_token (\S+) \S+ <token\n(.*\n)", text).groups()
        assert node.prosodyctl("mod_auth_token", command, JID, input=token) == printed
