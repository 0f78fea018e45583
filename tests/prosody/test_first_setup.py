"""docs/login-fails.md: what is seen when the first set-up has a mistake. Debian's configuration."""

import re

import pytest
from client import STREAM, Client
from mint import mint
from server import PATIENCE, eventually
from test_stock import HOST, LOGIN_FAILS, Stock

TABLE = LOGIN_FAILS.partition("## The first set-up does not work")[2].partition("\n## ")[0]


@pytest.fixture
def stock(version, key):
    server = Stock(version, key)
    server.install()
    server.make_certificate()
    for name, kind in (("cert", "crt"), ("key", "key")):
        (server.folder / f"{name}.pem").rename(server.folder / f"certs/{HOST}.{kind}")
    server.port = 5222  # for prosodyctl, until the server is started
    server.write_config()
    yield server
    server.__exit__()


def host_file(stock):
    return stock.folder / f"conf.d/{HOST}.cfg.lua"


def change(stock, old, new):
    text = host_file(stock).read_text()
    assert text.count(old) == 1, text
    host_file(stock).write_text(text.replace(old, new))


def said(text, words):
    """Tells whether a text contains words that the page quotes."""
    assert f"`{words}`" in TABLE, f"the page does not quote: {words}"
    return words in text


def mechanisms(stock):
    with Client(stock.port, HOST) as client:
        client.start_tls()
        return client.mechanisms()


def is_served(stock):
    try:
        Client(stock.port, HOST).socket.close()
    except AssertionError as error:
        assert STREAM.strip("{}") in str(error) and said(str(error), "host-unknown")
        return False
    return True


def check(stock):
    return stock.run_prosodyctl("mod_auth_token", "check").stdout


@pytest.mark.parametrize(
    "old, new, words",
    [('"token"', '"token', "unfinished string"), ('"token"', "“token”", "unexpected symbol")],
)
def test_a_quote_that_is_missing_or_wrong(stock, old, new, words):
    change(stock, old, new)
    assert said(check(stock), words)


def test_another_authentication(stock):
    change(stock, '"token"', '"xtoken"')
    assert said(check(stock), "Prosody has no such authentication")


def test_without_authentication(stock):
    change(stock, 'authentication = "token"', "")
    assert said(check(stock), "no host has tokens")


def test_the_module_without_authentication(stock):
    change(stock, 'authentication = "token"', 'modules_enabled = { "auth_token" }')
    assert said(check(stock), "is not enough")
    stock.start()
    eventually(lambda: said(stock.log(), "is not enough"), PATIENCE, "the log says nothing")
    assert f"Tokens of {HOST} are verified" not in stock.log()


def test_without_quotes_passwords_are_offered(stock):
    change(stock, '"token"', "token")
    stock.start()
    assert all(said(" ".join(mechanisms(stock)), name) for name in ("SCRAM-SHA-1", "PLAIN"))


def test_another_name_of_the_file(stock):
    host_file(stock).rename(stock.folder / f"conf.d/{HOST}.lua")
    assert said(check(stock), "no host has tokens")
    stock.start()
    assert not is_served(stock)


def test_lines_at_the_end_of_the_main_file(stock):
    lines = host_file(stock).read_text().partition("\n")[2]
    host_file(stock).write_text(f'VirtualHost "{HOST}"\n')
    stock.text += lines
    stock.write_config()
    found = check(stock)
    assert re.search("^localhost$", found, re.MULTILINE)
    assert not re.search(f"^{HOST}$", found, re.MULTILINE)


@pytest.mark.parametrize("line", ["token_known_users = existing", "token_allow_plain = True"])
def test_a_value_without_quotes_lets_nobody_in(stock, line):
    name, _, value = line.partition(" = ")
    assert f"`{line}`" in TABLE or f"`{value}` is not" in TABLE
    host_file(stock).write_text(f"{host_file(stock).read_text()}{line}\n")
    assert said(check(stock), "is a word without quotes")
    stock.start()
    assert mechanisms(stock) == set()
    assert f"the value of {name} in line 5 of {host_file(stock)} is a word" in stock.log()


def test_a_new_host_needs_a_restart(stock, key):
    text = host_file(stock).read_text()
    host_file(stock).unlink()
    stock.start()
    host_file(stock).write_text(text)
    stock.reload_config()
    assert not is_served(stock)
    # Only a host with tokens can say it.
    assert said("not served yet", "not served yet")
    stock.stop()
    stock.start()
    assert mechanisms(stock) == {"X-TOKEN"}


def test_a_host_without_a_certificate(stock):
    (stock.folder / f"certs/{HOST}.crt").unlink()
    found = stock.run_prosodyctl("check", "certs").stdout
    assert said(found, f"No 'certificate' found for {HOST}")


def test_a_module_that_failed_needs_a_restart(stock, key):
    change(stock, f'"{key[1]}"', '"short"')
    stock.start()
    assert mechanisms(stock) == set()
    assert said(stock.log(), f"Nobody can log in to {HOST}")
    change(stock, '"short"', f'"{key[1]}"')
    stock.reload_config()
    assert mechanisms(stock) == set()
    stock.stop()
    stock.start()
    with Client(stock.port, HOST) as client:
        client.start_tls()
        assert client.log_in("alice", mint(f"alice@{HOST}", key)) == "success"
