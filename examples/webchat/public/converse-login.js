// A plugin for Converse.js that gives each login a fresh token. It waits longer after each failure,
// and stops where trying again changes nothing.

import { LONGEST_ANSWER, LONGEST_LOGIN, Pace } from './pace.js';
import { FINAL, PASSING } from './reasons.js';

const never = new Promise(() => {});

// fetchLogin(signal): promises { jid, token }, with a fresh token
// report(state, words, next): tells the user what happened, and what will happen next
export const tokenLogin = ({ fetchLogin, report }) => ({
  initialize() {
    const { api } = this._converse;
    let condition; // why there is no connection, or will be none if it ends now
    let refusals = 0; // tokens refused since the last success
    let isOnline = false;
    let attempt = new AbortController();
    const pace = new Pace();

    const wait = (why) => new Promise((resolve) => {
      const seconds = pace.afterFailure(resolve);
      report('waiting', why, `Trying again in ${seconds} s.`);
    });

    async function credentials(signal) {
      if (condition === 'not-authorized' && refusals === 0) {
        refusals += 1; // the token may have expired on its way, so this tries once more
      } else if (condition in FINAL) {
        report('refused', FINAL[condition]);
        return never;
      } else if (condition) {
        await wait(PASSING[condition] ?? `The chat server says “${condition}”.`);
      }
      while (!signal.aborted) {
        report('connecting', 'Connecting with a fresh token…');
        const request = new AbortController();
        pace.after(LONGEST_LOGIN, () => request.abort());
        try {
          const { jid, token } = await fetchLogin(request.signal);
          return { jid, password: token };
        } catch (error) {
          if (!signal.aborted) await wait(error.message);
        }
      }
      return never;
    }

    // The server is there: it has sent something.
    function heard() {
      if (!isOnline) return;
      condition = 'lost-connection';
      pace.afterSilence(() => {
        condition = 'no-answer';
        api.ping(undefined, LONGEST_ANSWER * 1000); // connects anew if there is no answer
      });
    }

    function online() {
      refusals = 0;
      isOnline = true;
      pace.online();
      report('online', `Online as ${api.user.jid().split('/')[0]}`);
      heard();
    }

    api.listen.on('connectionInitialized', () => {
      const connection = api.connection.get();
      const { xmlInput } = connection;
      connection.xmlInput = (element) => {
        xmlInput.call(connection, element);
        heard();
        if (['failure', 'error'].includes(element.localName)) {
          condition = element.firstElementChild.localName;
        }
      };
    });
    api.listen.on('connfeedback', (feedback) => {
      if (feedback.get('message') in PASSING) condition = feedback.get('message');
    });
    api.listen.on('connected', online);
    api.listen.on('reconnected', online);

    // Converse.js can connect again only after it was connected. Before, each login begins anew.
    api.settings.set('auto_reconnect', false);
    api.listen.on('connected', () => api.settings.set('auto_reconnect', true));
    api.listen.on('disconnected', () => {
      api.settings.set('auto_reconnect', false);
      pace.after(0, () => api.user.login()); // not twice, if it says so twice
    });

    // Every login asks for its credentials here, also after a lost connection.
    api.listen.on('beforeAttemptNonPreboundSession', async (context, payload) => {
      isOnline = false;
      attempt.abort(); // because this login replaces it
      attempt = new AbortController();
      const { signal } = attempt;
      const fresh = await credentials(signal);
      if (signal.aborted) return never;
      condition = 'no-connection';
      pace.after(LONGEST_LOGIN, () => {
        condition = 'no-answer';
        if (api.settings.get('auto_reconnect')) api.connection.reconnect();
        else api.connection.disconnect();
      });
      return { ...payload, credentials: fresh };
    });
  },
});
