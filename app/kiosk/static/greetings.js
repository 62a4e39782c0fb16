// Who is greeted, one after the other.

import { now, settings } from "./words.js";

const LEAST_MS = 1_500; // while more wait
const LEAST_EACH_MS = 600; // of several in one panel
const ALONE = 3; // so many may wait before they are greeted together
const TOGETHER = 6;
const WAITING = 24;
const REMEMBERED = 100;
const HELD_MS = 18_000; // the server accepts changes a little longer
const STALE_MS = 20_000; // of events that were caught up on after an outage: whoever it was has gone in

export class Greetings {
  #changed;
  #waiting = [];
  #keys = new Set();
  #since_ms = 0;
  #timer = 0;
  #held = false;
  shown = [];

  /** `changed`: called when somebody else, or nobody, is greeted now: see `shown`. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** A greeting came with the events. */
  take(greeting) {
    if (!greeting.first_name || this.#keys.has(greeting.key)) return;
    if (greeting.at && now() !== null && now() - Date.parse(greeting.at) > STALE_MS) return;
    this.#remember(greeting.key);
    this.#waiting.push(greeting);
    if (this.#waiting.length > WAITING) this.#waiting.shift();
    this.#plan();
  }

  /** A greeting is the answer to what somebody has just typed: it is shown now, also when it was before. */
  answer(greeting) {
    this.#remember(greeting.key);
    this.#waiting = this.#waiting.filter((each) => each.key !== greeting.key);
    this.#show([greeting]);
  }

  /** A greeting that is shown says something else now: it stays as long as a new one. */
  change(greeting) {
    if (!this.shown.some((each) => each.key === greeting.key)) return;
    this.#show(this.shown.map((each) => (each.key === greeting.key ? greeting : each)));
  }

  /** Somebody is about to change what is shown: it stays for that long. */
  hold(held) {
    if (held === this.#held) return;
    this.#held = held;
    this.#plan();
  }

  /** How long it has been on the screen. */
  get age_ms() {
    return performance.now() - this.#since_ms;
  }

  /** It was a mistake: the server has taken it back. */
  withdraw(key) {
    this.#waiting = this.#waiting.filter((each) => each.key !== key);
    if (!this.shown.some((each) => each.key === key)) return;
    const rest = this.shown.filter((each) => each.key !== key);
    if (rest.length) {
      this.shown = rest;
      this.#changed();
    } else this.#next();
  }

  #remember(key) {
    this.#keys.add(key);
    if (this.#keys.size > REMEMBERED) this.#keys.delete(this.#keys.values().next().value);
  }

  #plan() {
    clearTimeout(this.#timer);
    const least_ms = Math.max(LEAST_MS, this.shown.length > 1 ? this.shown.length * LEAST_EACH_MS : 0);
    const alone_s = this.shown[0]?.offer ? Math.max(settings.greeting_s, settings.change_s) : settings.greeting_s;
    const length_ms = this.#held ? HELD_MS : this.#waiting.length ? least_ms : alone_s * 1_000;
    const left_ms = this.shown.length ? this.#since_ms + length_ms - performance.now() : 0;
    if (left_ms <= 0) this.#next();
    else this.#timer = setTimeout(() => this.#next(), left_ms);
  }

  #next() {
    this.#show(this.#waiting.splice(0, this.#waiting.length > ALONE ? TOGETHER : 1));
  }

  #show(greetings) {
    this.shown = greetings;
    this.#held = false;
    this.#since_ms = performance.now();
    if (greetings.length) this.#plan();
    else clearTimeout(this.#timer);
    this.#changed();
  }
}
