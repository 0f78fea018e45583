// The same login in Converse.js, which is a whole chat application.

import converse from './lib/converse/converse.min.js';
import { tokenLogin } from './converse-login.js';
import { markUnconfirmed } from './converse-unconfirmed.js';
import { startSession } from './session.js';
import { xtoken } from './xtoken.js';

const at = (id) => document.getElementById(id);

// Screen readers read aloud what is new: once, and not at each attempt.
function report(state, words, next = '') {
  if (state !== 'connecting' && at('news').textContent !== words) at('news').textContent = words;
  if (state === 'waiting' || state === 'refused') console.warn('chat:', words);
  at('status').dataset.state = state;
  at('status').textContent = `${words} ${next}`;
  at('again').hidden = state !== 'refused';
  at('chat').dataset.state = state;
}

at('again').addEventListener('click', () => location.reload());
const me = await startSession().catch((error) => {
  report('refused', error.message);
  return new Promise(() => {}); // so that nothing below happens
});

// What Converse.js has stored in this tab may be another user's, who was signed in before.
if (sessionStorage.getItem('user') !== me.jid) sessionStorage.clear();
sessionStorage.setItem('user', me.jid);

converse.plugins.add('token-login', tokenLogin({ fetchLogin: me.fetchLogin, report }));
converse.plugins.add('mark-unconfirmed', markUnconfirmed);
converse.initialize({
  authentication: 'login',
  auto_login: true,
  jid: me.jid,
  credentials_url: '/chat-token', // makes it try again after a refusal; token-login asks, not it
  connection_options: { mechanisms: [xtoken(converse.env.Strophe)] },
  websocket_url: me.websocket,
  discover_connection_methods: false,
  reuse_scram_keys: false,
  allow_logout: false, // the page has its own button, which signs out of the web application, too
  persistent_store: 'sessionStorage', // ends with the tab, so the next user cannot read it
  smacks_max_unacked_stanzas: 1, // asks the server to confirm each message at once
  message_limit: 10000, // above 256 KiB, Prosody would end the connection, again and again
  ping_interval: 0, // token-login pings
  whitelisted_plugins: ['token-login', 'mark-unconfirmed'],
  blacklisted_plugins: ['converse-omemo'], // needs mod_pep in Prosody, and WebAssembly allowed here
  assets_path: '/lib/converse/',
  view_mode: 'fullscreen',
  auto_join_private_chats: me.contacts.slice(0, 1),
});
