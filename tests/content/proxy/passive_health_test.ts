import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, freePort, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";
import { rawClient, RawConnection } from "../../support/raw_upstream.ts";
import { acting, closes, hangs, headOf, settled, status } from "./acting.ts";

Deno.test("a failing server is left out and comes back, and its owner hears of both", async () => {
  let sick = true;
  await using a = acting((connection) => status(sick ? 500 : 200)(connection));
  await using b = backend("b");
  const first = {
    address: `127.0.0.1:${a.port}`,
    max_fails: 2,
    fail_timeout: "300ms",
  };
  await using proxy = startProxy({
    ...toGroup([first, b]),
    proxy_next_upstream: "http_500",
  });
  for (let i = 0; i < 12; i++) equal(await ask(proxy.url), "200 b");
  equal(a.methods.length, 2);
  const name = `upstream group 127.0.0.1:${a.port}`;
  deepStrictEqual(proxy.errors, [`${name} answers 500: left out for a while`]);
  sick = false;
  const back = Date.now() + 5_000;
  while (await ask(proxy.url) === "200 b") ok(Date.now() < back);
  deepStrictEqual(proxy.errors.slice(1), [`${name} is back`]);
  const answers = [await ask(proxy.url), await ask(proxy.url)];
  deepStrictEqual(answers.sort(), ["200 b", "200 bad"]);
});

Deno.test("403 and 404 lead on, but are no fault of the server", async () => {
  await using a = acting(status(404));
  await using b = backend("b");
  await using proxy = startProxy({
    ...toGroup([a.port, b]),
    proxy_next_upstream: "http_404",
  });
  for (let i = 0; i < 10; i++) equal(await ask(proxy.url), "200 b");
  ok(a.methods.length > 3);
  deepStrictEqual(proxy.errors, []);
});

Deno.test("a client's faults are no fault of the server", async () => {
  await using a = backend("a");
  await using b = backend("b");
  await using proxy = startProxy({
    ...toGroup([a, b]),
    client_body_timeout: "50ms",
    client_max_body_size: 10,
  });
  const head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
  for (let i = 0; i < 4; i++) {
    const leaving = await rawClient(proxy.port);
    await leaving.write(`${head}content-length: 10\r\n\r\nhalf`);
    await settled();
    leaving.close();
    const late = `${head}content-length: 10\r\n\r\nhalf`;
    match(await headOf(proxy.port, late), /^HTTP\/1.1 408 /);
    const long =
      `${head}transfer-encoding: chunked\r\n\r\nc\r\nmore than 10\r\n`;
    match(await headOf(proxy.port, long), /^HTTP\/1.1 413 /);
  }
  // Of the server nothing is said.
  deepStrictEqual(
    proxy.errors.filter((line) => !line.startsWith("413 client_max_body_size")),
    [],
  );
});

Deno.test("with all servers failing each request still tries them", async () => {
  const ports = [freePort(), freePort()];
  await using proxy = startProxy(toGroup(ports));
  for (let i = 0; i < 3; i++) {
    equal((await ask(proxy.url)).slice(0, 3), "502");
  }
  await using up = backend("up", undefined, ports[0]);
  for (let i = 0; i < 10; i++) equal(await ask(proxy.url), "200 up");
  ok(up.seen.length === 10);
});

Deno.test("a single server is tried each time, however often it has failed", async () => {
  let sick = true;
  await using only = acting((connection) =>
    sick ? closes(connection) : status(200)(connection)
  );
  await using proxy = startProxy(toGroup([only.port]));
  for (let i = 0; i < 5; i++) equal((await ask(proxy.url)).slice(0, 3), "502");
  sick = false;
  equal(await ask(proxy.url), "200 bad");
});

Deno.test("a server that takes no more connections finishes what it has", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const accepted = listener.accept();
  await using proxy = startProxy({
    ...toGroup([port]),
    proxy_connect_timeout: "60ms",
  });
  const answer = ask(proxy.url);
  const connection = new RawConnection(await accepted);
  listener.close();
  await connection.readHead();
  // More than the time for a connection.
  await new Promise((resolve) => setTimeout(resolve, 150));
  await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  equal(await answer, "200 ok");
  connection.close();
});

Deno.test("a server's place is given back however a request at it ends", async () => {
  let act: (connection: RawConnection) => Promise<void> = closes;
  await using server = acting((connection) => act(connection));
  await using good = backend("good");
  const only = {
    address: `127.0.0.1:${server.port}`,
    max_conns: 1,
    max_fails: 0,
  };
  await using proxy = startProxy({
    ...toGroup([only, { address: good.address, backup: true }]),
    proxy_next_upstream: "error http_500",
  });
  for (act of [closes, status(500), closes]) {
    equal(await ask(proxy.url), "200 good");
  }
  act = hangs;
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await settled();
  // It has its one request.
  equal(await ask(proxy.url), "200 good");
  client.close();
  act = status(200);
  while (await ask(proxy.url) !== "200 bad") await settled();
});

Deno.test("a server that answers late is not given up for taking no other connections", async () => {
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr as Deno.NetAddr;
  await using proxy = startProxy({
    ...toGroup([port]),
    proxy_connect_timeout: "300ms",
    proxy_read_timeout: "5s",
  });
  const answer = ask(proxy.url);
  const connection = new RawConnection(await listener.accept());
  await connection.readHead();
  const queued = await Promise.all([1, 2].map(() => Deno.connect({ port })));
  // Half of the time is over, and somebody looks whether one can connect.
  await new Promise((resolve) => setTimeout(resolve, 220));
  await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
  await new Promise((resolve) => setTimeout(resolve, 300));
  await connection.write("lf");
  equal(await answer, "200 half");
  for (const each of [...queued, connection, listener]) each.close();
});

Deno.test("an invalid handshake says nothing of a server", async () => {
  // Nobody listens there.
  const first = {
    address: `127.0.0.1:${freePort()}`,
    fail_timeout: "300ms",
  };
  await using b = backend("b");
  await using proxy = startProxy(toGroup([first, b]));
  for (let i = 0; i < 4; i++) equal(await ask(proxy.url), "200 b");
  equal(proxy.errors.length, 1);
  const until = performance.now() + 400;
  while (performance.now() < until) {
    match(
      await headOf(
        proxy.port,
        "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n" +
          "connection: upgrade\r\nsec-websocket-version: 13\r\n" +
          "sec-websocket-key: short\r\n\r\n",
      ),
      /^HTTP\/1\.1 400 /,
    );
  }
  for (let i = 0; i < 4; i++) equal(await ask(proxy.url), "200 b");
  ok(!proxy.errors.some((line) => line.includes("is back")));
});
