// many.py for Node.js.

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { mint } = await import(pathToFileURL(process.argv[2]));
for (const line of readFileSync(0, 'utf8').trimEnd().split('\n')) {
  const given = line.split(' ').map((text) => Buffer.from(text, 'base64').toString());
  const [jid, seed, secret, now, nonce] = given;
  try {
    console.log(mint(jid, seed, secret, { now: Number(now), nonce }));
  } catch (error) {
    console.log('!', error.message);
  }
}
