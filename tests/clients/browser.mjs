// What people do in the web chat, in headless Chromium. Ends with status 0 when it went as it should.
//
// usage: browser.mjs CHROMIUM SCENARIO ADDRESS [FILE]
//
// What only the starter of the server can do, a scenario asks for with a line on standard output,
// and goes on when a line comes back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PATIENCE = 20_000; // ms
const [executablePath, scenario, address, file] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin });

async function ask(request) {
  console.log(request);
  const [answer] = await Promise.race([once(answers, 'line'), once(answers, 'close')]);
  assert.notEqual(answer, undefined, `no answer to: ${request}`);
}

const browser = await chromium.launch({ executablePath, args: ['--disable-gpu', '--disable-quic'] });

const problems = []; // of the pages: exceptions, and what the policy of the server forbids

// A browser of their own for each user.
async function newPage(options) {
  const context = await browser.newContext({ viewport: { width: 560, height: 570 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on('pageerror', ({ stack }) => {
    // Those inside of Converse.js are its own: it throws some when a login was refused.
    if (!stack.includes('/lib/converse/')) problems.push(stack);
  });
  page.on('console', (message) => {
    // Converse.js would show the logos of its sponsors from elsewhere; it may not.
    const text = message.text().replace(/^Loading the image 'https:\/\/conversejs\.org\/media\/logos\/.*/, '');
    if (text.includes('Content Security Policy')) problems.push(text);
  });
  return page;
}

async function signIn(user, options) {
  const page = await newPage(options);
  await page.goto(address);
  await page.getByLabel('User').selectOption(user);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`${user}@localhost`, { exact: true }).first().waitFor();
  return page;
}

// The next login, up to the server's echo of the presence: from then on messages arrive.
async function nextLogin(page) {
  const socket = await page.waitForEvent('websocket');
  await socket.waitForEvent('framereceived', ({ payload }) => payload.includes('<presence'));
}

// --- The page with Strophe.js -------------------------------------------------------------------

const status = (page, words) => page.getByRole('status').filter({ hasText: words }).waitFor();
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
  await page.getByRole('button', { name: 'Send' }).click();
}

// Counts the tokens that the page is given from now on, and makes sure that no two are the same.
function tokensOf(page) {
  const answers = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/token') answers.push(response.json());
  });
  return async () => {
    const tokens = (await Promise.all(answers)).map(({ token }) => token);
    assert.equal(new Set(tokens).size, tokens.length, 'a token of its own for each login');
    return tokens.length;
  };
}

// Somebody who reads along and is faster: logs in with the token before its owner has it.
async function robbed(page, thief, times) {
  await page.route(/\/(token|credentials)$/, async (route) => {
    const response = await route.fetch();
    const { token, password = token } = await response.json();
    assert.equal(await thief.evaluate(logIn, ['alice@localhost', password]), true, 'the thief is faster');
    await route.fulfill({ response });
  }, { times });
}

// Runs in the page.
async function logIn([jid, token]) {
  const { xtoken } = await import('/xtoken.js');
  const { websocket } = await (await fetch('/me')).json();
  const { Strophe } = window;
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no answer')), 20_000);
    new Strophe.Connection(websocket, { mechanisms: [xtoken(Strophe)] }).connect(jid, token, (status) => {
      if (status === Strophe.Status.CONNECTED) resolve(true);
      if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.DISCONNECTED) resolve(false);
    });
  });
}

// --- The page with Converse.js ------------------------------------------------------------------

async function converse(user) {
  const page = await signIn(user, { viewport: { width: 1100, height: 700 } });
  await Promise.all([nextLogin(page), page.getByRole('link', { name: 'with Converse.js' }).click()]);
  await page.getByText('I am online').waitFor();
  return page;
}

async function sayInConverse(page, words) {
  const box = page.locator('textarea.chat-textarea').last();
  await box.fill(words);
  await box.press('Enter');
}

const saidInConverse = (page, words) => page.locator('.chat-msg__text').getByText(words, { exact: true }).waitFor();

// --- Scenarios ----------------------------------------------------------------------------------

