import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, toGroup } from "../../support/backends.ts";
import { echoClient, echoUpstream } from "../../support/echo.ts";
import { startProxy } from "../../support/proxy.ts";
import { soon } from "../../support/soon.ts";
import { rawClient, rawUpstream } from "../../support/raw_upstream.ts";
import { acting, hangs, headOf, settled } from "./acting.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server whose kernel answers no more: its queue is full, and it never accepts. */
async function blackhole() {
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr as Deno.NetAddr;
  const queued: Deno.Conn[] = [];
  while (true) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 100);
    try {
      const { signal } = abort;
      queued.push(await Deno.connect({ hostname: "127.0.0.1", port, signal }));
    } catch {
      break;
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    port,
    [Symbol.dispose]() {
      for (const connection of queued) connection.close();
      listener.close();
    },
  };
}

Deno.test("a server that can't be connected to in time is a 504", async () => {
  using hole = await blackhole();
  await using proxy = startProxy({
    ...toGroup([hole.port]),
    proxy_connect_timeout: "100ms",
  });
  const begun = performance.now();
  match(await ask(proxy.url), /^504 /);
  const took = performance.now() - begun;
  ok(took >= 99 && took < 5_000, `${took} ms`);
  match(proxy.errors[0] ?? "", /no connection within proxy_connect_timeout/);
  await rejects(echoClient(proxy.url));
  match(proxy.errors[1] ?? "", /no connection within proxy_connect_timeout/);
});

Deno.test("a request goes on from a server that can't be connected to, a POST too, which can't be there", async () => {
  using hole = await blackhole();
  for (const method of ["GET", "POST", "PUT"]) {
    await using good = backend("good");
    await using proxy = startProxy({
      ...toGroup([hole.port, good]),
      proxy_connect_timeout: "100ms",
    });
    const body = method === "GET" ? null : "x";
    const answer = await ask(proxy.url, { method, body });
    equal(answer, "200 good", method);
    equal(good.seen.length, 1);
    // The next one does not come to it.
    equal(await ask(proxy.url, { method: "POST", body: "y" }), "200 good");
  }
});

Deno.test("a connection that was made has the time of an answer, not of a connection", async () => {
  await using slow = backend("slow", async () => {
    await wait(200);
    return new Response("slow");
  });
  await using proxy = startProxy({
    ...toGroup([slow]),
    proxy_connect_timeout: "50ms",
  });
  equal(await ask(proxy.url), "200 slow");
});

Deno.test("a server that stops to read a body is a 504 after proxy_send_timeout", async () => {
  const stopped = Promise.withResolvers<void>();
  await using stalling = rawUpstream(async (connection) => {
    await connection.readHead();
    await stopped.promise;
  });
  await using proxy = startProxy({
    ...toGroup([stalling.port]),
    client_max_body_size: 0,
    proxy_send_timeout: "100ms",
  });
  const client = await rawClient(proxy.port);
  const length = 64 * 1024 * 1024;
  await client.write(
    `PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`,
  );
  const sending = (async () => {
    const piece = new Uint8Array(65536);
    for (let at = 0; at < length;) at += await client.conn.write(piece);
  })().catch(() => {});
  match(await client.readHead(), /^HTTP\/1.1 504 /);
  client.close();
  await sending;
  stopped.resolve();
});

Deno.test("a client that stalls in its body gets 408 after client_body_timeout", async () => {
  await using a = backend("a");
  await using proxy = startProxy({
    ...toGroup([a]),
    client_body_timeout: "100ms",
  });
  const head = "POST / HTTP/1.1\r\nhost: x\r\n";
  for (
    const rest of [
      "content-length: 9\r\n\r\nhalf",
      "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
      "content-length: 9\r\n\r\n",
    ]
  ) {
    match(await headOf(proxy.port, head + rest), /^HTTP\/1.1 408 /);
  }
  equal(a.seen.length, 0);
  deepStrictEqual(proxy.errors, []);
});

Deno.test("a client that sends slowly, but sends, is given its time", async () => {
  await using a = backend("a", ({ body }) => new Response(body));
  await using proxy = startProxy({
    ...toGroup([a]),
    client_body_timeout: "300ms",
  });
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 15\r\n\r\n",
  );
  for (let i = 0; i < 15; i++) {
    await settled();
    await client.write(i.toString(16));
  }
  match(await client.readToEnd(), /0123456789abcde$/);
  client.close();
});

const HALF = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";

