"""X-TOKEN for slixmpp: importing this module is enough.

    client = slixmpp.ClientXMPP("alice@example.com", token, sasl_mech="X-TOKEN")

slixmpp does not connect again by itself. Before you call connect() again, give it a fresh token:

    client.credentials["password"] = token
"""

from slixmpp.util.sasl import sasl_mech
from slixmpp.util.sasl.mechanisms import PLAIN


# The message of PLAIN under another name, and like PLAIN for encrypted connections only.
@sasl_mech(60)
class XToken(PLAIN):
    name = "X-TOKEN"
