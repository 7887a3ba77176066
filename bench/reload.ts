/**
 * What a reload costs those who are connected: 50 reloads, some of a config with
 * a mistake, some that add and remove a listener, a server, locations, under 64
 * connections that send requests and 2,000 WebSockets that exchange numbered
 * messages; beside nginx, whose old processes keep theirs.
 *
 *     deno run -A tools/with_std.ts run -A bench/reload.ts
 *     … --websockets=500 --reloads=10 --only=nginx
 *
 * Linux only (`/proc`). Exit code 1 if sameorigin loses anything.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { freePort } from "../tests/support/free_port.ts";
import { NumberedSocket, RequestLoad } from "../tests/support/numbered.ts";
import { type EchoProcess, startEcho } from "./echo_process.ts";
import { family, residentKiB } from "./proc_stat.ts";
import { type Reloadable, RELOADABLES, type Site } from "./reloaded.ts";
import { table } from "./table.ts";

const CONNECTIONS = 64;
/** Milliseconds between an answer and the next request of a connection. */
const REQUEST_PAUSE = 10;
/** Milliseconds between two messages of a WebSocket. */
const MESSAGE_INTERVAL = 1_000;
/** Milliseconds between two reloads. */
const RELOAD_INTERVAL = 300;
/** The part of the WebSockets whose clients leave and come back from reload to reload. */
const CHURN = 0.02;

interface Outcome {
  name: string;
  taken: number;
  refused: number;
  answered: number;
  failures: ReadonlyMap<string, number>;
  sockets: number;
  lost: number;
  messages: number;
  wrong: number;
  missing: number;
  processes: number;
  before: number;
  after: number;
}

async function measure(
  kind: Reloadable,
  [one, two]: readonly [EchoProcess, EchoProcess],
  options: { websockets: number; reloads: number },
): Promise<Outcome> {
  const [port, other] = [freePort(), freePort()];
  const site = (turn: number): Site => ({
    ports: turn % 2 === 1 ? [port, other] : [port],
    servers: turn % 3 === 2 ? [one.port] : [one.port, two.port],
    locations: turn * 7 % 40,
  });
  const folder = await Deno.makeTempDir();
  await using proxy = await kind.start(site(0), folder);
  const open = async (port: number) => {
    const url = `http://127.0.0.1:${port}`;
    const socket = new NumberedSocket(url, MESSAGE_INTERVAL);
    await socket.opened;
    return socket;
  };

  const ended: NumberedSocket[] = [];
  const sockets: NumberedSocket[] = [];
  while (sockets.length < options.websockets) {
    const batch = Math.min(100, options.websockets - sockets.length);
    const opening = Array.from({ length: batch }, () => open(port));
    sockets.push(...await Promise.all(opening));
  }
  const load = new RequestLoad(port, CONNECTIONS, REQUEST_PAUSE);
  await wait(2_000);
  const before = residentKiB(proxy.pid);

  const outcome = { taken: 0, refused: 0 };
  for (let turn = 1; turn <= options.reloads; turn++) {
    const broken = turn % 5 === 0;
    const taken = await proxy.reload(broken ? "broken" : site(turn));
    if (taken === broken) throw new Error(`${kind.name}: reload ${turn}`);
    outcome[taken ? "taken" : "refused"]++;
    const count = Math.round(options.websockets * CHURN);
    const leaving = sockets.splice(0, count);
    await Promise.all(leaving.map((socket) => socket.close()));
    ended.push(...leaving);
    // The other listener's stay when it goes with the next reload.
    const to = !broken && turn % 2 === 1 ? other : port;
    const opening = Array.from({ length: count }, () => open(to));
    sockets.push(...await Promise.all(opening));
    await wait(RELOAD_INTERVAL);
  }

  await wait(2_000);
  const after = residentKiB(proxy.pid);
  const processes = family(proxy.pid).length;
  await load.stop();
  await Promise.all(sockets.map((socket) => socket.close()));
  const all = [...ended, ...sockets];
  const sum = (of: (socket: NumberedSocket) => number) =>
    all.reduce((total, socket) => total + of(socket), 0);
  await Deno.remove(folder, { recursive: true });
  return {
    name: kind.name,
    ...outcome,
    answered: load.answered,
    failures: load.failures,
    sockets: all.length,
    lost: all.filter(({ lost }) => lost !== null).length,
    messages: sum(({ received }) => received),
    wrong: sum(({ wrong }) => wrong),
    missing: sum(({ sent, received, wrong }) => sent - received - wrong),
    processes,
    before,
    after,
  };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const HEAD = [
  ...["", "reloads", "refused", "requests", "failed", "WebSockets", "lost"],
  ...["messages", "wrong", "missing", "processes", "MiB before", "MiB after"],
];

function row(outcome: Outcome): string[] {
  const { failures, before, after } = outcome;
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const numbers = [
    ...[outcome.taken, outcome.refused, outcome.answered, failed],
    ...[outcome.sockets, outcome.lost, outcome.messages, outcome.wrong],
    ...[outcome.missing, outcome.processes, before / 1024, after / 1024],
  ];
  return [
    outcome.name,
    ...numbers.map((number) => Math.round(number).toLocaleString("en-US")),
  ];
}

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    string: ["websockets", "reloads", "only"],
    default: { websockets: "2000", reloads: "50" },
  });
  const size = {
    websockets: Number(options.websockets),
    reloads: Number(options.reloads),
  };
  await using one = await startEcho();
  await using two = await startEcho();
  const rows: string[][] = [];
  let failed = false;
  for (const kind of RELOADABLES) {
    if (options.only !== undefined && options.only !== kind.name) continue;
    if (kind.missing !== null) {
      console.error(`left out: ${kind.name} (${kind.missing})`);
      continue;
    }
    console.error(`${kind.name}: ${size.reloads} reloads`);
    const outcome = await measure(kind, [one, two], size);
    rows.push(row(outcome));
    for (const [why, count] of outcome.failures) {
      console.error(`${kind.name}: ${count} requests: ${why}`);
    }
    const nothing = outcome.failures.size + outcome.lost + outcome.wrong +
      outcome.missing;
    failed ||= kind.name.startsWith("sameorigin") && nothing > 0;
  }
  console.log(table(HEAD, rows));
  return failed ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
