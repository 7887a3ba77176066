/**
 * Shows that nothing is lost when a server dies: three servers in processes of
 * their own, under load through the proxy, one of them killed, hung, resetting
 * or answering 500 in turn, and well again.
 *
 * Exit code 1 if an idempotent request (GET, PUT with a body) fails, or if a
 * POST was done twice. A POST that fails is counted: where its server took it
 * and gave no answer nobody can tell whether it was done.
 *
 *     deno run -A tools/with_std.ts run -A bench/failover.ts
 *
 * @module
 */
import { type FailingServer, startFailing } from "./failover_process.ts";
import { startProxyProcess } from "./proxy_process.ts";
import { digits, table } from "./table.ts";

/** Requests at a time. */
const WORKERS = 32;
/** Milliseconds of load before a fault, of the fault, and after it. */
const BEFORE = 1_500;
const FAULT = 4_000;
const AFTER = 4_000;
/** Milliseconds that tell a request that met the fault from one that did not. */
const SLOW = 250;

const SETTINGS = `proxy_connect_timeout: 500ms
proxy_read_timeout: 1s
proxy_next_upstream: error timeout http_500`;
const SERVER = "fail_timeout: 1s";

/** A way to fail: how it begins and ends. */
interface Fault {
  readonly name: string;
  begin(server: FailingServer): void | Promise<void>;
  end(server: FailingServer): void | Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "killed",
    begin: (server) => server.kill(),
    end: (server) => server.start(),
  },
  {
    name: "hung",
    begin: (server) => server.signal("SIGSTOP"),
    end: (server) => server.signal("SIGCONT"),
  },
  {
    name: "reset",
    begin: (server) => server.behave("reset"),
    end: (server) => server.behave("well"),
  },
  {
    name: "500",
    begin: (server) => server.behave("500"),
    end: (server) => server.behave("well"),
  },
];

/** One request, when it has ended. Times in milliseconds. */
interface Sample {
  readonly method: string;
  readonly begun: number;
  readonly took: number;
  /** 0 where the connection broke. */
  readonly status: number;
  /** The server that answered. */
  readonly server: string;
}

/** Sends requests until it is told to stop. */
class Load {
  readonly samples: Sample[] = [];
  #next = 0;
  #stopping = false;
  readonly #done: Promise<unknown>;

  constructor(readonly url: string) {
    const workers = Array.from({ length: WORKERS }, () => this.#work());
    this.#done = Promise.all(workers);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #work(): Promise<void> {
    while (!this.#stopping) {
      const i = this.#next++;
      const method = i % 5 === 4 ? "POST" : i % 5 === 3 ? "PUT" : "GET";
      const body = method === "GET" ? null : "x".repeat(1000);
      const begun = performance.now();
      let status = 0;
      let server = "";
      try {
        const response = await fetch(`${this.url}/${i}`, { method, body });
        server = await response.text();
        status = response.status;
      } catch {
        // It broke.
      }
      const took = performance.now() - begun;
      this.samples.push({ method, begun, took, status, server });
    }
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a fault did to the requests. */
function report(
  fault: string,
  all: readonly Sample[],
  { began, ended, victim }: { began: number; ended: number; victim: string },
) {
  const idempotent = all.filter(({ method }) => method !== "POST");
  const posts = all.filter(({ method }) => method === "POST");
  const fails = (samples: readonly Sample[]) =>
    samples.filter(({ status }) => status !== 200).length;
  const during = idempotent.filter(({ begun, took }) =>
    begun + took > began && begun < ended
  );
  const slow = during.filter(({ took }) => took > SLOW);
  const first = all
    .filter(({ begun, server, status }) =>
      begun > ended && server === victim && status === 200
    )
    .map(({ begun, took }) => begun + took - ended);
  const back = first.length === 0 ? NaN : Math.min(...first);
  return {
    failed: fails(idempotent),
    back,
    row: [
      fault,
      digits(all.length),
      String(fails(idempotent)),
      String(fails(posts)),
      String(slow.length),
      digits(Math.max(...during.map(({ took }) => took))),
      digits(lastUnrest(during, began)),
      digits(back),
    ],
  };
}

/** Milliseconds after the fault until nobody who met its beginning was slow. */
function lastUnrest(samples: readonly Sample[], began: number): number {
  const ends = samples
    .filter(({ begun, took }) => took > SLOW && begun < began + SLOW)
    .map(({ begun, took }) => begun + took - began);
  return Math.max(0, ...ends);
}

async function main(): Promise<number> {
  await using servers = await startFailing(["a", "b", "c"]);
  const list = servers.all
    .map(({ port }) => `{address: "127.0.0.1:${port}", ${SERVER}}`);
  await using proxy = await startProxyProcess(`listen: 127.0.0.1:0
access_log: off
${SETTINGS}
upstreams: {group: {servers: [${list.join(", ")}]}}
locations: {/: http://group}
`);
  console.log(
    `${SETTINGS}\n${SERVER}\n${WORKERS} requests at a time: 3 GET, 1 PUT, 1 POST\n`,
  );
  const load = new Load(proxy.url);
  const rows: string[][] = [];
  let failed = 0;
  let lost = false;
  for (const [i, fault] of FAULTS.entries()) {
    const victim = servers.all[i % servers.all.length]!;
    await wait(BEFORE);
    load.samples.length = 0;
    const began = performance.now();
    await fault.begin(victim);
    await wait(FAULT);
    const ended = performance.now();
    await fault.end(victim);
    await wait(AFTER);
    const times = { began, ended, victim: victim.name };
    const result = report(fault.name, load.samples, times);
    failed += result.failed;
    lost ||= Number.isNaN(result.back);
    rows.push(result.row);
  }
  await load.stop();
  console.log(table([
    "one server",
    "requests",
    "GET/PUT failed",
    "POST failed",
    `slower than ${SLOW} ms`,
    "slowest, ms",
    "slow until, ms",
    "back after, ms",
  ], rows));
  const done = servers.done();
  const twice = [...done.values()].filter((count) => count > 1).length;
  console.log(
    `POSTs done at the servers: ${digits(done.size)}, twice: ${twice}`,
  );
  return failed > 0 || twice > 0 || lost ? 1 : 0;
}

const code = await main();
if (code !== 0) Deno.exit(code);
