// What people do in the web chat with Strophe.js. scenarios.mjs says how to run it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { accessibleEverywhere } from './axe.mjs';
import { address, ask, browser, file, newPage, nextLogin, robbed, run, signIn }
  from './scenarios.mjs';

const status = (page, words) => page.locator('#status').filter({ hasText: words }).waitFor();
const said = (page, words) => page.getByRole('log').getByText(words, { exact: true }).waitFor();

async function connect(page) {
  await page.getByRole('button', { name: 'Connect' }).click();
}

async function online(user, options) {
  const page = await signIn(user, options);
  await Promise.all([nextLogin(page), connect(page)]);
  await status(page, `Online as ${user}@localhost`);
  return page;
}

// A user whose clock can be turned on.
async function withClock(user) {
  const page = await signIn(user);
  await page.clock.install();
  await page.reload();
  return page;
}

async function say(page, to, words) {
  await page.getByLabel('To').selectOption(`${to}@localhost`);
  await page.getByLabel('Message', { exact: true }).fill(words);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

// Counts the tokens that the page is given from now on, and makes sure that no two are the same.
function tokensOf(page) {
  const answers = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/chat-token') answers.push(response.json());
  });
  return async () => {
    const tokens = (await Promise.all(answers)).map(({ token }) => token);
    assert.equal(new Set(tokens).size, tokens.length, 'a token of its own for each login');
    return tokens.length;
  };
}

// Changes what the web application answers.
async function falsified(page, change) {
  await page.route(/\/(me|chat-token)$/, async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    await route.fulfill({ response, json: { ...answer, ...change(answer) } });
  });
}

const isPing = ({ payload }) => payload.includes('urn:xmpp:ping');
const isPong = ({ payload }) => /^<iq [^>]*type=.result/.test(payload);

