/**
 * The same requests through nginx, with the configuration that sameorigin
 * replaces, and through sameorigin with its `config.yaml`: the upstream must
 * see the same, and the client get the same, but for a written list.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { loadPlan } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { startNginx } from "../support/nginx.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import { FETCH_DIFFERENCES } from "./fetch_differences.ts";
import {
  type Difference,
  DIFFERENCES,
  type Seen,
} from "./nginx_differences.ts";
import { type Sample, samples } from "./nginx_requests.ts";
import { type Received, recordingService } from "./nginx_upstream.ts";

/** The `http` block of the tutorial's stack. */
function nginxHttp(ports: Record<string, number>): string {
  const forwarded = `
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Host $server_name;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;`;
  const location = (path: string, upstream: string, headers = forwarded) => `
    location ${path} {
        proxy_pass http://${upstream};
        proxy_http_version 1.1;${headers}
    }`;
  return `map $http_upgrade $connection_upgrade { websocket upgrade; default ""; }
  ${
    Object.entries(ports).map(([name, p]) =>
      `upstream ${name} { server 127.0.0.1:${p}; }`
    ).join("\n  ")
  }
  server {
    listen 127.0.0.1:PORT;
    server_name localhost 127.0.0.1;
    ${location("/api", "backend")}
    ${location("/admin", "backend")}
    ${
    location(
      "/static",
      "backend",
      '\n        proxy_set_header Host $host;\n        proxy_set_header Connection "";',
    )
  }
    ${location("/connection/websocket", "centrifugo")}
    ${location("/", "frontend")}
  }`;
}

/** sameorigin with its `config.yaml`, and this client for all upstreams. */
async function startOurs(
  client: "http1" | "fetch",
  ports: Record<string, number>,
) {
  const text = await Deno.readTextFile(
    new URL("../../config.yaml", import.meta.url),
  );
  const withClient = text.replace(
    /^( {2}\w+): (\$\{.*\})$/gm,
    `$1: { client: ${client}, servers: ["$2"] }`,
  );
  equal(withClient.split(`client: ${client}`).length, 4, withClient);
  const plan = loadPlan(withClient, {
    source: "config.yaml",
    env: (name) => {
      const port = ports[name.toLowerCase()];
      return port === undefined ? undefined : `127.0.0.1:${port}`;
    },
    overrides: { listen: "127.0.0.1:0" },
  });
  const server = startServer(plan, {
    accessLog: createAccessLog("off", () => Promise.resolve()),
    errorLog: () => {},
  });
  return {
    port: Number(new URL(server.addresses[0]?.url ?? "").port),
    async [Symbol.asyncDispose]() {
      server.abort();
      await server.finished;
    },
  };
}

/** Sends one request to one proxy and notes what it did. */
async function observe(
  port: number,
  { text }: Sample,
  log: Received[],
): Promise<Seen> {
  log.length = 0;
  const answer = await rawExchange(port, text);
  const upstream = log[0] ?? null;
  // A 100 Continue of our own comes first where one was asked for.
  const last = answer.replace(/^HTTP\/1\.1 100[^]*?\r\n\r\n/, "");
  const end = last.indexOf("\r\n\r\n");
  const [status, ...fields] = last.slice(0, end).split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }).filter(([name]) => name !== "connection");
  let body = last.slice(end + 4);
  if (headers.some(([n, v]) => n === "transfer-encoding" && v === "chunked")) {
    body = dechunked(body);
  }
  const [, code, reason = ""] = /^HTTP\/1\.1 (\d+) ?(.*)/.exec(status ?? "") ??
    [];
  return { upstream, status: Number(code), reason, headers, body };
}

function dechunked(text: string): string {
  let body = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

/** The three services behind, each noting what it receives. */
function startServices(log: Received[]) {
  const stack = new AsyncDisposableStack();
  const portOf = (name: string) => stack.use(recordingService(name, log)).port;
  return {
    ports: {
      backend: portOf("backend"),
      frontend: portOf("frontend"),
      centrifugo: portOf("centrifugo"),
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Sends all requests to both, and fails for what no difference of the list explains. */
async function compare(
  t: Deno.TestContext,
  ports: readonly [number, number],
  differences: readonly Difference[],
  log: Received[],
): Promise<void> {
  const all = samples();
  ok(all.length >= 300, `${all.length} requests`);
  const needed = new Set<string>();
  for (const sample of all) {
    const theirs = await observe(ports[0], sample, log);
    const ours = await observe(ports[1], sample, log);
    for (const { reason, level } of differences) {
      const before = JSON.stringify([theirs, ours]);
      level(theirs, ours, sample.text);
      if (JSON.stringify([theirs, ours]) !== before) needed.add(reason);
    }
    if (!isDeepStrictEqual(theirs, ours)) {
      await t.step(sample.name, () => deepStrictEqual(ours, theirs));
    }
  }
  deepStrictEqual(
    differences.map(({ reason }) => reason).filter((r) => !needed.has(r)),
    [],
    "differences that were never seen",
  );
}

testNeeding(
  ["nginx"],
  "sameorigin does what nginx does, but for a written list of differences",
  async (t) => {
    const log: Received[] = [];
    await using services = startServices(log);
    await using nginx = await startNginx(nginxHttp(services.ports));
    await using ours = await startOurs("http1", services.ports);
    await compare(t, [nginx.port, ours.port], DIFFERENCES, log);
  },
);

Deno.test("with fetch for a client it does the same, but for a written list of differences", async (t) => {
  const log: Received[] = [];
  await using services = startServices(log);
  await using http1 = await startOurs("http1", services.ports);
  await using fetching = await startOurs("fetch", services.ports);
  await compare(t, [http1.port, fetching.port], FETCH_DIFFERENCES, log);
});
