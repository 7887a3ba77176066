/**
 * Upstreams that are broken on purpose, and the proxy itself.
 *
 * @module
 */
import assert from "node:assert/strict";
import { examine } from "../../../lib/cli/doctor/doctor.ts";
import { ownChecks } from "../../../lib/cli/doctor/itself.ts";
import { Stack } from "../../../lib/cli/doctor/stack.ts";
import { planFromObject } from "../../../lib/config/load.ts";
import { freePort } from "../../support/free_port.ts";
import { rawUpstream } from "../../support/raw_upstream.ts";
import {
  assertFinds,
  assertHealthy,
  examined,
  frontend,
  page,
  service,
  stackOf,
} from "./fixture.ts";

const TLS = new URL("../../support/tls/", import.meta.url);

Deno.test("an upstream that nobody listens at is named, with its port", async () => {
  await using front = frontend();
  const port = freePort();
  const report = await examined({
    upstreams: { backend: `127.0.0.1:${port}` },
    locations: { "/": front.pass, "/api": "http://backend" },
  });
  assertFinds(report, "upstream-answers", {
    sentence: new RegExp(`Nothing answers at the upstream 127.0.0.1:${port}`),
    evidence: /refused/i,
    fix: new RegExp(`Start backend \\(on port ${port}\\), or .* in test.yaml`),
  });
});

Deno.test("an upstream's name that can't be resolved is told as such", async () => {
  await using front = frontend();
  const report = await examined({
    locations: { "/": front.pass, "/api": "http://backend.invalid:8000" },
  });
  assertFinds(report, "upstream-answers", {
    sentence: /The name "backend.invalid" of an upstream can't be resolved/,
    fix: /same network, or correct its address/,
  });
});

Deno.test("an upstream that takes the connection and says nothing is told apart", async () => {
  await using front = frontend();
  await using silent = rawUpstream(async (connection) => {
    await connection.readToEnd();
  });
  const report = await examined({
    proxy_read_timeout: "300ms",
    locations: { "/": front.pass, "/api": `http://127.0.0.1:${silent.port}` },
  });
  assertFinds(report, "upstream-answers", {
    sentence: /takes the connection, but gives no answer/,
    evidence: /GET \/api: nothing in 1.5 s/,
    fix: /See the log/,
  });
});

Deno.test("one dead server of several is found though the others answer", async () => {
  await using front = frontend();
  const port = freePort();
  const report = await examined({
    upstreams: { frontend: [front.address, `127.0.0.1:${port}`] },
    locations: { "/": "http://frontend" },
  });
  assertFinds(report, "upstream-answers", {
    sentence: new RegExp(`127.0.0.1:${port}`),
    fix: /Start frontend/,
  });
});

Deno.test("TLS on a port that proxy_pass calls http is found", async () => {
  await using front = frontend();
  const secure = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    cert: await Deno.readTextFile(new URL("localhost.crt", TLS)),
    key: await Deno.readTextFile(new URL("localhost.key", TLS)),
  }, () => new Response("hello"));
  try {
    const report = await examined({
      upstreams: { backend: `127.0.0.1:${secure.addr.port}` },
      locations: { "/": front.pass, "/api": "http://backend" },
    });
    assertFinds(report, "upstream-protocol", {
      sentence: /speaks TLS, but proxy_pass says http/,
      fix: /proxy_pass: https:\/\/backend in \/api/,
    });
  } finally {
    await secure.shutdown();
  }
});

Deno.test("plain HTTP on a port that proxy_pass calls https is found", async () => {
  await using front = frontend();
  await using back = service(() => new Response("hello"));
  const report = await examined({
    upstreams: { backend: back.address },
    locations: { "/": front.pass, "/api": "https://backend" },
  });
  assertFinds(report, "upstream-protocol", {
    sentence: /speaks plain HTTP, but proxy_pass says https/,
    evidence: /HTTP: 200/,
    fix: /proxy_pass: http:\/\/backend in \/api/,
  });
});

