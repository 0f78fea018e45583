// The user for whom this page was loaded. In another tab, the user may sign out, and another one
// sign in. Then this page must not go on as theirs.

import { ask } from './ask.js';

const tabs = new BroadcastChannel('session'); // to all other tabs of this site

// Tells the other tabs that the user may have changed.
export const announce = () => tabs.postMessage('changed');

// Promises what the web application says of the user, and how to fetch a token.
export async function startSession() {
  const me = await ask('/me');

  function check({ jid }) {
    if (jid === me.jid) return;
    const words = `${jid} has signed in in this browser, so the chat of ${me.jid} has ended.`;
    sessionStorage.setItem('words', words);
    location.reload();
    throw new Error(words);
  }

  const look = () => ask('/me').then(check).catch(() => {}); // the next login tells of problems
  tabs.addEventListener('message', look);
  document.addEventListener('visibilitychange', () => document.hidden || look());
  announce();

  async function fetchLogin(signal) {
    const login = await ask('/chat-token', { method: 'POST', signal });
    if (![login?.jid, login?.token, login?.service].every((value) => typeof value === 'string')) {
      throw new Error('The web application answers without a token. See its log.');
    }
    check(login);
    return login;
  }
  return { ...me, fetchLogin };
}
