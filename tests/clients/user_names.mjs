// Logs users in from headless Chromium, with Strophe.js or with Converse.js.
//
// usage: user_names.mjs CHROMIUM WEBSOCKET LIBRARY
//
// Standard input is a list of logins in JSON: { jid, token }, and with Strophe.js isPlain, if its
// own PLAIN must make the message. Prints for each the JID that was bound, "refused", or
// the condition with which Strophe.js reports CONNFAIL.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const PATIENCE = 60_000; // ms
const [executablePath, service, library] = process.argv.slice(2);
const logins = JSON.parse(readFileSync(0, 'utf8'));
const WEBCHAT = new URL('../../examples/webchat/', import.meta.url);
const PAGES = {
  strophe: '<!doctype html><meta charset="utf-8"><script src="strophe.umd.min.js"></script>',
  converse: '<!doctype html><meta charset="utf-8">',
};

function fileOf(path) {
  if (path === 'xtoken.js') return 'public/xtoken.js';
  const name = library === 'strophe' ? 'strophe.js' : 'converse.js';
  return `node_modules/${name}/dist/${path}`;
}

const TYPES = { js: 'text/javascript', css: 'text/css', json: 'application/json' };
let current; // the login that is tried
const site = createServer((request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname.slice(1);
  const answer = (type, body) => response.setHeader('Content-Type', type).end(body);
  try {
    if (path === '') answer('text/html', PAGES[library]);
    else if (path === 'credentials') {
      answer('application/json', JSON.stringify({ jid: current.jid, password: current.token }));
    } else {
      const type = TYPES[path.split('.').at(-1)] ?? 'application/octet-stream';
      answer(type, readFileSync(new URL(fileOf(path), WEBCHAT)));
    }
  } catch {
    response.writeHead(404).end();
  }
});
await once(site.listen(0, '127.0.0.1'), 'listening');
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'] });

async function result(login) {
  current = login;
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`http://localhost:${site.address().port}/`);
  const outcome = await page.evaluate(RUN[library], { ...login, service, PATIENCE });
  await page.context().close();
  return outcome;
}

// These run in the page.
const RUN = {
  async strophe({ jid, token, isPlain, service, PATIENCE }) {
    const { Strophe } = window;
    const { xtoken } = await import('/xtoken.js');
    return new Promise((resolve) => {
      setTimeout(resolve, PATIENCE, 'no answer');
      class XToken extends (isPlain ? Strophe.SASLPlain : xtoken(Strophe)) {
        constructor() {
          super('X-TOKEN', true, 80);
        }

        onFailure() {
          super.onFailure();
          resolve('refused');
        }
      }
      const connection = new Strophe.Connection(service, { mechanisms: [XToken] });
      connection.connect(jid, token, (status, condition) => {
        const { CONNECTED, CONNFAIL } = Strophe.Status;
        if (status === CONNECTED) resolve(Strophe.getBareJidFromJid(connection.jid));
        if (status === CONNFAIL) resolve(condition);
      });
    });
  },

  async converse({ jid, service, PATIENCE }) {
    const { default: converse } = await import('/converse.min.js');
    const { xtoken } = await import('/xtoken.js');
    const { Strophe } = converse.env;
    return new Promise((resolve) => {
      setTimeout(resolve, PATIENCE, 'no answer');
      converse.plugins.add('probe', {
        initialize() {
          const { api } = this._converse;
          const bound = () => Strophe.getBareJidFromJid(api.connection.get().jid);
          api.listen.on('connected', () => resolve(bound()));
        },
      });
      converse.initialize({
        authentication: 'login',
        auto_login: true,
        jid,
        credentials_url: '/credentials',
        connection_options: { mechanisms: [xtoken(Strophe)] },
        websocket_url: service,
        discover_connection_methods: false,
        reuse_scram_keys: false,
        blacklisted_plugins: ['converse-omemo'],
        whitelisted_plugins: ['probe'],
        assets_path: '/',
      });
    });
  },
};

try {
  const outcomes = [];
  for (const login of logins) outcomes.push(await result(login));
  console.log(JSON.stringify(outcomes));
} finally {
  await browser.close();
  site.closeAllConnections();
  site.close();
}
