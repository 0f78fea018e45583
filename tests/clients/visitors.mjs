// Users of the web chat behind nginx, and of what the tutorial makes. scenarios.mjs says how to run
// it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { address, ask, file, newPage, nextLogin, run } from './scenarios.mjs';

const HOST = new URL(address).hostname;
const options = { ignoreHTTPSErrors: true }; // the certificate is the test's own

async function signIn(user) {
  const page = await newPage(options);
  await page.goto(address);
  await page.getByLabel('User').selectOption(user);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`${user}@${HOST}`, { exact: true }).first().waitFor();
  return page;
}

// Loads the page anew, with something else in what the web application answers it.
async function changed(page, pattern, replacement) {
  await page.addInitScript(([from, to]) => {
    const { json } = Response.prototype;
    Response.prototype.json = async function changedJson() {
      return JSON.parse(JSON.stringify(await json.call(this)).replace(new RegExp(from), to));
    };
  }, [pattern.source, replacement]);
  await page.reload();
}

const hasPresence = async (response) =>
  response.url().endsWith('/http-bind') && (await response.text()).includes('<presence');

const status = (page, words) => page.locator('#status').filter({ hasText: words }).waitFor();

async function connect(page, login) {
  await Promise.all([login, page.getByRole('button', { name: 'Connect' }).click()]);
  await status(page, 'Online');
}

async function say(page, to, words) {
  await page.getByLabel('To').selectOption(`${to}@${HOST}`);
  await page.getByLabel('Message', { exact: true }).fill(words);
  await page.getByRole('button', { name: 'Send' }).click();
}

const said = (page, words) => page.getByRole('log').getByText(words, { exact: true }).waitFor();

async function isSecure(page) {
  const cookies = await page.context().cookies();
  assert.ok(cookies.length > 0 && cookies.every(({ secure }) => secure), 'the cookie is Secure');
}

await run({
  async webchat() {
    const [alice, bob, carol] = [await signIn('alice'), await signIn('bob'), await signIn('carol')];
    await changed(carol, /wss:(.*)xmpp-websocket/, 'https:$1http-bind');
    await Promise.all([alice, bob, carol].map(isSecure));
    await connect(alice, nextLogin(alice));
    await connect(bob, nextLogin(bob));
    await connect(carol, carol.waitForResponse(hasPresence));
    await say(alice, 'bob', 'By WebSocket');
    await said(bob, 'By WebSocket');
    await say(bob, 'carol', 'From WebSocket to BOSH');
    await said(carol, 'From WebSocket to BOSH');
    await say(carol, 'alice', 'From BOSH to WebSocket');
    await said(alice, 'From BOSH to WebSocket');

    // A token that is wrong, for the IP in the log: as docs/proxies.md says, and by BOSH.
    const [code] = readFileSync(file, 'utf8').match(/(?<=```js\n)[^`]*wss:[^`]*/);
    const socket = alice.waitForEvent('websocket');
    const refused = ({ payload }) => payload.includes('not-authorized');
    await Promise.all([
      socket.then((opened) => opened.waitForEvent('framereceived', refused)),
      alice.evaluate(code),
    ]);
    await changed(carol, /"token":"[^"]*"/, '"token":"wrong"');
    await carol.getByRole('button', { name: 'Connect' }).click();
    await status(carol, 'refused a fresh token too');
  },

  // Both windows of the tutorial, and then the page that it shows.
  async tutorial() {
    const [alice, bob] = [await signIn('alice'), await signIn('bob')];
    await connect(alice, nextLogin(alice));
    await connect(bob, nextLogin(bob));
    await say(alice, 'bob', 'Hello Bob');
    await said(bob, 'Hello Bob');
    await say(bob, 'alice', 'Hello Alice');
    await said(alice, 'Hello Alice');

    const state = (words) => alice.getByRole('status').getByText(words, { exact: true }).waitFor();
    await Promise.all([nextLogin(alice), alice.goto(new URL('my-chat.html', address).href)]);
    await state(`Online as alice@${HOST}`);
    await alice.getByLabel('Message', { exact: true }).fill('From <my> page');
    await alice.getByRole('button', { name: 'Send' }).click();
    await said(bob, 'From <my> page');
    await say(bob, 'alice', 'To <your> page');
    await alice.getByRole('log').getByText(`bob@${HOST}: To <your> page`).waitFor();

    const again = ' Load the page again to connect.';
    await ask('close');
    await state(`The connection has ended.${again}`);
    assert.ok(await alice.getByRole('button', { name: 'Send' }).isDisabled());
    await alice.route('**/chat-token', (route) => route.fulfill({ status: 500 }), { times: 1 });
    await alice.reload();
    await state('There is no token: status 500.');
    await alice.route('**/chat-token', (route) => route.abort(), { times: 1 });
    await alice.reload();
    await state('The web application does not answer.');
    await changed(alice, /"token":"[^"]*"/, '"token":"wrong"');
    await state(`The chat server refused the token. Its log says why.${again}`);
    await ask('stop');
    await alice.reload();
    await state(`There is no connection to ws://localhost:5280/xmpp-websocket.${again}`);
    await alice.context().clearCookies();
    await alice.reload();
    await state('You are not signed in.');
  },
});
