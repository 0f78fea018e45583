// xmpp.js with tokens. The client stays online, and stops with an error if that is of no use.
//
//   import { client } from '@xmpp/client';
//   import { freshToken } from './fresh_token.mjs';
//   import { tokenClient } from './xmppjs_xtoken.mjs';
//
//   const { jid, service } = await freshToken();
//   const xmpp = tokenClient(client, { service, domain: jid.split('@')[1] }, freshToken);
//   xmpp.on('online', (address) => console.log(`Online as ${address}`));
//   xmpp.on('error', (error) => console.error(error)); // it tries again …
//   xmpp.on('offline', () => console.error('Stopped')); // … or not
//   xmpp.start().catch(() => {}); // rejects with the first of these errors

import { isSignedOut } from './fresh_token.mjs';

// The message is that of PLAIN, under another name.
export class XToken {
  clientFirst = true;

  get name() {
    return 'X-TOKEN';
  }

  // Returns the message in UTF-8, one character for each byte, as xmpp.js wants it.
  response({ username, password }) {
    return String.fromCharCode(...new TextEncoder().encode(`\0${username}\0${password}`));
  }
}

export function tokenClient(client, options, freshToken) {
  let failures = 0; // attempts since the last login
  const xmpp = client({ ...options, credentials: logIn });
  xmpp.saslFactory.use(XToken);

  // xmpp.js calls it at each login, also when it connects again by itself.
  async function logIn(authenticate) {
    const { socket } = xmpp;
    const attempt = async () => {
      const { jid, token } = await freshToken();
      if (xmpp.socket !== socket) return new Promise(() => {}); // connected anew meanwhile
      await authenticate({ username: jid.split('@')[0], password: token }, 'X-TOKEN');
    };
    const isRefused = (error) => error.condition === 'not-authorized';
    try {
      await attempt().catch((error) => {
        if (!isRefused(error)) throw error;
        return attempt(); // the token may have been too old, so once more with another one
      });
      failures = 0;
    } catch (error) {
      // An error of SASL has a condition. All but one stay the same at the next attempt.
      const isLasting = error.condition && error.condition !== 'temporary-auth-failure';
      if (isLasting || isSignedOut(error)) xmpp.stop();
      else xmpp.disconnect(); // and xmpp.js connects again
      throw error;
    }
  }

  // xmpp.js waits for `delay` ms before it connects again. Half of it is random, so that not all
  // clients come back at once.
  xmpp.on('connecting', () => {
    xmpp.reconnect.delay = 1000 * Math.min(2 ** failures, 60) * (0.5 + Math.random() / 2);
    failures += 1;
  });
  return xmpp;
}
