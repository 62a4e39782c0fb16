// Many cameras at a glance. One answer of the server holds the small pictures of all of them: browsers open no more than six at once, and
// each ordinary live picture would take one for itself. Nothing is asked for while the page is hidden.

const AGAIN_MS = [1_000, 2_000, 4_000, 8_000];
const OLD_MS = 3_000; // cameras send twice a second; later a picture says how old it is
const TICK_MS = 1_000;
const HEAD = 8; // two lengths before each message

const grids = new WeakMap();

/** Streamlit calls this in every run of the page; what it answers is called when the page is left. */
export default function ({ data, parentElement, setTriggerValue }) {
  if (!grids.has(parentElement)) grids.set(parentElement, new Grid(parentElement));
  grids.get(parentElement).update(data, (name) => setTriggerValue("camera", name));
  return () => {
    grids.get(parentElement)?.close();
    grids.delete(parentElement);
  };
}

function made(tag, css = "") {
  const element = document.createElement(tag);
  if (css) element.className = css;
  return element;
}

class Grid {
  #list = made("ul", "m-grid");
  #tiles = new Map();
  #said = "";
  #data = null;
  #open = () => {};
  #stop = null;
  #tries = 0;
  #retry = 0;
  #clock = 0;

  constructor(parent) {
    parent.append(this.#list);
    this.#list.addEventListener("keydown", (event) => this.#moved(event));
    document.addEventListener("visibilitychange", this.#seen);
    this.#clock = setInterval(() => this.#tell(), TICK_MS);
  }

  /** What the page says now. */
  update(data, open) {
    this.#open = open;
    const said = JSON.stringify(data);
    if (said === this.#said) return;
    this.#said = said;
    this.#data = data;
    this.#list.style.setProperty("--m-columns", data.columns);
    this.#list.setAttribute("aria-label", data.words.label);
    this.#free();
    this.#tiles.clear();
    this.#list.replaceChildren(...data.cameras.map((camera) => this.#tile(camera)));
    this.#listen();
  }

  close() {
    clearInterval(this.#clock);
    document.removeEventListener("visibilitychange", this.#seen);
    this.#end();
    this.#free();
  }

  #tile({ name, href, alt }) {
    const [item, link, stage, image, below, title, state] = [
      made("li"), made("a"), made("span", "m-live"), made("img"), made("span", "m-tile-line"), made("strong"), made("span", "m-status"),
    ];
    link.href = href;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#open(name);
    });
    image.alt = alt;
    image.hidden = true;
    title.textContent = name;
    below.append(title, state);
    stage.append(image);
    link.append(stage, below);
    item.append(link);
    this.#tiles.set(name, { image, state, link, now: "", at: 0, url: "" });
    this.#say(this.#tiles.get(name));
    return item;
  }

  #seen = () => (document.hidden ? this.#end() : this.#listen());

  #end() {
    clearTimeout(this.#retry);
    this.#stop?.abort();
    this.#stop = null;
  }

  #free() {
    for (const tile of this.#tiles.values()) if (tile.url) URL.revokeObjectURL(tile.url);
  }

  async #listen() {
    this.#end();
    if (document.hidden || !this.#data.cameras.length) return;
    const stop = (this.#stop = new AbortController());
    try {
      const answer = await fetch(this.#data.source, { signal: stop.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      await this.#read(answer.body.getReader(), stop.signal);
    } catch {
      // told below, and tried again
    }
    if (stop.signal.aborted) return;
    for (const tile of this.#tiles.values()) tile.now = "gone";
    this.#tell();
    this.#retry = setTimeout(() => this.#listen(), AGAIN_MS[Math.min(this.#tries++, AGAIN_MS.length - 1)]);
  }

  async #read(reader, signal) {
    let rest = new Uint8Array(0);
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      const all = new Uint8Array(rest.length + value.length);
      all.set(rest);
      all.set(value, rest.length);
      rest = this.#taken(all);
      this.#tries = 0;
    }
  }

  /** Show all messages that have arrived, and answer what is left. */
  #taken(bytes) {
    let at = 0;
    const view = new DataView(bytes.buffer);
    while (bytes.length - at >= HEAD) {
      const [head, jpeg] = [view.getUint32(at), view.getUint32(at + 4)];
      const from = at + HEAD;
      if (bytes.length - from < head + jpeg) break;
      const told = JSON.parse(new TextDecoder().decode(bytes.subarray(from, from + head)));
      const tile = this.#tiles.get(told.name);
      if (tile) this.#show(tile, told.state, bytes.slice(from + head, from + head + jpeg));
      at = from + head + jpeg;
    }
    return bytes.slice(at);
  }

  #show(tile, state, jpeg) {
    tile.now = state;
    if (jpeg.length) {
      const url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
      tile.image.src = url;
      tile.image.hidden = false;
      if (tile.url) URL.revokeObjectURL(tile.url);
      tile.url = url;
      tile.at = performance.now();
    } else if (state !== "playing") {
      tile.image.hidden = true; // an old picture must not pass for a new one
    }
    this.#say(tile);
  }

  #tell() {
    for (const tile of this.#tiles.values()) this.#say(tile);
  }

  #say(tile) {
    const { words } = this.#data;
    const age = performance.now() - tile.at;
    const playing = tile.now === "playing" && tile.at > 0;
    const old = playing && age > OLD_MS;
    let text = words[tile.now] ?? words.starting;
    if (old) text = words.old.replace("{seconds}", Math.round(age / 1000));
    else if (playing) text = `● ${words.playing}`;
    const tone = playing && !old ? "m-good" : tile.now === "starting" || !tile.now ? "m-quiet" : "m-warn";
    if (tile.state.textContent !== text) tile.state.textContent = text;
    tile.state.className = `m-status ${tone}`;
  }

  #moved(event) {
    const links = [...this.#tiles.values()].map((tile) => tile.link);
    const now = links.indexOf(document.activeElement);
    const wide = getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? links.length - 1 : step && now >= 0 ? now + step : -1;
    if (!links[next] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    links[next].focus();
  }
}
