/**
 * The last requests, with their filter, and the last messages of WebSockets.
 */
import { byId, fill, make } from "./elements.js";
import { requestLine, showDetail } from "./inspector.js";
import { number, time } from "./numbers.js";

/** Requests that the list keeps, and those of them that it shows. */
const KEPT = 500;
const SHOWN = 40;

/** The last requests, the newest first. */
let requests = [];
/** The last messages of WebSockets, the newest first. */
let messages = [];
/** Requests that were too many to be recorded in the last second. */
let missed = 0;
/** The request that is looked into. */
let chosen = null;

const filter = byId("filter");

/** What came while the list was paused, for when it goes on. */
let later = { requests: [], messages: [] };

/** Whether what comes is shown. */
export const isPaused = () => filter.elements.pause.checked;

/** Keeps what was recorded since the last time. */
export function keepRecorded(recorded) {
  later = {
    requests: [...recorded.last.reverse(), ...later.requests].slice(0, KEPT),
    messages: [...recorded.messages.reverse(), ...later.messages]
      .slice(0, SHOWN),
  };
  missed = recorded.missed;
  if (isPaused()) return;
  requests = [...later.requests, ...requests].slice(0, KEPT);
  messages = [...later.messages, ...messages].slice(0, SHOWN);
  later = { requests: [], messages: [] };
}

/** Offers the locations that have had requests to the filter. */
export function offerLocations(locations) {
  const select = filter.elements.location;
  const known = new Set([...select.options].map((it) => it.value));
  for (const { location } of locations) {
    if (location === "" || known.has(location)) continue;
    select.append(make("option", { value: location }, location));
  }
}

function matches(request) {
  const { path, status, location } = filter.elements;
  return request.target.includes(path.value) &&
    String(request.status).startsWith(status.value) &&
    (location.value === "" || request.location === location.value);
}

const shownRequests = () => requests.filter(matches).slice(0, SHOWN);

/** Makes the rows that are to be shown. */
export function makeRows() {
  for (const request of shownRequests()) rowOf(request);
}

export function showRequests() {
  const shown = shownRequests();
  const body = byId("log").tBodies[0];
  const held = document.activeElement?.closest?.("#log tr")?.dataset.id;
  body.replaceChildren(...shown.map(rowOf));
  if (held !== undefined) {
    body.querySelector(`tr[data-id="${CSS.escape(held)}"] button`)?.focus();
  }
  byId("missed").textContent = missed === 0
    ? ""
    : `${number(missed)} more in the last second, too many to show.`;
  byId("none").hidden = shown.length > 0;
  byId("none").textContent = requests.length === 0
    ? "No request since this page was opened."
    : "No request that the filter lets through.";
}

export function showMessages() {
  fill(
    "messages",
    messages.map((it) => [
      new Date(it.at).toLocaleTimeString("en-GB"),
      it.location,
      it.from === "client" ? "↑ client" : "↓ upstream",
      it.what,
      it.size === null ? "" : number(it.size),
      it.id.slice(0, 8),
    ]),
  );
  byId("silent").hidden = messages.length > 0;
}

/** The rows that are there, so that they are not made again each second. */
const rows = new WeakMap();

function rowOf(request) {
  const known = rows.get(request);
  if (known !== undefined) {
    known.setAttribute("aria-current", String(request === chosen));
    return known;
  }
  const open = make("button", { type: "button" }, requestLine(request));
  open.addEventListener("click", () => choose(request));
  const row = make(
    "tr",
    { "data-id": request.id, "aria-current": String(request === chosen) },
    make("td", {}, new Date(request.at).toLocaleTimeString("en-GB")),
    make(
      "td",
      {},
      open,
      request.replayOf === null ? "" : make(
        "span",
        { class: "hint" },
        ` replay of ${request.replayOf.slice(0, 8)}`,
      ),
    ),
    make(
      "td",
      { class: `s${String(request.status)[0]}` },
      String(request.status),
    ),
    make("td", {}, time(request.duration / 1000)),
    make("td", {}, request.location || "(none)"),
    make("td", {}, request.attempts.map((it) => it.address).join(", ")),
  );
  rows.set(request, row);
  return row;
}

function choose(request) {
  chosen = request;
  showRequests();
  showDetail(chosen, closeDetail);
}

/** Closes it, and gives the focus back to its row. */
function closeDetail() {
  const { id } = chosen;
  choose(null);
  byId("log").querySelector(`tr[data-id="${CSS.escape(id)}"] button`)
    ?.focus();
}

filter.addEventListener("input", showRequests);
filter.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && chosen !== null) closeDetail();
});
