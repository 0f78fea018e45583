// stanza stays online. Exits with status 0 if all steps succeed.
//
// usage: stanza.mjs SERVICE, with the secrets in the environment

import { once } from 'node:events';
import { createClient, SASL } from 'stanza';
import { useTokens } from '../../examples/clients/stanza_xtoken.mjs';
import { stayOnline } from './staying_online.mjs';

const [service] = process.argv.slice(2);
const transport = service.startsWith('ws') ? 'websocket' : 'bosh';

function connect({ jid, freshToken }) {
  const transports = { [transport]: service };
  const quick = { maxReconnectBackoff: 1 }; // s
  const client = createClient({ jid, transports, autoReconnect: true, ...quick });
  client.sasl.register('X-TOKEN', SASL.PLAIN, 2000);
  useTokens(client, freshToken);
  client.on('session:started', () => client.sendPresence());
  client.connect();
  return client;
}

async function online(application) {
  const client = connect(application);
  // A stream that is resumed is online without the event.
  const events = ['session:started', 'stream:management:resumed'];
  const again = () => Promise.race(events.map((event) => once(client, event)));
  await again();
  return {
    address: () => client.jid,
    again,
    lose: () => client.transport.socket.terminate(),
    say: (to, body) => client.sendMessage({ to, body, type: 'chat' }),
    hear: (words) =>
      new Promise((resolve) => {
        client.on('chat', ({ body }) => { if (body === words) resolve(); });
      }),
    end: async () => {
      const disconnected = once(client, 'disconnected');
      client.disconnect();
      await disconnected;
    },
  };
}

async function stopped(application) {
  const [error] = await once(connect(application), 'stopped');
  return error;
}

await stayOnline({ online, stopped });
