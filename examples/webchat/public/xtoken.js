// X-TOKEN for Strophe.js, and for Converse.js, which brings a Strophe of its own: the message of
// PLAIN under another name, with a token for a password.
//
//   new Strophe.Connection(url, { mechanisms: [xtoken(Strophe)] })

export function xtoken(Strophe) {
  return class XToken extends Strophe.SASLPlain {
    constructor() {
      super('X-TOKEN', true, 80); // the client begins; preferred to every other mechanism
    }
  };
}
