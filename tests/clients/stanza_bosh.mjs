// stanza over BOSH. Exits with status 0 if all steps succeed.
//
// usage: stanza_bosh.mjs SERVICE, with the secrets in the environment

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createClient, SASL } from 'stanza';
import { useTokens } from '../../examples/clients/stanza_xtoken.mjs';
import { WebApplication } from './web_application.mjs';

const [service] = process.argv.slice(2);

async function online({ jid, freshToken }) {
  const client = createClient({ jid, transports: { bosh: service }, autoReconnect: true });
  client.sasl.register('X-TOKEN', SASL.PLAIN, 2000);
  useTokens(client, freshToken);
  client.connect();
  await once(client, 'session:started');
  return client;
}

const applications = [new WebApplication('zoë'), new WebApplication('bob')];
applications[1].next = [applications[0].mint()]; // a token of another user, so it is refused
const [zoe, bob] = await Promise.all(applications.map(online));
assert.equal(applications[1].asked.length, 2, 'after the refusal a fresh token');
const heard = once(bob, 'chat');
zoe.sendMessage({ to: bob.jid, body: 'Hello', type: 'chat' });
assert.equal((await heard)[0].body, 'Hello');
await Promise.all([zoe.disconnect(), bob.disconnect()]);
process.exit(); // the last requests may wait at the server for a minute
