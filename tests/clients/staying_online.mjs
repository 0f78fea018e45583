// What a client must do that stays online, whichever its library.
//
// online(application) starts a client, and promises it when it is online. It has:
//   address()           its full JID
//   again()             a promise of its next login
//   lose()              ends its connection as a network does
//   say(to, words)      sends a message
//   hear(words)         a promise of a message with this text
//   end()               a promise that ends it
// stopped(application) starts a client, and promises its last error after it has stopped.

import assert from 'node:assert/strict';
import { ask } from './ask.mjs';
import { WebApplication, withStatus } from './web_application.mjs';

export async function stayOnline({ online, stopped }) {
  const applications = [new WebApplication('zoë'), new WebApplication('bob')];
  const [zoe, bob] = await Promise.all(applications.map(online));
  // Says it until it is heard. Once, a server that had just started closed a new stream without a
  // stream error, and a message was lost. The cause is not known.
  const exchange = async (words) => {
    const say = () => zoe.say(bob.address(), words);
    const saying = setInterval(say, 1000);
    say();
    await bob.hear(words);
    clearInterval(saying);
  };
  await exchange('Hello');

  // After a lost connection: once refused, it tries again with a fresh token.
  const [application] = applications;
  const [spent] = application.minted;
  application.next = [spent];
  let logins = zoe.again();
  zoe.lose();
  await logins;
  assert.equal(application.minted.length, 2, 'a token of its own for each login');
  assert.equal(application.asked.length, 3);
  await exchange('With the second token');

  logins = Promise.all([zoe.again(), bob.again()]);
  await ask('restart');
  await logins;
  await exchange('After the restart');

  // It waits if the server cannot tell, or the web application is away, longer each time.
  application.next = [withStatus(503)];
  application.asked = [];
  logins = zoe.again();
  await ask('lock');
  zoe.lose();
  while (application.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await ask('unlock after a refusal');
  await logins;
  const [first, second, third] = application.asked;
  assert.ok(second - first >= 500, `${second - first} ms after the first attempt`);
  assert.ok(third - second >= 1000, `${third - second} ms after the second attempt`);
  await exchange('After the wait');
  await Promise.all([zoe.end(), bob.end()]);

  // The program ends by itself, as none of these clients tries again.
  const refused = new WebApplication('zoë');
  refused.next = [spent, spent];
  assert.equal((await stopped(refused)).condition, 'not-authorized');
  const signedOut = new WebApplication('zoë');
  signedOut.next = [withStatus(401)];
  assert.equal((await stopped(signedOut)).status, 401);
  process.on('exit', () => {
    assert.equal(refused.asked.length, 2);
    assert.equal(signedOut.asked.length, 1);
  });
}
