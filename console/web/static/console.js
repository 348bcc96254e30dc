// What every page's script does: keys, help, copying, countdowns, and a word when something fails. Pages work without it.
"use strict";

const live = () => document.getElementById("live");
const words = () => document.getElementById("words").dataset;

function say(text) {
  live().textContent = "";
  requestAnimationFrame(() => { live().textContent = text; });
}

function typing(target) {
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable=true]") !== null;
}

// -- lists: [data-list] holds rows [data-row]; j and k move, Enter opens the row's first link, x selects it --------------

class Rows {
  constructor(list) { this.list = list; }

  all() { return [...this.list.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null); }

  current() { return this.list.querySelector("[data-row].current"); }

  move(by) {
    const rows = this.all();
    if (rows.length === 0) return;
    const at = rows.indexOf(this.current());
    this.to(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)]);
  }

  to(row) {
    this.current()?.classList.remove("current");
    row.classList.add("current");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  open() { this.current()?.querySelector("a[href]")?.click(); }

  select() {
    const box = this.current()?.querySelector("input[type=checkbox]");
    if (box) box.click();
  }
}

const KEYS = {
  j: (rows) => rows?.move(1),
  k: (rows) => rows?.move(-1),
  x: (rows) => rows?.select(),
  "/": () => document.querySelector("[data-filter]")?.focus(),
  "?": () => document.getElementById("help").showModal(),
};

let going = false;

function goTo(key) {
  going = false;
  document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (going) return goTo(event.key);
  if (event.key === "g") {
    going = true;
    setTimeout(() => { going = false; }, 1500);
    return;
  }
  const list = document.querySelector("[data-list]");
  const rows = list ? new Rows(list) : null;
  const act = KEYS[event.key] ?? actionOf(event.key);
  if (event.key === "Enter" && rows?.current() === event.target) rows.open();
  else if (act) act(rows);
  else return;
  event.preventDefault();
});

// A button [data-key=a] of the row under the cursor, or of the page, is pressed by its key.
function actionOf(key) {
  if (key.length !== 1) return undefined;
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const button = document.querySelector(`[data-row].current ${selector}`) ?? document.querySelector(selector);
  return button ? () => { button.focus(); button.click(); } : undefined;
}

// A box in the head of a table chooses its rows; a campaign is chosen whole, not once more by each of its alerts.
document.addEventListener("change", (event) => {
  if (!event.target.matches("input.all")) return;
  const boxes = event.target.closest("table").querySelectorAll("tbody tr:not(.inside) input[type=checkbox]");
  boxes.forEach((box) => { box.checked = event.target.checked; });
});

// -- copying ---------------------------------------------------------------------------------------------------------

function ready(root) {
  root.querySelectorAll("input.all[hidden]").forEach((box) => { box.hidden = false; });
  if (navigator.clipboard) root.querySelectorAll(".copy[hidden]").forEach((button) => { button.hidden = false; });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  say(words().copied);
});

// -- countdowns: <span class="clock" data-until="ms"> ---------------------------------------------------------------------

function countDown() {
  const now = Date.now();
  document.querySelectorAll(".clock[data-until]").forEach((clock) => {
    const seconds = Math.max(0, Math.floor((Number(clock.dataset.until) - now) / 1000));
    const two = (value) => String(value).padStart(2, "0");
    const days = Math.floor(seconds / 86400);
    const time = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    clock.textContent = days > 0 ? `${days} ${clock.dataset.day ?? "d"} ${time}` : time;
    clock.classList.toggle("soon", seconds < 3600);
  });
}

// -- failures: said above the page, which stays as it is ---------------------------------------------------------------

function trouble(text, ...more) {
  const notice = document.createElement("p");
  notice.className = "notice bad";
  notice.append(text, ...more);
  document.getElementById("trouble").replaceChildren(notice);
}

function failed() { trouble(words().failed); }

function sessionOver() {
  const door = document.createElement("a");
  door.className = "button";
  door.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  door.textContent = words().door;
  trouble(words().ended, " ", door);
}

document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:load", (event) => ready(event.target));
ready(document);
countDown();
setInterval(countDown, 1000);
