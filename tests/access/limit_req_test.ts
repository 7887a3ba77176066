/**
 * `limit_req` over real connections.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import { ask, backend, toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient } from "../support/raw_upstream.ts";

/** So slow that nothing leaks while a test runs. */
const SLOW = "1r/m";

const OPTIONS = { source: "test", env: () => undefined };

/** The statuses of so many requests. */
async function statuses(url: string, count: number): Promise<number[]> {
  const all = [];
  for (let i = 0; i < count; i++) {
    const answer = await fetch(url);
    await answer.text();
    all.push(answer.status);
  }
  return all;
}

Deno.test("one request too many is a 429 that says when to come again", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    ...toGroup([server]),
    limit_req: { rate: SLOW, burst: 1, nodelay: true },
  });
  deepStrictEqual(await statuses(proxy.url, 3), [200, 200, 429]);
  const refused = await fetch(proxy.url);
  equal(refused.status, 429);
  const seconds = Number(refused.headers.get("retry-after"));
  ok(seconds >= 58 && seconds <= 63, String(seconds));
  match(await refused.text(), /too many requests in too short a time/);
  equal(server.seen.length, 2);
  // Not a line for each.
  equal(proxy.errors.length, 1);
  // 2, without what leaked meanwhile.
  match(
    proxy.errors[0] ?? "",
    /^429 limiting requests by limit_req, excess (2\.000|1\.9\d\d), key "127\.0\.0\.1"$/,
  );
});

Deno.test("limit_req_status is the answer's, and a dry run refuses nobody", async () => {
  await using server = backend("a");
  const group = toGroup([server])["upstreams"];
  await using proxy = startProxy({
    upstreams: group,
    limit_req: SLOW,
    locations: {
      "/": { proxy_pass: "http://group", limit_req_status: 503 },
      "/dry": {
        proxy_pass: "http://group",
        limit_req: [{ rate: SLOW }, { rate: SLOW, burst: 5 }],
        limit_req_dry_run: "on",
      },
    },
  });
  deepStrictEqual(await statuses(proxy.url, 2), [200, 503]);
  deepStrictEqual(await statuses(`${proxy.url}/dry`, 3), [200, 200, 200]);
  match(
    proxy.errors.at(-1) ?? "",
    /^429 limiting requests, dry run by locations\["\/dry"\]\.limit_req/,
  );
});

Deno.test("places that inherit a limit share it, as do those that name a zone", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    upstreams: toGroup([server])["upstreams"],
    limit_req_zone: { shared: SLOW },
    limit_req: SLOW,
    locations: {
      "/": "http://group",
      "/a": "http://group",
      "/own": { proxy_pass: "http://group", limit_req: SLOW },
      "/x": { proxy_pass: "http://group", limit_req: { zone: "shared" } },
      "/y": { proxy_pass: "http://group", limit_req: [{ zone: "shared" }] },
      "/off": { proxy_pass: "http://group", limit_req: "off" },
      // As in nginx, `return` comes before.
      "/return": { return: 204 },
    },
  });
  const once = async (path: string) => (await statuses(proxy.url + path, 1))[0];
  equal(await once("/"), 200);
  equal(await once("/a"), 429);
  equal(await once("/own"), 200);
  equal(await once("/own"), 429);
  equal(await once("/x"), 200);
  equal(await once("/y"), 429);
  deepStrictEqual(await statuses(`${proxy.url}/off`, 3), [200, 200, 200]);
  deepStrictEqual(await statuses(`${proxy.url}/return`, 3), [204, 204, 204]);
});

Deno.test("a burst waits for its time, one after the other", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    ...toGroup([server]),
    limit_req: { rate: "20r/s", burst: 5 },
  });
  const began = performance.now();
  const times = await Promise.all(
    Array.from({ length: 6 }, async () => {
      equal(await ask(proxy.url), "200 a");
      return performance.now() - began;
    }),
  );
  times.sort((a, b) => a - b);
  // The last one is five requests late; the first waits for nobody.
  ok(times[5]! >= 245, times.join());
  ok(times[5]! - times[0]! >= 200, times.join());
});

Deno.test("a client that leaves while it is delayed is not sent on", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    ...toGroup([server]),
    limit_req: { rate: "2r/m", burst: 2 },
  });
  equal(await ask(proxy.url), "200 a");
  const client = await rawClient(proxy.port);
  await client.write("GET /delayed HTTP/1.1\r\nhost: x\r\n\r\n");
  const until = performance.now() + 20_000;
  while (!proxy.lines.some((line) => line.includes(" 499 "))) {
    ok(performance.now() < until, "it is told that the client has left");
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await proxy.log.flush();
  }
  equal(server.seen.length, 1);
});

Deno.test("what was counted goes on when the config is read again", async () => {
  await using server = backend("a");
  const config = (burst: number) => ({
    listen: "127.0.0.1:0",
    ...toGroup([server]),
    limit_req: { rate: SLOW, burst, nodelay: true },
  });
  await using proxy = startProxy(config(1));
  deepStrictEqual(await statuses(proxy.url, 3), [200, 200, 429]);
  proxy.server.reload(planFromObject(config(2), OPTIONS));
  deepStrictEqual(await statuses(proxy.url, 2), [200, 429]);
  proxy.server.reload(
    planFromObject({ listen: "127.0.0.1:0", ...toGroup([server]) }, OPTIONS),
  );
  deepStrictEqual(await statuses(proxy.url, 2), [200, 200]);
  proxy.server.reload(planFromObject(config(0), OPTIONS));
  deepStrictEqual(await statuses(proxy.url, 2), [200, 429]);
});

Deno.test("limits come before the addresses and passwords, and count what these refuse", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    ...toGroup([server]),
    limit_req: SLOW,
    access: [{ deny: "all" }],
  });
  deepStrictEqual(await statuses(proxy.url, 2), [403, 429]);
});
