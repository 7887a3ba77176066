/**
 * What a run says, in Markdown.
 *
 * @module
 */
import type { Sample } from "./load.ts";
import type { Row, WorkloadResult } from "./rounds.ts";
import { median, medianRatio, spread } from "./statistics.ts";
import { digits, milliseconds, percent, table } from "./table.ts";

const HEAD = [
  "",
  "CPU µs",
  "±",
  "× floor",
  "per s",
  "p50 ms",
  "p99 ms",
  "p99.9 ms",
  "proxy",
  "upstream",
  "load",
];

const cpu = (row: Row) => row.samples.map((sample) => sample.cpu);

/** A workload's table, and what could not be measured. */
export function workloadReport({ workload, rows }: WorkloadResult): string {
  const base = rows.find(({ floor, samples }) => floor && samples.length > 0);
  const middle = (row: Row, pick: (sample: Sample) => number) =>
    median(row.samples.map(pick));
  const measured = rows.filter(({ samples }) => samples.length > 0);
  const cells = measured.map((row) => [
    row.contender,
    digits(median(cpu(row))),
    percent(spread(cpu(row))),
    base === undefined ? "-" : medianRatio(cpu(row), cpu(base)).toFixed(2),
    Math.round(middle(row, (s) => s.rate)).toLocaleString("en-US"),
    milliseconds(middle(row, (s) => s.p50)),
    milliseconds(middle(row, (s) => s.p99)),
    milliseconds(middle(row, (s) => s.p999)),
    percent(middle(row, (s) => s.busy.proxy)),
    percent(middle(row, (s) => s.busy.upstream)),
    percent(middle(row, (s) => s.busy.generator)),
  ]);
  const notes = rows.flatMap((row) => {
    const errors = row.samples.reduce((sum, { errors }) => sum + errors, 0);
    return row.failure !== undefined
      ? [`- ${row.contender}: ${row.failure}`]
      : errors > 0
      ? [`- ${row.contender}: ${errors} errors`]
      : [];
  });
  return `### ${workload.title} (\`${workload.name}\`)\n\n` +
    `One unit is one ${workload.unit}.\n\n` +
    table(HEAD, cells) + (notes.length > 0 ? `\n${notes.join("\n")}\n` : "");
}

/** What was promised of sameorigin, and what came of it. */
export function targetsReport(results: readonly WorkloadResult[]): string {
  const lines = results.flatMap(({ workload, rows }) => {
    const { target } = workload;
    if (target === undefined) return [];
    const ours = rows.find(({ contender }) => contender === "sameorigin");
    const theirs = rows.find(({ contender }) => contender === target.of);
    if (ours === undefined || theirs === undefined) return [];
    const ratio = medianRatio(cpu(ours), cpu(theirs));
    return [[
      workload.title,
      `≤ ${target.ratio.toFixed(2)} × ${target.of}`,
      ratio.toFixed(2),
      ratio <= target.ratio ? "met" : "missed",
    ]];
  });
  return table(["", "target", "measured", ""], lines);
}
