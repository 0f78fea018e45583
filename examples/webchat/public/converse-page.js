// The same login in Converse.js, which is a whole chat application: it fetches a token from
// credentials_url before every login, also before those after a dropped connection.

import converse from './lib/converse/converse.min.js';
import { xtoken } from './xtoken.js';

const response = await fetch('/me');
if (response.status === 401) location.replace('/');
const me = await response.json();

// Converse.js would fetch one token after the other. A token may have grown too old on its way, so
// one more is worth a try; not more, because then something is wrong that trying does not mend.
let refusals = 0; // since the last success
class XToken extends xtoken(converse.env.Strophe) {
  onSuccess() {
    super.onSuccess();
    refusals = 0;
  }

  onFailure() {
    super.onFailure();
    refusals += 1;
    if (refusals === 2) location.replace('refused.html');
  }
}

converse.initialize({
  authentication: 'login',
  auto_login: true,
  jid: me.jid,
  credentials_url: '/credentials',
  connection_options: { mechanisms: [XToken] },
  websocket_url: me.websocket,
  discover_connection_methods: false,
  reuse_scram_keys: false,
  blacklisted_plugins: ['converse-omemo'], // would need mod_pep there, and WebAssembly allowed here
  assets_path: '/lib/converse/',
  view_mode: 'fullscreen',
  auto_join_private_chats: me.contacts.slice(0, 1),
});
