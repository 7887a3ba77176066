/**
 * A soak: mixed load with faults for minutes, and what the proxy still holds
 * when all have left. Clients that are good, slow, gone in the middle; 200
 * WebSockets with numbered messages; servers that refuse, hang, reset and answer
 * 500; a reload every 20 s.
 *
 *     deno task bench soak --minutes 10
 *
 * Linux only (`/proc`). Exit code 1 if resident memory still grows in the last
 * third, if descriptors or connections to the upstreams are left at the end, if
 * a request fails that may not, or a WebSocket loses a message.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { startProxyProcess } from "./proxy_process.ts";
import { addHttpClients } from "./soak/clients.ts";
import { Crowd } from "./soak/crowd.ts";
import { configOf, failInTurn, reloadAgainAndAgain } from "./soak/faults.ts";
import { Connection, headOf } from "./soak/http_client.ts";
import { SoakServer } from "./soak/server.ts";
import { addSockets } from "./soak/sockets.ts";
import { descriptorsOf, growth, Watch } from "./soak/watch.ts";
import { median } from "./statistics.ts";
import { digits, table } from "./table.ts";

const SOCKETS = 200;
/** Milliseconds between two reloads, if the soak is long enough for some. */
const RELOAD = 20_000;
/** Milliseconds of rest, when all clients have left. */
const SETTLE = 15_000;
/** Milliseconds after which connections to upstreams that are idle are closed. */
const WARM_REST = 6_000;
/** By how much memory may grow in the last third, in MiB. */
const LIMIT_MIB = 8;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function main(args: string[]): Promise<number> {
  const { minutes } = parseArgs(args, {
    string: ["minutes"],
    default: { minutes: "10" },
  });
  const duration = Number(minutes) * 60_000;
  if (!(duration > 0)) {
    console.error("usage: deno task bench soak [--minutes=10]");
    return 2;
  }
  await using a = new SoakServer("a");
  await using b = new SoakServer("b");
  await using c = new SoakServer("c");
  await using steady = new SoakServer("steady");
  const group = [a, b, c];
  const servers = [...group, steady];
  const configs = (reloads: number) => configOf(reloads, group, steady);
  const said: string[] = [];
  await using proxy = await startProxyProcess(
    configs(0) ?? "",
    (text) => said.push(text),
  );
  const port = Number(new URL(proxy.url).port);
  await warmUp(port);
  const idle = descriptorsOf(proxy.pid);

  using watch = new Watch(proxy.pid);
  const begun = performance.now();
  const first = await watch.look();
  const crowd = new Crowd();
  addHttpClients(crowd, port);
  const sockets = addSockets(crowd, port, SOCKETS, group);
  const ended = () => performance.now() - begun >= duration;
  const faults = failInTurn(crowd, group, ended);
  const every = Math.min(RELOAD, duration / 6);
  const reloads = reloadAgainAndAgain(crowd, every, proxy, configs, ended);
  await wait(duration);
  const counts = { faults: await faults, reloads: await reloads };
  const last = await watch.look();
  const loaded = [...watch.holdings];
  await crowd.leave();
  await wait(SETTLE);
  const rest = await watch.look();
  const left = descriptorsOf(proxy.pid);

  const problems: string[] = [];
  const third = loaded.slice(-Math.ceil(loaded.length / 3));
  const seconds = third.at(-1)!.at - third[0]!.at;
  const grown = growth(third) * seconds;
  if (grown > LIMIT_MIB) {
    problems.push(`resident memory grew by ${digits(grown)} MiB at the end`);
  }
  for (const [kind, count] of left) {
    const before = idle.get(kind) ?? 0;
    if (count > before) {
      problems.push(`descriptors: ${count} of ${kind}, ${before} before`);
    }
  }
  for (const { name, streams, sockets, wrong } of servers) {
    if (streams + sockets > 0) {
      problems.push(
        `left at ${name}: ${streams} streams, ${sockets} WebSockets`,
      );
    }
    if (wrong > 0) problems.push(`${name}: ${wrong} messages out of turn`);
  }
  if (sockets.wrong > 0) {
    problems.push(`clients: ${sockets.wrong} messages out of turn`);
  }
  for (const { kind, strict, failed } of crowd.tallies) {
    if (strict && failed > 0) problems.push(`${kind}: ${failed} failed`);
  }

  console.log(table(
    ["clients", "done", "failed", "why"],
    crowd.tallies.map(({ kind, done, failed, failures }) => [
      kind,
      digits(done),
      String(failed),
      [...failures].map(([why, count]) => `${why}: ${count}`).join(", "),
    ]),
  ));
  const parts = [0, 1, 2].map((i) => {
    const size = Math.ceil(loaded.length / 3);
    return loaded.slice(i * size, (i + 1) * size);
  });
  console.log(table(
    ["the proxy", "resident, MiB", "at most", "descriptors", "at most"],
    [
      ["idle, warmed up", [first]] as const,
      ...parts.map((part, i) => [`third ${i + 1} of the load`, part] as const),
      ["when all have left", [rest]] as const,
    ].map(([name, part]) => {
      const resident = part.map(({ resident }) => resident);
      const open = part.map(({ descriptors }) => descriptors);
      return [
        name,
        digits(median(resident)),
        digits(Math.max(...resident)),
        digits(median(open)),
        digits(Math.max(...open)),
      ];
    }),
  ));
  const took = (last.at - first.at) * 1_000;
  const requests = crowd.tallies.reduce((all, { done }) => all + done, 0);
  const inEffect = said.join("").match(/is in effect/g)?.length ?? 0;
  console.log(
    `${minutes} minutes; ${digits(requests / took * 1_000)} requests/s; ` +
      `${digits(sockets.messages)} WebSocket messages in their turn, ` +
      `${sockets.cut} WebSockets cut by their server; ` +
      `${counts.faults} faults, ${counts.reloads} reloads ` +
      `(${inEffect} in effect, the others of a broken file); ` +
      `${digits((last.cpu - first.cpu) / took * 100)} % of a core.\n` +
      `Resident memory in the last third: ${digits(grown)} MiB more in ` +
      `${digits(seconds)} s (at most ${LIMIT_MIB}).`,
  );
  for (const problem of problems) console.log(`NOT FLAT OR LOST: ${problem}`);
  return problems.length > 0 ? 1 : 0;
}

/** Lets the proxy open what it keeps open. */
async function warmUp(port: number): Promise<void> {
  for (const path of ["/group/x", "/steady/x"]) {
    using connection = await Connection.open(port);
    await connection.ask(headOf("GET", path));
  }
  await wait(WARM_REST);
}

const code = await main(Deno.args.filter((arg) => arg !== "soak"));
if (code !== 0) Deno.exit(code);
