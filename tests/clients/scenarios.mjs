// What browser.mjs and converse.mjs share: headless Chromium, and users who sign in.
//
// usage: SCRIPT CHROMIUM SCENARIO ADDRESS [FILE]    ends with status 0 if all went well
//
// Some steps only the program can take that started the server. A scenario asks for them.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const PATIENCE = 110_000; // ms, a little less than the test's own
const [executablePath, scenario] = process.argv.slice(2);
export const [address, file] = process.argv.slice(4);

export { ask } from './ask.mjs';

const args = ['--disable-gpu', '--disable-quic'];
// Where hosts are that only a test knows: "MAP HOST:PORT IP:PORT".
const { XTOKEN_RESOLVE } = process.env;
if (XTOKEN_RESOLVE) args.push(`--host-resolver-rules=${XTOKEN_RESOLVE}`);
export const browser = await chromium.launch({ executablePath, args });

const problems = []; // exceptions of the pages, and violations of the server's policy

// A browser of their own for each user.
export async function newPage(options) {
  const context = await browser.newContext({ viewport: { width: 560, height: 570 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on('pageerror', ({ stack }) => {
    // Exceptions inside Converse.js do not count: it throws some when a login is refused.
    if (!stack.includes('/lib/converse/')) problems.push(stack);
  });
  page.on('console', (message) => {
    // Converse.js tries to load the logos of its sponsors from another site, which is forbidden.
    const logo = /^Loading the image 'https:\/\/conversejs\.org\/media\/logos\/.*/;
    const text = message.text().replace(logo, '');
    if (text.includes('Content Security Policy')) problems.push(text);
  });
  return page;
}

export async function signIn(user, options) {
  const page = await newPage(options);
  await page.goto(address);
  await page.getByLabel('User').selectOption(user);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`${user}@localhost`, { exact: true }).first().waitFor();
  return page;
}

// The next login, up to the server's echo of the presence, or until it resumes a session: from then
// on messages arrive.
export async function nextLogin(page) {
  const socket = await page.waitForEvent('websocket');
  await socket.waitForEvent('framereceived', ({ payload }) => /<(presence|resumed)/.test(payload));
}

// Somebody who reads along and is faster: logs in with the token before its owner has it.
export async function robbed(page, thief, times) {
  await page.route('**/chat-token', async (route) => {
    const response = await route.fetch();
    const { token } = await response.json();
    const isIn = await thief.evaluate(logIn, ['alice@localhost', token]);
    assert.equal(isIn, true, 'the thief is faster');
    await route.fulfill({ response });
  }, { times });
}

// Runs in the page.
async function logIn([jid, token]) {
  const { xtoken } = await import('/xtoken.js');
  const { websocket } = await (await fetch('/me')).json();
  const { Strophe } = window;
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no answer')), 110_000);
    const { CONNECTED, AUTHFAIL, DISCONNECTED } = Strophe.Status;
    const connection = new Strophe.Connection(websocket, { mechanisms: [xtoken(Strophe)] });
    connection.connect(jid, token, (status) => {
      if (status === CONNECTED) resolve(true);
      if (status === AUTHFAIL || status === DISCONNECTED) resolve(false);
    });
  });
}

// Runs the scenario that the command names.
export async function run(scenarios) {
  try {
    await scenarios[scenario]();
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
}