await run({
  async exchange() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    await say(alice, 'bob', 'Hello <b>Bob</b> & all');
    await said(bob, 'Hello <b>Bob</b> & all');
    await said(alice, 'To bob@localhost');
    await alice.locator('[data-state=sent]').waitFor();
    await say(bob, 'alice', 'Zażółć gęślą jaźń');
    await said(alice, 'Zażółć gęślą jaźń');

    // What would make the server end the connection.
    await say(alice, 'bob', 'A form\u000c feed \u{1f642}');
    await said(bob, 'A form feed \u{1f642}');
    await alice.getByLabel('Message', { exact: true }).focus();
    await alice.keyboard.insertText('x'.repeat(300_000));
    await alice.keyboard.press('Enter');
    await said(bob, 'x'.repeat(10_000));
    await alice.locator('[data-state=sent]').nth(2).waitFor();
  },

  async stolen() {
    const [alice, thief] = [await withClock('alice'), await signIn('carol')];
    const tokens = tokensOf(alice);

    await robbed(alice, thief, 1);
    await connect(alice);
    await said(alice, 'The chat server refused the token: it was used before or is too old.');
    await status(alice, 'Online as alice@localhost');
    assert.equal(await tokens(), 2);

    await alice.reload();
    await robbed(alice, thief, 2);
    await connect(alice);
    await status(alice, 'The chat server refused a fresh token too.');
    await alice.clock.fastForward('01:00');
    assert.equal(await tokens(), 4, 'and no third token is tried');

    await connect(alice);
    await status(alice, 'Online as alice@localhost');
  },

  // Each answer of the server that is not a success, and what the page says to it.
  async refused() {
    const alice = await signIn('alice');
    const warnings = [];
    alice.on('console', (line) => line.type() === 'warning' && warnings.push(line.text()));
    // `change` falsifies what the web application answers.
    async function tells(words, change = () => ({})) {
      await falsified(alice, change);
      await alice.reload();
      await connect(alice);
      await status(alice, words);
      assert.ok(warnings.some((line) => line.includes(words)), words);
      await alice.unrouteAll();
    }
    await tells('Perhaps the clocks of the web server and of Prosody differ', ({ token }) => {
      return { token: token?.replace(/.{9}$/, 'AAAAAAAA=') };
    });
    await tells('The chat server cannot read the login.', () => ({ token: '' }));
    await tells('No connection to the chat server.', ({ service }) => ({ service: `${service}s` }));
    await tells('The chat server does not know the host of your address.', () => {
      return { jid: 'alice@elsewhere.example' };
    });
    await ask('disable');
    await tells('Your chat account is disabled. Ask an administrator to enable it.');
    assert.doesNotMatch(warnings.join(), /[0-9]{40}/, 'no token is logged');
  },

  // A server that does not take the connection for an encrypted one.
  async unencrypted() {
    const alice = await signIn('alice');
    await connect(alice);
    await status(alice, 'The chat server does not offer X-TOKEN here.');
  },

  async dropped() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    const tokens = tokensOf(alice);
    const words = {
      close: 'The connection to the chat server broke.',
      restart: 'The chat server is shutting down.',
    };
    for (const [count, how] of Object.keys(words).entries()) {
      // Not 1 s again, because the connection before was not stable.
      const waits = status(alice, `Trying again in ${count + 1} s.`);
      await Promise.all([nextLogin(alice), nextLogin(bob), waits, ask(how)]);
      await said(alice, words[how]);
      await say(alice, 'bob', `Here again after ${how}`);
      await said(bob, `Here again after ${how}`);
    }
    assert.ok(await tokens() >= 2);
  },

  // A server that stops answering, first while a client is online, then while it logs in. The test
  // sets the clock of the page ahead, so that it need not wait.
  async frozen() {
    const alice = await withClock('alice');
    const nextSocket = alice.waitForEvent('websocket');
    await Promise.all([nextLogin(alice), connect(alice)]);
    await status(alice, 'Online');
    const socket = await nextSocket;
    const pong = () => socket.waitForEvent('framereceived', isPong);
    await Promise.all([pong(), alice.clock.fastForward('00:07')]);
    await Promise.all([pong(), alice.clock.fastForward('00:40')]); // a stable connection
    await alice.clock.pauseAt(await alice.evaluate(() => Date.now() + 1000));
    await Promise.all([pong(), alice.clock.runFor('00:07')]);
    await ask('freeze'); // up to 1 s later
    await alice.clock.runFor('00:12');
    await say(alice, 'bob', 'Still there?'); // which does not extend the time
    await alice.clock.runFor('00:02');
    await said(alice, 'The chat server does not answer.');
    await said(alice, 'Perhaps not delivered: the connection broke.');
    await alice.clock.resume();
    assert.ok(await alice.getByRole('button', { name: 'Send', exact: true }).isDisabled());
    await alice.clock.fastForward('00:02');
    await status(alice, 'Connecting');
    await alice.clock.fastForward('00:20');
    await status(alice, /^The chat server does not answer\. Trying again/);
    await Promise.all([
      nextLogin(alice), ask('thaw').then(() => alice.clock.fastForward('00:05')),
    ]);
    await status(alice, 'Online');

    await alice.getByRole('button', { name: 'Send again' }).click();
    await alice.locator('[data-state=sent]').waitFor();
    assert.equal(await alice.getByText('Still there?').count(), 1);
    assert.equal(await alice.getByText('Perhaps not delivered').count(), 0);
  },

  // A network that loses everything. What others write meanwhile arrives after the next login.
  async lost() {
    const alice = await withClock('alice');
    let isLost = false;
    await alice.routeWebSocket(/xmpp-websocket/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((frame) => isLost || server.send(frame));
      server.onMessage((frame) => isLost || socket.send(frame));
    });
    await alice.reload();
    await connect(alice);
    await status(alice, 'Online');
    await say(alice, 'bob', 'I am here');
    await alice.locator('[data-state=sent]').waitFor();
    const bob = await online('bob');
    isLost = true;
    await say(bob, 'alice', 'Where are you?');
    await bob.locator('[data-state=sent]').waitFor();
    await alice.clock.fastForward('00:07');
    await alice.clock.fastForward('00:07');
    await said(alice, 'The chat server does not answer.');
    isLost = false;
    await said(alice, 'Where are you?');
    assert.equal(await alice.evaluate(() => sessionStorage.length), 0);
  },

  // A page that nobody sees asks rarely, and at once when it is seen again.
  async hidden() {
    const alice = await withClock('alice');
    const nextSocket = alice.waitForEvent('websocket');
    await Promise.all([nextLogin(alice), connect(alice)]);
    await status(alice, 'Online');
    const socket = await nextSocket;
    const see = (hidden) => alice.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await see(true);
    await Promise.all([
      socket.waitForEvent('framereceived', isPong), alice.clock.fastForward('00:07'),
    ]);
    let pings = 0;
    socket.on('framesent', (frame) => { pings += isPing(frame); });
    await alice.clock.fastForward('00:30');
    await alice.evaluate(() => {}); // what the page sent until now has been counted
    assert.equal(pings, 0);
    await Promise.all([socket.waitForEvent('framesent', isPing), see(false)]);
    await Promise.all([
      socket.waitForEvent('framesent', isPing),
      alice.evaluate(() => window.dispatchEvent(new Event('offline'))),
    ]);
  },

  // A web application that does not answer, or does so in another way than the page expects.
  async unhelpful() {
    const alice = await withClock('alice');
    const answers = [
      [null, 'The web application does not answer. Check your network.'],
      [{ status: 500 }, 'The web application answers with status 500. See its log.'],
      [{ status: 403 }, 'The web application answers with status 403. See its log.'],
      [
        { contentType: 'text/html', body: '<p>Sign in' },
        'The web application answers with a page that is not JSON. Sign in again.',
      ],
      [{ json: { error: 'busy' } }, 'The web application answers without a token. See its log.'],
    ];
    let asked = 0;
    await alice.route('**/chat-token', (route) => {
      const [answer] = answers[asked++];
      return answer && route.fulfill(answer);
    }, { times: answers.length });
    await Promise.all([alice.waitForRequest('**/chat-token'), connect(alice)]);
    for (const [, words] of answers) {
      await alice.clock.fastForward('00:20');
      await said(alice, words);
    }
    await alice.clock.fastForward('00:20');
    await status(alice, 'Online');

    await alice.route('**/me', (route) => route.fulfill({ status: 500 }), { times: 1 });
    await alice.reload();
    await status(alice, 'status 500. See its log. Then reload this page.');
    await alice.route('**/me', () => {}, { times: 1 });
    await Promise.all([alice.waitForRequest('**/me'), alice.reload()]);
    await alice.clock.fastForward('00:20');
    await status(alice, 'The web application does not answer.');

    // An answer that begins, and does not end.
    await alice.addInitScript(() => {
      Response.prototype.json = () => Promise.reject(new DOMException('', 'AbortError'));
    });
    await alice.reload();
    await status(alice, 'The web application does not answer.');
  },

  // Two tabs of one browser: what happens in one to the user of the other.
  async tabs() {
    const alice = await online('alice');
    await say(alice, 'bob', 'A secret');
    await alice.locator('[data-state=sent]').waitFor();

    const tab = await alice.context().newPage();
    const tabSignsIn = async (user) => {
      await tab.goto(address);
      await tab.getByLabel('User').selectOption(user);
      await tab.getByRole('button', { name: 'Sign in' }).click();
      await tab.getByText(`${user}@localhost`, { exact: true }).waitFor();
    };
    await tabSignsIn('bob');
    const words = (now, before) => `${now}@localhost has signed in in this browser, `
      + `so the chat of ${before}@localhost has ended.`;
    await said(alice, words('bob', 'alice'));
    assert.equal(await alice.getByText('A secret').count(), 0);
    assert.equal(await alice.locator('#me').textContent(), 'bob@localhost');

    await tab.getByRole('button', { name: 'Sign out' }).click();
    await alice.getByRole('heading', { name: 'Sign in' }).waitFor();

    // What a tab did not hear of, it finds out when somebody looks at it, or at its next login.
    const user = (name) => alice.route(/\/(me|chat-token)$/, (route) => {
      return route.fulfill({ json: { jid: `${name}@localhost`, token: '', service: '' } });
    }, { times: 1 });
    await tabSignsIn('carol');
    await alice.goto(tab.url());
    await alice.getByText('carol@localhost', { exact: true }).waitFor(); // it has asked
    const see = () => alice.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await user('bob');
    await Promise.all([said(alice, words('bob', 'carol')), see()]);
    await user('alice');
    await connect(alice);
    await said(alice, words('alice', 'carol'));
  },

  // axe finds nothing, in any state of a page.
  async accessible() {
    const visitor = await newPage();
    await visitor.goto(address);
    await accessibleEverywhere(visitor);

    // The clock of alice's page stands still while axe looks, so that its state stays.
    const look = async () => {
      const now = await alice.evaluate(() => Date.now());
      await alice.clock.pauseAt(now + 1000);
      await accessibleEverywhere(alice);
      await alice.clock.resume();
    };
    const [alice, bob] = [await withClock('alice'), await online('bob')];
    await look();
    await alice.route('**/chat-token', () => {}, { times: 1 });
    await alice.getByRole('button', { name: 'Connect' }).focus();
    await alice.keyboard.press('Enter');
    await status(alice, 'Connecting');
    await look();
    const focused = () => alice.evaluate(() => document.activeElement.id);
    assert.equal(await focused(), 'text', 'the focus is not lost with the button');
    await alice.clock.fastForward('00:20');
    await status(alice, 'Online');
    await say(alice, 'bob', 'I am here');
    await alice.locator('[data-state=sent]').waitFor();
    await say(bob, 'alice', `A long word: ${'abcdefghij'.repeat(9)}`);
    await said(alice, /abcdefghij/);
    await ask('freeze');
    await say(alice, 'bob', 'Hello');
    await alice.locator('[data-state=sending]').waitFor();
    assert.equal(await focused(), 'text', 'nor does the next message need a click');
    await look();
    await alice.getByRole('button', { name: 'Send', exact: true }).focus();
    await alice.clock.fastForward('00:07');
    await said(alice, 'Perhaps not delivered: the connection broke.');
    assert.equal(await focused(), 'text', 'nor is it lost with the button that is disabled');
    await look();
    await ask('thaw');
    await status(alice, 'Online');
    await alice.getByRole('button', { name: 'Send again' }).click();
    await alice.locator('[data-state=sent]').nth(1).waitFor();
    assert.equal(await focused(), 'text', 'nor with that one');

    await alice.reload();
    await falsified(alice, () => ({ token: '' }));
    await connect(alice);
    await status(alice, 'The chat server cannot read the login.');
    await look();
    const regions = '[role=log], [role=status], [role=alert], [aria-live], output';
    assert.equal(await alice.locator(regions).count(), 1, 'nothing is read aloud twice');
  },

  // A server whose ledger does not answer.
  async unavailable() {
    const alice = await signIn('alice');
    const tokens = tokensOf(alice);
    const [begun, ended] = [[], []];
    const isForToken = (message) => message.url().endsWith('/chat-token');
    alice.on('request', (request) => isForToken(request) && begun.push(Date.now()));
    const fourth = alice.waitForResponse((answer) => isForToken(answer) && begun.length === 4);
    alice.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      if (payload.includes('temporary-auth-failure')) ended.push(Date.now());
    }));
    await connect(alice);
    await fourth;
    await said(alice, 'The chat server cannot check tokens at the moment.');
    assert.equal(await tokens(), 4, 'a token of its own for each attempt');
    const waits = begun.slice(1).map((time, number) => time - ended[number]);
    // Half of 1 s at least, then of 4 s.
    assert.ok(waits[0] < 2000 && waits[2] >= 2000, `each wait is longer: ${waits} ms`);
  },

  // The page that docs/clients.md shows, with the files beside it that it names.
  async documented() {
    const alice = await signIn('alice', { bypassCSP: true });
    const [page] = readFileSync(file, 'utf8').match(/(?<=```html\n)[^`]*xtoken\(Strophe\)[^`]*/);
    const examples = join(dirname(file), '../examples');
    const beside = {
      'fresh_token.js': 'clients/fresh_token.mjs',
      'strophe.umd.min.js': 'webchat/node_modules/strophe.js/dist/strophe.umd.min.js',
    };
    for (const [name, path] of Object.entries(beside)) {
      const answer = { contentType: 'text/javascript', path: join(examples, path) };
      await alice.route(`**/${name}`, (route) => route.fulfill(answer));
    }
    const isOnline = (message) => message.text() === 'Online as alice@localhost';
    await Promise.all([alice.waitForEvent('console', isOnline), alice.setContent(page)]);
  },

  // docs/webchat.png: both windows side by side.
  async picture() {
    const options = { deviceScaleFactor: 1.5, colorScheme: 'light' };
    const [alice, bob] = [await online('alice', options), await online('bob', options)];
    const talk = [
      [alice, 'bob', 'Hi Bob! I never typed a password here.'],
      [
        bob, 'alice',
        'Me neither: the web application knows who I am and gives my browser a token.',
      ],
      [alice, 'bob', 'And when somebody copies it?'],
      [bob, 'alice', 'Too late. It is good for one login, and that was mine.'],
    ];
    for (const [page, to, words] of talk) {
      await say(page, to, words);
      await said(page === alice ? bob : alice, words);
    }
    const windows = [];
    for (const page of [alice, bob]) {
      await page.getByRole('heading').click(); // no text cursor in the picture
      const picture = (await page.screenshot()).toString('base64');
      windows.push(`<img src="data:image/png;base64,${picture}">`);
    }
    const viewport = { width: 1216, height: 634 };
    const frame = await (await browser.newContext({ ...options, viewport })).newPage();
    await frame.setContent(
      `<style>body { margin: 32px; display: flex; gap: 32px; background: #e4e9ee }
      img { width: 560px; border-radius: 10px; box-shadow: 0 4px 18px #0003 }</style>
      ${windows.join('')}`,
    );
    await frame.screenshot({ path: file });
  },
});
