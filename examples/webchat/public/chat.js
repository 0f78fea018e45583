// A connection that stays up. Each login, the first and any after, fetches a token of its own:
// a token is good for one login and for about a minute.

import { xtoken } from './xtoken.js';

const { Strophe, $iq, $msg, $pres } = window;
const { CONNECTED, CONNFAIL, AUTHFAIL, DISCONNECTED } = Strophe.Status;
// Seconds.
const LONGEST_WAIT = 30; // between two attempts
const LONGEST_LOGIN = 20;
const PING_EVERY = 30; // not below LONGEST_WAIT: who lasts as long has connected for good
const LONGEST_PING = 10;

export class Chat {
  #options;
  #connection = null;
  #timer; // what happens next, if nothing else does
  #failures = 0; // attempts since a connection that lasted, for the time to wait
  #refusals = 0; // tokens refused since the last success

  // service: the WebSocket of the XMPP server. jid: the user's bare address.
  // fetchToken(signal): promises a fresh token. report(state, words): tells the user.
  // receive(from, text): a message came.
  constructor(options) {
    this.#options = options;
  }

  connect() {
    this.#failures = this.#refusals = 0;
    this.#logIn();
  }

  send(to, text) {
    this.#connection.send($msg({ to, type: 'chat' }).c('body').t(text));
  }

  #in(seconds, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, seconds * 1000);
  }

  async #logIn() {
    const { service, jid, fetchToken, report } = this.#options;
    report('connecting', 'Connecting with a fresh token…');
    const attempt = new AbortController();
    this.#in(LONGEST_LOGIN, () => attempt.abort());
    let token;
    try {
      token = await fetchToken(attempt.signal);
    } catch {
      return this.#retry('The web application gives no token.');
    }
    const connection = new Strophe.Connection(service, { mechanisms: [xtoken(Strophe)] });
    this.#connection = connection;
    attempt.signal.addEventListener('abort', () => this.#drop('The server does not answer.'));
    let refused = false;
    let why = 'No connection.';
    connection.connect(jid, token, (status, condition, stanza) => {
      if (connection !== this.#connection) return; // Strophe may say DISCONNECTED twice
      if (status === CONNECTED) {
        this.#online();
      } else if (status === CONNFAIL && condition === Strophe.ErrorCondition.NO_AUTH_MECH) {
        why = 'The server does not offer X-TOKEN.';
      } else if (status === AUTHFAIL) {
        refused = !stanza?.querySelector('temporary-auth-failure');
        if (!refused) why = 'The server cannot check tokens at the moment.';
        connection.disconnect();
      } else if (status === DISCONNECTED) {
        this.#connection = null;
        clearTimeout(this.#timer);
        if (refused) this.#refused();
        else this.#retry(why);
      }
    });
  }

  #online() {
    const connection = this.#connection;
    this.#refusals = 0;
    this.#in(PING_EVERY, () => this.#ping());
    connection.addHandler((stanza) => {
      const text = stanza.querySelector(':scope > body')?.textContent;
      if (text) this.#options.receive(Strophe.getBareJidFromJid(stanza.getAttribute('from')), text);
      return true; // stay for the next one
    }, null, 'message', 'chat');
    connection.send($pres());
    this.#options.report('online', `Online as ${Strophe.getBareJidFromJid(connection.jid)}`);
  }

  // A connection that is dead does not say so (XEP-0199).
  #ping() {
    const connection = this.#connection;
    const alive = () => {
      if (connection !== this.#connection) return;
      this.#failures = 0;
      this.#in(PING_EVERY, () => this.#ping());
    };
    const to = Strophe.getDomainFromJid(connection.jid);
    connection.sendIQ($iq({ type: 'get', to }).c('ping', { xmlns: 'urn:xmpp:ping' }), alive, alive);
    this.#in(LONGEST_PING, () => this.#drop('The connection is dead: what you wrote last may be lost.'));
  }

  #drop(why) {
    const connection = this.#connection;
    this.#connection = null; // so that nothing it may still say counts
    connection.disconnect();
    this.#retry(why);
  }

  // A token may have grown too old on its way, so one more is worth a try; not more, because then
  // something is wrong that trying does not mend.
  #refused() {
    this.#refusals += 1;
    if (this.#refusals === 1) {
      this.#options.report('refused', 'The server refused the token: it has been used before or is too old.');
      this.#logIn();
    } else {
      this.#options.report('refused', 'The server refused a fresh token too. Has somebody else used it? Connect to try again.');
    }
  }

  #retry(why) {
    const seconds = Math.min(2 ** this.#failures, LONGEST_WAIT) * (0.5 + Math.random() / 2); // not everybody at once
    this.#failures += 1;
    this.#options.report('waiting', `${why} Trying again in ${Math.ceil(seconds)} s.`);
    this.#in(seconds, () => this.#logIn());
  }
}
