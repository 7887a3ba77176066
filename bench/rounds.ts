/**
 * One workload on all contenders, in turns.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Contender } from "./contenders.ts";
import { runLoad, type Sample, startUpstream, targetOf } from "./load.ts";
import { ask, type RunningProxy, startProxy } from "./running.ts";
import type { Load, Workload } from "./workloads.ts";

/** How long it is measured. */
export interface Effort {
  rounds: number;
  /** Seconds of a run, and of one before the first that does not count. */
  seconds: number;
  warm: number;
}

/** What came of a contender. */
export interface Row {
  contender: string;
  floor: boolean;
  samples: Sample[];
  /** Why there are none. */
  failure?: string;
}

export interface WorkloadResult {
  workload: Workload;
  rows: Row[];
}

/** Those that can do a workload. */
export function able(
  contenders: readonly Contender[],
  { load, locations, workers }: Pick<
    Workload,
    "load" | "locations" | "workers"
  >,
): Contender[] {
  return contenders.filter(({ can, missing }) =>
    missing === null &&
    can.has(load.kind === "wrk" ? "http" : "websocket") &&
    (locations === 5 || can.has("locations")) &&
    (workers === "one" || can.has("cores"))
  );
}

/**
 * Runs A B C A B C …: what disturbs the machine for a while meets all alike.
 *
 * @param say Told of each run, for whoever waits.
 */
export async function runWorkload(
  workload: Workload,
  contenders: readonly Contender[],
  effort: Effort,
  say: (words: string) => void,
): Promise<WorkloadResult> {
  await using upstream = await startUpstream(workload.workers);
  await using proxies = new AsyncDisposableStack();
  const rows: Row[] = [];
  const running: { proxy: RunningProxy; row: Row }[] = [];
  for (const contender of able(contenders, workload)) {
    const { name, floor } = contender;
    const row: Row = { contender: name, floor, samples: [] };
    rows.push(row);
    try {
      const proxy = proxies.use(
        await startProxy(contender, { ...workload, upstream: upstream.port }),
      );
      await compare(proxy, upstream.port, workload);
      say(`${workload.name}: warming ${name}`);
      await runLoad(workload, proxy, upstream, effort.warm);
      running.push({ proxy, row });
    } catch (error) {
      row.failure = error instanceof Error ? error.message : String(error);
    }
  }
  for (let round = 1; round <= effort.rounds; round++) {
    for (const { proxy, row } of running) {
      if (row.failure !== undefined) continue;
      say(
        `${workload.name}: round ${round} of ${effort.rounds}, ${row.contender}`,
      );
      try {
        row.samples.push(
          await runLoad(workload, proxy, upstream, effort.seconds),
        );
      } catch (error) {
        row.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return { workload, rows };
}

/** @throws {Error} if the answer through the proxy is not the upstream's own. */
async function compare(
  proxy: RunningProxy,
  upstream: number,
  { load, locations }: { load: Load; locations: number },
) {
  if (load.kind !== "wrk") return;
  const target = targetOf(load, locations);
  const request = [target, load.headers, load.body] as const;
  const direct = await ask(upstream, ...request);
  const through = await ask(proxy.port, ...request);
  if (through.status !== direct.status) {
    throw new Error(`answers ${through.status}, not ${direct.status}`);
  }
  if (
    through.encoding !== direct.encoding ||
    !Buffer.from(through.body).equals(direct.body)
  ) throw new Error("the answer is not the upstream's");
}
