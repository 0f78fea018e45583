"""The web chat with Converse.js in a real browser."""

import pytest
from server import ROOT
from webchat import WebChat


def browse(webchat, scenario, *arguments):
    assert webchat.browse(scenario, *arguments, script="converse.mjs") == 0


def test_in_chromium(webchat):
    browse(webchat, "exchange")


@pytest.mark.parametrize("version", ["13.0"])
@pytest.mark.parametrize("scenario", ["refused", "frozen", "unconfirmed", "away", "late", "users"])
def test_the_page_alone(webchat, scenario):
    """Scenarios in which the version of Prosody makes no difference."""
    browse(webchat, scenario)


@pytest.mark.parametrize("version", ["13.0"])
def test_what_the_document_shows(webchat):
    browse(webchat, "documented", str(ROOT / "docs/clients.md"))


def test_while_the_ledger_does_not_answer(key):
    with WebChat(
        "13.0", key, token_ledger="redis://127.0.0.1:1", token_ledger_timeout=0.1
    ) as webchat:
        browse(webchat, "unavailable")
