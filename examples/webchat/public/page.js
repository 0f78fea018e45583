// The page: shows the chat.

import { Chat } from './chat.js';
import { startSession } from './session.js';

const at = (id) => document.getElementById(id);
const make = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });

// Shows a line as text, never as HTML, because it may come from another user.
function show(kind, who, text) {
  const line = make('p');
  line.className = kind;
  if (who) line.append(make('b', who), ' ');
  line.append(make('span', text));
  at('log').append(line);
  scrollToEnd();
  return line;
}

function scrollToEnd() {
  at('log').scrollTop = at('log').scrollHeight;
}

// Screen readers read new lines of the log aloud, and nothing else of this page. So the log says
// what happened, once, and not at each attempt.
let lastNote;
function report(state, words, next = '') {
  at('status').dataset.state = state;
  at('status').textContent = `${words} ${next}`;
  if (state !== 'connecting' && words !== lastNote) show('note', null, words);
  if (state !== 'connecting') lastNote = words;
  const isOnline = state === 'online';
  const isBusy = isOnline || state === 'connecting';
  // The focus moves on from a button that cannot have it any longer.
  const isLost = { connect: isBusy, deliver: !isOnline }[document.activeElement.id];
  if (isLost) at('text').focus();
  at('deliver').disabled = !isOnline;
  at('connect').hidden = isBusy;
}

async function start() {
  const me = await startSession();
  const chat = new Chat({
    fetchLogin: me.fetchLogin,
    report,
    receive: (from, text) => show('theirs', from, text),
  });

  async function send(to, text, line) {
    line.dataset.state = 'sending';
    const isRead = await chat.send(to, text);
    line.dataset.state = isRead ? 'sent' : 'lost';
    if (isRead) return;
    const note = make('em', 'Perhaps not delivered: the connection broke.');
    const again = make('button', 'Send again');
    again.addEventListener('click', () => {
      at('text').focus();
      note.remove();
      again.remove();
      send(to, text, line);
    });
    line.append(note, again);
    scrollToEnd();
  }

  at('me').textContent = me.jid;
  at('to').append(...me.contacts.map((jid) => new Option(jid)));
  at('connect').addEventListener('click', () => chat.connect());
  at('connect').hidden = false; // not earlier, because a click would be lost
  at('send').addEventListener('submit', (event) => {
    event.preventDefault();
    const [to, text] = [at('to').value, at('text').value];
    send(to, text, show('ours', `To ${to}`, text));
    at('text').value = '';
    at('text').focus(); // for the next message
  });
  const words = sessionStorage.getItem('words');
  sessionStorage.removeItem('words');
  if (words) show('note', null, words);
}

start().catch((error) => {
  report('refused', error.message, 'Then reload this page.');
  at('connect').hidden = true;
});
