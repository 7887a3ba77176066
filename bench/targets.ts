/**
 * What is asked of sameorigin, and what came of it.
 *
 * @module
 */
import { FROM_SOURCE } from "./contenders.ts";
import { rowAt } from "./growth.ts";
import { cpuOfRow, type Results } from "./report.ts";
import { median, medianRatio } from "./statistics.ts";
import { digits, table } from "./table.ts";

const OURS = "sameorigin";

/** One line of the list. */
export interface Target {
  title: string;
  /** The most it may be. */
  limit: number;
  unit: string;
  measured: number;
}

/** The targets of all that was measured. */
export function targetsOf(results: Results): Target[] {
  const targets: Target[] = [];
  const add = (
    title: string,
    limit: number,
    unit: string,
    measured: number,
  ) => {
    if (Number.isFinite(measured)) {
      targets.push({ title, limit, unit, measured });
    }
  };
  for (const { workload, rows } of results.workloads) {
    const of = (name: string) =>
      cpuOfRow(rows.find(({ contender }) => contender.name === name));
    for (const { of: other, ratio } of workload.targets ?? []) {
      const measured = medianRatio(of(OURS), of(other));
      add(workload.title, ratio, `× ${other}`, measured);
    }
  }
  for (const { growth, rows } of results.growths) {
    if (growth.limit === undefined) continue;
    const last = growth.points.at(-1) ?? growth.base;
    const of = (point: number) => cpuOfRow(rowAt(growth, rows, OURS, point));
    const unit = `× ${growth.base}`;
    const measured = medianRatio(of(last), of(growth.base));
    add(
      `${last} ${growth.name.replace("growth-", "")}`,
      growth.limit,
      unit,
      measured,
    );
  }
  const own = results.resources.find(({ contender }) =>
    contender.name === OURS
  );
  const source = results.resources.find(({ contender }) =>
    contender.name === FROM_SOURCE
  );
  if (source !== undefined) {
    const starts = source.starts.map(({ milliseconds }) => milliseconds);
    add(`start to the first answer (${FROM_SOURCE})`, 80, "ms", median(starts));
  }
  if (own !== undefined) {
    add("resident memory, idle", 90, "MiB", own.idle ?? NaN);
    add("an idle WebSocket", 36, "kB", (own.webSocket ?? NaN) / 1000);
  }
  return targets;
}

export function targetsReport(targets: readonly Target[]): string {
  return "### Targets\n\n" + table(
    ["sameorigin's CPU, if nothing else is said", "at most", "measured", ""],
    targets.map(({ title, limit, unit, measured }) => [
      title,
      `${digits(limit)} ${unit}`,
      digits(measured),
      measured <= limit ? "met" : "missed",
    ]),
  );
}
