// A web application as you may have one: people sign in here, and chat without signing in again,
// because the application mints a token for whoever is signed in. The secrets stay in this process.

import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import cookieSession from 'cookie-session';
import express from 'express';
import { mint } from '../mint/mint.mjs';

const {
  XTOKEN_OTP_SEED,
  XTOKEN_TOKEN_SECRET,
  XMPP_HOST = 'localhost',
  XMPP_WEBSOCKET = 'ws://localhost:5280/xmpp-websocket',
  PORT = '8080',
} = process.env;
if (!XTOKEN_OTP_SEED || !XTOKEN_TOKEN_SECRET) {
  console.error('Set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET to otp_seed and token_secret of prosody.cfg.lua.');
  process.exit(2);
}

// Stands in for your accounts. A name here is the part of the address before the @: lower case.
const USERS = ['alice', 'bob', 'carol'];
const sessions = new Map(); // who is signed in, by a number that nobody can guess
const SESSION_LENGTH = 12 * 60 * 60 * 1000; // ms
const address = (user) => `${user}@${XMPP_HOST}`;

const folder = (path) => express.static(fileURLToPath(new URL(path, import.meta.url)));
const app = express();
app.disable('x-powered-by');
app.set('trust proxy', 'loopback'); // so that the cookie is `secure` behind a proxy with TLS

app.use((request, response, next) => {
  // No foreign script gets at a token, and no foreign page shows ours in a frame. Converse.js
  // styles single elements, which counts as unsafe-inline.
  response.set(
    'Content-Security-Policy',
    `default-src 'self'; connect-src 'self' ${new URL(XMPP_WEBSOCKET).origin}; img-src 'self' data:; ` +
      "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  );
  next();
});
app.use('/lib/strophe', folder('node_modules/strophe.js/dist'));
app.use('/lib/converse', folder('node_modules/converse.js/dist'));
app.use(folder('public'));

app.use((request, response, next) => {
  response.set('Cache-Control', 'no-store');
  // Another site's page may link here, and do nothing else. Browsers say where a request comes from
  // by Sec-Fetch-Site, older ones and those without TLS by Origin only.
  const [site, origin] = [request.get('Sec-Fetch-Site'), request.get('Origin')];
  const own = `${request.protocol}://${request.get('Host')}`;
  const isOurs = site ? site === 'same-origin' : (origin ?? own) === own;
  if (request.method !== 'GET' && !isOurs) return response.sendStatus(403);
  next();
});
app.use(cookieSession({
  name: 'session',
  keys: [randomBytes(32).toString('hex')],
  maxAge: SESSION_LENGTH,
  sameSite: 'strict',
  httpOnly: true,
}));

app.post('/sign-in', express.urlencoded({ extended: false }), (request, response) => {
  // Your application checks a password here.
  if (!USERS.includes(request.body?.user)) return response.status(403).send('No such user.');
  const id = randomUUID();
  sessions.set(id, request.body.user);
  setTimeout(() => sessions.delete(id), SESSION_LENGTH).unref();
  request.session = { id };
  response.redirect(303, '/strophe.html');
});

app.post('/sign-out', (request, response) => {
  sessions.delete(request.session.id); // here too, where somebody may have copied the cookie
  request.session = null;
  response.redirect(303, '/');
});

function signedIn(request, response, next) {
  request.user = sessions.get(request.session.id);
  if (!request.user) return response.sendStatus(401);
  next();
}

// What a page has to know to connect. Nothing of it is secret.
app.get('/me', signedIn, ({ user }, response) => {
  const contacts = USERS.filter((other) => other !== user).map(address);
  response.json({ jid: address(user), websocket: XMPP_WEBSOCKET, contacts });
});

// A fresh token, for nobody but the user who is signed in.
const token = (user) => mint(address(user), XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET);

app.post('/token', signedIn, ({ user }, response) => {
  response.json({ token: token(user) });
});

// The same in the shape that Converse.js asks for, at every login, and always by GET.
app.get('/credentials', signedIn, ({ user }, response) => {
  response.json({ jid: address(user), password: token(user) });
});

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
