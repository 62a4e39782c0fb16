// The month as one table: people × days. One cell can have the keyboard's focus; arrows, Home, End and the page keys move it, and
// Enter opens the person's day. Texts are set as text, never as HTML.

const tables = new WeakMap();

/** Streamlit calls this in every run of the page; what it answers is called when the page is left. */
export default function ({ data, parentElement }) {
  const said = JSON.stringify(data);
  if (tables.get(parentElement) !== said) {
    tables.set(parentElement, said);
    parentElement.replaceChildren(drawn(data));
  }
  return () => tables.delete(parentElement);
}

function made(tag, css = "", text = "") {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text !== "") element.textContent = text;
  return element;
}

function head(text, css, scope = "col", title = "") {
  const cell = made("th", css, text);
  cell.scope = scope;
  if (title) cell.title = title;
  return cell;
}

function drawn(data) {
  const { days, statuses, people, words } = data;
  const frame = made("div", "q-frame");
  const table = made("table", "q-grid");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", words.label);
  const top = made("tr");
  top.append(head(words.person, "q-name"));
  for (const [, number, weekday, shade, date] of days) {
    const cell = head("", shade, "col", date);
    cell.append(made("span", "", weekday), made("b", "", number));
    top.append(cell);
  }
  for (const [place, word] of [words.hours, words.planned, words.balance].entries()) top.append(head(word, `q-sum q-sum${place}`));
  const body = made("tbody");
  for (const person of people) body.append(line(person, days, statuses, data));
  const foot = made("tr");
  foot.append(head(words.present, "q-name", "row"));
  for (const [place, count] of data.present.entries()) foot.append(made("td", `q-count ${days[place][3]}`, count));
  data.totals.forEach((text, place) => foot.append(made("td", `q-sum q-sum${place}`, text)));
  const above = made("thead");
  const below = made("tfoot");
  above.append(top);
  below.append(foot);
  table.append(above, body, below);
  frame.append(table);
  table.querySelector("tbody a")?.setAttribute("tabindex", "0");
  table.addEventListener("keydown", (event) => moved(event, table));
  table.addEventListener("focusin", (event) => current(event.target, table));
  return frame;
}

function line(person, days, statuses, data) {
  const row = made("tr");
  const name = head("", "q-name", "row", `${person.name} · ${person.id}`);
  name.append(link(person.name, `${data.address}&person=${encodeURIComponent(person.id)}&day=${days[0][0]}`));
  if (person.department) name.append(made("small", "", person.department));
  row.append(name);
  person.cells.forEach((cell, place) => {
    const [iso, , , shade, date] = days[place];
    const field = made("td", shade);
    if (cell) {
      const [status, hours, told, mark] = cell;
      const [letter, tone, word] = statuses[status];
      const day = link("", `${data.address}&person=${encodeURIComponent(person.id)}&day=${iso}`);
      day.className = `q-${tone}${mark & 1 ? " q-mark" : ""}${mark & 2 ? " q-dim" : ""}`;
      day.append(made("b", "", letter), made("i", "", hours));
      const text = [`${person.name}, ${date}: ${word}`, told, hours && `${hours} h`, mark & 1 ? data.words.corrected : ""];
      day.title = text.filter(Boolean).join(", ");
      day.setAttribute("aria-label", day.title);
      field.append(day);
    }
    row.append(field);
  });
  person.totals.forEach((text, place) => row.append(made("td", `q-sum q-sum${place}`, text)));
  return row;
}

function link(text, address) {
  const found = made("a", "", text);
  found.href = address;
  found.target = "_self";
  found.tabIndex = -1;
  return found;
}

function current(target, table) {
  if (target.tagName !== "A") return;
  for (const each of table.querySelectorAll('a[tabindex="0"]')) each.tabIndex = -1;
  target.tabIndex = 0;
}

const STEPS = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  PageUp: [-10, 0],
  PageDown: [10, 0],
  Home: [0, -1000],
  End: [0, 1000],
};

/** The next cell with a link in the direction of a key. */
function moved(event, table) {
  const step = STEPS[event.key];
  const cell = event.target.closest("th, td");
  if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows];
  const at = rows.indexOf(cell.parentElement);
  const line = Math.min(rows.length - 1, Math.max(0, at + step[0]));
  const cells = [...rows[line].cells];
  const last = cells.length - 4;
  let place = Math.min(last, Math.max(0, cell.cellIndex + step[1]));
  const back = step[1] < 0 || Math.abs(step[1]) > 1 ? -Math.sign(step[1]) || 1 : 1;
  const way = Math.abs(step[1]) === 1 ? step[1] : back;
  while (place >= 0 && place <= last && !cells[place].querySelector("a")) place += way;
  const found = cells[place]?.querySelector("a") ?? (step[0] ? cells[0].querySelector("a") : null);
  if (!found) return;
  found.focus({ preventScroll: true });
  found.scrollIntoView({ block: "nearest", inline: "nearest" });
}
