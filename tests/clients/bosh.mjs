// Pages that log in: Strophe.js and Converse.js over BOSH. scenarios.mjs says how to run it.

import assert from 'node:assert/strict';
import { address, newPage, run } from './scenarios.mjs';

let sockets = 0;

async function open(path) {
  const page = await newPage({ viewport: { width: 1100, height: 700 } });
  page.on('websocket', () => { sockets += 1; });
  await page.goto(`${address}/${path}`);
  return page;
}

await run({
  async exchange() {
    const strophe = await open('strophe.html');
    const converse = await open('converse.html');
    await strophe.getByText('Online as alice@localhost').waitFor();
    await converse.getByText('I am online').waitFor();

    const box = converse.locator('textarea.chat-textarea').last();
    await box.fill('Hello Alice');
    await box.press('Enter');
    await strophe.getByText('bob@localhost: Hello Alice').waitFor();
    await strophe.evaluate(() => window.say('bob@localhost', 'Hello Bob'));
    await converse.locator('.chat-msg__text').getByText('Hello Bob', { exact: true }).waitFor();

    // A token is for one login, so the page fetches another one.
    await strophe.reload();
    await strophe.getByText('Online as alice@localhost').waitFor();
    assert.equal(sockets, 0);
  },

  async signedOut() {
    const page = await open('nobody.html');
    const error = await page.evaluate(async () => {
      const { freshToken, isSignedOut } = await import('/fresh_token.mjs');
      return freshToken().catch((error) => [error.message, isSignedOut(error)]);
    });
    assert.deepEqual(error, ['The web application gives no token: HTTP status 401', true]);
  },
});
