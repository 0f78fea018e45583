// xmpp.js stays online. Exits with status 0 if all steps succeed.
//
// usage: xmppjs.mjs SERVICE, with the secrets in the environment

import { webcrypto } from 'node:crypto';
import { client, xml } from '@xmpp/client';
import { WebSocket } from 'ws';
import { tokenClient } from '../../examples/clients/xmppjs_xtoken.mjs';
import { stayOnline } from './staying_online.mjs';

// xmpp.js needs both as globals. The Node.js of Debian 12 has neither, and no WebSocket but that of
// ws can be cut off.
globalThis.crypto ??= webcrypto;
globalThis.WebSocket = WebSocket;

const [service] = process.argv.slice(2);

async function online(application) {
  const xmpp = tokenClient(client, { service, domain: 'localhost' }, application.freshToken);
  xmpp.on('error', () => {}); // those that pass, too
  xmpp.on('online', () => xmpp.send(xml('presence')));
  // A stream that is resumed is online without the event. Errors that pass reject nothing.
  const again = () =>
    new Promise((resolve) => {
      xmpp.once('online', resolve);
      xmpp.streamManagement.once('resumed', resolve);
    });
  await xmpp.start();
  return {
    address: () => xmpp.jid.toString(),
    again,
    lose: () => xmpp.socket.socket.terminate(),
    say: (to, words) => {
      const message = xml('message', { to, type: 'chat' }, xml('body', {}, words));
      xmpp.send(message).catch(() => {}); // the connection may be lost
    },
    hear: (words) =>
      new Promise((resolve) => {
        xmpp.on('stanza', (stanza) => {
          if (stanza.is('message') && stanza.getChildText('body') === words) resolve();
        });
      }),
    end: () => xmpp.stop(),
  };
}

async function stopped(application) {
  const xmpp = tokenClient(client, { service, domain: 'localhost' }, application.freshToken);
  const errors = [];
  xmpp.on('error', (error) => errors.push(error));
  const offline = new Promise((resolve) => xmpp.once('offline', resolve));
  xmpp.start().catch(() => {}); // rejects with the same error
  await offline;
  return errors.at(-1);
}

await stayOnline({ online, stopped });
