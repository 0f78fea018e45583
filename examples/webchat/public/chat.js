// A connection that stays up. Each login, the first and any after, fetches a token of its own:
// a token is good for one login and for about a minute.

import { xtoken } from './xtoken.js';

const { Strophe, $msg, $pres } = window;
const { CONNECTED, CONNFAIL, AUTHFAIL, DISCONNECTED } = Strophe.Status;
const LONGEST_WAIT = 30; // seconds between two attempts

export class Chat {
  #options;
  #connection = null;
  #timer;
  #failures = 0; // attempts since the last success, for the time to wait
  #refusals = 0; // tokens refused since the last success

  // service: the WebSocket of the XMPP server. jid: the user's bare address.
  // fetchToken(): promises a fresh token. report(state, words): tells the user.
  // receive(from, text): a message came.
  constructor(options) {
    this.#options = options;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#failures = this.#refusals = 0;
    this.#logIn();
  }

  send(to, text) {
    this.#connection.send($msg({ to, type: 'chat' }).c('body').t(text));
  }

  async #logIn() {
    const { service, jid, fetchToken, report } = this.#options;
    report('connecting', 'Connecting with a fresh token…');
    let token;
    try {
      token = await fetchToken();
    } catch {
      return this.#retry('The web application gives no token.');
    }
    const connection = new Strophe.Connection(service, { mechanisms: [xtoken(Strophe)] });
    this.#connection = connection;
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
        if (refused) this.#refused();
        else this.#retry(why);
      }
    });
  }

  #online() {
    const connection = this.#connection;
    this.#failures = this.#refusals = 0;
    connection.addHandler((stanza) => {
      const text = stanza.querySelector(':scope > body')?.textContent;
      if (text) this.#options.receive(Strophe.getBareJidFromJid(stanza.getAttribute('from')), text);
      return true; // stay for the next one
    }, null, 'message', 'chat');
    connection.send($pres());
    this.#options.report('online', `Online as ${Strophe.getBareJidFromJid(connection.jid)}`);
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
    this.#timer = setTimeout(() => this.#logIn(), seconds * 1000);
  }
}
