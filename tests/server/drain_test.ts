/**
 * The end of WebSockets when the proxy ends.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startControl } from "../support/control.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

Deno.test("WebSockets are closed with 1012, evenly over websocket_drain", async () => {
  const [count, window] = [40, 400];
  await using echo = echoUpstream();
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${echo.port}` },
    websocket_drain: `${window}ms`,
  });
  const clients = await Promise.all(
    Array.from({ length: count }, () => echoClient(proxy.url)),
  );
  await using control = await startControl();
  const begun = performance.now();
  const times: number[] = [];
  const codes = clients.map(async (client) => {
    const { code, reason } = await client.closed;
    times.push(performance.now() - begun);
    return `${code} ${reason}`;
  });
  const ended = proxy.server.shutdown();
  assert.deepEqual(
    new Set(await Promise.all(codes)),
    new Set(["1012 service restart"]),
  );
  await ended;
  await proxy.server.finished;
  times.sort((a, b) => a - b);
  // Each at its place in the window, or a fifth of it away, and as much later as
  // the machine was.
  const late = 2 * control.slowest;
  for (const [index, time] of times.entries()) {
    const off = time - window * index / (count - 1);
    assert(
      off > -window / 5 && off < window / 5 + late,
      `${index}: ${time} ms, the control ${control.slowest} ms`,
    );
  }
});

Deno.test("Deno closes the WebSockets of a server that is to accept no more", async () => {
  // Were it not so, a listener could stop accepting and keep them.
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => Deno.upgradeWebSocket(request).response,
  );
  const client = await echoClient(`http://127.0.0.1:${server.addr.port}`);
  await server.shutdown();
  assert.equal((await client.closed).code, 1001);
});

Deno.test("while WebSockets are being closed, requests are answered and no WebSocket is opened", async () => {
  await using echo = echoUpstream();
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${echo.port}` },
    websocket_drain: "300ms",
  });
  const clients = await Promise.all([
    echoClient(proxy.url),
    echoClient(proxy.url),
  ]);
  const ended = proxy.server.shutdown();
  await Promise.race(clients.map((client) => client.closed));
  const response = await fetch(`${proxy.url}/late`);
  assert.equal(response.headers.get("connection"), "close");
  assert.equal(await response.text(), "/late");
  const refused = await rawExchange(
    proxy.port,
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n" +
      "connection: upgrade, close\r\nsec-websocket-version: 13\r\n" +
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  assert.match(refused, /^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/i);
  await ended;
  await Promise.all(clients.map((client) => client.closed));
  await assert.rejects(fetch(proxy.url));
});

Deno.test("the end does not wait for WebSockets that have ended by themselves", async () => {
  await using echo = echoUpstream();
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${echo.port}` },
    websocket_drain: "10s",
  });
  const clients = await Promise.all([
    echoClient(proxy.url),
    echoClient(proxy.url),
  ]);
  const begun = performance.now();
  const ended = proxy.server.shutdown();
  await Promise.all(clients.map((client) => client.close()));
  await ended;
  assert(performance.now() - begun < 5_000);
});

Deno.test("a WebSocket whose client does not answer the close frame holds the end up no longer than shutdown_timeout", async () => {
  await using echo = echoUpstream();
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${echo.port}` },
    shutdown_timeout: "200ms",
    websocket_drain: "50ms",
  });
  const client = await Deno.connect({
    hostname: "127.0.0.1",
    port: proxy.port,
  });
  await client.write(new TextEncoder().encode(
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n" +
      "connection: upgrade\r\nsec-websocket-version: 13\r\n" +
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  await client.read(new Uint8Array(1000));
  const begun = performance.now();
  await proxy.server.shutdown();
  assert(performance.now() - begun < 5_000);
  client.close();
  await proxy.server.finished;
});
