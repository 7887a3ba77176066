/**
 * What the live page costs: 2,000 requests a second and 1,000 WebSockets with
 * 1,000 messages a second, by turns with nobody looking and with the page open in
 * Chromium.
 *
 *     deno task bench live-page --seconds=20 --rounds=3
 *
 * Linux only (`/proc`); needs Go and Chromium. Exit code 1 if the page is late
 * with a second, if it costs 3 % of a core or more, or if a task in the browser
 * takes more than 50 ms.
 *
 * @module
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "@std/cli/parse-args";
import { launchBrowser } from "../tests/support/browser.ts";
import { LOAD_PROGRAM, startUpstream } from "./load.ts";
import { buildLoad } from "./prepare.ts";
import { cpuOf } from "./proc_stat.ts";
import { startProxyProcess } from "./proxy_process.ts";
import { freePort } from "./running.ts";
import { median } from "./statistics.ts";
import { digits, table } from "./table.ts";

const REQUESTS = 2_000;
const SOCKETS = 1_000;
const MESSAGES = 1_000;

/** Milliseconds that a task of the page may take, and parts of a core it may cost. */
const LONGEST_TASK = 50;
const LIMIT = 0.03;

/** Milliseconds before anything is measured. */
const WARM_UP = 5_000;

/** Milliseconds after which the proxy records no more for who has left (5 s). */
const FORGOTTEN = 7_000;

/** Milliseconds in which a page that was opened is drawn. */
const DRAWN = 1_000;

/** What the proxy's CPU was for, in parts of a core. */
interface Sample {
  readonly alone: number;
  readonly watched: number;
}

