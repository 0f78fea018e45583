// Express: POST /chat-token gives a user who is signed in a token for the chat.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import cookieSession from 'cookie-session';
import express, { type Request, type RequestHandler } from 'express';
import { mint } from './mint.ts'; // examples/mint/mint.ts, beside this file

const app = express();
app.disable('x-powered-by');
app.set('env', 'production'); // errors are for the log, not for the answer
app.set('trust proxy', 'loopback'); // whose X-Forwarded-Proto is believed

// The session of this demonstration. Yours is in its place already.
app.use(cookieSession({
  name: 'session',
  keys: [randomBytes(32).toString('hex')], // a restart signs everybody out
  maxAge: 12 * 60 * 60 * 1000, // ms
  httpOnly: true,
  sameSite: 'strict', // and `secure` over TLS
}));

function userOf(request: Request): string | undefined {
  const user: unknown = request.session?.user;
  return typeof user === 'string' ? user : undefined;
}

// --- The endpoint: paste this ------------------------------------------------------------------

function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set: copy otp_seed and token_secret from Prosody's configuration.`);
  process.exit(2);
}

const otpSeed = setting('XTOKEN_OTP_SEED');
const tokenSecret = setting('XTOKEN_TOKEN_SECRET');
const host = process.env.XMPP_HOST ?? 'localhost'; // the VirtualHost in Prosody's configuration
const service = process.env.XMPP_WEBSOCKET ?? 'ws://localhost:5280/xmpp-websocket';

// Returns the user's address in the chat, and a token for it. `user` is what never changes about an
// account: its number, or its name in lower case.
function mintFor(user: string | number): { jid: string; token: string } {
  const jid = `${user}@${host}`;
  return { jid, token: mint(jid, otpSeed, tokenSecret) };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  mintFor('somebody');
} catch (error) {
  const names = 'XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET or XMPP_HOST';
  console.error(`${names} is wrong: ${messageOf(error)}`);
  process.exit(2);
}

// Answers 403 if a page of another site makes the request. Browsers say in Sec-Fetch-Site where a
// request comes from; without TLS, and old ones, only in Origin. A request with neither comes from
// no browser, so from no page of another site.
const refuseOtherSites: RequestHandler = (request, response, next) => {
  const [site, origin] = [request.get('Sec-Fetch-Site'), request.get('Origin')];
  const own = `${request.protocol}://${request.get('Host')}`;
  const isOurs = site === undefined ? (origin ?? own) === own : site === 'same-origin';
  if (isOurs) next();
  else response.sendStatus(403);
};

const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

app.route('/chat-token')
  .all(noStore)
  .post(refuseOtherSites, (request, response) => {
    const user = userOf(request); // from your session, never from the request
    if (user === undefined) return response.sendStatus(401);
    try {
      return response.json({ ...mintFor(user), service });
    } catch (error) {
      console.error(`There is no token for the user ${JSON.stringify(user)}: ${messageOf(error)}`);
      const words = 'This account has no address in the chat. The log says why.';
      return response.status(500).type('text').send(words);
    }
  })
  .all((_request, response) => response.set('Allow', 'POST').sendStatus(405));

// --- The demonstration: yours is in its place already ------------------------------------------

const users = ['alice', 'bob', 'carol'];

// Returns the folder on this machine, seen from the folder `dist`.
const files = (path: string) => express.static(fileURLToPath(new URL(path, import.meta.url)));
app.use(files('../../../webchat/public'));
for (const library of ['strophe', 'converse']) {
  app.use(`/lib/${library}`, files(`../../../webchat/node_modules/${library}.js/dist`));
}

app.post('/sign-in', noStore, refuseOtherSites, express.urlencoded(), (request, response) => {
  const user: unknown = request.body?.user;
  // Your application checks a password here.
  if (typeof user !== 'string' || !users.includes(user)) {
    return response.status(403).send('No such user.');
  }
  request.session = { user };
  return response.redirect(303, '/strophe.html');
});

app.post('/sign-out', noStore, refuseOtherSites, (request, response) => {
  request.session = null;
  response.redirect(303, '/');
});

// Answers with what the page shows: who is signed in, and whom to write to.
app.get('/me', noStore, (request, response) => {
  const user = userOf(request);
  if (user === undefined) return response.sendStatus(401);
  const [jid, ...contacts] = [user, ...users.filter((other) => other !== user)]
    .map((name) => `${name}@${host}`);
  return response.json({ jid, websocket: service, contacts });
});

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', (error) => {
  if (error) throw error;
  const address = server.address();
  if (address && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}/`);
});
