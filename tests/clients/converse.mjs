// What people do in the web chat with Converse.js. scenarios.mjs says how to run it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { accessible, accessibleEverywhere } from './axe.mjs';
import { address, ask, file, nextLogin, robbed, run, signIn } from './scenarios.mjs';

const status = (page, words) => page.locator('#status').filter({ hasText: words }).waitFor();

const link = (page) => page.getByRole('link', { name: 'with Converse.js' });

async function online(user, options) {
  const page = await signIn(user, { viewport: { width: 1100, height: 700 }, ...options });
  await Promise.all([nextLogin(page), link(page).click()]);
  await status(page, `Online as ${user}@localhost`);
  return page;
}

// A user whose clock can be turned on.
async function withClock(user) {
  const page = await signIn(user);
  await page.clock.install();
  return page;
}

async function say(page, words) {
  const box = page.locator('textarea.chat-textarea').last();
  await box.fill(words);
  await box.press('Enter');
}

const message = (page, words) => page.locator('.chat-msg').filter({ hasText: words });
const said = (page, words) =>
  page.locator('.chat-msg__text').getByText(words, { exact: true }).waitFor();

const isLogin = (request) => request.url().endsWith('/chat-token');

// Counts the tokens that the page is given from now on.
function tokensOf(page) {
  let given = 0;
  page.on('response', (response) => { given += isLogin(response) && response.ok(); });
  return () => given;
}

// Collects what a screen reader reads aloud of the page's own words.
async function readAloud(page) {
  const region = page.getByRole('status').first();
  await region.evaluate((element) => {
    window.aloud = [];
    new MutationObserver(() => window.aloud.push(element.textContent))
      .observe(element, { childList: true });
  });
  return () => page.evaluate(() => window.aloud);
}

// For how many seconds the page will wait.
async function wait(page) {
  await status(page, 'Trying again in');
  return Number(/again in (\d+) s/.exec(await page.locator('#status').textContent())[1]);
}

// For how long the page waits after each of `times` failures, which `event` announces.
async function waits(page, times, event, predicate) {
  const seconds = [];
  for (let time = 0; time < times; time += 1) {
    await Promise.all([
      page.waitForEvent(event, predicate),
      page.clock.fastForward((seconds.at(-1) ?? 0) * 1000),
    ]);
    seconds.push(await wait(page));
  }
  return seconds;
}

// All that pages of this site have stored in the browser. Runs in the page.
async function stored() {
  const databases = await Promise.all((await indexedDB.databases()).map(async ({ name }) => {
    const done = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await done(indexedDB.open(name));
    const tables = [...database.objectStoreNames].map((table) =>
      done(database.transaction(table).objectStore(table).getAll()));
    return Promise.all(tables);
  }));
  return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, ...databases]);
}

const OURS = { but: ['converse-root'] };
// What axe finds in the markup of Converse.js, and its authors left.
const ALL = { without: [
  'color-contrast', // of its themes: headings of the roster, and messages in the dark
  'target-size', // the arrows beside the headings
] };

