// The screen at the door: one message at a time, taken from the server's events.

import { Events } from "./events.js";
import { Greetings } from "./greetings.js";
import { Picture } from "./picture.js";
import { Offer } from "./offer.js";
import { PinDialog } from "./pin.js";
import { Wedge } from "./wedge.js";
import { dateOf, element, has, hush, icon, now, say, setTime, settings, sound, speak, timeOf } from "./words.js";

const TONES = {
  on_time: "good", came: "good", recorded: "good", again: "good", leaving: "good", late: "calm", saving: "calm",
};
const ICONS = {
  on_time: "tick", came: "tick", recorded: "tick", again: "tick", leaving: "leave", late: "clock", saving: "save",
};
const REFUSALS = new Set(["one_at_a_time", "not_recognised", "take_off_picture", "not_proven"]);
const MOVEMENTS = new Set(["turn_left", "turn_right", "look_up"]);
const ELSEWHERE = new Set(["not_recognised", "not_proven"]);
const STILL_MS = 3_000;
const LARGEST_VH = 13;
const SMALLEST_VH = 8;

const message = element("message");
const large = message.querySelector(".large");
const notice = element("notice");
const ways = `${settings.badge ? "_badge" : ""}${settings.pin ? "_pin" : ""}` || "_reception";
const help = say(`please${ways}`);
const instead = say(`or${ways}`);

let link = "connecting";
let camera = { state: "starting", since: "" };
let prompt = "";
let boot = null;
let outdated = false;
let told = ""; // what is on the screen, so that it is drawn and spoken once

const greetings = new Greetings(draw);
const offer = new Offer(greetings, draw, () => linked("unpaired"), help);
const picture = new Picture(element("picture"), (there) => document.body.classList.toggle("pictured", there));
const dialog = new PinDialog((greeting) => greetings.answer(greeting), () => linked("unpaired"));
new Wedge(dialog, () => link !== "unpaired", {
  greeted: (greeting) => greetings.answer(greeting),
  refused: (title, line) => offer.tell(title, line),
  unpaired: () => linked("unpaired"),
});
const events = new Events({
  hello(data) {
    setTime(data.server_time, data.utc_offset_min);
    boot ??= data.boot;
    outdated ||= data.boot !== boot;
    camera = data.camera;
    prompt = data.prompt;
    draw();
  },
  camera(data) {
    camera = data;
    draw();
  },
  prompt(data) {
    prompt = data.code;
    draw();
  },
  greeting: (data) => greetings.take(data),
  changed: (data) => greetings.change(data),
  withdrawn: (data) => greetings.withdraw(data.key),
  ping() {},
}, linked);

function linked(state) {
  if (state === link) return;
  link = state;
  if (link === "unpaired") dialog.close();
  draw();
}

// ------------------------------------------------------------------------------------------ views

function view() {
  if (link === "unpaired") return "unpaired";
  if (offer.note) return "prompt";
  if (greetings.shown.length) return "greeting";
  if (link === "connecting") return "connecting";
  if (link === "lost") return "offline";
  if (camera.state === "starting") return "starting";
  if (camera.state !== "playing") return "off";
  return has(`prompt_${prompt}`) ? "prompt" : "idle";
}

function draw() {
  const shown = view();
  picture.want(link === "open" && camera.state === "playing");
  const what = JSON.stringify([shown, greetings.shown, offer.note, prompt, camera]);
  if (what === told) return;
  told = what;
  document.body.dataset.view = shown;
  const noticed = ["unpaired", "connecting", "offline", "starting", "off"].includes(shown);
  document.body.classList.toggle("noticed", noticed);
  element("corner").hidden = !settings.pin || !["greeting", "prompt", "idle"].includes(shown);
  element("centre").hidden = !settings.pin || !["starting", "off"].includes(shown);
  offer.draw(shown === "greeting" ? greetings.shown : []);
  if (shown === "greeting") drawGreetings(greetings.shown);
  else element("pin-greeting").hidden = true;
  if (shown === "prompt") drawPrompt();
  if (noticed) drawNotice(shown);
  if (shown === "idle") hush();
}

const statusOf = (greeting) => (has(`status_${greeting.status}`) ? greeting.status : "recorded");

function lineOf(greeting, short = false) {
  const status = statusOf(greeting);
  if (status === "saving" && short) return say("status_saving_short");
  const [what, all_min] = status === "late" ? ["late", greeting.late_min] : ["back", status === "came" && greeting.away_min];
  if (!all_min) return say(`status_${status}`, { time: greeting.time });
  const hours = Math.floor(all_min / 60);
  const values = { time: greeting.time, hours, minutes: hours ? all_min % 60 : all_min };
  return say(`status_${what}_${hours ? "hours" : "minutes"}`, values);
}

const toldOf = (greeting) => (greeting.changed ? say("changed", { line: lineOf(greeting) }) : lineOf(greeting));