const scenarios = {
  async exchange() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    await say(alice, 'bob', 'Hello <b>Bob</b> & all');
    await said(bob, 'Hello <b>Bob</b> & all');
    await say(bob, 'alice', 'Zażółć gęślą jaźń');
    await said(alice, 'Zażółć gęślą jaźń');
  },

  async stolen() {
    const [alice, thief] = [await withClock('alice'), await signIn('carol')];
    const tokens = tokensOf(alice);

    await robbed(alice, thief, 1);
    await connect(alice);
    await said(alice, 'The server refused the token: it has been used before or is too old.');
    await status(alice, 'Online as alice@localhost');
    assert.equal(await tokens(), 2);

    await alice.reload();
    await robbed(alice, thief, 2);
    await connect(alice);
    await status(alice, 'The server refused a fresh token too.');
    await alice.clock.fastForward('01:00');
    assert.equal(await tokens(), 4, 'and no third token is tried');

    await connect(alice);
    await status(alice, 'Online as alice@localhost');
  },

  async dropped() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    const tokens = tokensOf(alice);
    for (const [count, how] of ['close', 'restart'].entries()) {
      await Promise.all([nextLogin(alice), nextLogin(bob), ask(how)]);
      // Not 1 s again: the connection before did not last.
      await said(alice, `No connection. Trying again in ${count + 1} s.`);
      await say(alice, 'bob', `Here again after ${how}`);
      await said(bob, `Here again after ${how}`);
    }
    assert.ok(await tokens() >= 2);
  },

  // A server that stops to answer, first while a client is online, then while it logs in. The
  // clock of the page is turned on, so that nobody waits.
  async frozen() {
    const alice = await withClock('alice');
    const socket = alice.waitForEvent('websocket');
    await Promise.all([nextLogin(alice), connect(alice)]);
    await status(alice, 'Online');
    const pong = async () => (await socket).waitForEvent('framereceived', ({ payload }) => /^<iq [^>]*type=.result/.test(payload));
    for (let times = 0; times < 2; times += 1) {
      await Promise.all([pong(), alice.clock.fastForward('00:30')]);
    }
    await ask('freeze');
    await alice.clock.fastForward('00:30'); // the ping
    await alice.clock.fastForward('00:10'); // is not answered
    await said(alice, /^The connection is dead: what you wrote last may be lost\. Trying again/);
    assert.ok(await alice.getByRole('button', { name: 'Send' }).isDisabled());
    await alice.clock.fastForward('00:02');
    await status(alice, 'Connecting');
    await alice.clock.fastForward('00:20');
    await said(alice, /^The server does not answer\. Trying again/);
    await ask('thaw');
    await Promise.all([nextLogin(alice), alice.clock.fastForward('00:05')]);
    await status(alice, 'Online');
  },

  // An application that does not answer.
  async hanging() {
    const alice = await withClock('alice');
    await alice.route('**/token', () => {}, { times: 1 });
    await Promise.all([alice.waitForRequest('**/token'), connect(alice)]);
    await alice.clock.fastForward('00:20');
    await said(alice, /^The web application gives no token\. Trying again/);
    await Promise.all([nextLogin(alice), alice.clock.fastForward('00:02')]);
    await status(alice, 'Online');
  },

  // On a server whose ledger does not answer.
  async unavailable() {
    const alice = await signIn('alice');
    const tokens = tokensOf(alice);
    const [begun, ended] = [[], []];
    alice.on('request', (request) => request.url().endsWith('/token') && begun.push(Date.now()));
    alice.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      if (payload.includes('temporary-auth-failure')) ended.push(Date.now());
    }));
    await connect(alice);
    await alice.getByRole('log').getByText('The server cannot check tokens at the moment. Trying again').nth(3).waitFor();
    assert.equal(await tokens(), 4);
    const waits = begun.slice(1).map((time, number) => time - ended[number]);
    assert.ok(waits[0] < 2000 && waits[2] >= 2000, `each wait is longer: ${waits} ms`); // half of 1 s at least, then of 4 s
  },

  // The page that docs/minting.md shows.
  async snippet() {
    const page = await newPage();
    const online = page.waitForEvent('console', (message) => message.text() === 'online as alice@localhost');
    await page.goto(address);
    await online;
  },

  async converse() {
    const [alice, bob] = [await converse('alice'), await converse('bob')];
    await sayInConverse(alice, 'Hello Bob');
    await saidInConverse(bob, 'Hello Bob');
    const credentials = bob.waitForRequest('**/credentials');
    await Promise.all([nextLogin(alice), nextLogin(bob), credentials, ask('close')]);
    await sayInConverse(bob, 'Here again');
    await saidInConverse(alice, 'Here again');
  },

  async converse_stolen() {
    const [alice, thief] = [await signIn('alice'), await signIn('carol')];
    let given = 0;
    alice.on('response', (response) => { given += response.url().endsWith('/credentials'); });
    await robbed(alice, thief, 1);
    await alice.getByRole('link', { name: 'with Converse.js' }).click();
    await alice.getByText('I am online').waitFor();
    assert.equal(given, 2);

    await robbed(alice, thief, 9);
    await alice.reload();
    await alice.getByRole('heading', { name: 'The server refused a fresh token too' }).waitFor();
    assert.equal(given, 4, 'and no third token is tried');
    await alice.unrouteAll();
    await Promise.all([nextLogin(alice), alice.getByRole('link', { name: 'Try again' }).click()]);
    await alice.getByText('I am online').waitFor();
  },

  // docs/webchat.png: both windows side by side.
  async picture() {
    const options = { deviceScaleFactor: 1.5, colorScheme: 'light' };
    const [alice, bob] = [await online('alice', options), await online('bob', options)];
    const talk = [
      [alice, 'bob', 'Hi Bob! I never typed a password here.'],
      [bob, 'alice', 'Me neither: the web application knows who I am and gives my browser a token.'],
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
      windows.push(`<img src="data:image/png;base64,${(await page.screenshot()).toString('base64')}">`);
    }
    const frame = await (await browser.newContext({ ...options, viewport: { width: 1216, height: 634 } })).newPage();
    await frame.setContent(
      `<style>body { margin: 32px; display: flex; gap: 32px; background: #e4e9ee }
      img { width: 560px; border-radius: 10px; box-shadow: 0 4px 18px #0003 }</style>${windows.join('')}`,
    );
    await frame.screenshot({ path: file });
  },
};

try {
  await scenarios[scenario]();
  assert.deepEqual(problems, []);
} finally {
  answers.close();
  await browser.close();
}
