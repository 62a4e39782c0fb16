// The preview of a browser's own camera, and over it what the server sees in it.
//
// streamlit-webrtc opens the camera inside a frame of this page, sends its picture and shows nothing. So the stream is taken over where
// the frame asks the browser for it.

const NS = "http://www.w3.org/2000/svg";
const LOOK_MS = 50;
const STALE_MS = 1_500; // a drawing that nothing follows belongs to a picture that is gone
const AGAIN_MS = 3_000;
const RETRIES_MS = [1_000, 2_000, 4_000, 8_000, 16_000]; // a connection that broke off is made again
const STEADY_MS = 20_000; // what lasted so long begins with the first of them
const CALM_MS = 500; // between two texts for screen readers
const OVAL = { wide: 0.27, high: 0.36 }; // half axes, as shares of the picture's shorter side
const INK = "#141414";
const COLOURS = { taken: "#00c88c", good: "#00c88c", wrong: "#e69f00", looking: "#e1e1e1" };
const TURNS = { left: 180, right: 0, up: 270 };

const previews = new WeakMap();

/** Streamlit calls this in every run of the page; what it answers is called when the page is left. */
export default function ({ data, parentElement }) {
  if (!previews.has(parentElement)) previews.set(parentElement, new Preview(parentElement));
  const preview = previews.get(parentElement);
  preview.update(data);
  return () => {
    previews.delete(parentElement);
    preview.close();
  };
}

class Preview {
  #data = {};
  #block;
  #stage = made("div", { class: "m-live m-stage" });
  #video = made("video", { playsinline: "" });
  #drawing = drawn("svg", { "aria-hidden": "true" });
  #off = made("p", { "aria-live": "polite" });
  #status = made("p", { class: "m-soft", role: "status" });
  #looking = 0;
  #events = null;
  #own = null;
  #opening = false;
  #why = ""; // a name among the page's troubles
  #wished = false; // the user has started the camera and not stopped it
  #tries = 0;
  #retry = 0;
  #text = "";
  #timers = {};

