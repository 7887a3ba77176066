/**
 * The end of a proxy with many clients: 5,000 WebSockets are open when SIGTERM
 * comes. All are to be closed with 1012, as many in each tenth of
 * `websocket_drain` as in the others, and the process is to end in time.
 *
 *     deno run -A tools/with_std.ts run -A bench/drain.ts
 *     … --websockets=1000 --window=2 --workers=2
 *
 * It needs about 20,000 descriptors (`ulimit -n`). Exit code 1 if a WebSocket
 * is closed in another way, or the process ends late or with another code.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { startSameorigin, urlOf } from "../tests/support/process.ts";
import { startEcho } from "./echo_process.ts";
import { table } from "./table.ts";

/** Tenths of the window. */
const PARTS = 10;

/** Milliseconds that the last ones may come late. */
const SLACK = 1_000;

/** Opens WebSockets, some at a time. */
async function openAll(url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from(
      { length: Math.min(100, count - sockets.length) },
      () => new WebSocket(url.replace(/^http/, "ws")),
    );
    await Promise.all(batch.map((socket) =>
      new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("a WebSocket did not open"));
      })
    ));
    sockets.push(...batch);
  }
  return sockets;
}

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    string: ["websockets", "window", "workers"],
    default: { websockets: "5000", window: "5", workers: "1" },
  });
  const count = Number(options.websockets);
  const window = Number(options.window) * 1_000;
  await using echo = await startEcho();
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      listen: "127.0.0.1:0",
      workers: Number(options.workers),
      websocket_drain: `${window}ms`,
      access_log: false,
      locations: { "/": `http://127.0.0.1:${echo.port}` },
    }),
  );
  await using proxy = await startSameorigin(["-c", config]);
  const sockets = await openAll(await urlOf(proxy), count);
  console.error(`${count} WebSockets are open`);

  const codes = new Map<string, number>();
  const parts = new Array<number>(PARTS + 1).fill(0);
  const begun = performance.now();
  const closed = sockets.map((socket) =>
    new Promise<void>((resolve) => {
      socket.onclose = ({ code, reason }) => {
        const what = `${code} ${reason}`;
        codes.set(what, (codes.get(what) ?? 0) + 1);
        const part = Math.floor((performance.now() - begun) / window * PARTS);
        const at = Math.min(part, PARTS);
        parts[at] = (parts[at] ?? 0) + 1;
        resolve();
      };
    })
  );
  proxy.kill("SIGTERM");
  await Promise.all(closed);
  const last = performance.now() - begun;
  const { code } = await proxy.ended;
  const end = performance.now() - begun;
  await Deno.remove(config);

  const names = parts.map((_, i) => i < PARTS ? `${i + 1}/${PARTS}` : "later");
  console.log(table(["closed in", ...names], [["", ...parts.map(String)]]));
  for (const [what, times] of codes) console.log(`${times} × ${what}`);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  console.log(
    `last closed after ${seconds(last)}, exit code ${code} after ` +
      seconds(end),
  );
  const right = codes.get("1012 service restart") === count && code === 0 &&
    end < window + SLACK;
  return right ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
