/**
 * The live page: reads the state of the proxy each second, and shows what has
 * changed since the last ones. All counters in it only grow.
 */
import { explainCommand, replayPart } from "./replay.js";

/** Seconds that a plot shows. */
const HISTORY = 120;
/** Seconds over which tables take rates and percentiles. */
const WINDOW = 10;
/** Requests that the list keeps, and those of them that it shows. */
const KEPT = 500;
const SHOWN = 40;

const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Text is never read as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// Numbers.

const number = (value) =>
  value === 0
    ? "0"
    : value < 10
    ? value.toFixed(1).replace(/\.0$/, "")
    : Math.round(value).toLocaleString("en");

const percent = (part, whole) =>
  part === 0 || whole === 0
    ? "0 %"
    : part / whole < 0.001
    ? "< 0.1 %"
    : `${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? Math.round(value) : value.toPrecision(3)} ${units[at]}`;
}

/** Seconds as people say them. */
function time(seconds) {
  if (seconds === null) return "–";
  const ms = seconds * 1000;
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

function age(seconds) {
  const units = [["d", 86_400], ["h", 3600], ["min", 60]];
  for (const [unit, size] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

/**
 * The duration that a share of those between two histograms took at most, by
 * their buckets, in seconds; null where there was none.
 */
function percentile(bounds, counts, share) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let left = all * share;
  for (const [at, count] of counts.entries()) {
    if (left > count) {
      left -= count;
      continue;
    }
    const from = at === 0 ? 0 : bounds[at - 1];
    const to = bounds[at] ?? from;
    return from + (to - from) * (count === 0 ? 0 : left / count);
  }
  return bounds.at(-1);
}

const since = (now, before) =>
  now.counts.map((count, at) => count - (before?.counts[at] ?? 0));

const total = (counters) =>
  Object.values(counters).reduce((sum, count) => sum + count, 0);

// What came.

/** The last states, the newest last; as many as a window needs. */
const states = [];
/** The values of each plot. */
const series = { rate: [], errors: [], latency: [], messages: [] };
/** The last requests, the newest first. */
let requests = [];
/** The last messages of WebSockets, the newest first. */
let messages = [];
let chosen = null;
/** Lines of the config, by location. */
let lines = {};

const keyOf = ({ server, location }) => `${server} ${location}`;

/** A location of another state; none where it was not there, or was new again. */
function former(state, location) {
  const found = state?.locations.find((it) => keyOf(it) === keyOf(location));
  return found !== undefined && found.requests <= location.requests
    ? found
    : undefined;
}

/** What all locations have done between two states. */
function summary(now, before) {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const sum = { requests: 0, errors: 0, messages: 0, open: 0, counts: [] };
  for (const location of now.locations) {
    const old = former(before, location);
    sum.requests += location.requests - (old?.requests ?? 0);
    sum.errors += (location.statuses["5xx"] ?? 0) -
      (old?.statuses["5xx"] ?? 0);
    sum.messages += messagesOf(location) - (old ? messagesOf(old) : 0);
    sum.open += location.webSockets.open;
    since(location.start, old?.start).forEach((count, at) => {
      sum.counts[at] = (sum.counts[at] ?? 0) + count;
    });
  }
  return { ...sum, seconds };
}

const messagesOf = ({ webSockets: { fromClient, toClient } }) =>
  fromClient.messages + toClient.messages;

// The tiles.

/** A tile, and how to give it new values. */
function makeTile(title) {
  const value = make("p", { class: "value" }, "–");
  const note = make("p", { class: "note" });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${HISTORY} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const area = document.createElementNS(SVG, "path");
  area.setAttribute("class", "spark-area");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("class", "spark-line");
  svg.append(area, line);
  byId("tiles").append(
    make("div", { class: "tile" }, make("h2", {}, title), value, note, svg),
  );
  return (text, unit, below, values) => {
    value.replaceChildren(text, make("span", { class: "unit" }, ` ${unit}`));
    note.textContent = below;
    const most = Math.max(...values, 1e-9);
    const left = HISTORY - values.length + 1;
    const points = values.map((it, at) =>
      `${left + at},${(96 - 84 * it / most).toFixed(1)}`
    );
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute(
      "d",
      `M${left},100L${points.join("L")}L${HISTORY},100Z`,
    );
  };
}

const tiles = {
  rate: makeTile("Requests"),
  latency: makeTile("Time to first byte"),
  errors: makeTile("Errors (5xx)"),
  messages: makeTile("WebSockets"),
};

function showTiles(now) {
  const last = summary(now, states.at(-2) ?? now);
  const wide = summary(now, states[0]);
  const half = percentile(now.buckets, wide.counts, 0.5);
  const most = percentile(now.buckets, wide.counts, 0.95);
  const rate = last.requests / last.seconds;
  push(series.rate, rate);
  push(series.latency, (half ?? 0) * 1000);
  push(series.errors, last.errors / last.seconds);
  push(series.messages, last.messages / last.seconds);
  const peak = Math.max(...series.rate);
  tiles.rate(number(rate), "/s", `peak ${number(peak)}/s`, series.rate);
  tiles.latency(
    half === null ? "–" : time(half),
    "p50",
    most === null ? "no request of late" : `p95 ${time(most)}`,
    series.latency,
  );
  tiles.errors(
    percent(wide.errors, wide.requests),
    `in ${WINDOW} s`,
    `${number(wide.errors)} of ${number(wide.requests)}`,
    series.errors,
  );
  tiles.messages(
    number(last.open),
    "open",
    `${number(last.messages / last.seconds)} messages/s`,
    series.messages,
  );
}

function push(values, value) {
  values.push(value);
  if (values.length > HISTORY) values.shift();
}

// The tables.

/**
 * Fills a table's body row by row. Cells that are the same are left alone, so that
 * what is marked or read aloud stays.
 *
 * @param rows Each a list of texts or elements, the first one the row's header.
 */
function fill(id, rows) {
  const body = byId(id).tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  for (const [at, cells] of rows.entries()) {
    const row = body.rows[at] ?? body.insertRow();
    for (const [column, content] of cells.entries()) {
      let cell = row.cells[column];
      if (cell === undefined) {
        cell = make(column === 0 ? "th" : "td", {
          scope: column === 0 ? "row" : null,
        });
        row.append(cell);
      }
      if (typeof content !== "string") cell.replaceChildren(content);
      else if (cell.textContent !== content) cell.textContent = content;
    }
  }
}

function showLocations(now) {
  const before = states[0];
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const all = summary(now, before).requests;
  const seen = now.locations.filter((it) =>
    it.requests > 0 || it.webSockets.opened > 0
  );
  const several = new Set(now.locations.map((it) => it.server)).size > 1;
  fill(
    "locations",
    seen.map((location) => {
      const old = former(before, location);
      const count = location.requests - (old?.requests ?? 0);
      const errors = (location.statuses["5xx"] ?? 0) -
        (old?.statuses["5xx"] ?? 0);
      const counts = since(location.start, old?.start);
      const at = (share) => time(percentile(now.buckets, counts, share));
      const share = all === 0 ? 0 : count / all;
      const messages = messagesOf(location) - (old ? messagesOf(old) : 0);
      return [
        (several ? `${location.server} ` : "") +
        (location.location || "(none)"),
        bar(share),
        number(count / seconds),
        errors === 0 ? "0" : make(
          "span",
          { class: "bad" },
          percent(errors, count),
        ),
        at(0.5),
        at(0.95),
        at(0.99),
        bytes((location.sent - (old?.sent ?? 0)) / seconds),
        number(location.webSockets.open),
        number(messages / seconds),
      ];
    }),
  );
  offerLocations(seen);
}

function bar(share) {
  const fillOf = make("i");
  fillOf.style.width = `${(100 * share).toFixed(1)}%`;
  return make(
    "span",
    {
      class: "share",
      role: "img",
      "aria-label": `${(100 * share).toFixed(0)} percent`,
    },
    fillOf,
  );
}

function showUpstreams(now) {
  const before = states[0];
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  fill(
    "upstreams",
    now.upstreams.map((server) => {
      const old = before.upstreams.find((it) =>
        it.upstream === server.upstream && it.address === server.address
      );
      const counts = since(server.start, old?.start);
      return [
        server.upstream,
        server.address,
        health(server.up),
        number((server.attempts - (old?.attempts ?? 0)) / seconds),
        number(server.active),
        server.idle === null ? "–" : number(server.idle),
        time(percentile(now.buckets, counts, 0.5)),
        failures(server.failures),
        number(server.retries),
      ];
    }),
  );
}

function health(up) {
  const [name, text] = up === 1
    ? ["up", "● up"]
    : up === 0
    ? ["down", "○ down"]
    : ["partly", `◐ ${Math.round(100 * up)} %`];
  return make("span", { class: name }, text);
}

function failures(counters) {
  const count = total(counters);
  if (count === 0) return "0";
  const why = Object.entries(counters).map(([name, it]) => `${name} ${it}`);
  return make("span", { class: "bad", title: why.join(", ") }, number(count));
}

function showProcess(now) {
  const { process, generations } = now;
  const started = now.at / 1000 - process.startTime;
  const before = states[0].process;
  const seconds = Math.max(0.001, (now.at - states[0].at) / 1000);
  const lag = percentile(now.buckets, since(process.lag, before.lag), 0.99);
  const facts = {
    "Config": `${process.config.source} (${process.config.hash})`,
    "Reloads": `${process.config.reloads.done} done, ` +
      `${process.config.reloads.failed} refused`,
    "Memory": `${bytes(process.resident)}, heap ${bytes(process.heap)}`,
    "CPU": process.cpu === null || before.cpu === null
      ? "–"
      : `${(100 * (process.cpu - before.cpu) / seconds).toFixed(0)} %`,
    "Event loop": lag === null
      ? "–"
      : `99 % of its turns begin ${time(lag)} late`,
    "Waits for slow upstreams": bytes(process.buffered),
  };
  byId("process").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [
      make("dt", {}, name),
      make("dd", {}, value),
    ]),
  );
  byId("about").textContent = `${process.version} · Deno ${process.deno} · ` +
    `${process.workers} ${process.workers === 1 ? "worker" : "workers"} · ` +
    `up ${age(started)}`;
  fill(
    "generations",
    generations.map((it) => [
      `#${it.number}`,
      `${age((now.at - it.since) / 1000)} ago`,
      number(it.requests),
      number(it.webSockets),
    ]),
  );
}

