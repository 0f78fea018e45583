"""How long the event loop of a server was busy with one thing (plugins/mod_turns.lua)."""

QUERY = "<iq type='get' id='turns' to='{}'><turns xmlns='urn:xtoken:turns'/></iq>"


def longest_turn(client):
    """The longest turn, in seconds, since anybody asked. `client` is logged in and bound."""
    client.send(QUERY.format(client.host))
    return float(client.receive()[0].get("longest"))
