/**
 * A soak: mixed load with faults, and what the proxy holds at its end. Requests
 * with and without bodies, on kept and on new connections, clients that leave
 * in the middle, WebSockets that come, exchange numbered messages and go; three
 * servers that are killed, stopped, reset or answer 500 in turn; a reload every
 * 20 seconds.
 *
 *     deno run -A tools/with_std.ts run -A bench/soak.ts [MINUTES]
 *
 * @module
 */
import { startEcho } from "./echo_process.ts";
import { type FailingServer, startFailing } from "./failover_process.ts";
import { startProxyProcess } from "./proxy_process.ts";
import { residentMiB } from "./resident.ts";

const MINUTES = Number(Deno.args[0] ?? 10);

const counts = {
  requests: 0,
  failed: 0,
  posts: 0,
  refused: 0,
  aborted: 0,
  webSockets: 0,
  messages: 0,
  wrong: 0,
  faults: 0,
  reloads: 0,
};

/** Ours: its connections end with it, so that the proxy's can be counted. */
const client = Deno.createHttpClient({});

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Requests that must not fail, whatever the servers do. */
async function idempotent(url: string, on: () => boolean): Promise<void> {
  while (on()) {
    counts.requests++;
    const headers: HeadersInit = Math.random() < 0.2
      ? { connection: "close" }
      : {};
    try {
      const response = await fetch(url, { headers, client });
      await response.body?.cancel();
      if (response.status !== 200) counts.failed++;
    } catch {
      counts.failed++;
    }
    await pause(50);
  }
}

/** Bodies, some without a length; these may fail, as they may not be repeated. */
async function posts(url: string, on: () => boolean): Promise<void> {
  const body = new Uint8Array(100_000);
  while (on()) {
    counts.posts++;
    try {
      const response = await fetch(url, {
        method: "POST",
        client,
        body: Math.random() < 0.5 ? body : new Blob([body]).stream(),
      });
      await response.body?.cancel();
      if (response.status !== 200) counts.refused++;
    } catch {
      counts.refused++;
    }
    await pause(100);
  }
}

/** Clients that leave while their request is on its way, or its body half sent. */
async function leavers(url: string, on: () => boolean): Promise<void> {
  const { hostname, port } = new URL(url);
  const encoder = new TextEncoder();
  while (on()) {
    counts.aborted++;
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const head = Math.random() < 0.5
      ? "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
      : "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf";
    await connection.write(encoder.encode(head));
    await pause(Math.random() * 20);
    connection.close();
    await pause(100);
  }
}

/** A WebSocket after the other, each with its numbered messages echoed. */
async function chatter(url: string, on: () => boolean): Promise<void> {
  while (on()) {
    counts.webSockets++;
    const socket = new WebSocket(url.replace("http", "ws") + "/ws");
    const life = 5 + Math.floor(Math.random() * 60);
    let next = 0;
    await new Promise<void>((resolve) => {
      socket.onopen = () => socket.send("0");
      socket.onmessage = async ({ data }) => {
        counts.messages++;
        if (data !== String(next++)) counts.wrong++;
        if (next < life && on()) {
          await pause(500);
          socket.send(String(next));
        } else socket.close();
      };
      socket.onclose = () => {
        if (next < life && on()) counts.wrong++;
        resolve();
      };
    });
  }
}

async function faults(
  servers: readonly FailingServer[],
  on: () => boolean,
): Promise<void> {
  for (let turn = 0; on(); turn++) {
    const server = servers[turn % servers.length]!;
    counts.faults++;
    switch (turn % 4) {
      case 0:
        await server.kill();
        await pause(3_000);
        await server.start();
        break;
      case 1:
        server.signal("SIGSTOP");
        await pause(3_000);
        server.signal("SIGCONT");
        break;
      case 2:
        await server.behave("500");
        await pause(3_000);
        await server.behave("well");
        break;
      case 3:
        await server.behave("reset");
        await pause(3_000);
        await server.behave("well");
    }
    await pause(3_000);
  }
}

async function reloads(pid: number, on: () => boolean): Promise<void> {
  while (on()) {
    await pause(20_000);
    counts.reloads++;
    Deno.kill(pid, "SIGHUP");
  }
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

await using echo = await startEcho();
await using servers = await startFailing(["a", "b", "c"]);
await using proxy = await startProxyProcess(`
listen: 127.0.0.1:0
access_log: off
upstreams:
  group: [${servers.all.map(({ port }) => `"127.0.0.1:${port}"`).join(", ")}]
  echo: 127.0.0.1:${echo.port}
proxy_read_timeout: 1s
proxy_next_upstream: error timeout http_500
locations:
  /: http://group
  /ws: http://echo
`);
const { pid, url } = proxy;
await fetch(url, { client }).then((response) => response.body?.cancel());
const idle = descriptors(pid);
const end = performance.now() + MINUTES * 60_000;
const on = () => performance.now() < end;
const work = [
  ...Array.from({ length: 15 }, () => idempotent(url, on)),
  ...Array.from({ length: 4 }, () => posts(url, on)),
  ...Array.from({ length: 4 }, () => leavers(url, on)),
  ...Array.from({ length: 100 }, () => chatter(url, on)),
  faults(servers.all, on),
  reloads(pid, on),
];
const samples: { minute: number; resident: number; descriptors: number }[] = [];
console.log("| minute | MiB resident | descriptors |\n| -: | -: | -: |");
for (let i = 1; on(); i++) {
  await pause(MINUTES * 60_000 / 20);
  const sample = {
    minute: i * MINUTES / 20,
    resident: await residentMiB(pid),
    descriptors: descriptors(pid),
  };
  samples.push(sample);
  console.log(
    `| ${sample.minute.toFixed(1)} | ${
      sample.resident.toFixed(0)
    } | ${sample.descriptors} |`,
  );
}
await Promise.all(work);
client.close();
// Idle connections to the servers are kept for a few seconds.
await pause(10_000);
const rest = descriptors(pid);
const middle = (from: number, to: number) => {
  const part = samples.slice(from, to).map(({ resident }) => resident).sort((
    a,
    b,
  ) => a - b);
  return part[Math.floor(part.length / 2)] ?? 0;
};
const third = Math.floor(samples.length / 3);
const [before, after] = [
  middle(third, 2 * third),
  middle(2 * third, samples.length),
];
console.log(counts);
console.log(
  `resident: ${before.toFixed(0)} MiB in the second third, ${
    after.toFixed(0)
  } in the last; ` +
    `descriptors: ${idle} at first, ${rest} at the end`,
);
const flat = after < before * 1.15 && rest <= idle + 5;
if (!flat || counts.failed > 0 || counts.wrong > 0) Deno.exitCode = 1;
