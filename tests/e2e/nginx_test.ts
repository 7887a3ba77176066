/**
 * The same requests through nginx, with the configuration that sameorigin
 * replaces, and through sameorigin with its `config.yaml`: the upstream must
 * see the same, and the client get the same, but for a written list.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { loadPlan } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import { DIFFERENCES, type Seen } from "./nginx_differences.ts";
import { type Sample, samples } from "./nginx_requests.ts";
import { type Received, recordingService } from "./nginx_upstream.ts";

/** The configuration of the tutorial's stack. */
function nginxConf(dir: string, port: number, ports: Record<string, number>) {
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
  return `${
    Deno.uid() === 0 ? "user root; " : ""
  }daemon off; pid ${dir}/pid; error_log stderr crit; worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  ${
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${dir}/${name};`).join(" ")
  }
  map $http_upgrade $connection_upgrade { websocket upgrade; default ""; }
  ${
    Object.entries(ports).map(([name, p]) =>
      `upstream ${name} { server 127.0.0.1:${p}; }`
    ).join("\n  ")
  }
  server {
    listen 127.0.0.1:${port};
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
  }
}
`;
}

/** Starts nginx on a free port; resolves when it answers. */
async function startNginx(ports: Record<string, number>) {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/nginx.conf`, nginxConf(dir, port, ports));
  const process = new Deno.Command("nginx", {
    args: ["-c", `${dir}/nginx.conf`, "-p", dir],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  for (let tries = 0;; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      break;
    } catch (error) {
      if (tries > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(dir, { recursive: true });
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

testNeeding(
  ["nginx"],
  "sameorigin does what nginx does, but for a written list of differences",
  async (t) => {
    const log: Received[] = [];
    await using backend = recordingService("backend", log);
    await using frontend = recordingService("frontend", log);
    await using centrifugo = recordingService("centrifugo", log);
    const ports = {
      backend: backend.port,
      frontend: frontend.port,
      centrifugo: centrifugo.port,
    };
    await using nginx = await startNginx(ports);
    const text = await Deno.readTextFile(
      new URL("../../config.yaml", import.meta.url),
    );
    const plan = loadPlan(text, {
      source: "config.yaml",
      env: (name) => {
        const port = ports[name.toLowerCase() as keyof typeof ports];
        return port === undefined ? undefined : `127.0.0.1:${port}`;
      },
      overrides: { listen: "127.0.0.1:0" },
    });
    const server = startServer(plan, {
      accessLog: createAccessLog("off", () => Promise.resolve()),
      errorLog: () => {},
    });
    const port = Number(new URL(server.addresses[0]!.url).port);
    const all = samples();
    ok(all.length >= 200, `${all.length} requests`);
    const needed = new Set<string>();
    try {
      for (const sample of all) {
        const theirs = await observe(nginx.port, sample, log);
        const ours = await observe(port, sample, log);
        for (const { reason, level } of DIFFERENCES) {
          const before = JSON.stringify([theirs, ours]);
          level(theirs, ours, sample.text);
          if (JSON.stringify([theirs, ours]) !== before) needed.add(reason);
        }
        if (!isDeepStrictEqual(theirs, ours)) {
          await t.step(sample.name, () => deepStrictEqual(ours, theirs));
        }
      }
    } finally {
      server.abort();
      await server.finished;
    }
    deepStrictEqual(
      DIFFERENCES.map(({ reason }) => reason).filter((r) => !needed.has(r)),
      [],
      "differences that were never seen",
    );
  },
);
