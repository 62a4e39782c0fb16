// Number and PIN in place of a face. What is typed lives in this object alone, and only while the dialog is open.

import { element, say, settings, speak } from "./words.js";

const UNTOUCHED_MS = 30_000;
const PATIENCE_MS = 15_000;
const LONGEST = { number: 64, secret: 12 };
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "letters", "0", "delete"];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-._", "capitals", "digits", "delete"];
const SIGNS = { letters: "ABC", digits: "123", delete: "⌫", capitals: "⇧" };

export class PinDialog {
  #dialog = element("pin");
  #greeted;
  #unpaired;
  #step = "number";
  #typed = { number: "", secret: "" };
  #capitals = true;
  #page = "";
  #sending = false;
  #until_ms = 0;
  #touched_ms = 0;
  #visit = 0;

  /** `greeted`: takes the greeting that the server answers. `unpaired`: the server does not know this screen any more. */
  constructor(greeted, unpaired) {
    this.#greeted = greeted;
    this.#unpaired = unpaired;
    element("pin-back").addEventListener("click", () => this.#back());
    element("pin-next").addEventListener("click", () => this.#onward());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("pointerdown", () => this.#touch());
    this.#dialog.addEventListener("close", () => this.#forget());
    element("pin-keys").addEventListener("mousedown", (event) => event.preventDefault()); // Enter stays with the field
    element("pin-keys").addEventListener("click", (event) => this.#press(event.target.closest("button")?.dataset.key));
  }

  get open() {
    return this.#dialog.open;
  }

  /** Begin anew. */
  show() {
    if (this.open) return;
    this.#visit += 1;
    this.#dialog.showModal(); // focus goes back by itself when it closes
    this.#go("number");
    this.#touch();
  }

  /** What has been typed, to be put back by `restore`. */
  get state() {
    return { step: this.#step, typed: { ...this.#typed }, visit: this.#visit };
  }

  restore(state) {
    if (!this.open || state.visit !== this.#visit || state.step !== this.#step) return;
    this.#typed = { ...state.typed };
    this.#draw();
  }

  close() {
    if (this.open) this.#dialog.close();
  }

  /** Forget what nobody goes on with, and count a wait down; called each second. */
  tick() {
    if (!this.open) return;
    if (!this.#sending && performance.now() - this.#touched_ms > UNTOUCHED_MS) this.close();
    else if (this.#until_ms) this.#wait();
  }

  #touch() {
    this.#touched_ms = performance.now();
  }

  #forget() {
    this.#typed = { number: "", secret: "" };
    this.#until_ms = 0;
    this.#sending = false;
    this.#visit += 1;
    this.#draw();
    this.#trouble("");
    element("pin-loud").textContent = element("pin-quiet").textContent = "";
  }

  #go(step) {
    this.#step = step;
    this.#trouble("");
    this.#keys("digits");
    this.#draw();
    element("pin-typed").focus();
  }

  #back() {
    if (this.#step === "number") return this.close();
    this.#typed.secret = "";
    this.#go("number");
  }

  #onward() {
    if (this.#sending || this.#until_ms) return;
    if (!this.#typed[this.#step].trim()) this.#trouble(say(`pin_${this.#step}_missing`));
    else if (this.#step === "number") this.#go("secret");
    else this.#send();
  }

  // --------------------------------------------------------------------------------------- typing

  #key(event) {
    this.#touch();
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Tab") this.#keepFocus(event);
    else if (event.key === "Backspace") this.#press("delete");
    else if (event.key === "Delete") this.#clear();
    else if (event.key === "Enter" && event.target === element("pin-typed")) this.#onward();
    else if (event.key.length === 1 && !(event.key === " " && event.target.matches("button"))) this.#press(event.key);
  }

  #keepFocus(event) {
    const places = [...this.#dialog.querySelectorAll("[tabindex], button:not([disabled])")];
    const end = event.shiftKey ? places[0] : places.at(-1);
    if (document.activeElement !== end) return;
    event.preventDefault();
    (event.shiftKey ? places.at(-1) : places[0]).focus();
  }

  #press(key) {
    if (!key || this.#sending) return;
    if (key === "letters" || key === "digits") return this.#keys(key, true);
    if (key === "capitals") {
      this.#capitals = !this.#capitals;
      return this.#keys("letters", true);
    }
    if (key === "clear") return this.#clear();
    const typed = this.#typed[this.#step];
    if (key === "delete") this.#change(typed.slice(0, -1));
    else if (typed.length < LONGEST[this.#step] && (this.#step === "number" ? key !== ";" : /^\d$/.test(key))) {
      this.#change(typed + key);
    }
  }

  #clear() {
    if (!this.#sending) this.#change("");
  }

  #change(typed) {
    this.#typed[this.#step] = typed;
    if (!this.#until_ms) this.#trouble("");
    this.#draw();
    speak(this.#step === "number" ? typed : say("pin_typed", { count: typed.length }));
  }

  // -------------------------------------------------------------------------------------- sending

  async #send() {
    const visit = this.#visit;
    const content = JSON.stringify({ employee_id: this.#typed.number.trim(), pin: this.#typed.secret });
    this.#typed.secret = "";
    this.#sending = true;
    this.#draw();
    this.#trouble(say("pin_sending"));
    let status = 0;
    let answer = null;
    try {
      const response = await fetch("api/pin", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: content, cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      status = response.status;
      answer = await response.json();
    } catch {
      // no network, no answer in time, or no JSON: the status tells which
    }
    const here = visit === this.#visit;
    if (here) this.#sending = false;
    if (status === 200 && answer?.greeting) {
      if (here) this.close();
      this.#greeted(answer.greeting);
    } else if (status === 401) this.#unpaired();
    else if (here) this.#refused(status, answer?.error ?? {});
  }

  #refused(status, error) {
    this.#touch();
    this.#draw();
    const wait_s = Number(error.retry_after_s);
    if (status === 429 && wait_s > 0) {
      this.#until_ms = performance.now() + wait_s * 1_000;
      speak(this.#wait(), true);
      return;
    }
    const wrong = error.code === "wrong_pin" || status === 422;
    const key = wrong ? "wrong" : status === 0 ? "offline" : status === 503 || status === 429 ? "busy" : "failed";
    this.#trouble(say(`pin_${key}`));
  }

  #wait() {
    const left_s = Math.ceil((this.#until_ms - performance.now()) / 1_000);
    if (left_s <= 0) this.#until_ms = 0;
    const key = left_s > 90 ? "minutes" : "seconds";
    const text = left_s > 0 ? say(`pin_throttled_${key}`, { seconds: left_s, minutes: Math.ceil(left_s / 60) }) : "";
    element("pin-trouble").textContent = text;
    this.#draw();
    return text;
  }

  // -------------------------------------------------------------------------------------- drawing

  #trouble(text) {
    element("pin-trouble").textContent = text;
    if (text) speak(text, true);
  }

  #draw() {
    const number = this.#step === "number";
    element("pin-title").textContent = say(`pin_${this.#step}`);
    element("pin-back").textContent = say(number ? "pin_cancel" : "pin_back");
    element("pin-next").textContent = say(number ? "pin_next" : "pin_send");
    element("pin-next").setAttribute("aria-disabled", String(this.#sending || this.#until_ms > 0));
    const typed = this.#typed[this.#step];
    element("pin-typed").textContent = number ? typed : "•".repeat(typed.length);
    element("pin-typed").classList.toggle("long", typed.length > 10);
  }

  #keys(page, again = false) {
    const name = `${page} ${this.#step} ${this.#capitals}`;
    if (name === this.#page) return;
    this.#page = name;
    const box = element("pin-keys");
    box.className = page;
    box.lang = settings.language;
    box.replaceChildren(...(page === "digits" ? DIGITS : LETTERS).map((key) => this.#button(key)));
    if (again && !this.#dialog.contains(document.activeElement)) element("pin-typed").focus();
  }

  #button(key) {
    const button = document.createElement("button");
    const letter = /^[A-Z]$/.test(key) && !this.#capitals;
    const shown = key === "letters" && this.#step === "secret" ? "clear" : letter ? key.toLowerCase() : key;
    button.type = "button";
    button.dataset.key = shown;
    button.textContent = shown === "clear" ? say("pin_clear") : (SIGNS[shown] ?? shown);
    if (SIGNS[shown]) {
      button.setAttribute("aria-label", say(`pin_${shown}`));
      button.classList.add("side");
    }
    if (shown === "clear") button.classList.add("side");
    if (shown === "capitals") button.setAttribute("aria-pressed", String(this.#capitals));
    return button;
  }
}
