/**
 * What a proxy takes before and beside its work: time to start, memory.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { LOAD_PROGRAM, runLoad, startUpstream, type Upstream } from "./load.ts";
import { cpuOf, residentKiB } from "./proc_stat.ts";
import { firstAnswer, type RunningProxy, startProxy } from "./running.ts";
import type { Effort } from "./rounds.ts";

/** WebSockets that are held open. */
export const IDLE_WEBSOCKETS = 5_000;
/** Those that are opened before, to load the code. */
const FIRST_WEBSOCKETS = 200;
/** Milliseconds until a process has come to rest. */
const REST = 3_000;

const SETTING = { locations: 5, workers: "one" } as const;

/** What was measured of one contender. */
export interface Resources {
  contender: Contender;
  /** From the start of the process to its first answer, each time. */
  starts: { milliseconds: number; cpu: number }[];
  /** MiB after the first answer, and the most under load. */
  idle?: number;
  loaded?: number;
  /** Bytes for each idle WebSocket. */
  webSocket?: number;
  failures: string[];
}

/** Measures all contenders, in turns where time matters. */
export async function measureResources(
  contenders: readonly Contender[],
  effort: Effort,
  say: (words: string) => void,
): Promise<Resources[]> {
  await using upstream = await startUpstream("one");
  const all = contenders.filter(({ missing }) => missing === null)
    .map((contender): Resources => ({ contender, starts: [], failures: [] }));
  for (let round = 0; round <= effort.rounds * 2; round++) {
    for (const one of all) {
      if (!one.contender.can.has("start") || one.failures.length > 0) continue;
      say(`start: ${one.contender.name}`);
      await noted(one, async () => {
        const start = await startUp(one.contender, upstream);
        // The first one fills the page cache.
        if (round > 0) one.starts.push(start);
      });
    }
  }
  for (const one of all) {
    const { contender } = one;
    if (contender.can.has("http")) {
      say(`memory: ${contender.name}`);
      await noted(one, () => measureMemory(one, upstream, effort));
    }
    if (contender.can.has("websocket")) {
      say(`idle WebSockets: ${contender.name}`);
      await noted(one, async () => {
        one.webSocket = await idleWebSockets(contender, upstream);
      });
    }
  }
  return all;
}

async function noted(one: Resources, measure: () => Promise<void>) {
  try {
    await measure();
  } catch (error) {
    one.failures.push(error instanceof Error ? error.message : String(error));
  }
}

async function startUp(contender: Contender, { port }: Upstream) {
  await using proxy = await firstAnswer(contender, {
    ...SETTING,
    upstream: port,
  });
  return { milliseconds: proxy.after, cpu: cpuOf(proxy.pid) };
}

async function measureMemory(
  one: Resources,
  upstream: Upstream,
  effort: Effort,
) {
  await using proxy = await start(one.contender, upstream);
  await rest();
  one.idle = residentKiB(proxy.pid) / 1024;
  one.loaded = one.idle;
  const timer = setInterval(() => {
    one.loaded = Math.max(one.loaded ?? 0, residentKiB(proxy.pid) / 1024);
  }, 250);
  try {
    const load = { kind: "wrk", page: "headers", connections: 256 } as const;
    await runLoad({ ...SETTING, load }, proxy, upstream, 3 * effort.seconds);
  } finally {
    clearInterval(timer);
  }
}

async function idleWebSockets(contender: Contender, upstream: Upstream) {
  await using proxy = await start(contender, upstream);
  await using _first = await hold(proxy, FIRST_WEBSOCKETS);
  await rest();
  const before = residentKiB(proxy.pid);
  await using _all = await hold(proxy, IDLE_WEBSOCKETS);
  await rest();
  return (residentKiB(proxy.pid) - before) * 1024 / IDLE_WEBSOCKETS;
}

/** Opens so many WebSockets, until disposed of. */
async function hold(proxy: RunningProxy, count: number) {
  const child = new Deno.Command(LOAD_PROGRAM, {
    args: [
      "idle",
      `-address=127.0.0.1:${proxy.port}`,
      "-path=/connection/websocket/echo",
      `-conns=${count}`,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  const end = async () => {
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  if (done) {
    await end();
    throw new Error(await errors);
  }
  return { [Symbol.asyncDispose]: end };
}

function start(contender: Contender, { port }: Upstream) {
  return startProxy(contender, { ...SETTING, upstream: port });
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST));
}
