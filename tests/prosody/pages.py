"""Pages of the documentation: their blocks, as a reader copies them."""

import re
import textwrap

from server import ROOT


def blocks(page, language):
    """Returns the blocks of a page in docs/ that are in one language, also those within a list."""
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


def block(page, language, containing):
    """Returns the only block that contains a text."""
    (found,) = (text for text in blocks(page, language) if containing in text)
    return found


def option_names():
    """Returns the options that docs/options.md describes."""
    return re.findall(r"^## `(\w+)`$", (ROOT / "docs/options.md").read_text(), re.MULTILINE)


def with_replacements(text, replacements):
    """Returns the text with paths and ports of a test. Each must be in the text.

    All at once, because a port such as 52801 begins with another one that is replaced.
    """
    for there in replacements:
        assert there in text, f"{there} is not in:\n{text}"
    pattern = "|".join(map(re.escape, replacements))
    return re.sub(pattern, lambda found: str(replacements[found[0]]), text)


def with_key(text, key):
    """Returns a configuration with the secrets in place of the dots."""
    for name, value in zip(("otp_seed", "token_secret"), key):
        assert text.count(f'{name} = "…"') == 1, text
        text = text.replace(f'{name} = "…"', f'{name} = "{value}"')
    return text


def before_the_hosts(server, text):
    """Adds global options to a server's configuration. Those of the test itself win."""
    change(server, lambda written: text + written)


def as_included_file(server, text):
    """Adds a file to a server's configuration, which Debian's includes at the end."""
    (server.folder / "conf.d").mkdir()
    (server.folder / "conf.d/page.cfg.lua").write_text(text)
    # Debian has this host before the files.
    line = 'VirtualHost "localhost"\nInclude "conf.d/*.cfg.lua"\n'
    change(server, lambda written: written + line)


def change(server, new):
    """Changes what a server writes into its configuration at each start."""
    write = server.write_config

    def write_config():
        write()
        server.config.write_text(new(server.config.read_text()))

    server.write_config = write_config


def without_line(text, name):
    """Returns a configuration without an option that a test sets itself."""
    text, count = re.subn(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
    assert count == 1, f"{name} is not in:\n{text}"
    return text


def without_what_changes(text):
    """Returns what commands printed without what differs from run to run."""
    for pattern, name in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d", "TIME"),
        (r'id = "\d{4}-\d\d"', "ID"),
        (r"xtoken \d+\.\d+\.\d+", "xtoken VERSION"),
        (r"made (\d+m )?(\d+s )?(ago|just now)", "made SECONDS AGO"),
        (r"about \d+ s ", "about SECONDS "),
    ]:
        text = re.sub(pattern, name, text)
    return text
