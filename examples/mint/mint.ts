// mint.mjs with types. A test holds that the code is the same.
//
// Mints one-time login tokens with the modules of Node.js: there is no package to install, but
// @types/node for the compiler.
//
// jid: the user's bare JID in its prepared form, that is in lower case: alice@example.com
// otpSeed: base32, upper or lower case, padded or not
// tokenSecret: any text, used byte for byte
// now: Unix seconds, for tests only
// nonce: 32 digits, 12 of now, then 20 random ones; for tests only

import { createHmac, randomInt } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Given {
  now?: number | undefined;
  nonce?: string | undefined;
}

export function mint(
  jid: string,
  otpSeed: string,
  tokenSecret: string,
  { now = unixTime(), nonce = dated(now) }: Given = {},
): string {
  checkPrepared(jid);
  if (!tokenSecret) throw new Error('the token secret is empty');
  if (!(now < 10 ** 12)) throw new Error('the time is not in seconds');
  if (/[\p{Cs}\uFFFD]/u.test(tokenSecret)) throw new Error('the token secret is not UTF-8');
  const digits = totp(base32(otpSeed), now) + nonce;
  return digits + ' ' + createHmac('sha256', tokenSecret).update(digits + jid).digest('base64');
}

function checkPrepared(jid: string): void {
  // Cs and U+FFFD: half a character, and what stands for bytes that are not UTF-8.
  const shape = /^[^\p{Z}\p{Cc}\p{Cs}\uFFFD"&'/:<>@]+@[^\p{Z}\p{Cc}\p{Cs}\uFFFD/@]+$/u;
  // Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
  const upperCase = /(?=[A-\u0233\u0386-\u03AB\u0400-\u042F\u0531-\u0556])\p{Lu}/u;
  if (!shape.test(jid) || upperCase.test(jid)) {
    throw new Error(
      'the JID is not a prepared user@host: write it in lower case, without spaces ' +
        `or a /resource, and without "&'/:<>@ in the user`,
    );
  }
}

// RFC 6238: HMAC-SHA-1, steps of 30 s, 8 digits.
function totp(key: Buffer, now: number): string {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30)));
  const digest = createHmac('sha1', key).update(step).digest();
  const number = digest.readUInt32BE(digest.readUInt8(19) & 15) & 0x7fffffff;
  return String(number % 10 ** 8).padStart(8, '0');
}

// RFC 4648; Node.js has no decoder of its own.
function base32(text: string): Buffer {
  if (!/^[A-Z2-7]+=*$/i.test(text)) throw new Error('the OTP seed is not base32');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const letters = [...text.toUpperCase().replace(/=+$/, '')];
  const bitsOf = (letter: string) => alphabet.indexOf(letter).toString(2).padStart(5, '0');
  const bits = letters.map(bitsOf).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

function unixTime(): number {
  return Math.floor(Date.now() / 1000);
}

// Returns 12 digits of the time, then 20 from the system's secure generator, all equally likely.
function dated(now: number): string {
  return String(now).padStart(12, '0') + Array.from({ length: 20 }, () => randomInt(10)).join('');
}

// As a program: mint JID [UNIX_TIME [NONCE]]. The secrets are in the environment, which ps does
// not show.
const program = process.argv[1] ?? '';
if (existsSync(program) && realpathSync(program) === fileURLToPath(import.meta.url)) {
  const [jid, now, nonce, ...rest] = process.argv.slice(2);
  const { XTOKEN_OTP_SEED: otpSeed, XTOKEN_TOKEN_SECRET: tokenSecret } = process.env;
  try {
    const areNumbers = [now ?? '0', nonce ?? '0'].every((argument) => /^\d+$/.test(argument));
    if (jid === undefined || !areNumbers || rest.length) {
      throw new Error('usage: mint JID [UNIX_TIME [NONCE]]');
    }
    if (otpSeed === undefined || tokenSecret === undefined) {
      throw new Error('set XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET');
    }
    const time = now === undefined ? undefined : Number(now);
    console.log(mint(jid, otpSeed, tokenSecret, { now: time, nonce }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
