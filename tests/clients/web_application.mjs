// A web application, as a client library sees it.

import { mint } from '../../examples/mint/mint.mjs';

const { XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET } = process.env;

// A web application that mints for one user. It hands out what is in `next` first: a token, or an
// error. `asked` are the times at which it was asked, in ms.
export class WebApplication {
  next = [];
  minted = [];
  asked = [];

  constructor(user) {
    this.jid = `${user}@localhost`;
  }

  freshToken = async () => {
    this.asked.push(performance.now());
    const next = this.next.shift();
    if (next instanceof Error) throw next;
    return { jid: this.jid, token: next ?? this.mint() };
  };

  mint() {
    this.minted.push(mint(this.jid, XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET));
    return this.minted.at(-1);
  }
}

export const withStatus = (status) => Object.assign(new Error(`HTTP status ${status}`), { status });
