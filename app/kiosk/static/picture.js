// The live picture. Browsers tell when its first frame came and when it was refused, but not when it stops; so it is looked at.

import { PAUSES_MS } from "./events.js";

const LOOK_MS = 2_000;
const FROZEN_MS = 8_000; // even of a wall, no two frames of a camera are the same
const FIRST_MS = 5_000;

export class Picture {
  #box;
  #changed;
  #shown = null;
  #next = null;
  #wanted = false;
  #again_ms = 0;
  #tries = 0;
  #count = 0;
  #opened_ms = 0;
  #looked_ms = 0;
  #moved_ms = 0;
  #trace = 0;
  #canvas;

  /** `box`: the element it is put into. `changed`: told whether there is a picture. */
  constructor(box, changed) {
    this.#box = box;
    this.#changed = changed;
    this.#canvas = new OffscreenCanvas(32, 18).getContext("2d", { willReadFrequently: true });
  }

  /** Show it, or have nothing of it left on the screen. */
  want(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#tries = this.#again_ms = 0;
    if (wanted) return this.#open();
    this.#drop(this.#next);
    this.#drop(this.#shown);
    this.#next = this.#shown = null;
    this.#changed(false);
  }

  /** Look whether it moves; called each second. */
  tick() {
    if (!this.#wanted || document.hidden) {
      this.#moved_ms = performance.now(); // no frames are drawn in a hidden page
      return;
    }
    const now_ms = performance.now();
    if (this.#next && now_ms - this.#opened_ms > FIRST_MS) this.#failed();
    if (!this.#next && this.#again_ms && now_ms >= this.#again_ms) this.#open();
    if (!this.#shown || now_ms - this.#looked_ms < LOOK_MS) return;
    this.#looked_ms = now_ms;
    if (!this.#shown.naturalWidth) return this.#failed(); // broken since
    const trace = this.#look();
    if (trace !== this.#trace) this.#moved_ms = now_ms;
    else if (!this.#next && !this.#again_ms && now_ms - this.#moved_ms > FROZEN_MS) this.#open();
    this.#trace = trace;
  }

  #open() {
    const image = new Image();
    this.#next = image;
    this.#again_ms = 0;
    this.#opened_ms = performance.now();
    image.alt = "";
    image.addEventListener("load", () => image === this.#next && this.#came(), { once: true });
    image.addEventListener("error", () => image === this.#next && this.#failed(), { once: true });
    image.src = `stream.mjpg?n=${(this.#count += 1)}`;
    this.#box.append(image);
  }

  #came() {
    this.#drop(this.#shown);
    this.#shown = this.#next;
    this.#next = null;
    this.#shown.classList.add("on");
    this.#tries = 0;
    this.#moved_ms = this.#looked_ms = performance.now();
    this.#changed(true);
  }

  #failed() {
    this.#drop(this.#next);
    this.#drop(this.#shown); // it stands still, or there is none
    this.#next = this.#shown = null;
    this.#again_ms = performance.now() + PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)];
    this.#tries += 1;
    this.#changed(false);
  }

  #drop(image) {
    image?.removeAttribute("src"); // closes its connection
    image?.remove();
  }

  #look() {
    this.#canvas.drawImage(this.#shown, 0, 0, 32, 18);
    return this.#canvas.getImageData(0, 0, 32, 18).data.reduce((sum, value) => (sum * 31 + value) | 0, 0);
  }
}