Deno.test("a body that stalls for the proxy_read_timeout that was set breaks the client's connection", async () => {
  const over = Promise.withResolvers<void>();
  await using stalling = acting(async (connection) => {
    await connection.write(HALF);
    await connection.readToEnd();
    over.resolve();
  });
  await using proxy = startProxy({
    ...toGroup([stalling.port]),
    proxy_read_timeout: "100ms",
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  match(await client.readToEnd(), /half$/);
  client.close();
  // The server's end is closed as well.
  await over.promise;
});

Deno.test("a client that leaves a timed body is no failure to report", async () => {
  const over = Promise.withResolvers<void>();
  await using quiet = acting(async (connection) => {
    await connection.write(HALF);
    await connection.readToEnd();
    over.resolve();
  });
  await using proxy = startProxy({
    ...toGroup([quiet.port]),
    proxy_read_timeout: "30s",
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await client.readUntil("half");
  // By then the proxy watches whether it leaves.
  await wait(100);
  client.close();
  await soon("the upstream is told", over.promise);
  await wait(50);
  deepStrictEqual(proxy.errors, []);
});

Deno.test("where no proxy_read_timeout is set a quiet body stays open", async () => {
  const go = Promise.withResolvers<void>();
  await using quiet = acting(async (connection) => {
    await connection.write(HALF);
    await go.promise;
    await connection.write("half");
  });
  await using proxy = startProxy(toGroup([quiet.port]));
  const answer = ask(proxy.url);
  await wait(200);
  go.resolve();
  equal(await answer, "200 halfhalf");
});

Deno.test("a client that reads slowly is not taken for a server that stalls", async () => {
  const length = 16 * 1024 * 1024;
  await using fast = backend("fast", () => new Response("x".repeat(length)));
  await using proxy = startProxy({
    ...toGroup([fast]),
    proxy_read_timeout: "700ms",
  });
  const response = await fetch(proxy.url);
  let read = 0;
  let pauses = 2;
  for await (const chunk of response.body!) {
    if (pauses-- > 0) await wait(1_000);
    read += chunk.length;
  }
  equal(read, length);
});

Deno.test("a head that does not come within proxy_read_timeout is a 504, also of a WebSocket", async () => {
  await using hanging = acting(hangs);
  await using proxy = startProxy({
    ...toGroup([hanging.port]),
    proxy_read_timeout: "100ms",
  });
  match(await ask(proxy.url), /^504 /);
  match(await ask(proxy.url, { method: "POST", body: "x" }), /^504 /);
  await rejects(echoClient(proxy.url));
  equal(proxy.errors.filter((line) => line.startsWith("504 ")).length, 3);
});

Deno.test("request_timeout is for all of an exchange: the answer's head", async () => {
  await using hanging = acting(hangs);
  await using proxy = startProxy({
    ...toGroup([hanging.port]),
    request_timeout: "100ms",
  });
  match(await ask(proxy.url), /^504 /);
});

Deno.test("request_timeout is for all of an exchange: the answer's body, garbage collected or not", async () => {
  const over = Promise.withResolvers<void>();
  await using dripping = acting(async (connection) => {
    await connection.write(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    try {
      while (true) {
        await connection.write("1\r\nx\r\n");
        await wait(10);
      }
    } finally {
      over.resolve();
    }
  });
  await using proxy = startProxy({
    ...toGroup([dripping.port]),
    request_timeout: "1s",
  });
  const response = await fetch(proxy.url);
  equal(response.status, 200);
  // With it Deno 2.9.6 forgets the signals of what has been answered.
  await fullCollection();
  await rejects(soon("the answer breaks off", response.text()), TypeError);
  await soon("the upstream is told", over.promise);
});

/** Resolves when a full garbage collection has been. */
async function fullCollection(): Promise<void> {
  const old = (() => new WeakRef({}))();
  for (let garbage: unknown[] = []; old.deref() !== undefined;) {
    if (garbage.push(new Array(10_000).fill(0)) === 2_000) garbage = [];
    await wait(0);
  }
}

Deno.test("request_timeout is for all of an exchange: the client's body, by its own fault", async () => {
  await using a = backend("a");
  await using proxy = startProxy({ ...toGroup([a]), request_timeout: "100ms" });
  const half = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf";
  match(await headOf(proxy.port, half), /^HTTP\/1.1 408 /);
  deepStrictEqual(proxy.errors, []);
});

Deno.test("request_timeout leaves WebSockets, and what is done in time, alone", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({
    ...toGroup([echo.port]),
    request_timeout: "500ms",
  });
  const client = await echoClient(proxy.url);
  const kept = await rawClient(proxy.port);
  await kept.write("GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
  await kept.readUntil("/a");
  await wait(600);
  equal(await client.echo("still"), "still");
  await client.close();
  await kept.write("GET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  match(await kept.readToEnd(), /\/b$/);
  kept.close();
});
