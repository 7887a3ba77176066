/**
 * The metrics as Prometheus reads them: the text format of OpenMetrics 1.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/), and the older one of
 * Prometheus, which differs in a few words.
 *
 * By hand: the kept client libraries hash a request's labels at each count,
 * which costs more than the rest of a request may; and the format is small.
 *
 * @module
 */
import type { Facts, Family, Labels } from "./family.ts";
import { BUCKETS, type HistogramSnapshot } from "./histogram.ts";
import { PROCESS_FAMILIES } from "./process_families.ts";
import { TRAFFIC_FAMILIES } from "./traffic_families.ts";

/** Which of the two formats. */
export type Format = "openmetrics" | "prometheus";

/** Their media types. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

/** All that is measured, in the order of the text. */
export const FAMILIES: readonly Family[] = [
  ...TRAFFIC_FAMILIES,
  ...PROCESS_FAMILIES,
];

/** The text of all metrics. */
export function renderMetrics(facts: Facts, format: Format): string {
  const lines = FAMILIES.flatMap((family) =>
    familyLines(family, facts, format)
  );
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function familyLines(
  { name, type, help, samples }: Family,
  facts: Facts,
  format: Format,
): string[] {
  const suffix = type === "counter" ? "_total" : "";
  // A counter's family has the suffix only in the older format.
  const family = format === "openmetrics" ? name : name + suffix;
  const lines = [`# HELP ${family} ${help}`, `# TYPE ${family} ${type}`];
  for (const [labels, value] of samples(facts)) {
    if (typeof value === "number") {
      lines.push(line(name + suffix, labels, value));
    } else {
      lines.push(...histogramLines(name, labels, value));
    }
  }
  return lines;
}

function histogramLines(
  name: string,
  labels: Labels,
  { counts, sum }: HistogramSnapshot,
): string[] {
  let count = 0;
  const lines = BUCKETS.map((bound, at) => {
    count += counts[at] ?? 0;
    return line(`${name}_bucket`, { ...labels, le: boundText(bound) }, count);
  });
  count += counts[BUCKETS.length] ?? 0;
  return [
    ...lines,
    line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels)
    .map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const list = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${list} ${value}`;
}

/** A canonical number of OpenMetrics: a whole one has `.0`. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : `${bound}`;
}

/** A label's value: keys of locations may have any character. */
function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}
