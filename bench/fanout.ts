/**
 * `deno task bench fanout`: a channel of Centrifugo with many subscribers,
 * through sameorigin, through nginx, and straight. Every client must get every
 * message, in order; how long each took is told beside what it cost.
 *
 *     deno task bench fanout
 *     deno task bench fanout --clients=1000 --seconds=30 --rate=20 --rounds=3
 *
 * The clients are one program (`bench/load`), so that they cost little beside
 * what is measured.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { parseArgs } from "@std/cli/parse-args";
import { type Stack, startStack } from "../tools/stack/start_stack.ts";
import { findProgram } from "../tests/support/skip.ts";
import { nginxConfig } from "./configs.ts";
import { LOAD_PROGRAM } from "./load.ts";
import { buildLoad } from "./prepare.ts";
import { cpuOf, endedChildrenCpu, residentKiB } from "./proc_stat.ts";
import { freePort, spawn } from "./running.ts";
import { median } from "./statistics.ts";
import { digits, milliseconds, percent, table } from "./table.ts";

/** What is run. */
interface Effort {
  readonly clients: number;
  /** Of messages. */
  readonly seconds: number;
  /** Messages a second. */
  readonly rate: number;
  /** How often, in turn; the table has the medians. */
  readonly rounds: number;
}

/** A way to Centrifugo. */
interface Way {
  readonly name: string;
  readonly port: number;
  /** The proxy's process; null for none. */
  readonly pid: number | null;
}

/** What one run came to. */
interface Sample {
  /** Messages at clients. */
  readonly delivered: number;
  /** Those that did not come, or came out of order with all after them. */
  readonly missing: number;
  /** From publishing to a client, in microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** The proxy's CPU for a message at a client, in microseconds. */
  readonly cpu: number;
  /** Parts of a core. */
  readonly busy: { proxy: number; centrifugo: number; clients: number };
  /** What the proxy has resident at the end, in MiB. */
  readonly memory: number;
}

/** @throws {Error} if a client misses a message, once all is printed. */
export async function fanout(
  args: string[],
  say: (words: string) => void,
): Promise<void> {
  const effort = effortOf(args);
  await buildLoad(say);
  say("starting Centrifugo and the proxies");
  await using stack = await startStack({
    frontend: "none",
    // Each way has an origin of its own.
    env: { centrifugo: { CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: "*" } },
    report: { step: (_, work) => work(), note: console.log },
  });
  await using nginx = await startNginx(stack);
  const ways = [
    way("straight", stack.addresses.centrifugo, null),
    way("sameorigin", stack.addresses.proxy, stack.pid("proxy")),
    ...(nginx === null ? [] : [way("nginx", nginx.address, nginx.pid)]),
  ];
  const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]));
  for (let round = 1; round <= effort.rounds; round++) {
    for (const way of ways) {
      say(`round ${round} of ${effort.rounds}: ${way.name}`);
      samples.get(way)?.push(await run(stack, way, effort));
    }
  }
  say("");
  console.log(report(effort, stack, samples));
  const missing = Array.from(samples.values()).flat()
    .reduce((sum, sample) => sum + sample.missing, 0);
  if (missing > 0) throw new Error(`${missing} messages are missing`);
}

function effortOf(args: string[]): Effort {
  const options = parseArgs(args, {
    string: ["clients", "seconds", "rate", "rounds"],
  });
  const number = (text: unknown, otherwise: number) => {
    const value = text === undefined ? otherwise : Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`${text} is not a number of what there is at least one of`);
  };
  return {
    clients: number(options.clients, 1_000),
    seconds: number(options.seconds, 30),
    rate: number(options.rate, 20),
    rounds: number(options.rounds, 3),
  };
}

function way(name: string, address: string, pid: number | null): Way {
  return { name, port: Number(address.split(":")[1]), pid };
}

