// Makes user parts of JIDs from the names that a web application has for its users, and back.

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Returns the user part of the JID for a name, say an e-mail address (XEP-0106).
export function escapeName(name) {
  if (!name || /^ | $/.test(name)) {
    throw new Error('the name is empty, or begins or ends with a space');
  }
  if (/[\x00-\x1fA-Z\x7f]/.test(name)) {
    throw new Error('the name has a capital letter or a control character: lower-case it');
  }
  // Half a character, or U+FFFD, which stands for bytes that are not UTF-8.
  if (/[\p{Cs}\uFFFD]/u.test(name)) throw new Error('the name is not UTF-8');
  const forbidden = /[ "&'/:<>@]|\\(?=2[0267f]|3[ace]|40|5c)/g;
  return name.replace(forbidden, (found) => '\\' + found.charCodeAt(0).toString(16));
}

// Returns the name that a user part was made from.
export function unescapeName(user) {
  const escape = /\\(2[0267f]|3[ace]|40|5c)/g;
  return user.replace(escape, (_, code) => String.fromCharCode(parseInt(code, 16)));
}

const program = process.argv[1];
if (existsSync(program) && realpathSync(program) === fileURLToPath(import.meta.url)) {
  const [name, ...rest] = process.argv.slice(2);
  try {
    if (name === undefined || rest.length) throw new Error('usage: escape.mjs NAME');
    console.log(escapeName(name));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}