await run({
  async exchange() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    await say(alice, 'Hello Bob');
    await said(bob, 'Hello Bob');
    const login = bob.waitForRequest(isLogin);
    await Promise.all([nextLogin(alice), nextLogin(bob), login, ask('close')]);
    await say(bob, 'Here again');
    await said(alice, 'Here again');
    await say(alice, 'x'.repeat(300_000)); // more than the server takes, so it is not sent
    await say(alice, 'In short');
    await said(bob, 'In short');
    assert.equal(await message(alice, 'xxx').count(), 0);
    await accessibleEverywhere(alice, OURS);
    await accessible(alice, ALL);
    await alice.getByRole('link', { name: 'with Strophe.js' }).click();
    await link(alice).waitFor();
  },

  // Twice by somebody who is faster, then because the account is disabled.
  async refused() {
    const [alice, thief] = [await signIn('alice'), await signIn('carol')];
    const tokens = tokensOf(alice);
    await robbed(alice, thief, 1);
    await link(alice).click();
    await status(alice, 'Online as alice@localhost');
    assert.equal(tokens(), 2);

    await robbed(alice, thief, 9);
    await alice.reload();
    await status(alice, 'The chat server refused a fresh token too.');
    await status(alice, /clocks.*secrets.*address/);
    assert.equal(tokens(), 4, 'and no third token is tried');
    await accessible(alice, OURS);
    await alice.unrouteAll();
    const again = alice.getByRole('button', { name: 'Try again' });
    await Promise.all([nextLogin(alice), again.click()]);
    await status(alice, 'Online as alice@localhost');

    await ask('disable');
    await ask('close');
    await status(alice, 'Your chat account is disabled.');
    await again.waitFor();
  },

  // What docs/clients.md shows, in the place of the page's script.
  async documented() {
    const alice = await signIn('alice');
    const [code] = readFileSync(file, 'utf8').match(/(?<=```js\n)[^`]*tokenLogin[^`]*/);
    await alice.route('**/converse-page.js', (route) => route.fulfill({
      contentType: 'text/javascript',
      body: `import converse from './lib/converse/converse.min.js';
        import { tokenLogin } from './converse-login.js';
        import { markUnconfirmed } from './converse-unconfirmed.js';
        import { xtoken } from './xtoken.js';
        ${code}`,
    }));
    const isOnline = (line) => line.text().startsWith('online Online as alice@localhost');
    const online = alice.waitForEvent('console', isOnline);
    await link(alice).click();
    await online;
    await Promise.all([alice.waitForEvent('console', isOnline), ask('close')]);
  },

  // A server that stops answering. The message that was sent meanwhile comes after it goes on.
  async frozen() {
    const [alice, bob] = [await withClock('alice'), await online('bob')];
    await Promise.all([nextLogin(alice), link(alice).click()]);
    await status(alice, 'Online');
    for (const words of ['Are you there?', 'And now?']) {
      await ask('freeze');
      await say(alice, words);
      await message(alice, words).waitFor();
      await alice.clock.fastForward('00:07');
      await alice.clock.fastForward('00:07');
      await status(alice, 'The chat server does not answer. Trying again in');
      await ask('thaw');
      const resumed = ({ payload }) => payload.includes('<resumed');
      const socket = alice.waitForEvent('websocket');
      await Promise.all([
        socket.then((opened) => opened.waitForEvent('framereceived', resumed)),
        alice.clock.fastForward((await wait(alice)) * 1000),
      ]);
      await status(alice, 'Online');
      await said(bob, words);
    }
  },

  // A server that is replaced while it does not answer: nothing can be resumed.
  async unconfirmed() {
    const alice = await withClock('alice');
    await Promise.all([nextLogin(alice), link(alice).click()]);
    await say(alice, 'Confirmed');
    await ask('freeze');
    await say(alice, 'Not confirmed');
    await message(alice, 'Not confirmed').waitFor();
    await Promise.all([nextLogin(alice), ask('kill')]);
    await message(alice, 'Not confirmed').getByText('Perhaps it is lost').waitFor();
    assert.equal(await alice.getByText('Perhaps it is lost').count(), 1);
  },

  // A web application that ends, and comes back without its sessions.
  async away() {
    const alice = await withClock('alice');
    await Promise.all([nextLogin(alice), link(alice).click()]);
    await status(alice, 'Online');
    const news = await readAloud(alice);
    await ask('end application');
    await ask('close');
    const seconds = await waits(alice, 7, 'requestfailed', isLogin);
    await status(alice, 'The web application does not answer.');
    assert.deepEqual(await news(), [
      'The connection to the chat server broke.',
      'The web application does not answer. Check your network.',
    ], 'read aloud once, not at each attempt');
    assert.ok(seconds.at(0) <= 4 && seconds.at(-1) >= 15, `each wait is longer: ${seconds} s`);
    assert.ok(seconds.every((wait) => wait <= 30), `but none is very long: ${seconds} s`);
    await ask('start application');
    await alice.clock.fastForward('00:30');
    await alice.waitForURL(address);
  },

  // A server that is not there when the page opens.
  async late() {
    const alice = await withClock('alice');
    await ask('stop');
    await link(alice).click();
    const seconds = await waits(alice, 4, 'request', isLogin);
    await status(alice, 'No connection to the chat server.');
    assert.ok(seconds[0] < seconds[3], `each wait is longer: ${seconds} s`);
    const start = ask('start').then(() => alice.clock.fastForward('00:30'));
    await Promise.all([nextLogin(alice), start]);
    await status(alice, 'Online');
    const bob = await online('bob');
    await say(bob, 'Good morning');
    await said(alice, 'Good morning');
    await say(alice, 'I am late');
    await said(bob, 'I am late');
  },

  // Other users of the same browser see nothing of the first, who signed out or did not.
  async users() {
    const [alice, bob] = [await online('alice'), await online('bob')];
    await say(bob, 'Between us');
    await said(alice, 'Between us');
    assert.ok((await alice.evaluate(stored)).includes('Between us'), 'the storage is read');
    const carol = await alice.context().newPage();
    await carol.goto(address);
    await carol.getByLabel('User').selectOption('carol');
    await carol.getByRole('button', { name: 'Sign in' }).click();
    await link(carol).waitFor();
    await status(alice, 'Online as carol@localhost');
    await alice.locator('textarea.chat-textarea').waitFor();
    assert.equal(await alice.getByText('Between us').count(), 0);
    for (const page of [alice, carol]) {
      const all = await page.evaluate(stored);
      assert.ok(!/Between us|session-alice/.test(all), all);
    }

    await said(bob, 'Between us');
    await bob.getByRole('button', { name: 'Sign out' }).click();
    await bob.getByRole('button', { name: 'Sign in' }).waitFor();
    await bob.waitForLoadState(); // the page's scripts have run
    assert.equal(await bob.evaluate(stored), '[{},{}]');
    await bob.goBack();
    await bob.waitForURL(address);
  },

  // A server whose ledger does not answer.
  async unavailable() {
    const alice = await withClock('alice');
    await link(alice).click();
    const seconds = await waits(alice, 4, 'websocket');
    await status(alice, 'The chat server cannot check tokens at the moment.');
    assert.ok(seconds[0] < seconds[3], `each wait is longer: ${seconds} s`);
  },
});
