// The page: what is on the screen, and the web application behind it.

import { Chat } from './chat.js';

const at = (id) => document.getElementById(id);

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401) location.replace('/'); // signed out meanwhile
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// Everything is shown as text, never as HTML: it comes from other people.
function show(kind, who, text) {
  const line = document.createElement('li');
  line.className = kind;
  const part = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
  if (who) line.append(part('b', who));
  line.append(part('span', text));
  at('log').append(line);
  line.scrollIntoView();
}

function report(state, words) {
  const status = at('status');
  status.dataset.state = state;
  status.textContent = words;
  if (state !== 'connecting') show('note', null, words);
  at('send').querySelector('button').disabled = state !== 'online';
  at('connect').hidden = state === 'online' || state === 'connecting';
}

const me = await ask('/me');
at('me').textContent = me.jid;
at('to').append(...me.contacts.map((jid) => new Option(jid)));

const chat = new Chat({
  service: me.websocket,
  jid: me.jid,
  fetchToken: async (signal) => (await ask('/token', { method: 'POST', signal })).token,
  report,
  receive: (from, text) => show('theirs', from, text),
});

at('connect').addEventListener('click', () => chat.connect());
at('connect').hidden = false; // and not earlier: a click would be lost
at('send').addEventListener('submit', (event) => {
  event.preventDefault();
  const { value: text } = at('text');
  chat.send(at('to').value, text);
  show('ours', me.jid, text);
  at('text').value = '';
});
