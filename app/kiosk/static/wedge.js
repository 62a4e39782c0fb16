// A badge reader that types: QR, barcode or RFID, each code as quick keystrokes that end with Enter.

import { say, settings } from "./words.js";

const QUICK_MS = 50; // between two keystrokes; a hand is not that quick so many times in a row
const SHORTEST = 8; // longer than a usual PIN, which some type quickly, too
const LONGEST = 64;
const AGAIN_MS = 2_000; // some readers send a code as long as it is held before them
const PATIENCE_MS = 15_000;

export class Wedge {
  #dialog;
  #wanted;
  #told;
  #code = "";
  #before = null;
  #at_ms = 0;
  #last = { code: "", at_ms: -AGAIN_MS };
  #sending = false;

  /** `dialog`: what a reader types into it is taken out again. `wanted`: whether codes are sent. `told`: takes the answers. */
  constructor(dialog, wanted, told) {
    this.#dialog = dialog;
    this.#wanted = wanted;
    this.#told = told;
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  #key(event) {
    if (!settings.badge || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.key === "Shift" || event.key === "CapsLock") return; // capitals
    const now_ms = event.timeStamp;
    const quick = now_ms - this.#at_ms <= QUICK_MS;
    this.#at_ms = now_ms;
    if (event.key === "Enter" && quick && this.#code.length >= SHORTEST) {
      event.preventDefault(); // no button, and no step of the dialog
      event.stopImmediatePropagation();
      this.#dialog.restore(this.#before);
      this.#send(this.#code);
      this.#code = "";
      return;
    }
    if (event.key.length !== 1) {
      this.#code = "";
      return;
    }
    if (!quick || !this.#code) {
      this.#code = "";
      this.#before = this.#dialog.state;
    }
    if (this.#code.length < LONGEST) this.#code += event.key;
  }

  async #send(code) {
    const now_ms = performance.now();
    const again = code === this.#last.code && now_ms - this.#last.at_ms < AGAIN_MS;
    this.#last = { code, at_ms: now_ms };
    if (again || this.#sending || !this.#wanted()) return;
    this.#sending = true;
    let status = 0;
    let answer = null;
    try {
      const response = await fetch("api/badge", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }), cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      status = response.status;
      answer = await response.json();
    } catch {
      // no network, no answer in time, or no JSON: the status tells which
    }
    this.#sending = false;
    if (status === 200 && answer?.greeting) return this.#told.greeted(answer.greeting);
    if (status === 401) return this.#told.unpaired();
    if (status === 403 || status === 422) return this.#told.refused(say("badge_wrong"), say(`please${settings.pin ? "_pin" : "_reception"}`));
    if (status === 429) return this.#told.refused(say("badge_wait"), say("badge_wait_hint"));
    return this.#told.refused(say("offer_failed"), say("please_reception"));
  }
}
