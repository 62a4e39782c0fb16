// Settings of the page, words in its language, the server's time, and what screen readers are told.

export const settings = Object.freeze(JSON.parse(document.getElementById("settings").textContent));

export const element = (id) => document.getElementById(id);

/** The words of a key, with {braces} filled in. */
export function say(key, values = {}) {
  return (settings.words[key] ?? "").replace(/\{(\w+)\}/g, (braces, name) => values[name] ?? braces);
}

export const has = (key) => Object.hasOwn(settings.words, key);

export const icon = (svg, name) => svg.querySelector("use").setAttribute("href", `#i-${name}`);

// ------------------------------------------------------------------------------------------ time
// A tablet's own clock may be wrong or jump, so the server's is carried on by the time since the page began.

let anchor = null;

/** Take the server's time over: ISO 8601, and minutes east of UTC at the workplace. */
export function setTime(iso, offset_min) {
  const server_ms = Date.parse(iso);
  if (Number.isFinite(server_ms)) anchor = { server_ms, since_ms: performance.now(), offset_min: Number(offset_min) || 0 };
}

/** Milliseconds since 1970 by the server's clock; null before it was told. */
export const now = () => anchor && anchor.server_ms + performance.now() - anchor.since_ms;

// A moment whose UTC fields read as the workplace's wall clock.
const wall = (moment_ms) => new Date(moment_ms + anchor.offset_min * 60_000);
const days = new Intl.DateTimeFormat(settings.words.locale || settings.language, {
  weekday: "long", day: "numeric", month: "long", timeZone: "UTC",
});

export const timeOf = (moment_ms) => wall(moment_ms).toISOString().slice(11, 16);
export const dateOf = (moment_ms) => days.format(wall(moment_ms));

// ---------------------------------------------------------------------------------------- speech

/** Have a sentence spoken: at once when it is loud, else when the reader has time. The rest of the page is silent behind an open dialog. */
export function speak(text, loud = false) {
  const region = element(`${element("pin").open ? "pin-" : ""}${loud ? "loud" : "quiet"}`);
  region.textContent = region.textContent === text ? `${text}\u00a0` : text; // the same words again are spoken again
}

/** Leave nothing to be read of what was spoken. */
export function hush() {
  for (const region of document.querySelectorAll("[aria-live]")) region.textContent = "";
}

// ----------------------------------------------------------------------------------------- sound

let audio = null;
const TONES = { success: [660, 880], attention: [440, 440] };

/** Two short tones, where the settings want them and the browser lets us. */
export function sound(kind) {
  if (!settings.sound) return;
  try {
    audio ??= new AudioContext();
    audio.resume().catch(() => {}); // it waits for a first touch in some browsers; the screen says it all anyway
    if (audio.state !== "running") return;
    TONES[kind].forEach((frequency_hz, place) => {
      const tone = audio.createOscillator();
      const loudness = audio.createGain();
      const begin_s = audio.currentTime + place * 0.16;
      tone.frequency.value = frequency_hz;
      loudness.gain.setValueAtTime(0.0001, begin_s);
      loudness.gain.exponentialRampToValueAtTime(0.25, begin_s + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.0001, begin_s + 0.14);
      tone.connect(loudness).connect(audio.destination);
      tone.start(begin_s);
      tone.stop(begin_s + 0.15);
    });
  } catch {
    audio = null; // no sound device
  }
}
