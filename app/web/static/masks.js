// Masks on a camera's picture: drag a rectangle, or click corner after corner. What is drawn goes to the page as one line per mask.
//
// Without a mouse, masks are written into the field beside the picture.

const NS = "http://www.w3.org/2000/svg";
const DRAGGED_PX = 6; // less is a click
const CLOSE_PX = 14; // so near to the first corner, a click closes the outline
const FEWEST = 3;

const drawings = new WeakMap();

/** Streamlit calls this in every run of the page; what it answers is called when the page is left. */
export default function ({ data, parentElement, setTriggerValue }) {
  if (!drawings.has(parentElement)) drawings.set(parentElement, new Drawing(parentElement));
  drawings.get(parentElement).update(data, (text) => setTriggerValue("masks", text));
  return () => drawings.delete(parentElement);
}

class Drawing {
  #masks = [];
  #open = []; // corners of an outline that is not closed yet
  #before = []; // masks before each step
  #drag = null;
  #tell = () => {};
  #block = made("div", "m-masks");
  #stage = made("div", "m-masks-stage");
  #picture = made("img");
  #shapes = document.createElementNS(NS, "svg");
  #how = made("p", "m-soft");
  #undo = made("button");
  #clear = made("button");

  constructor(parent) {
    this.#shapes.setAttribute("preserveAspectRatio", "none");
    this.#shapes.setAttribute("aria-hidden", "true");
    for (const button of [this.#undo, this.#clear]) button.type = "button";
    const bar = made("div", "m-masks-bar");
    bar.append(this.#undo, this.#clear, this.#how);
    this.#stage.append(this.#picture, this.#shapes);
    this.#block.append(this.#stage, bar);
    parent.append(this.#block);
    this.#picture.addEventListener("load", () => this.#draw());
    this.#stage.addEventListener("pointerdown", (event) => this.#down(event));
    this.#stage.addEventListener("pointermove", (event) => this.#move(event));
    this.#stage.addEventListener("pointerup", (event) => this.#up(event));
    this.#stage.addEventListener("pointercancel", () => { this.#drag = null; this.#draw(); });
    this.#undo.addEventListener("click", () => this.#back());
    this.#clear.addEventListener("click", () => { this.#open = []; this.#put([]); });
  }

  /** What the page says now. */
  update({ picture, masks, words }, tell) {
    this.#tell = tell;
    this.#masks = masks;
    if (this.#picture.src !== picture) this.#picture.src = picture;
    this.#picture.alt = words.picture;
    this.#how.textContent = words.how;
    this.#undo.textContent = words.undo;
    this.#clear.textContent = words.clear;
    this.#draw();
  }

  // ------------------------------------------------------------------------------------------ the hand

  /** Where an event is, as shares of the picture's sides. */
  #at(event) {
    const { left, top, width, height } = this.#stage.getBoundingClientRect();
    return [share((event.clientX - left) / width), share((event.clientY - top) / height)];
  }

  #down(event) {
    if (event.button) return;
    event.preventDefault();
    this.#stage.setPointerCapture(event.pointerId);
    this.#drag = { from: this.#at(event), to: null, x: event.clientX, y: event.clientY };
  }

  #move(event) {
    if (!this.#drag) return;
    const far = Math.hypot(event.clientX - this.#drag.x, event.clientY - this.#drag.y) >= DRAGGED_PX;
    if (far || this.#drag.to) this.#drag.to = this.#at(event);
    this.#draw();
  }

  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (drag.to) this.#rectangle(drag.from, this.#at(event));
    else this.#corner(event, drag.from);
  }

  #rectangle([x1, y1], [x2, y2]) {
    if (x1 === x2 || y1 === y2) return this.#draw();
    this.#open = [];
    this.#put([...this.#masks, [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]]);
  }

  #corner(event, corner) {
    const { left, top, width, height } = this.#stage.getBoundingClientRect();
    const first = this.#open[0];
    const near = first && Math.hypot(left + first[0] * width - event.clientX, top + first[1] * height - event.clientY) <= CLOSE_PX;
    if (near && this.#open.length >= FEWEST) {
      const closed = this.#open;
      this.#open = [];
      this.#put([...this.#masks, closed]);
    } else if (!near) {
      this.#open.push(corner);
      this.#draw();
    }
  }

  /** Take the last corner, or else the last step, back. */
  #back() {
    if (this.#open.length) this.#open.pop();
    else if (this.#before.length) return this.#say(this.#before.pop());
    this.#draw();
  }

  #put(masks) {
    this.#before.push(this.#masks);
    this.#say(masks);
  }

  #say(masks) {
    this.#masks = masks;
    this.#draw();
    this.#tell(masks.map((mask) => mask.map((corner) => corner.join(",")).join(" ")).join("\n"));
  }

  // ------------------------------------------------------------------------------------------ the picture

  #draw() {
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    this.#undo.disabled = !this.#open.length && !this.#before.length;
    this.#clear.disabled = !this.#open.length && !this.#masks.length;
    if (!width) return;
    this.#shapes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const points = (corners) => corners.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    const drawn = this.#masks.map((mask) => shape("polygon", points(mask)));
    if (this.#drag?.to) {
      const [[x1, y1], [x2, y2]] = [this.#drag.from, this.#drag.to];
      drawn.push(shape("polygon", points([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])));
    }
    if (this.#open.length) {
      drawn.push(shape("polyline", points(this.#open)));
      const dot = document.createElementNS(NS, "circle");
      const [x, y] = this.#open[0];
      for (const [name, value] of Object.entries({ cx: x * width, cy: y * height, r: width / 90 })) dot.setAttribute(name, value);
      drawn.push(dot);
    }
    this.#shapes.replaceChildren(...drawn);
  }
}

/** Within the picture, to a thousandth. */
const share = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

function made(tag, css = "") {
  const element = document.createElement(tag);
  if (css) element.className = css;
  return element;
}

function shape(tag, points) {
  const found = document.createElementNS(NS, tag);
  found.setAttribute("points", points);
  return found;
}
