/**
 * What a run says, in Markdown.
 *
 * @module
 */
import { type Growth, rowAt } from "./growth.ts";
import type { Sample } from "./load.ts";
import type { Resources } from "./resources.ts";
import type { Row } from "./rounds.ts";
import { median, medianRatio, spread } from "./statistics.ts";
import { digits, milliseconds, percent, table } from "./table.ts";
import type { Workload } from "./workloads.ts";

/** All that was measured. */
export interface Results {
  workloads: { workload: Workload; rows: Row[] }[];
  growths: { growth: Growth; points: readonly number[]; rows: Row[] }[];
  resources: Resources[];
}

/** The proxy's CPU for a unit, of each round. */
export function cpuOfRow(row: Row | undefined): number[] {
  return row?.samples.map((sample) => sample.cpu) ?? [];
}

/** A workload's table, and what could not be measured. */
export function workloadReport(workload: Workload, rows: Row[]): string {
  const base = rows.find((row) =>
    row.contender.floor && row.samples.length > 0
  );
  const measured = rows.filter(({ samples }) => samples.length > 0);
  const cells = measured.map((row) => {
    const middle = (pick: (sample: Sample) => number) =>
      median(row.samples.map(pick));
    return [
      row.contender.name,
      digits(median(cpuOfRow(row))),
      percent(spread(cpuOfRow(row))),
      digits(medianRatio(cpuOfRow(row), cpuOfRow(base))),
      Math.round(middle((s) => s.rate)).toLocaleString("en-US"),
      milliseconds(middle((s) => s.p50)),
      milliseconds(middle((s) => s.p99)),
      milliseconds(middle((s) => s.p999)),
      percent(middle((s) => s.busy.proxy)),
      percent(middle((s) => s.busy.upstream)),
      percent(middle((s) => s.busy.generator)),
    ];
  });
  const head = [
    "",
    `CPU µs/${workload.unit}`,
    "±",
    "× floor",
    `${workload.unit}s/s`,
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "proxy",
    "upstream",
    "load",
  ];
  return `### ${workload.title} (\`${workload.name}\`)\n\n` +
    table(head, cells) + notes(rows);
}

/** A table of contenders and points. */
export function growthReport(
  growth: Growth,
  points: readonly number[],
  rows: Row[],
): string {
  const names = [...new Set(rows.map(({ contender }) => contender.name))];
  const cells = names.map((name) => {
    const base = cpuOfRow(rowAt(growth, rows, name, growth.base));
    const cpus = points.map((point) =>
      cpuOfRow(rowAt(growth, rows, name, point))
    );
    return [
      name,
      ...cpus.map((cpu) => digits(median(cpu))),
      ...cpus.slice(-1).map((cpu) => digits(medianRatio(cpu, base))),
    ];
  });
  const last = points.at(-1)?.toLocaleString("en-US");
  const head = [
    "CPU µs",
    ...points.map((point) => point.toLocaleString("en-US")),
    `${last} / ${growth.base}`,
  ];
  const missing = growth.points.filter((point) => !points.includes(point));
  const left = missing.length === 0
    ? ""
    : ` Left out for want of descriptors (\`ulimit -n\`): ${missing}.`;
  return `### Growth: ${growth.title} (\`${growth.name}\`)\n\n` +
    `${growth.note}${left}\n\n` + table(head, cells) + notes(rows);
}

/** Start and memory. */
export function resourcesReport(all: Resources[]): string {
  const head = [
    "",
    "start ms",
    "least",
    "CPU ms",
    "idle MiB",
    "loaded MiB",
    "kB per idle WebSocket",
  ];
  const cells = all.map(({ contender, starts, idle, loaded, webSocket }) => {
    const times = starts.map((start) => start.milliseconds);
    return [
      contender.name,
      digits(median(times)),
      digits(Math.min(...times)),
      digits(median(starts.map((start) => start.cpu))),
      digits(idle ?? NaN),
      digits(loaded ?? NaN),
      digits((webSocket ?? NaN) / 1000),
    ];
  });
  const failures = all.flatMap(({ contender, failures }) =>
    failures.map((failure) => `- ${contender.name}: ${failure}\n`)
  );
  return `### Start and memory (\`resources\`)\n\n` + table(head, cells) +
    (failures.length > 0 ? `\n${failures.join("")}` : "");
}

function notes(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => {
    const errors = row.samples.reduce((sum, { errors }) => sum + errors, 0);
    return row.failure !== undefined
      ? [`- ${row.label}: ${row.failure}\n`]
      : errors > 0
      ? [`- ${row.label}: ${errors} errors\n`]
      : [];
  });
  return lines.length > 0 ? `\n${lines.join("")}` : "";
}
