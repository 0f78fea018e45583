// A connection that stays up. Each login fetches a token of its own, because a token is valid for
// one login and for about a minute.

import { LONGEST_ANSWER, LONGEST_LOGIN, Pace } from './pace.js';
import { FINAL, PASSING } from './reasons.js';
import { xtoken } from './xtoken.js';

const { Strophe, $iq, $msg, $pres } = window;
const { AUTHFAIL, CONNECTED, CONNFAIL, DISCONNECTED, ERROR } = Strophe.Status;

// The server ends the connection if a message has characters that XML forbids.
const FORBIDDEN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

// Otherwise Strophe.js writes messages into the storage of the browser.
const NO_STORAGE = { load: () => null, save() {}, clear() {} };

export class Chat {
  #options;
  #state = 'offline';
  #connection = null;
  #pace = new Pace();
  #refusals = 0; // tokens refused since the last success
  #isAsking = false; // whether the server must answer before the timer ends
  #unanswered = new Set(); // what to call when it answers, or never will

  // fetchLogin(signal): promises { jid, token, service }, with a fresh token
  // report(state, words, next): tells the user what happened, and what will happen next
  // receive(from, text): is called for each message
  constructor(options) {
    this.#options = options;
    const check = () => document.hidden || this.#check();
    document.addEventListener('visibilitychange', check);
    window.addEventListener('online', check);
    window.addEventListener('offline', check);
  }

  connect() {
    this.#pace.stop();
    this.#pace = new Pace();
    this.#refusals = 0;
    this.#logIn();
  }

  // Promises whether the server has read the message. It reads in order, so an answer to what was
  // sent after the message proves it.
  async send(to, text) {
    if (this.#state !== 'online') return false;
    this.#connection.send($msg({ to, type: 'chat' }).c('body').t(text.replace(FORBIDDEN, '')));
    return this.#ping();
  }

  #report(state, words, next = '') {
    this.#state = state;
    if (state === 'waiting' || state === 'refused') console.warn('chat:', words);
    this.#options.report(state, words, next);
  }

  async #logIn() {
    this.#report('connecting', 'Connecting with a fresh token…');
    const attempt = new AbortController();
    this.#pace.after(LONGEST_LOGIN, () => attempt.abort());
    let login;
    try {
      login = await this.#options.fetchLogin(attempt.signal);
    } catch (error) {
      return this.#retry(error.message);
    }
    attempt.signal.addEventListener('abort', () => this.#drop(PASSING['no-answer']));
    const connection = new Strophe.Connection(login.service, {
      mechanisms: [xtoken(Strophe)],
      // XEP-0198: the server keeps the messages that this page does not acknowledge.
      enableStreamManagement: true,
      streamManagement: { requestResume: false, storage: NO_STORAGE },
    });
    this.#connection = connection;
    let condition; // why it ends: the first that is known
    const learn = (name) => { if (name in PASSING) condition ??= name; };
    connection.rawInput = (data) => {
      this.#heard(connection);
      // Strophe.js cannot read those of Prosody 13.0, which do not declare the prefix.
      learn(data.match(/^<stream:error><([a-z-]+)/)?.[1]);
    };
    connection.connect(login.jid, login.token, (status, detail, stanza) => {
      if (connection !== this.#connection) return; // Strophe may say DISCONNECTED twice
      if (status === CONNECTED) {
        this.#online();
      } else if (status === AUTHFAIL) {
        condition = stanza?.querySelector(':is(failure, error) > *')?.localName ?? 'unknown';
        connection.disconnect();
      } else if (status === CONNFAIL || status === ERROR) {
        learn(detail);
      } else if (status === DISCONNECTED) {
        learn(this.#state === 'online' ? 'lost-connection' : 'no-connection');
        this.#lose();
        if (condition in PASSING) this.#retry(PASSING[condition]);
        else this.#refused(condition);
      }
    });
  }

  #online() {
    const connection = this.#connection;
    this.#refusals = 0;
    this.#pace.online();
    connection.addHandler((stanza) => {
      const text = stanza.querySelector(':scope > body')?.textContent;
      if (text) this.#options.receive(Strophe.getBareJidFromJid(stanza.getAttribute('from')), text);
      return true; // stay for the next one
    }, null, 'message', 'chat');
    connection.send($pres());
    this.#report('online', `Online as ${Strophe.getBareJidFromJid(connection.jid)}`);
    this.#heard(connection);
  }

  // The server is there: it has sent something.
  #heard(connection) {
    if (connection !== this.#connection || this.#state !== 'online') return;
    this.#isAsking = false;
    this.#pace.afterSilence(() => this.#ping());
  }

  // Asks the server for an answer (XEP-0199), because a dead connection looks like an idle one.
  // Promises true when it comes, and false if the connection ends before.
  #ping() {
    const connection = this.#connection;
    if (!this.#isAsking) {
      this.#pace.after(LONGEST_ANSWER, () => this.#drop(PASSING['no-answer']));
    }
    this.#isAsking = true;
    return new Promise((resolve) => {
      this.#unanswered.add(resolve);
      const answered = () => {
        this.#unanswered.delete(resolve);
        resolve(true);
      };
      const to = Strophe.getDomainFromJid(connection.jid);
      const ping = $iq({ type: 'get', to }).c('ping', { xmlns: 'urn:xmpp:ping' });
      connection.sendIQ(ping, answered, answered);
    });
  }

  // The page is visible again, or the network has changed. The timers may be late.
  #check() {
    if (this.#state === 'online') this.#ping();
    if (this.#state === 'waiting') this.#logIn();
  }

  #drop(why) {
    const connection = this.#connection;
    this.#lose();
    connection.disconnect();
    this.#retry(why);
  }

  #lose() {
    this.#pace.stop();
    this.#isAsking = false;
    this.#connection = null; // so that its later events are ignored
    for (const resolve of this.#unanswered) resolve(false);
    this.#unanswered.clear();
  }

  // A token may have expired on its way, so this tries once more. A second refusal, or one for
  // another cause, stays when one tries again.
  #refused(condition) {
    this.#refusals += 1;
    if (condition === 'not-authorized' && this.#refusals === 1) {
      const words = 'The chat server refused the token: it was used before or is too old.';
      this.#report('refused', words);
      this.#logIn();
    } else {
      const words = FINAL[condition] ?? `The chat server refused the login: ${condition}.`;
      this.#report('refused', words, 'Connect to try again.');
    }
  }

  #retry(why) {
    const seconds = this.#pace.afterFailure(() => this.#logIn());
    this.#report('waiting', why, `Trying again in ${seconds} s.`);
  }
}
