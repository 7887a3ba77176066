/**
 * Puts load on a proxy and tells what it cost.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { lastTarget } from "./configs.ts";
import { cpuOf, endedChildrenCpu } from "./proc_stat.ts";
import { pinned, type RunningProxy } from "./running.ts";
import type { Load, Workload } from "./workloads.ts";

/** The program that is both upstream and load (`bench/load`). */
export const LOAD_PROGRAM = fileURLToPath(
  new URL("../.cache/bench/load", import.meta.url),
);

/** One run of a load. */
export interface Sample {
  /** The proxy's CPU for a unit, in microseconds. */
  cpu: number;
  /** Units a second. */
  rate: number;
  /** Latencies in microseconds. */
  p50: number;
  p99: number;
  p999: number;
  /** Parts of a core: 1 is one core, busy all the time. */
  busy: { proxy: number; upstream: number; generator: number };
  errors: number;
}

/** What the generators print. */
interface Counted {
  units: number;
  errors: number;
  seconds: number;
  p50: number;
  p99: number;
  p999: number;
}

/** The upstream, in a process of its own. */
export interface Upstream extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

export async function startUpstream(
  workers: "one" | "all",
): Promise<Upstream> {
  const start = { command: LOAD_PROGRAM, args: ["upstream"] };
  const { command, args } = workers === "one" ? pinned(start, "others") : start;
  const child = new Deno.Command(command, {
    args,
    // Less often collected: it makes little garbage, and has memory.
    env: { GOGC: "400" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  const port = Number(new TextDecoder().decode(value));
  if (!(port > 0)) throw new Error("the upstream did not start");
  return {
    port,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      // It ends with its standard input.
      await child.stdin.close();
      await child.stdout.cancel();
      await child.status;
    },
  };
}

/** The target of a load. */
export function targetOf(load: Load, locations: number): string {
  switch (load.kind) {
    case "wrk":
    case "rotate":
      return lastTarget(locations, load.page);
    case "file":
      return `/${load.name}`;
    case "echo":
      return "/connection/websocket/echo";
    case "fan":
      return "/connection/websocket/fan";
  }
}

/** The command of a load. */
function commandOf(
  { load, locations }: Pick<Workload, "load" | "locations">,
  port: number,
  upstream: number,
  seconds: number,
) {
  const address = `127.0.0.1:${port}`;
  const target = targetOf(load, locations);
  if (load.kind === "wrk" || load.kind === "file") {
    const body = load.kind === "wrk" ? load.body ?? 0 : 0;
    const script = fileURLToPath(new URL("wrk.lua", import.meta.url));
    const headers = (load.headers ?? []).flatMap((line) => ["-H", line]);
    return {
      command: "wrk",
      args: [
        ...["-t", "1", "-c", String(load.connections)],
        ...["-d", `${seconds}s`, "--timeout", "10s", "-s", script],
        ...headers,
        `http://${address}${target}`,
      ],
      env: { BODY_SIZE: String(body) },
    };
  }
  const args = [
    load.kind === "rotate" ? "http" : load.kind,
    `-address=${address}`,
    `-path=${target}`,
    `-conns=${load.connections}`,
    `-duration=${seconds}s`,
  ];
  if (load.kind !== "rotate") args.push(`-size=${load.size}`);
  if (load.kind === "fan") {
    args.push(`-direct=127.0.0.1:${upstream}`, `-rate=${load.rate}`);
  }
  return { command: LOAD_PROGRAM, args, env: { GOGC: "400" } };
}

/**
 * Runs a load once.
 *
 * @param seconds Whole ones.
 * @throws {Error} if the generator fails, or counted nothing.
 */
export async function runLoad(
  workload: Pick<Workload, "load" | "locations" | "workers">,
  proxy: RunningProxy,
  upstream: Upstream,
  seconds: number,
): Promise<Sample> {
  const start = commandOf(workload, proxy.port, upstream.port, seconds);
  const { command, args, env } = workload.workers === "one"
    ? { ...start, ...pinned(start, "others") }
    : start;
  const child = new Deno.Command(command, {
    args,
    env: env ?? {},
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let before = look(proxy, upstream);
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text === "ready\n") {
      // All connections are made; that is not what is measured.
      before = look(proxy, upstream);
      await writeAll(child.stdin, "\n");
    }
  }
  const { success } = await child.status;
  await child.stdin.close().catch(() => {});
  const after = look(proxy, upstream);
  const json = /^\{.*\}$/m.exec(text)?.[0];
  if (!success || json === undefined) {
    throw new Error((await errors).trim() || text);
  }
  return sampleOf(JSON.parse(json), before, after);
}

async function writeAll(to: WritableStream<Uint8Array>, text: string) {
  const writer = to.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** CPU times in milliseconds. */
export interface Look {
  proxy: number;
  upstream: number;
  generator: number;
}

function look(proxy: RunningProxy, upstream: Upstream): Look {
  return {
    proxy: cpuOf(proxy.pid),
    upstream: cpuOf(upstream.pid),
    generator: endedChildrenCpu(),
  };
}

/** @throws {Error} if nothing was counted. */
export function sampleOf(counted: Counted, before: Look, after: Look): Sample {
  const { units, errors, seconds, p50, p99, p999 } = counted;
  if (units === 0) throw new Error(`no unit in ${seconds} s, ${errors} errors`);
  const part = (who: keyof Look) => (after[who] - before[who]) / 1000 / seconds;
  return {
    cpu: (after.proxy - before.proxy) * 1000 / units,
    rate: units / seconds,
    p50,
    p99,
    p999,
    busy: {
      proxy: part("proxy"),
      upstream: part("upstream"),
      generator: part("generator"),
    },
    errors,
  };
}
