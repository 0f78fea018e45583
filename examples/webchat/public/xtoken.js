// X-TOKEN for Strophe.js, and for Converse.js, which contains a Strophe of its own. The message is
// that of PLAIN under another name, with a token in place of the password.
//
//   new Strophe.Connection(url, { mechanisms: [xtoken(Strophe)] })

export function xtoken(Strophe) {
  return class XToken extends Strophe.SASLPlain {
    constructor() {
      super('X-TOKEN', true, 80); // the client sends first; 80 is above every other mechanism
    }

    // Returns the message in UTF-8, one character for each byte, as Strophe wants it. What Strophe
    // itself would make of it is not UTF-8 if the name has a character beyond U+FFFF, as an emoji.
    onChallenge({ authcid, pass }) {
      return String.fromCharCode(...new TextEncoder().encode(`\0${authcid}\0${pass}`));
    }
  };
}
