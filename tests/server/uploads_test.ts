import { match, ok, strictEqual as equal } from "node:assert/strict";
import { backend, toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient } from "../support/raw_upstream.ts";

Deno.test("an upload in flight is finished at shutdown", async () => {
  await using a = backend("a", ({ body }) => new Response(`got ${body}`));
  const proxy = startProxy(toGroup([a]));
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n01",
  );
  // The request has reached its handler once the proxy has connected.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const ended = proxy.server.shutdown();
  for (const byte of "23456789") {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await client.write(byte);
  }
  const answer = await client.readToEnd();
  client.close();
  match(answer, /^HTTP\/1\.1 200 /);
  ok(answer.endsWith("got 0123456789"), answer);
  await ended;
  await proxy.server.finished;
  await proxy.log.flush();
});

Deno.test("an upload that does not end is waited for as long as shutdown_timeout says", async () => {
  await using a = backend("a");
  const proxy = startProxy({ ...toGroup([a]), shutdown_timeout: "200ms" });
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n01",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const begun = performance.now();
  await proxy.server.shutdown();
  const took = performance.now() - begun;
  ok(took >= 199 && took < 5_000, `${took} ms`);
  equal(a.seen.length, 0);
  client.close();
  await proxy.server.finished;
  await proxy.log.flush();
});

Deno.test("an upload on a listener that a reload has removed is finished", async () => {
  await using a = backend("a", ({ body }) => new Response(`got ${body}`));
  await using proxy = startProxy(toGroup([a]));
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n01",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { planFromObject } = await import("../../lib/config/load.ts");
  proxy.server.reload(planFromObject(
    { listen: "127.0.0.2:0", locations: { "/": "http://127.0.0.1:81" } },
    { source: "test", env: () => undefined },
  ));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await client.write("23");
  const answer = await client.readUntil("got 0123");
  match(answer, /^HTTP\/1\.1 200 /);
  client.close();
});
