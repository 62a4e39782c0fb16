// The server's events, and whether they come at all.

const SILENCE_MS = 25_000; // a ping comes every 10 s
const TROUBLE_MS = 3_000;
const RENEWED_MS = 3_600_000; // each `hello` sets the clock: summer time, drift
const PATIENCE_MS = 10_000;
export const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class Events {
  #takers;
  #changed;
  #source = null;
  #older = null;
  #heard_ms = performance.now();
  #trouble_ms = null;
  #opened_ms = 0;
  #again_ms = null;
  #tries = 0;
  #asking = false;
  #refused = false;

  /** `takers`: for each type of event who takes its data. `changed`: told of "open", "lost" and "unpaired". */
  constructor(takers, changed) {
    this.#takers = takers;
    this.#changed = changed;
    this.#open();
  }

  /** Look after the connection; called each second. `idle`: nothing is being shown that matters. */
  tick(idle) {
    const now_ms = performance.now();
    const silent = now_ms - this.#heard_ms > SILENCE_MS;
    if (this.#again_ms === null) {
      if (silent) this.#retry();
      else if (idle && !this.#older && now_ms - this.#opened_ms > RENEWED_MS) this.#open();
    } else if (now_ms >= this.#again_ms && !this.#asking) this.#ask();
    if (silent || (this.#trouble_ms !== null && now_ms - this.#trouble_ms > TROUBLE_MS)) {
      this.#changed(this.#refused ? "unpaired" : "lost");
    }
  }

  #open() {
    const source = new EventSource("events");
    this.#older = this.#source; // goes on until the new one is heard, so that nothing is missed
    this.#source = source;
    this.#opened_ms = performance.now();
    for (const type of Object.keys(this.#takers)) source.addEventListener(type, (event) => this.#take(type, event));
    source.addEventListener("error", () => {
      if (source !== this.#source) return source.close();
      if (this.#older) { // only the renewal failed
        source.close();
        this.#source = this.#older;
        this.#older = null;
        return;
      }
      this.#trouble_ms ??= performance.now();
      if (source.readyState === EventSource.CLOSED) this.#retry(); // else it tries again by itself, with the last id
    });
  }

  #take(type, event) {
    this.#heard_ms = performance.now();
    if (event.target === this.#source) {
      this.#trouble_ms = null;
      this.#tries = 0;
      this.#older?.close();
      this.#older = null;
    }
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      return; // cut off, or not for us
    }
    this.#changed("open");
    this.#takers[type](data);
  }

  #retry() {
    this.#source?.close();
    this.#older?.close();
    this.#source = this.#older = null;
    this.#trouble_ms ??= performance.now();
    this.#again_ms = performance.now() + PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)];
    this.#tries += 1;
  }

  // An EventSource does not tell why it was refused, so the answer's status is looked at first.
  async #ask() {
    this.#asking = true;
    const asked = new AbortController();
    const limit = setTimeout(() => asked.abort(), PATIENCE_MS);
    let status = 0;
    try {
      status = (await fetch("events", { signal: asked.signal, cache: "no-store" })).status;
    } catch {
      // nobody answers
    }
    clearTimeout(limit);
    asked.abort();
    this.#asking = false;
    this.#refused = status === 401;
    if (status !== 200) return this.#retry();
    this.#again_ms = null;
    this.#heard_ms = performance.now();
    this.#open();
  }
}
