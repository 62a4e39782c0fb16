// An incident's film. The boxes of the faces come apart from it and are drawn over the picture that is shown.

const NS = "http://www.w3.org/2000/svg";
const LONGEST_S = 0.4; // a box stands no longer than this without another one

const films = new WeakMap();

/** Streamlit calls this in every run of the page; what it answers is called when the page is left. */
export default function ({ data, parentElement }) {
  if (!films.has(parentElement)) films.set(parentElement, new Film(parentElement));
  films.get(parentElement).update(data);
  return () => {
    films.get(parentElement)?.close();
    films.delete(parentElement);
  };
}

class Film {
  #frames = [];
  #names = {};
  #asked = "";
  #block = made("figure", "m-film");
  #stage = made("div", "m-film-stage");
  #video = made("video");
  #shapes = document.createElementNS(NS, "svg");
  #choice = made("input");
  #word = document.createTextNode("");
  #failed = made("p", "m-soft");
  #beat = 0;

  constructor(parent) {
    Object.assign(this.#video, { controls: true, muted: true, playsInline: true, preload: "metadata" });
    this.#shapes.setAttribute("aria-hidden", "true");
    this.#shapes.setAttribute("preserveAspectRatio", "none");
    this.#shapes.setAttribute("viewBox", "0 0 1 1");
    Object.assign(this.#choice, { type: "checkbox", checked: true });
    const label = made("label");
    label.append(this.#choice, this.#word);
    this.#failed.hidden = true;
    this.#stage.append(this.#video, this.#shapes);
    this.#block.append(this.#stage, label, this.#failed);
    parent.append(this.#block);
    this.#choice.addEventListener("change", () => this.#draw());
    this.#video.addEventListener("seeked", () => this.#draw());
    this.#video.addEventListener("loadeddata", () => this.#draw());
    this.#video.addEventListener("play", () => this.#run());
    this.#video.addEventListener("error", () => { this.#failed.hidden = false; });
  }

  /** What the page says now. */
  update({ film, boxes, names, words }) {
    this.#names = names;
    this.#video.setAttribute("aria-label", words.label);
    this.#word.textContent = ` ${words.boxes}`;
    this.#failed.textContent = words.failed;
    if (this.#asked === film) return;
    this.#asked = film;
    this.#frames = [];
    this.#failed.hidden = true;
    this.#video.src = film;
    fetch(boxes)
      .then((answer) => (answer.ok ? answer.json() : {}))
      .then(({ frames = [], turned = 0 }) => {
        if (this.#asked !== film) return;
        this.#frames = frames;
        this.#video.style.transform = turned ? `rotate(${turned}deg)` : "";
        this.#stage.dataset.turned = turned % 180 ? "across" : "";
        this.#draw();
      })
      .catch(() => {});
  }

  close() {
    cancelAnimationFrame(this.#beat);
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #run() {
    cancelAnimationFrame(this.#beat);
    const step = () => {
      this.#draw();
      if (!this.#video.paused && !this.#video.ended) this.#beat = requestAnimationFrame(step);
    };
    step();
  }

  /** The faces of the newest frame that is not after the picture. */
  #faces() {
    const now = this.#video.currentTime + 0.02;
    let low = 0, high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#frames[middle][0] <= now) low = middle + 1;
      else high = middle;
    }
    const [at, faces] = this.#frames[low - 1] ?? [0, []];
    return now - at <= LONGEST_S ? faces : [];
  }

  #draw() {
    const faces = this.#choice.checked ? this.#faces() : [];
    this.#shapes.replaceChildren(...faces.map(([x, y, width, height]) => {
      const box = document.createElementNS(NS, "rect");
      for (const [name, value] of Object.entries({ x, y, width, height })) box.setAttribute(name, value);
      return box;
    }));
    for (const old of this.#stage.querySelectorAll("span")) old.remove();
    for (const [x, y, width, , who] of faces) {
      if (!this.#names[who]) continue;
      const name = made("span");
      name.textContent = this.#names[who];
      name.style.left = `${100 * (x + width / 2)}%`;
      name.style.top = `${100 * y}%`;
      this.#stage.append(name);
    }
  }
}

function made(kind, css = "") {
  const element = document.createElement(kind);
  if (css) element.className = css;
  return element;
}