function drawGreetings(shown) {
  const newest = shown.at(-1);
  const status = statusOf(newest);
  const leaving = shown.every((each) => each.status === "leaving");
  const key = leaving ? "leaving" : newest.daypart;
  const several = shown.length > 1;
  message.dataset.tone = several ? "good" : TONES[status];
  message.classList.toggle("several", several);
  icon(message.querySelector(".disc"), several ? "tick" : ICONS[status]);
  const [before, after] = say(`greeting_${key}`, { name: "\n" }).split("\n");
  write(several ? say(`group_${key}`) : before, several ? "" : newest.first_name, several ? "" : after,
    several ? "" : toldOf(newest));
  element("group").replaceChildren(...(several ? shown.map(row) : []));
  const sentences = several
    ? [say(`group_${key}`), ...shown.map((each) => `${each.first_name}, ${lineOf(each, true)}`)]
    : [say(`greeting_${key}`, { name: newest.first_name }), toldOf(newest), newest.offer ? say("offer_hint") : ""];
  const sentence = `${sentences.filter(Boolean).join(". ").replaceAll(" · ", ", ")}.`;
  element("pin-greeting").textContent = sentence;
  element("pin-greeting").hidden = false;
  speak(sentence, true);
  sound("success");
}

function row(greeting) {
  const item = element("group-row").content.cloneNode(true);
  icon(item.querySelector("svg"), ICONS[statusOf(greeting)]);
  item.querySelector("bdi").textContent = greeting.first_name;
  item.querySelector("span").textContent = lineOf(greeting, true);
  return item;
}

function drawPrompt() {
  if (offer.note) return drawNote(offer.note);
  const refusal = REFUSALS.has(prompt);
  const line = ELSEWHERE.has(prompt) ? help : MOVEMENTS.has(prompt) ? instead : "";
  message.dataset.tone = refusal ? "warn" : "ask";
  message.classList.remove("several");
  icon(message.querySelector(".disc"), prompt);
  write("", say(`prompt_${prompt}`), "", line);
  element("group").replaceChildren();
  speak([say(`prompt_${prompt}`), line].filter(Boolean).join(". "));
  if (refusal) sound("attention");
}

function drawNote({ title, line }) {
  message.dataset.tone = "ask";
  message.classList.remove("several");
  icon(message.querySelector(".disc"), "not_recognised");
  write("", title, "", line);
  element("group").replaceChildren();
  speak(`${title}. ${line}.`, true);
}

function write(before, name, after, line) {
  message.querySelector(".before").textContent = before.trim();
  message.querySelector(".after").textContent = after.trim();
  message.querySelector(".line").textContent = line;
  large.firstElementChild.textContent = name;
  fit();
}

// As large as it fits on one line; a long name wraps at the smallest size that is read from two metres.
function fit() {
  large.classList.remove("wrapped");
  large.style.fontSize = `${LARGEST_VH}vh`;
  const size_vh = (LARGEST_VH * large.clientWidth) / Math.max(large.firstElementChild.offsetWidth, 1);
  large.classList.toggle("wrapped", size_vh < SMALLEST_VH);
  large.style.fontSize = `${Math.max(SMALLEST_VH, Math.min(LARGEST_VH, size_vh))}vh`;
}

function drawNotice(shown) {
  const off = shown === "off";
  const title = say(off ? "camera_off" : shown);
  const text = off ? help : say(`${shown}_hint`);
  icon(notice, { unpaired: "lock", offline: "offline", off: "camera-off" }[shown] ?? "camera");
  notice.querySelector(".title").textContent = title;
  notice.querySelector(".text").textContent = text;
  element("since").textContent = off ? since() : "";
  speak(`${title}. ${text}.`);
}

function since() {
  const began_ms = Date.parse(camera.since);
  if (!Number.isFinite(began_ms) || now() === null) return "";
  const values = { time: timeOf(began_ms), date: dateOf(began_ms) };
  return say(values.date === dateOf(now()) ? "since_time" : "since_day", values);
}

// ------------------------------------------------------------------------------- once a second

function put(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

let unpictured_s = 0;

function tick() {
  const idle = !dialog.open && !greetings.shown.length;
  events.tick(idle);
  picture.tick();
  dialog.tick();
  const there = document.body.classList.contains("pictured");
  unpictured_s = there || view() !== "idle" ? 0 : unpictured_s + 1;
  element("missing").hidden = unpictured_s < 3;
  if (now() !== null) {
    put("clock", timeOf(now()));
    put("date", dateOf(now()));
  }
  if (view() === "off") put("since", since());
  if (outdated && idle && link === "open" && !prompt) location.reload(); // another version, or other settings
}

// ---------------------------------------------------------------------------------- the device

async function stayAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request("screen");
  } catch {
    // the battery is low, or the browser does not allow it
  }
}

let still = 0;

function moved() {
  document.body.classList.remove("still");
  clearTimeout(still);
  still = setTimeout(() => document.body.classList.add("still"), STILL_MS);
}

for (const button of document.querySelectorAll(".pin-open")) button.addEventListener("click", () => dialog.show());
document.addEventListener("visibilitychange", stayAwake);
document.addEventListener("pointermove", moved);
document.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
window.addEventListener("resize", fit);
stayAwake();
moved();
draw();
setInterval(tick, 1_000);
