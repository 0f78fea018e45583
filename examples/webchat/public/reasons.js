// What to tell the user when a login fails or a connection ends: what happened, and what to do. The
// names are the conditions of RFC 6120, and some of Strophe.js and chat.js.

// Trying again changes nothing.
export const FINAL = {
  'not-authorized': 'The chat server refused a fresh token too. Perhaps the clocks of the web '
    + 'server and of Prosody differ, or their secrets do, or the token is for another address. '
    + 'Prosody’s log says which.',
  'account-disabled': 'Your chat account is disabled. Ask an administrator to enable it.',
  'encryption-required': 'The chat server takes tokens on encrypted connections only. '
    + 'Use an address that begins with wss://.',
  'malformed-request': 'The chat server cannot read the login. Prosody’s log says why.',
  'invalid-authzid': 'The login names another user. Leave the authorization identity empty.',
};

const NO_MECHANISM = 'The chat server does not offer X-TOKEN here. It does so on encrypted '
  + 'connections only. Prosody’s log says more.';

// Trying again later may help.
export const PASSING = {
  'temporary-auth-failure': 'The chat server cannot check tokens at the moment.',
  'no-auth-mech': NO_MECHANISM,
  'undefined-condition': NO_MECHANISM, // what Prosody says if it offers no mechanism at all
  'host-unknown': 'The chat server does not know the host of your address. Compare it with the '
    + 'VirtualHost in Prosody’s configuration.',
  'system-shutdown': 'The chat server is shutting down.',
  'no-connection': 'No connection to the chat server. Check your network.',
  'lost-connection': 'The connection to the chat server broke.',
  'no-answer': 'The chat server does not answer.',
};
