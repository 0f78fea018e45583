// X-TOKEN for xmpp.js: the message of PLAIN under another name.
//
//   const xmpp = client({
//     service: 'wss://example.com/xmpp-websocket',
//     domain: 'example.com',
//     // Called at every login, also when xmpp.js connects again by itself.
//     credentials: async (authenticate) => authenticate({ username: 'alice', password: await freshToken() }, 'X-TOKEN'),
//   });
//   xmpp.saslFactory.use(XToken);

export class XToken {
  clientFirst = true;

  get name() {
    return 'X-TOKEN';
  }

  // One character a byte is what xmpp.js encodes; the message itself is UTF-8.
  response({ username, password }) {
    return String.fromCharCode(...new TextEncoder().encode(`\0${username}\0${password}`));
  }
}