/** @returns The exit code. @throws {Error} for arguments that it can't follow. */
export async function livePage(
  args: string[],
  say: (words: string) => void,
): Promise<number> {
  const options = parseArgs(args, {
    string: ["seconds", "rounds"],
    default: { seconds: "20", rounds: "3" },
  });
  const seconds = Number(options.seconds);
  const rounds = Number(options.rounds);
  if (!(seconds > 0) || !(rounds > 0)) {
    throw new Error(
      "usage: deno task bench live-page [--seconds=N --rounds=N]",
    );
  }
  await buildLoad(say);
  await using upstream = await startUpstream("all");
  const admin = freePort();
  await using proxy = await startProxyProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:${admin}
upstreams: { backend: "127.0.0.1:${upstream.port}" }
locations:
  /api: http://backend
  /rooms: http://backend
  /echo: http://backend
`);
  const { host } = new URL(proxy.url);
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  const round = FORGOTTEN + DRAWN + 2 * (seconds + 1) * 1_000;
  const duration = WARM_UP + rounds * round;
  await using loads = startLoads(host, duration);
  say("warming up");
  await wait(WARM_UP);
  const samples: Sample[] = [];
  const watches: Watched[] = [];
  const cpu = () => cpuOf(proxy.pid);
  for (let done = 0; done < rounds; done++) {
    say(`round ${done + 1} of ${rounds}`);
    await page.goto("about:blank");
    await wait(FORGOTTEN);
    const [alone] = await busy(cpu, () => wait(seconds * 1_000));
    await page.goto(`http://127.0.0.1:${admin}/`);
    await wait(DRAWN);
    const [watched, seen] = await busy(cpu, () => watch(page, seconds));
    samples.push({ alone, watched });
    watches.push(seen);
  }
  const counted = await loads.counted();
  say("");
  console.log(report(samples, watches, counted));
  const problems = problemsOf(samples, watches);
  for (const problem of problems) console.log(`not met: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

/** Parts of a core that a process takes while something goes on, and its outcome. */
async function busy<T>(
  cpu: () => number,
  during: () => Promise<T>,
): Promise<[share: number, outcome: T]> {
  const [before, begun] = [cpu(), performance.now()];
  const outcome = await during();
  return [(cpu() - before) / (performance.now() - begun), outcome];
}

/** What was seen of the page. */
interface Watched {
  /** Milliseconds between two pictures of it. */
  readonly gaps: readonly number[];
  /** Milliseconds of each task of more than 50. */
  readonly longTasks: readonly number[];
}

/** What is used of the page's globals: Deno has no types of them. */
interface Browser {
  readonly document: { querySelector(selector: string): unknown };
  readonly MutationObserver: new (changed: () => void) => {
    observe(target: unknown, options: Record<string, boolean>): void;
    disconnect(): void;
  };
}

/** Runs in the page: notes when its first line changes, and what takes long. */
async function watch(
  page: { evaluate<T>(fn: (ms: number) => Promise<T>, ms: number): Promise<T> },
  seconds: number,
): Promise<Watched> {
  return await page.evaluate(async (ms) => {
    const gaps: number[] = [];
    const longTasks: number[] = [];
    const tasks = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longTasks.push(duration);
    });
    tasks.observe({ type: "longtask" });
    let last = performance.now();
    const { MutationObserver, document } = globalThis as unknown as Browser;
    const changes = new MutationObserver(() => {
      const now = performance.now();
      // Several changes are one picture.
      if (now - last < 100) return;
      gaps.push(now - last);
      last = now;
    });
    changes.observe(document.querySelector("#about"), {
      characterData: true,
      childList: true,
      subtree: true,
    });
    await new Promise((resolve) => setTimeout(resolve, ms));
    changes.disconnect();
    tasks.disconnect();
    return { gaps, longTasks };
  }, seconds * 1_000);
}

/** Units and errors of a load. */
interface Counted {
  readonly units: number;
  readonly errors: number;
  readonly seconds: number;
}

/** Starts both loads; they end by themselves. */
function startLoads(address: string, duration: number) {
  const begin = (words: string) =>
    new Deno.Command(LOAD_PROGRAM, {
      args: `${words} -address ${address} -duration ${duration}ms`.split(" "),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  const http = begin(`http -path /api/headers -pace ${REQUESTS}`);
  const sockets = begin(`echo -path /echo -conns ${SOCKETS} -pace ${MESSAGES}`);
  // It begins when all its connections are open.
  const writer = http.stdin.getWriter();
  const started = writer.write(new TextEncoder().encode("\n"));
  const counted = async () => {
    await started;
    const outputs = await Promise.all([http.output(), sockets.output()]);
    return outputs.map(({ stdout }): Counted =>
      JSON.parse(new TextDecoder().decode(stdout).replace(/^ready\n/, ""))
    );
  };
  return {
    counted,
    async [Symbol.asyncDispose]() {
      for (const child of [http, sockets]) {
        try {
          child.kill("SIGKILL");
        } catch {
          // It has ended.
        }
        await child.status;
      }
    },
  };
}

const percent = (share: number) => `${digits(100 * share)} %`;

function report(
  samples: readonly Sample[],
  watches: readonly Watched[],
  counted: readonly Counted[],
): string {
  const gaps = watches.flatMap((it) => it.gaps);
  const tasks = watches.flatMap((it) => it.longTasks);
  const loads = counted.map(({ units, errors, seconds }) =>
    `${digits(units / seconds)} a second, ${errors} errors`
  );
  return [
    `requests: ${loads[0]}; messages: ${loads[1]}, on ${SOCKETS} WebSockets`,
    table(
      ["CPU of the proxy", "nobody looks", "page open", "the page"],
      samples.map(({ alone, watched }, i) => [
        `round ${i + 1}`,
        percent(alone),
        percent(watched),
        percent(watched - alone),
      ]),
    ),
    `pictures: ${gaps.length}, from ${digits(Math.min(...gaps))} to ` +
    `${digits(Math.max(...gaps))} ms apart`,
    `tasks of more than ${LONGEST_TASK} ms in the browser: ` +
    (tasks.map(digits).join(", ") || "none"),
  ].join("\n\n");
}

/** The bounds that were not kept. */
function problemsOf(
  samples: readonly Sample[],
  watches: readonly Watched[],
): string[] {
  const cost = median(samples.map(({ alone, watched }) => watched - alone));
  const problems = [];
  if (cost >= LIMIT) problems.push(`the page costs ${percent(cost)} of a core`);
  if (watches.some(({ longTasks }) => longTasks.length > 0)) {
    problems.push("the browser was busy for too long");
  }
  if (watches.some(({ gaps }) => Math.max(...gaps) > 2_000)) {
    problems.push("the page missed a second");
  }
  return problems;
}
