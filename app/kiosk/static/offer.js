// What somebody may say about their own passage that is on the screen: in, out, or not me. Who walks on need not do anything.

import { element, say } from "./words.js";

const CHOICES = { in: ["out", "not_me"], out: ["in", "not_me"], both: ["in", "out", "not_me"] };
const RIPE_MS = 700; // a touch that was meant for who stood here before changes nothing
const NOTE_MS = 5_000;
const PATIENCE_MS = 15_000;

export class Offer {
  #greetings;
  #changed;
  #unpaired;
  #help;
  #box = element("offer");
  #drawn = "";
  #sending = false;
  #timer = 0;
  note = null;

  /** `greetings`: what is shown. `changed`: called when there is a `note`, or none any more. `help`: what to do without a face. */
  constructor(greetings, changed, unpaired, help) {
    this.#greetings = greetings;
    this.#changed = changed;
    this.#unpaired = unpaired;
    this.#help = help;
    this.#box.addEventListener("click", (event) => this.#choose(event.target.closest("button")));
    for (const type of ["focusin", "focusout"]) this.#box.addEventListener(type, () => this.#hold());
  }

  /** Offer what is possible now. Of several people nobody could tell whose button is whose, so there is none. */
  draw(shown) {
    const [greeting] = shown;
    const offered = shown.length === 1 && greeting.offer ? (CHOICES[greeting.direction] ?? []) : [];
    this.#box.hidden = !offered.length;
    const drawn = offered.length ? `${greeting.offer} ${greeting.direction}` : "";
    if (drawn === this.#drawn) return;
    const mine = drawn && this.#drawn.startsWith(`${greeting.offer} `) && this.#byKeyboard();
    this.#drawn = drawn;
    this.#box.replaceChildren(...offered.map((said) => this.#button(said, greeting)));
    if (mine) this.#box.firstElementChild?.focus({ focusVisible: true });
  }

  #button(said, greeting) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = say(`offer_${said}`);
    Object.assign(button.dataset, { said, offer: greeting.offer, key: greeting.key });
    return button;
  }

  #hold() {
    setTimeout(() => this.#greetings.hold(this.#sending || this.#byKeyboard()));
  }

  // A touch leaves the focus behind, too, and means nothing any more once it is answered.
  #byKeyboard() {
    return this.#box.querySelector(":focus-visible") !== null;
  }

  async #choose(button) {
    if (!button || this.#sending || this.#greetings.age_ms < RIPE_MS) return;
    const { said, offer, key } = button.dataset;
    this.#sending = true;
    this.#hold();
    let status = 0;
    let answer = null;
    try {
      const response = await fetch("api/passage", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ offer, said }), cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      status = response.status;
      answer = await response.json();
    } catch {
      // no network, no answer in time, or no JSON: the status tells which
    }
    this.#sending = false;
    this.#hold();
    if (status === 401) return this.#unpaired();
    if (status === 200 && answer?.greeting) return this.#greetings.change(answer.greeting);
    if (status === 200 && answer) {
      this.#greetings.withdraw(key);
      return this.tell(say("denied"), this.#help);
    }
    const over = status === 410 || status === 422;
    this.tell(say(over ? "offer_over" : "offer_failed"), say(over ? "offer_over_hint" : "please_reception"));
  }

  /** Show a sentence for a moment. */
  tell(title, line) {
    clearTimeout(this.#timer);
    this.note = { title, line };
    this.#timer = setTimeout(() => {
      this.note = null;
      this.#changed();
    }, NOTE_MS);
    this.#changed();
  }
}
