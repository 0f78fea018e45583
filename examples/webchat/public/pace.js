// When a connection that stays up does what. All times are in seconds.

const LONGEST_WAIT = 30; // between two attempts; a connection that lasts as long is stable
const LONGEST_SILENCE = 7; // then the server is asked whether it is still there
const LONGEST_SILENCE_HIDDEN = 60; // the same, while nobody sees the page
export const LONGEST_LOGIN = 20;
export const LONGEST_ANSWER = 7;

export class Pace {
  #timer; // of what happens next, if nothing else happens before
  #failures = 0; // failed attempts since the last stable connection
  #onlineSince = Infinity; // ms

  after(seconds, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, seconds * 1000);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  online() {
    this.#onlineSince = Date.now();
  }

  afterSilence(action) {
    if (Date.now() - this.#onlineSince >= LONGEST_WAIT * 1000) this.#failures = 0;
    this.after(document.hidden ? LONGEST_SILENCE_HIDDEN : LONGEST_SILENCE, action);
  }

  // Counts a failure, calls `action` after a time that grows, and returns this time. Half of it is
  // random, so that clients do not come back all at once.
  afterFailure(action) {
    const seconds = Math.min(2 ** this.#failures, LONGEST_WAIT) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.after(seconds, action);
    return Math.ceil(seconds);
  }
}