Deno.test("a database on the port of an API is found by its first words", async () => {
  await using front = frontend();
  await using redis = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write("-ERR unknown command 'GET'\r\n");
  });
  const report = await examined({
    locations: { "/": front.pass, "/api": `http://127.0.0.1:${redis.port}` },
  });
  assertFinds(report, "upstream-protocol", {
    sentence: /does not speak HTTP/,
    evidence: /-ERR unknown command/,
    fix: /Correct the port/,
  });
});

Deno.test("a server of HTTP/2 alone is found", async () => {
  await using front = frontend();
  await using grpc = rawUpstream(async (connection) => {
    await connection.readHead();
    // RFC 9113 sections 4.1 and 6.5: an empty SETTINGS frame.
    await connection.write("\0\0\0\x04\0\0\0\0\0");
  });
  const report = await examined({
    locations: { "/": front.pass, "/api": `http://127.0.0.1:${grpc.port}` },
  });
  assertFinds(report, "upstream-protocol", {
    sentence: /speaks HTTP\/2 only/,
    fix: /Correct the port/,
  });
});

Deno.test("a location whose upstream fails with 500 is found", async () => {
  await using front = frontend();
  await using back = service(() =>
    new Response("<h1>ProgrammingError: no such table</h1>", { status: 500 })
  );
  const report = await examined(stackOf({ frontend: front, backend: back }));
  assertFinds(report, "upstream-error", {
    sentence: /GET \/api fails in the upstream/,
    evidence: /500: ProgrammingError: no such table/,
    fix: /See the log of 127/,
  });
});

Deno.test("a proxy that does not run is said before all else", async () => {
  await using front = frontend();
  const port = freePort();
  const plan = planFromObject(
    { listen: `127.0.0.1:${port}`, ...stackOf({ frontend: front }) },
    { source: "test.yaml", env: () => undefined },
  );
  const url = new URL(`http://localhost:${port}`);
  const report = await examine(new Stack({ plan, url, timeout: 1_000 }));
  assertFinds(report, "proxy", {
    sentence: /Nothing answers at http:\/\/localhost/,
    evidence: /refused/i,
    fix: /Start the proxy/,
  });
});

Deno.test("a page that no location takes is found", async () => {
  await using back = service(() => Response.json({}));
  const report = await examined({ locations: { "/api": back.pass } });
  assertFinds(report, "page", {
    sentence: /No location takes \//,
    evidence: /404/,
    fix: /Add a location in test.yaml/,
  });
  assertHealthy(
    await examined({ locations: { "/api": back.pass } }, { path: "/api/me" }),
  );
});

Deno.test("an upstream that is the proxy itself is found", async () => {
  await using front = frontend();
  const port = freePort();
  const plan = planFromObject({
    listen: port,
    upstreams: { backend: `localhost:${port}` },
    locations: { "/": front.pass, "/api": "http://backend" },
  }, { source: "test.yaml", env: () => undefined });
  const url = new URL(`http://localhost:${port}`);
  const stack = new Stack({ plan, url, timeout: 1_000 });
  const found = await ownChecks.find(({ id }) => id === "proxy-loop")
    ?.run(stack);
  assert.equal(found?.length, 1);
  assert.match(found[0]?.sentence ?? "", /backend is the proxy itself/);
});

Deno.test("a location that a regular expression shadows is found", async () => {
  await using front = service(() => page());
  const report = await examined({
    locations: {
      "/": front.pass,
      "/api/v1": front.pass,
      "~ ^/api": front.pass,
    },
  });
  assertFinds(report, "location-shadowed", {
    sentence: /The location \/api\/v1 never takes a request/,
    evidence: /~ \^\/api takes all of its paths/,
    fix: /"\^~ \/api\/v1"/,
  });
});

Deno.test("forwarded headers that are believed of anyone are found", async () => {
  await using front = frontend();
  const config = stackOf({ frontend: front });
  assertFinds(
    await examined({ ...config, trusted_proxies: ["0.0.0.0/0"] }),
    "trusted-proxies",
    { sentence: /Anyone can say/, fix: /trusted_proxies: \[10.0.0.0\/8\]/ },
  );
  assertHealthy(
    await examined({
      ...config,
      trusted_proxies: ["10.0.0.0/8", "fd00::/8", "127.0.0.1"],
    }),
  );
});
