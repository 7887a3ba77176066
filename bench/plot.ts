/**
 * The results as a picture.
 *
 * @module
 */
import { cpuOfRow, type Results } from "./report.ts";
import { median } from "./statistics.ts";
import { digits } from "./table.ts";

/** What the picture shows of the workloads, by their names. */
const SHOWN = ["small", "headers", "10m", "post", "echo", "fan"];

const WIDTH = 860;
const COLUMNS = 2;
const BAR = 20;
const NAMES = 150;
const VALUES = 60;
const GAP = 30;
const TITLE = 34;

/** Readable on a light and on a dark page. */
const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; font-size: 13px; fill: #24292f; }
.ours { font-weight: 600; fill: #24292f; }
rect { fill: #afb8c1; }
rect.ours { fill: #2f81f7; }
rect.floor { fill: #d8dee4; }
@media (prefers-color-scheme: dark) {
  text { fill: #8b949e; }
  .title, .ours { fill: #e6edf3; }
  rect { fill: #484f58; }
  rect.floor { fill: #30363d; }
}
`;

/**
 * A panel of bars for each workload: the proxy's CPU for a unit, less is
 * better.
 *
 * @returns An SVG; null where nothing of it was measured.
 */
export function plot({ workloads }: Results): string | null {
  const panels = workloads.filter(({ workload }) =>
    SHOWN.includes(workload.name)
  )
    .map(({ workload, rows }) => ({
      title: `${workload.title}: CPU per ${workload.unit}`,
      bars: rows.filter(({ samples }) => samples.length > 0).map((row) => ({
        name: row.contender.name,
        kind: row.contender.floor
          ? "floor"
          : row.contender.name === "sameorigin"
          ? "ours"
          : "",
        value: median(cpuOfRow(row)),
      })).sort((a, b) => a.value - b.value),
    }));
  if (panels.length === 0) return null;
  const width = (WIDTH - GAP * (COLUMNS - 1)) / COLUMNS;
  const most = Math.max(...panels.map(({ bars }) => bars.length));
  const height = TITLE + most * BAR + GAP / 2;
  const drawn = panels.map(({ title, bars }, i) => {
    const x = (i % COLUMNS) * (width + GAP);
    const y = Math.floor(i / COLUMNS) * height;
    const longest = Math.max(...bars.map(({ value }) => value));
    const lines = bars.map(({ name, kind, value }, n) => {
      const top = TITLE + n * BAR;
      const length = value / longest * (width - NAMES - VALUES);
      return `<text class="${kind}" x="${NAMES - 8}" y="${
        top + 11
      }" text-anchor="end">${escape(name)}</text>` +
        `<rect class="${kind}" x="${NAMES}" y="${top}" width="${
          length.toFixed(1)
        }" height="${BAR - 6}" rx="2"/>` +
        `<text class="${kind}" x="${(NAMES + length + 6).toFixed(1)}" y="${
          top + 11
        }">${duration(value)}</text>`;
    });
    return `<g transform="translate(${x} ${y})">` +
      `<text class="title" x="0" y="20">${escape(title)}</text>\n` +
      `${lines.join("\n")}</g>`;
  });
  const all = Math.ceil(panels.length / COLUMNS) * height;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${all}" role="img">
<title>CPU time of each proxy for a unit of work; less is better</title>
<style>${STYLE}</style>
${drawn.join("\n")}
</svg>
`;
}

/** From microseconds. */
function duration(value: number): string {
  return value < 1000 ? `${digits(value)} µs` : `${digits(value / 1000)} ms`;
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
