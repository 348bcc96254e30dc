// What the queue does beyond its forms: the cursor stays, new alerts come in above it, campaigns open in their place.
"use strict";

(() => {
  const table = document.querySelector("table[data-live]");
  const form = document.querySelector("form[data-actions]");
  const pane = table?.closest(".scroll");
  const current = () => table?.querySelector("[data-row].current");

  // -- the cursor outlives the page --------------------------------------------------------------------------------

  const PLACE = "queue-cursor";

  function remember() {
    const row = current();
    if (!row) return;
    const rows = [...table.querySelectorAll("[data-row]")];
    sessionStorage.setItem(PLACE, JSON.stringify({ id: row.id, at: rows.indexOf(row) }));
  }

  function restore() {
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
    if (!kept || !table) return;
    const rows = [...table.querySelectorAll("[data-row]")];
    const row = document.getElementById(kept.id) ?? rows[Math.min(kept.at, rows.length - 1)];
    row?.classList.add("current");
    row?.scrollIntoView({ block: "nearest" });
  }

  addEventListener("pagehide", remember);
  restore();

  // -- actions are for the chosen rows, or for the one under the cursor ----------------------------------------------

  // Whether anything is chosen: one alert's page has its own, a list the chosen rows, or else the current one.
  function choose() {
    if (form.querySelector("input[type=hidden][name=target], input[name=target]:checked")) return true;
    const box = current()?.querySelector("input[name=target]");
    if (box) box.checked = true;
    return Boolean(box);
  }

  form?.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=action]");
    if (!button) return;
    const needed = button.dataset.needs && document.getElementById(button.dataset.needs);
    const missing = needed && needed.value === "";
    if (missing || !choose()) event.preventDefault();
    if (missing) needed.focus();
  });

  form?.querySelector("[data-reason]")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.value === "") return;
    event.preventDefault();
    form.querySelector("button[value=close]").click();
  });

  // -- campaigns open in their place ------------------------------------------------------------------------------------

  function rowsIn(html) {
    const body = document.createElement("template");
    body.innerHTML = `<table><tbody>${html}</tbody></table>`;
    return [...body.content.querySelectorAll("tr")];
  }

  async function rowsOf(address) {
    const asked = { headers: { "HX-Request": "true" }, credentials: "same-origin" };
    const answer = await fetch(address, asked).catch(() => null);
    if (answer?.ok) return rowsIn(await answer.text());
    (answer?.status === 401 ? sessionOver : failed)();
    return [];
  }

  // Rows that came in later are made ready like those of the page: console.js listens to htmx's event.
  function settle(rows) {
    rows.forEach((row) => row.dispatchEvent(new Event("htmx:load", { bubbles: true })));
  }

  table?.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-expand]");
    if (!link) return;
    event.preventDefault();
    const row = link.closest("tr");
    if (link.getAttribute("aria-expanded") === "true") {
      while (row.nextElementSibling?.classList.contains("inside")) row.nextElementSibling.remove();
      link.setAttribute("aria-expanded", "false");
      return;
    }
    link.setAttribute("aria-expanded", "true");
    const rows = await rowsOf(link.dataset.expand);
    row.after(...rows);
    settle(rows);
  });

  // -- new alerts: put above, and the row under the cursor stays where the eye is -------------------------------------

  if (!table || !window.EventSource || new URLSearchParams(location.search).get("after")) return;
  let unseen = 0;
  const pill = form.querySelector("[data-arrivals]");

  function takeIn(html) {
    const fresh = rowsIn(html).filter((row) => !document.getElementById(row.id));
    if (fresh.length > 0) place(fresh);
  }

  function place(rows) {
    const kept = current() ?? table.querySelector("[data-row]");
    const before = kept?.getBoundingClientRect().top;
    unseen += rows.length;
    pill.textContent = pill.dataset.arrivals.replace("{n}", unseen);
    pill.parentElement.hidden = false;
    form.querySelector(".empty")?.remove();
    pane.hidden = false;
    rows.forEach((row) => row.classList.replace("inside", "arrived"));
    table.tBodies[0].prepend(...rows);
    settle(rows);
    if (kept) {
      pane.scrollTop += kept.getBoundingClientRect().top - before;
      scrollBy(0, kept.getBoundingClientRect().top - before);
    }
    document.getElementById("live").textContent = pill.textContent;
  }

  pill.addEventListener("click", () => {
    unseen = 0;
    pill.parentElement.hidden = true;
    pane.scrollTop = 0;
    pane.scrollIntoView({ block: "nearest" });
    current()?.classList.remove("current");
    table.querySelector("[data-row]")?.classList.add("current");
  });

  // The browser comes back to the stream by itself and is told what it missed, unless something else answers there.
  const AGAIN_MS = 5000;
  let newest = table.dataset.newest;
  let stream;

  function listen() {
    stream = new EventSource(`${table.dataset.live}&seq=${newest}`);
    stream.addEventListener("alerts", (event) => {
      const told = JSON.parse(event.data);
      newest = told.newest;
      takeIn(told.rows);
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) comeBack();
    });
  }

  async function comeBack() {
    const session = await fetch("/api/session", { credentials: "same-origin" }).catch(() => null);
    if (session?.status === 401) sessionOver();
    else setTimeout(listen, AGAIN_MS);
  }

  listen();
  addEventListener("pagehide", () => stream.close());
})();