  constructor(parent) {
    this.#block = parent.closest(".st-key-browser-camera");
    this.#video.muted = true;
    this.#stage.append(this.#video, this.#drawing, this.#off);
    parent.append(this.#stage, this.#status);
    for (const event of ["loadedmetadata", "resize"]) this.#video.addEventListener(event, () => this.#measure());
    this.#block.addEventListener("camera", this.#heard);
    this.#looking = setInterval(() => this.#listen(), LOOK_MS);
  }

  /** What the page says now. */
  update(data) {
    const broke = this.#data.playing && !data.playing && this.#wished;
    this.#data = data;
    if (broke) this.#again();
    this.#explain();
    this.#video.setAttribute("aria-label", data.label);
    this.#video.style.transform = `${data.mirrored ? "scaleX(-1)" : ""} rotate(${data.turn}deg)`;
    this.#stage.classList.toggle("m-turned", data.turn % 180 !== 0);
    this.#stage.classList.toggle("m-on", data.playing);
    this.#status.hidden = !data.playing || !data.in_view;
    if (data.playing) this.#play();
    else this.#stop();
  }

  close() {
    this.#wished = false;
    clearTimeout(this.#retry);
    clearInterval(this.#looking);
    this.#block.removeEventListener("camera", this.#heard);
    this.#stop();
  }

  // ------------------------------------------------------------------------------------------ the picture

  #heard = () => {
    if (this.#data.playing) this.#play();
  };

  /** Take part when the frame opens the camera; it may be loaded again at any time. */
  #listen() {
    const frame = this.#block.querySelector("iframe");
    if (frame && !window.isSecureContext) this.#failed("Insecure");
    const media = frame?.contentWindow?.navigator.mediaDevices; // none on an insecure page
    if (!media || media.heard) return;
    media.heard = true;
    const heed = (event) => {
      if (event.isTrusted && pressed(event) === this.#data.stop) this.#wished = false;
    };
    frame.contentDocument.addEventListener("click", heed, true);
    const open = media.getUserMedia.bind(media);
    media.getUserMedia = async (wanted) => {
      this.#failed("");
      const stream = await open(wanted).catch((error) => {
        this.#wished = false; // starting it again and again would not help
        this.#failed(error.name);
        throw error;
      });
      this.#wished = true;
      for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => this.#failed("Ended"));
      frame.camera = stream;
      frame.dispatchEvent(new Event("camera", { bubbles: true }));
      return stream;
    };
  }

  /** Keep why there is no picture; empty: nothing speaks against one. */
  #failed(why) {
    if (why !== this.#why) {
      this.#why = why;
      this.#explain();
    }
  }

  #explain() {
    const { troubles = {}, off } = this.#data;
    const text = (this.#why && (troubles[this.#why] ?? troubles.Other)) || off;
    if (this.#off.textContent !== text) this.#off.textContent = text ?? "";
  }

  /** The connection broke off: say so, and press the frame's button for the user. */
  #again() {
    if (this.#why !== "Ended") this.#failed("Lost");
    const pause = RETRIES_MS[this.#tries++];
    if (pause === undefined) {
      this.#failed("Gone");
      this.#tries = 0;
      this.#wished = false;
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (!this.#wished || this.#data.playing) return;
      const buttons = this.#block.querySelector("iframe")?.contentDocument?.querySelectorAll("button") ?? [];
      [...buttons].find((each) => each.textContent.trim() === this.#data.start)?.click();
      this.#again(); // the frame may not know yet that the connection broke off: then there is no such button
    }, pause);
  }

  #play() {
    this.#timers.steady ??= setTimeout(() => { this.#tries = 0; }, STEADY_MS);
    this.#failed("");
    if (!this.#events) this.#subscribe();
    const frame = this.#block.querySelector("iframe");
    const stream = frame?.camera ?? this.#own;
    if (!stream && frame) this.#open(frame.contentWindow.navigator.mediaDevices);
    if (!stream || this.#video.srcObject === stream) return;
    this.#video.srcObject = stream;
    this.#video.play().catch(() => {}); // interrupted by the next one
  }

  /** Open the camera once more: the frame was quicker than we were. */
  async #open(media) {
    if (this.#opening) return;
    this.#opening = true;
    this.#own = await media.getUserMedia({ video: true }).catch(() => null);
    this.#opening = false;
    if (this.#data.playing && this.#own) this.#play();
    else this.#stop();
  }

  #stop() {
    this.#events?.close();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    for (const track of this.#own?.getTracks() ?? []) track.stop();
    this.#events = this.#own = this.#video.srcObject = null;
    this.#timers = {};
    this.#draw({});
    this.#status.textContent = this.#text = "";
  }

  /** Width and height of the picture as it is shown. */
  get #size() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    return this.#data.turn % 180 ? [height, width] : [width, height];
  }

  #measure() {
    const [width, height] = this.#size;
    if (!width) return;
    this.#stage.style.aspectRatio = `${width} / ${height}`;
    this.#drawing.setAttribute("viewBox", `0 0 ${width} ${height}`); // lies in the stage as the video does: as large as fits
  }

  // ------------------------------------------------------------------------------------------ over it

  #subscribe() {
    this.#events = new EventSource(this.#data.source);
    this.#events.addEventListener("message", (event) => {
      this.#draw(JSON.parse(event.data));
      this.#after("stale", STALE_MS, () => this.#draw({}));
    });
    this.#events.addEventListener("error", () => {
      if (this.#events?.readyState === EventSource.CLOSED) this.#after("again", AGAIN_MS, () => this.#subscribe());
    }); // else the browser tries again by itself
  }