// The last requests.

const filter = byId("filter");

function offerLocations(locations) {
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

function showRequests() {
  const shown = requests.filter(matches).slice(0, SHOWN);
  const body = byId("log").tBodies[0];
  const held = document.activeElement?.closest?.("#log tr")?.dataset.id;
  body.replaceChildren(...shown.map(rowOf));
  if (held !== undefined) {
    body.querySelector(`tr[data-id="${CSS.escape(held)}"] button`)?.focus();
  }
  byId("none").hidden = shown.length > 0;
  byId("none").textContent = requests.length === 0
    ? "No request since this page was opened."
    : "No request that the filter lets through.";
}

function showMessages() {
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

const requestLine = ({ method, target }) => `${method} ${target}`;

function choose(request) {
  chosen = request;
  showRequests();
  showDetail();
}

/** Closes it, and gives the focus back to its row. */
function closeDetail() {
  const { id } = chosen;
  choose(null);
  byId("log").querySelector(`tr[data-id="${CSS.escape(id)}"] button`)
    ?.focus();
}

function showDetail() {
  const detail = byId("detail");
  byId("requests").classList.toggle("open", chosen !== null);
  detail.hidden = chosen === null;
  if (chosen === null) return;
  const request = chosen;
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", closeDetail);
  const replay = replayPart(request, { make, line, time, bytes, differences });
  detail.replaceChildren(
    make(
      "header",
      {},
      make("h3", { class: "code" }, requestLine(request)),
      ...replay.buttons,
      copyButton("Copy as curl", () => curl(request)),
      copyButton("Copy as explain", () => explainCommand(request)),
      close,
    ),
    replay.result,
    facts(request),
    ...request.verdicts.map((it) => make("p", { class: "verdict" }, it)),
    request.losers.length === 0 ? "" : make(
      "details",
      {},
      make("summary", {}, "Why no other location"),
      list(request.losers),
    ),
    make("h3", {}, "Received, and sent upstream"),
    request.sent === null
      ? list(request.received.fields)
      : differences(request.received, request.sent),
    make("h3", {}, "Answered, and delivered"),
    request.answered === null
      ? list(request.delivered)
      : differences({ fields: request.answered }, {
        fields: request.delivered,
      }),
  );
  detail.scrollTop = 0;
}

function copyButton(name, text) {
  const copy = make("button", { type: "button" }, name);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "The browser does not allow it";
    }
  });
  return copy;
}

