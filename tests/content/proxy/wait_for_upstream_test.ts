import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, freePort, toGroup } from "../../support/backends.ts";
import { echoClient, echoUpstream } from "../../support/echo.ts";
import { startProxy } from "../../support/proxy.ts";
import { rawClient } from "../../support/raw_upstream.ts";
import { acting, closes, settled } from "./acting.ts";

Deno.test("a request is held until its server is there", async () => {
  const port = freePort();
  await using proxy = startProxy({
    ...toGroup([port]),
    wait_for_upstream: "10s",
  });
  const held = [
    ask(proxy.url),
    ask(proxy.url, { method: "POST", body: "x".repeat(100_000) }),
  ];
  await settled();
  await using late = backend("late", undefined, port);
  deepStrictEqual(await Promise.all(held), ["200 late", "200 late"]);
  equal(late.seen.length, 2);
  ok(late.seen.some(({ body }) => body.length === 100_000));
  deepStrictEqual(proxy.errors, []);
});

Deno.test("a request is held for whichever server comes first", async () => {
  const ports = [freePort(), freePort(), freePort()];
  await using proxy = startProxy({
    ...toGroup(ports),
    wait_for_upstream: "10s",
  });
  const held = Promise.all([1, 2, 3, 4].map(() => ask(proxy.url)));
  await settled();
  await using _ = backend("second", undefined, ports[1]);
  deepStrictEqual(await held, Array(4).fill("200 second"));
});

Deno.test("a WebSocket is held as well", async () => {
  const port = freePort();
  await using proxy = startProxy({
    ...toGroup([port]),
    wait_for_upstream: "10s",
  });
  const opening = echoClient(proxy.url);
  await settled();
  await using _ = echoUpstream(port);
  const client = await opening;
  equal(await client.echo("late"), "late");
  await client.close();
});

Deno.test("when the time is over there is a 502, not much later", async () => {
  await using proxy = startProxy({
    ...toGroup([freePort(), freePort()]),
    wait_for_upstream: "200ms",
  });
  const begun = performance.now();
  match(await ask(proxy.url), /^502 /);
  const took = performance.now() - begun;
  ok(took >= 200 && took < 5_000, `${took} ms`);
  match(proxy.errors.at(-1) ?? "", /^502 \/:/);
});

Deno.test("by default no request is held", async () => {
  await using proxy = startProxy(toGroup([freePort()]));
  const begun = performance.now();
  match(await ask(proxy.url), /^502 /);
  ok(performance.now() - begun < 5_000);
});

Deno.test("a client that leaves ends the wait", async () => {
  const port = freePort();
  await using proxy = startProxy({
    ...toGroup([port]),
    wait_for_upstream: "1h",
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await settled();
  client.close();
  while (proxy.lines.length === 0) {
    await settled();
    await proxy.log.flush();
  }
  match(proxy.lines[0]!, / 499 /);
  // It does not come back to the server that appears then.
  await using late = backend("late", undefined, port);
  await new Promise((resolve) => setTimeout(resolve, 150));
  equal(late.seen.length, 0);
});

Deno.test("what a server has seen is not held", async () => {
  await using closing = acting(closes);
  await using proxy = startProxy({
    ...toGroup([closing.port]),
    wait_for_upstream: "1h",
  });
  match(await ask(proxy.url, { method: "POST", body: "x" }), /^502 /);
  equal(closing.methods.length, 1);
});

Deno.test("a request is held while all servers are taken, and goes to the one that is free first", async () => {
  const first = Promise.withResolvers<void>();
  let asked = 0;
  await using busy = backend("busy", async () => {
    if (asked++ === 0) await first.promise;
    return new Response("busy");
  });
  await using proxy = startProxy({
    ...toGroup([{ address: busy.address, max_conns: 1 }]),
    wait_for_upstream: "10s",
  });
  const one = ask(proxy.url);
  await settled();
  const two = ask(proxy.url);
  await settled();
  equal(busy.seen.length, 1);
  first.resolve();
  deepStrictEqual(await Promise.all([one, two]), ["200 busy", "200 busy"]);
});
