// Mints a one-time login token with what Node.js brings: no package to install.
//
// jid: the user's bare address in its prepared form, that is lower case: alice@example.com
// otpSeed: base32, upper or lower case, padded or not. tokenSecret: any text, used as it stands.
// now and nonce are for tests: Unix seconds, and 32 digits: 12 of now, then 20 random ones.

import { createHmac, randomInt } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function mint(jid, otpSeed, tokenSecret, { now = unixTime(), nonce = dated(now) } = {}) {
  if (!tokenSecret) throw new Error('the token secret is empty');
  if (!(now < 10 ** 12)) throw new Error('the time is not in seconds');
  // Half a character, or the sign that stands for bytes that are not UTF-8.
  const isBroken = (text) => /[\p{Surrogate}\uFFFD]/u.test(text);
  if (isBroken(jid) || isBroken(tokenSecret)) throw new Error('the address or the token secret is not UTF-8');
  const digits = totp(base32(otpSeed), now) + nonce;
  return digits + ' ' + createHmac('sha256', tokenSecret).update(digits + jid).digest('base64');
}

// RFC 6238: HMAC-SHA-1, steps of 30 s, 8 digits.
function totp(key, now) {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30)));
  const digest = createHmac('sha1', key).update(step).digest();
  const code = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(code % 10 ** 8).padStart(8, '0');
}

// RFC 4648; Node.js has no decoder of its own.
function base32(text) {
  if (!/^[A-Z2-7]+=*$/i.test(text)) throw new Error('the OTP seed is not base32');
  const symbols = [...text.toUpperCase().replace(/=+$/, '')];
  const bits = symbols.map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

function unixTime() {
  return Math.floor(Date.now() / 1000);
}

// 12 digits of the time, then 20 from the system's secure generator, each as likely as any other.
function dated(now) {
  return String(now).padStart(12, '0') + Array.from({ length: 20 }, () => randomInt(10)).join('');
}

// As a program: mint.mjs JID [UNIX_TIME [NONCE]], the secrets in the environment, where ps shows nothing.
const program = process.argv[1];
if (existsSync(program) && realpathSync(program) === fileURLToPath(import.meta.url)) {
  const [jid, now, nonce, ...rest] = process.argv.slice(2);
  const { XTOKEN_OTP_SEED: otpSeed, XTOKEN_TOKEN_SECRET: tokenSecret } = process.env;
  try {
    const numbers = [now ?? '0', nonce ?? '0'].every((argument) => /^\d+$/.test(argument));
    if (!jid || !numbers || rest.length) throw new Error('usage: mint.mjs JID [UNIX_TIME [NONCE]]');
    if (otpSeed === undefined || tokenSecret === undefined) throw new Error('set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET');
    console.log(mint(jid, otpSeed, tokenSecret, { now: now && Number(now), nonce }));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}
