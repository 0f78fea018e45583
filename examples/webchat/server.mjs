// A web application, as yours may be. Users sign in here, and chat without signing in again: the
// application mints a token for a user who is signed in. The secrets stay in this process.

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
  console.error('Set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET to the values of otp_seed and');
  console.error('token_secret in Prosody’s configuration.');
  process.exit(2);
}

// Stands for your accounts. A name here is the part of the JID before the @, in lower case.
const USERS = ['alice', 'bob', 'carol'];
const sessions = new Map(); // the users who are signed in, by an id that nobody can guess
const SESSION_LENGTH = 12 * 60 * 60 * 1000; // ms
const jidOf = (user) => `${user}@${XMPP_HOST}`;
const tokenFor = (user) => mint(jidOf(user), XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET);

try {
  tokenFor('somebody');
  new URL(XMPP_WEBSOCKET);
} catch (error) {
  const names = 'XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET, XMPP_HOST or XMPP_WEBSOCKET';
  console.error(`${names} is wrong: ${error.message}`);
  process.exit(2);
}

const folder = (path) => express.static(fileURLToPath(new URL(path, import.meta.url)));
const app = express();
app.disable('x-powered-by');
app.set('env', 'production'); // errors are for the log, not for the answer
app.set('trust proxy', 'loopback'); // makes the cookie `secure` if a proxy does TLS

app.use((request, response, next) => {
  // No script of another site can read a token, and no page of another site can show ours in a
  // frame. Converse.js sets styles of single elements, which needs unsafe-inline.
  response.set(
    'Content-Security-Policy',
    `default-src 'self'; connect-src 'self' ${new URL(XMPP_WEBSOCKET).origin}; ` +
      "img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; " +
      "form-action 'self'; frame-ancestors 'none'",
  );
  next();
});
app.use('/lib/strophe', folder('node_modules/strophe.js/dist'));
app.use('/lib/converse', folder('node_modules/converse.js/dist'));
app.use(folder('public'));

app.use((request, response, next) => {
  response.set('Cache-Control', 'no-store');
  // A page of another site may only link here. Browsers say in Sec-Fetch-Site where a request comes
  // from. Older ones, and those without TLS, say it in Origin only.
  const [site, origin] = [request.get('Sec-Fetch-Site'), request.get('Origin')];
  const own = `${request.protocol}://${request.get('Host')}`;
  const isOurs = site === undefined ? (origin ?? own) === own : site === 'same-origin';
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
  // Your web application checks a password here.
  if (!USERS.includes(request.body?.user)) return response.status(403).send('No such user.');
  const id = randomUUID();
  sessions.set(id, request.body.user);
  setTimeout(() => sessions.delete(id), SESSION_LENGTH).unref();
  request.session = { id };
  response.redirect(303, '/strophe.html');
});

app.post('/sign-out', (request, response) => {
  sessions.delete(request.session.id); // because somebody may have copied the cookie
  request.session = null;
  response.redirect(303, '/');
});

function signedIn(request, response, next) {
  request.user = sessions.get(request.session.id);
  if (!request.user) return response.sendStatus(401);
  next();
}

// Sends what a page needs before it connects. None of it is secret.
app.get('/me', signedIn, ({ user }, response) => {
  const contacts = USERS.filter((other) => other !== user).map(jidOf);
  response.json({ jid: jidOf(user), websocket: XMPP_WEBSOCKET, contacts });
});

// Mints a fresh token for the user who is signed in, and for no other.
app.post('/chat-token', signedIn, ({ user }, response) => {
  response.json({ jid: jidOf(user), token: tokenFor(user), service: XMPP_WEBSOCKET });
});
app.all('/chat-token', (request, response) => response.set('Allow', 'POST').sendStatus(405));

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
