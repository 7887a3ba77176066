/**
 * The tiles with their plots of the last two minutes.
 */
import { byId, make } from "./elements.js";
import { number, percent, percentile, time } from "./numbers.js";
import { states, summary, WINDOW } from "./states.js";

/** Seconds that a plot shows. */
const HISTORY = 120;

const SVG = "http://www.w3.org/2000/svg";

/** The values of each plot. */
const series = { rate: [], errors: [], latency: [], messages: [] };

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

export function showTiles(now) {
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
