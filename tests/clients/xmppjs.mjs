// Logs in with xmpp.js, exchanges a message, loses the connection, and presents a used token.
// Ends with status 0 when all went as it should.
//
// usage: xmppjs.mjs SERVICE, with the secrets in the environment

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { client, xml } from '@xmpp/client';
import { XToken } from '../../examples/clients/xmppjs_xtoken.mjs';
import { mint } from '../../examples/mint/mint.mjs';

globalThis.crypto ??= webcrypto; // xmpp.js wants it; the Node.js of Debian 12 has it in a module only

const [service] = process.argv.slice(2);
const { XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET } = process.env;

function connection(username, token) {
  const xmpp = client({
    service,
    domain: 'localhost',
    credentials: async (authenticate) => authenticate({ username, password: token() }, 'X-TOKEN'),
  });
  xmpp.saslFactory.use(XToken);
  return xmpp;
}

// A client that is online, and the tokens it was given so far.
async function online(username) {
  const tokens = [];
  const xmpp = connection(username, () => {
    tokens.push(mint(`${username}@localhost`, XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET));
    return tokens.at(-1);
  });
  xmpp.on('error', (error) => console.error(username, error));
  xmpp.on('online', () => xmpp.send(xml('presence')));
  const address = await xmpp.start();
  assert.equal(address.bare().toString(), `${username}@localhost`);
  return { xmpp, tokens };
}

const [zoe, bob] = [await online('zoë'), await online('bob')];

async function exchange(words) {
  const arrived = new Promise((resolve) => {
    bob.xmpp.on('stanza', (stanza) => stanza.is('message') && resolve(stanza.getChildText('body')));
  });
  await zoe.xmpp.send(xml('message', { to: bob.xmpp.jid.toString(), type: 'chat' }, xml('body', {}, words)));
  assert.equal(await arrived, words);
}

await exchange('Hello');
zoe.xmpp.socket.end();
await once(zoe.xmpp, 'online');
assert.equal(new Set(zoe.tokens).size, 2, 'a token of its own for each login');
await exchange('Here again');

const thief = connection('zoë', () => zoe.tokens[0]);
thief.on('error', () => {}); // start() rejects as well
await assert.rejects(thief.start(), { name: 'SASLError', condition: 'not-authorized' });

await Promise.all([zoe.xmpp.stop(), bob.xmpp.stop(), thief.stop()]);
