// stanza with tokens. The client stays online, and stops with the event `stopped` if that is of no
// use.
//
//   import { createClient, SASL } from 'stanza';
//   import { freshToken } from './fresh_token.mjs';
//   import { useTokens } from './stanza_xtoken.mjs';
//
//   const { jid, service } = await freshToken();
//   const client = createClient({ jid, transports: { websocket: service }, autoReconnect: true });
//   // The message is that of PLAIN, under another name. 2000 is above every other mechanism.
//   client.sasl.register('X-TOKEN', SASL.PLAIN, 2000);
//   useTokens(client, freshToken);
//   client.on('session:started', () => console.log(`Online as ${client.jid}`));
//   client.on('stopped', (error) => console.error(error));
//   client.connect();

import { isSignedOut } from './fresh_token.mjs';

export function useTokens(client, freshToken) {
  let failures = 0; // attempts since the last login
  let refusals = 0;
  let error = null; // why the present attempt failed
  let timer;

  // stanza calls it at each login, also when it connects again by itself.
  client.getCredentials = async () => {
    const { transport } = client;
    error = null;
    try {
      const { jid, token } = await freshToken();
      if (client.transport !== transport) return new Promise(() => {}); // connected anew meanwhile
      return { username: jid.split('@')[0], password: token };
    } catch (caught) {
      error = caught;
      throw caught; // stanza ends the attempt
    }
  };

  client.on('sasl', ({ type, condition }) => {
    if (type !== 'failure') return;
    error ??= Object.assign(new Error(`The server refused the login: ${condition}`), { condition });
  });

  // stanza does not connect again after a failed login.
  client.on('auth:failed', () => {
    const { condition } = error;
    if (condition === 'not-authorized') refusals += 1;
    // An error of SASL has a condition. All but these stay the same at the next attempt.
    const isLasting = condition && condition !== 'temporary-auth-failure' && refusals !== 1;
    client.once('disconnected', () => {
      if (isLasting || isSignedOut(error)) return client.emit('stopped', error);
      // Half of it is random, so that not all clients come back at once.
      const seconds = Math.min(2 ** failures, 60) * (0.5 + Math.random() / 2);
      failures += 1;
      timer = setTimeout(() => client.connect(), 1000 * seconds);
    });
  });
  client.on('auth:success', () => (failures = refusals = 0));

  // To stop, call disconnect() as usual.
  const { disconnect } = client;
  client.disconnect = () => {
    clearTimeout(timer);
    return disconnect.call(client);
  };
}
