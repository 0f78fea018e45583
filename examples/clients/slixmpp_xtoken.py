"""Adds X-TOKEN to slixmpp. You only need to import this module.

    import slixmpp
    import slixmpp_xtoken

    client = slixmpp.ClientXMPP("alice@example.com", token, sasl_mech="X-TOKEN")

slixmpp does not connect again by itself. Before you call connect() again, give it a fresh token:

    client.credentials["password"] = token
"""

from slixmpp.util.sasl import sasl_mech
from slixmpp.util.sasl.mechanisms import PLAIN


# The message is that of PLAIN, under another name. It is for encrypted connections only, too.
@sasl_mech(60)
class XToken(PLAIN):
    name = "X-TOKEN"