  #after(name, delay_ms, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, delay_ms);
  }

  #draw({ people = [], guide = null }) {
    this.#drawing.replaceChildren();
    const [width, height] = this.#size;
    if (width && guide) this.#drawing.append(...guided(guide, width, height));
    if (width) for (const person of people) this.#person(person, width, height);
    this.#tell(people.filter((person) => person.decided).map((person) => person.text).join(", "));
  }

  #person({ box, text, colour, ink, ring, similarity, threshold }, width, height) {
    // one CSS pixel, in pixels of the picture
    const px = Math.max(width / this.#drawing.clientWidth, height / this.#drawing.clientHeight);
    let [left, , right] = box.map((share) => share * width);
    const [, top, , bottom] = box.map((share) => share * height);
    if (this.#data.mirrored) [left, right] = [width - right, width - left];
    const fill = `rgb(${colour})`;
    const group = drawn("g", { class: "m-person" });
    this.#drawing.append(group);
    group.append(
      drawn("rect", { x: left, y: top, width: right - left, height: bottom - top, fill: "none", stroke: fill, "stroke-width": 2 * px }),
      drawn("circle", { cx: right, cy: top, r: 7 * px, fill: "#fff", stroke: fill, "stroke-width": px }),
      pie(right, top, 7 * px, ring, fill),
    );
    const tag = drawn("rect", { fill });
    const name = drawn("text", { fill: `rgb(${ink})`, "font-size": 15 * px });
    name.textContent = text;
    group.append(tag, name);
    const [wide, high] = [name.getComputedTextLength() + 12 * px, 22 * px];
    const x = Math.min(Math.max(0, (left + right - wide) / 2), Math.max(0, width - wide));
    const y = Math.min(bottom + 2 * px, height - high - 4 * px);
    put(tag, { x, y, width: wide, height: high });
    put(name, { x: x + 6 * px, y: y + 16 * px });
    if (similarity === null || threshold === null) return;
    const share = (value) => Math.min(1, Math.max(0, value)) * wide;
    group.append(
      drawn("rect", { x, y: y + high, width: wide, height: 4 * px, fill: INK }),
      drawn("rect", { x, y: y + high, width: share(similarity), height: 4 * px, fill }),
      drawn("rect", { x: x + share(threshold), y: y + high, width: 1.5 * px, height: 4 * px, fill: "#fff" }),
    );
  }

  /** Say in words who is in view: for screen readers, and so not with every frame. */
  #tell(names) {
    const text = names && this.#data.in_view.replace("{names}", () => names);
    if (text === this.#text) return;
    this.#text = text;
    this.#timers.tell ??= setTimeout(() => {
      delete this.#timers.tell;
      this.#status.textContent = this.#text;
    }, CALM_MS);
  }
}

// ---------------------------------------------------------------------------------------------- shapes

function put(shape, attributes) {
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  return shape;
}

/** What the button says that was pressed. */
const pressed = (event) => event.target.closest?.("button")?.textContent.trim();
const made = (tag, attributes) => put(document.createElement(tag), attributes);
const drawn = (tag, attributes) => put(document.createElementNS(NS, tag), attributes);

/** A share of a disc, clockwise from the top: a circle of half the radius whose line is as wide as the disc's radius. */
function pie(cx, cy, radius, share, colour) {
  const line = { "stroke-width": radius, "stroke-dasharray": `${share * 100} 100`, pathLength: 100 };
  return drawn("circle", { cx, cy, r: radius / 2, fill: "none", stroke: colour, ...line, transform: `rotate(-90 ${cx} ${cy})` });
}

/**
 * A guided capture: all but an oval is darkened. The oval's line is dashed while something is wrong and solid when all is well, and
 * fills clockwise while the picture is taken, so that colour is never the only sign.
 */
function guided({ state, held, turn }, width, height) {
  const side = Math.min(width, height);
  const [cx, cy, rx, ry, line] = [width / 2, height / 2, OVAL.wide * side, OVAL.high * side, side / 120];
  const oval = `M${cx} ${cy - ry}a${rx} ${ry} 0 1 1 0 ${2 * ry}a${rx} ${ry} 0 1 1 0 ${-2 * ry}`;
  const stroke = (colour, wide, dashes = "none", d = oval) =>
    drawn("path", { d, fill: "none", stroke: colour, "stroke-width": wide * line, "stroke-dasharray": dashes, pathLength: 100 });
  const shapes = [drawn("path", { d: `M0 0H${width}V${height}H0Z${oval}Z`, "fill-rule": "evenodd", opacity: 0.55 })];
  const colour = COLOURS[state];
  if (state === "taken") {
    const size = rx / 2;
    const tick = `M${cx - size} ${cy}l${size * 0.67} ${size * 0.67}l${size * 1.33} ${-size * 1.33}`;
    shapes.push(stroke(colour, 2), stroke("#fff", 5, "none", tick), stroke(colour, 3, "none", tick));
  } else if (state === "good") {
    shapes.push(stroke(colour, 1), stroke(colour, 3, `${held * 100} 100`));
  } else {
    shapes.push(stroke(INK, 2, "2.5"), stroke(colour, 1, "2.5"));
  }
  if (turn) {
    const size = 7 * line;
    const [x, y] = turn === "up" ? [cx, Math.max(1.3 * size, cy - ry - 2 * size)] : [cx + (turn === "left" ? -1 : 1) * (rx + 2 * size), cy];
    const points = `${size},0 ${-size},${size} ${-size},${-size}`;
    const place = `translate(${x} ${y}) rotate(${TURNS[turn]})`;
    shapes.push(drawn("polygon", { points, fill: "#fff", stroke: INK, "stroke-width": line / 2, transform: place }));
  }
  return shapes;
}