function facts(request) {
  const tried = request.attempts.map((it) =>
    `${it.address}: ${it.status === 0 ? "no answer" : it.status}` +
    (it.took === null ? "" : ` after ${time(it.took / 1000)}`)
  );
  const shown = {
    "Status": String(request.status),
    ...request.replayOf === null ? {} : { "Replay of": request.replayOf },
    "Client": request.client,
    "Location": request.location === ""
      ? "none"
      : `${request.location}${request.server ? ` of ${request.server}` : ""}`,
    "Config": lines[request.location] === undefined
      ? "–"
      : `${states.at(-1)?.process.config.source}, line ${
        lines[request.location]
      }`,
    "Asked": tried.length === 0 ? "nobody" : tried.join("; "),
    "Time": `${time(request.start / 1000)} to the first byte, ` +
      `${time(request.duration / 1000)} in all`,
    "Bodies": `${bytes(request.bytesReceived)} received, ` +
      `${bytes(request.bytesSent)} sent`,
  };
  return make(
    "dl",
    {},
    ...Object.entries(shown).flatMap(([name, value]) => [
      make("dt", {}, name),
      make("dd", {}, value),
    ]),
  );
}

function line(mark, name, value) {
  const [kind, words] = mark === "+"
    ? ["added", "added: "]
    : mark === "−"
    ? ["gone", "left out: "]
    : ["", ""];
  return make(
    "tr",
    { class: kind },
    make("td", { class: "mark", "aria-label": words || null }, mark),
    make("th", { scope: "row", class: "code" }, name),
    make("td", { class: "code" }, value),
  );
}

