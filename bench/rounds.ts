/**
 * Contenders at work, in turns.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Contender } from "./contenders.ts";
import {
  runLoad,
  type Sample,
  startUpstream,
  targetOf,
  type Upstream,
} from "./load.ts";
import { contentOf } from "./files.ts";
import { ask, type RunningProxy, startProxy } from "./running.ts";
import type { Workload } from "./workloads.ts";

/** How long it is measured. */
export interface Effort {
  rounds: number;
  /** Seconds of a run, and of one before the first that does not count. */
  seconds: number;
  warm: number;
  /**
   * Seconds of load before each run, which do not count: whoever has had no work
   * for a while has given memory and compiled code back.
   */
  burst: number;
}

/** What is to be done. */
export type Task = Pick<Workload, "load" | "locations" | "workers">;

/** A contender with what it has to do. */
export interface Entry {
  contender: Contender;
  task: Task;
  /** For the terminal. */
  label: string;
}

/** What came of an entry. */
export interface Row extends Entry {
  samples: Sample[];
  /** Why there are none, or no more. */
  failure?: string;
}

/** Whether a contender can do that. */
export function isAble(
  { can, missing }: Contender,
  { load, locations, workers }: Task,
): boolean {
  return missing === null && can.has(skillOf(load)) &&
    (locations === 5 || can.has("locations")) &&
    (workers === "one" || can.has("cores"));
}

function skillOf({ kind }: Task["load"]) {
  switch (kind) {
    case "wrk":
    case "rotate":
      return "http";
    case "file":
      return "files";
    default:
      return "websocket";
  }
}

/**
 * Runs A B C A B C …: what disturbs the machine for a while meets all alike.
 *
 * @param entries All with one worker, or all with all.
 * @param say Told of each run, for whoever waits.
 */
export async function runRounds(
  entries: readonly Entry[],
  effort: Effort,
  say: (words: string) => void,
): Promise<Row[]> {
  const rows = entries.map((entry): Row => ({ ...entry, samples: [] }));
  const { workers = "one" } = entries[0]?.task ?? {};
  await using upstream = await startUpstream(workers);
  await using proxies = new Proxies(upstream);
  const run = async (row: Row, seconds: number) => {
    const proxy = await proxies.get(row);
    return await runLoad(row.task, proxy, upstream, seconds);
  };
  for (let round = 0; round <= effort.rounds; round++) {
    for (const row of rows) {
      if (row.failure !== undefined) continue;
      say(`${row.label}: ${round === 0 ? "warming" : `round ${round}`}`);
      try {
        if (round === 0) {
          await compare(await proxies.get(row), upstream.port, row.task);
          await run(row, effort.warm);
        } else {
          await run(row, effort.burst);
          row.samples.push(await run(row, effort.seconds));
        }
      } catch (error) {
        row.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return rows;
}

/** The proxies of a run: one for all entries that need the same. */
class Proxies implements AsyncDisposable {
  readonly #running = new Map<string, RunningProxy>();
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  async get({ contender, task }: Entry): Promise<RunningProxy> {
    const files = task.load.kind === "file";
    const key = `${contender.name} ${task.locations} ${files}`;
    let proxy = this.#running.get(key);
    if (proxy === undefined) {
      const { port } = this.#upstream;
      proxy = await startProxy(contender, {
        ...task,
        files,
        upstream: port,
      });
      this.#running.set(key, proxy);
    }
    return proxy;
  }

  async [Symbol.asyncDispose]() {
    for (const proxy of this.#running.values()) {
      await proxy[Symbol.asyncDispose]();
    }
  }
}

/** @throws {Error} if the answer through the proxy is not the upstream's own. */
async function compare(
  proxy: RunningProxy,
  upstream: number,
  { load, locations }: Task,
) {
  if (load.kind === "file") return await compareFile(proxy, load);
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

/** @throws {Error} if the answer is not the file, or 304 to a condition. */
async function compareFile(
  { port }: RunningProxy,
  { name, headers }: Extract<Task["load"], { kind: "file" }>,
) {
  const { status, body } = await ask(port, `/${name}`, headers);
  const expected = headers === undefined ? 200 : 304;
  if (status !== expected) throw new Error(`answers ${status}`);
  if (status === 200 && !Buffer.from(body).equals(contentOf(name))) {
    throw new Error("the answer is not the file");
  }
}
