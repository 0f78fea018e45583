// Asks the program that started this one, and the server, for something: with a line on standard
// output. Continues when a line comes back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function ask(request) {
  const answers = createInterface({ input: process.stdin });
  console.log(request);
  const [answer] = await Promise.race([once(answers, 'line'), once(answers, 'close')]);
  answers.close(); // so that the program can end
  process.stdin.pause();
  assert.notEqual(answer, undefined, `no answer to: ${request}`);
}
