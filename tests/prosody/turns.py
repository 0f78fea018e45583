"""Measures the longest turn of a server's event loop, with plugins/mod_turns.lua."""

QUERY = "<iq type='get' id='turns' to='{}'><turns xmlns='urn:xtoken:turns'/></iq>"


def longest_turn(client):
    """Returns the longest turn since the last call, in seconds. `client` has bound a resource."""
    client.send(QUERY.format(client.host))
    return float(client.receive()[0].get("longest"))