/** nginx before the same Centrifugo; null where it is not installed. */
async function startNginx(stack: Stack) {
  const command = findProgram("nginx");
  if (command === undefined) {
    console.log("left out: nginx is not installed");
    return null;
  }
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  const port = freePort();
  const config = nginxConfig({
    port,
    upstream: way("", stack.addresses.centrifugo, null).port,
    locations: 5,
    workers: "one",
  });
  const file = `${folder}/nginx.conf`;
  await Deno.writeTextFile(file, config);
  const program = spawn({
    command,
    args: ["-p", folder, "-e", "stderr", "-c", file],
  });
  const end = async () => {
    await program[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  };
  while (!await listens(port)) {
    if (program.ended) {
      await end();
      throw new Error(`nginx did not start: ${program.words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    address: `127.0.0.1:${port}`,
    pid: program.pid,
    [Symbol.asyncDispose]: end,
  };
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Subscribes the clients, publishes, and looks at all who take part. */
async function run(
  stack: Stack,
  { port, pid }: Way,
  { clients, seconds, rate }: Effort,
): Promise<Sample> {
  const generator = endedChildrenCpu();
  const child = new Deno.Command(LOAD_PROGRAM, {
    args: [
      "crowd",
      `-address=127.0.0.1:${port}`,
      "-path=/connection/websocket",
      `-direct=${stack.addresses.centrifugo}`,
      `-conns=${clients}`,
      `-duration=${seconds}s`,
      `-rate=${rate}`,
    ],
    env: {
      GOGC: "400",
      CROWD_TOKEN: tokenOf(stack),
      CROWD_KEY: stack.secrets.apiKey,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const words = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  const { value: ready } = await lines.read();
  const before = look(stack, pid);
  // Publish.
  if (ready !== undefined) await writer.write(new TextEncoder().encode("\n"));
  const { value: json } = await lines.read();
  const after = look(stack, pid);
  await writer.close().catch(() => {});
  const { success } = await child.status;
  if (!success || json === undefined) throw new Error(await words);
  const counted = JSON.parse(json);
  const cores = (before: number, after: number) =>
    (after - before) / 1000 / counted.seconds;
  return {
    delivered: counted.units,
    missing: counted.errors,
    p50: counted.p50,
    p99: counted.p99,
    p999: counted.p999,
    cpu: (after.proxy - before.proxy) * 1000 / counted.units,
    busy: {
      proxy: cores(before.proxy, after.proxy),
      centrifugo: cores(before.centrifugo, after.centrifugo),
      clients: cores(generator, endedChildrenCpu()),
    },
    memory: pid === null ? NaN : residentKiB(pid) / 1024,
  };
}

/** CPU time so far, in milliseconds. */
function look(stack: Stack, pid: number | null) {
  return {
    proxy: pid === null ? NaN : cpuOf(pid),
    centrifugo: cpuOf(stack.pid("centrifugo") ?? 0),
  };
}

/** A token that lets the clients in for an hour. */
function tokenOf({ secrets }: Stack): string {
  const encode = (part: unknown) =>
    new TextEncoder().encode(JSON.stringify(part))
      .toBase64({ alphabet: "base64url", omitPadding: true });
  const claims = { sub: "1", exp: Math.floor(Date.now() / 1000) + 3600 };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  const hmac = createHmac("sha256", secrets.token).update(signed);
  return `${signed}.${hmac.digest("base64url")}`;
}

const HEAD = [
  "",
  "delivered",
  "missing",
  "p50 ms",
  "p99 ms",
  "p99.9 ms",
  "proxy's CPU µs",
  "proxy",
  "Centrifugo",
  "clients",
  "MiB",
];

function report(
  { clients, seconds, rate, rounds }: Effort,
  { centrifugo: { kind, from } }: Stack,
  samples: ReadonlyMap<Way, readonly Sample[]>,
): string {
  const rows = Array.from(samples, ([{ name }, all]) => {
    const middle = (pick: (sample: Sample) => number) => median(all.map(pick));
    const sum = (pick: (sample: Sample) => number) =>
      all.reduce((sum, sample) => sum + pick(sample), 0)
        .toLocaleString("en-US");
    return [
      name,
      sum((it) => it.delivered),
      sum((it) => it.missing),
      milliseconds(middle((it) => it.p50)),
      milliseconds(middle((it) => it.p99)),
      milliseconds(middle((it) => it.p999)),
      digits(middle((it) => it.cpu)),
      percent(middle((it) => it.busy.proxy)),
      percent(middle((it) => it.busy.centrifugo)),
      percent(middle((it) => it.busy.clients)),
      digits(middle((it) => it.memory)),
    ];
  });
  const server = kind === "centrifugo" ? "Centrifugo" : "Centrifugo's stand-in";
  return `
## fanout: ${clients.toLocaleString("en-US")} clients of ${server} (${from})

${rate} messages a second for ${seconds} s. Rounds: ${rounds}, of which the medians are told. A
latency is the time from publishing to a client; CPU is what the proxy uses for
a message at a client. Percentages are of one core.

${table(HEAD, rows)}`;
}