const list = (fields) =>
  make("table", {}, ...fields.map(([name, value]) => line("", name, value)));

/** What one side had and the other has: the fields of both, marked. */
function differences(before, after) {
  const left = before.fields.map(([name, value]) => `${name}: ${value}`);
  const lines = [];
  if (before.target !== undefined && before.target !== after.target) {
    lines.push(line("−", "target", before.target));
    lines.push(line("+", "target", after.target));
  }
  for (const [name, value] of after.fields) {
    const at = left.indexOf(`${name}: ${value}`);
    if (at !== -1) left[at] = null;
    lines.push(line(at === -1 ? "+" : "", name, value));
  }
  for (const [at, [name, value]] of before.fields.entries()) {
    if (left[at] !== null) lines.push(line("−", name, value));
  }
  return make("table", {}, ...lines);
}

/** The same request on a command line; what was masked is to be filled in. */
function curl({ method, scheme, received }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const host = received.fields.find(([name]) => name === "host")?.[1] ?? "";
  const fields = received.fields
    .filter(([name]) =>
      !["host", "content-length", "connection"].includes(name)
    )
    .map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`);
  return [
    `curl ${method === "HEAD" ? "-I" : `-i -X ${method}`} ` +
    quoted(`${scheme}://${host}${received.target}`),
    ...fields,
  ].join(" \\\n");
}

filter.addEventListener("input", showRequests);
filter.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && chosen !== null) closeDetail();
});

byId("reload").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  try {
    const answer = await fetch("/reload", { method: "POST" });
    const { problems = [] } = await answer.json();
    target.textContent = answer.ok
      ? "Reloaded"
      : `Not reloaded: ${problems[0]?.message ?? "see the proxy's messages"}`;
  } catch {
    target.textContent = "Not reloaded: the proxy does not answer";
  } finally {
    target.disabled = false;
    setTimeout(() => target.textContent = "Reload config", 5000);
  }
});

// The feed.

function say(state, text) {
  const link = byId("link");
  link.dataset.is = state;
  if (link.textContent !== text) link.textContent = text;
}

function take(state) {
  // A proxy that was restarted counts from the beginning.
  const last = states.at(-1);
  if (
    last !== undefined && last.process.startTime !== state.process.startTime
  ) {
    states.length = 0;
  }
  states.push(state);
  if (states.length > WINDOW + 1) states.shift();
  say("live", "live");
  lines = state.lines ?? lines;
  if (document.hidden) return;
  const parts = [
    () => showTiles(state),
    () => {
      showLocations(state);
      showUpstreams(state);
      showProcess(state);
    },
  ];
  if (!filter.elements.pause.checked && state.requests !== undefined) {
    keep(state.requests);
    parts.push(showRequests, showMessages);
  }
  oneByOne(parts);
}

/** Each in a picture of its own: together they take too long for one. */
function oneByOne([first, ...others]) {
  first();
  if (others.length > 0) requestAnimationFrame(() => oneByOne(others));
}

function keep(recorded) {
  requests = [...recorded.last.reverse(), ...requests].slice(0, KEPT);
  messages = [...recorded.messages.reverse(), ...messages].slice(0, SHOWN);
}

const events = new EventSource("/events");
events.addEventListener("state", ({ data }) => take(JSON.parse(data)));
events.addEventListener(
  "error",
  () => say("lost", "no connection, trying again"),
);
