import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert/strict";
import {
  ask,
  backend,
  freePort,
  type Seen,
  toGroup,
} from "../support/backends.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient } from "../support/raw_upstream.ts";

/** A server that holds requests for `/held…` until the test opens it. */
function gated() {
  let gate = Promise.withResolvers<void>();
  let arrived = Promise.withResolvers<void>();
  let held = 0;
  const server = backend("ok", async ({ target }: Seen) => {
    if (target.includes("held")) {
      held++;
      arrived.resolve();
      await gate.promise;
    }
    return new Response("ok");
  });
  return {
    ...server,
    /** Resolves when so many requests are held in all. */
    async holds(count: number) {
      while (held < count) {
        arrived = Promise.withResolvers();
        await arrived.promise;
      }
    },
    open() {
      gate.resolve();
      gate = Promise.withResolvers();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Asks until the answer is this one. */
async function becomes(expected: string, url: string, init?: RequestInit) {
  while (await ask(url, init) !== expected) await Promise.resolve();
}

const from = (address: string): RequestInit => ({
  headers: { "x-forwarded-for": address },
});

Deno.test("as many requests as limit_conn says are in flight, one more is a 503", async () => {
  await using server = gated();
  await using proxy = startProxy({ ...toGroup([server]), limit_conn: 2 });
  const held = [ask(proxy.url + "/held"), ask(proxy.url + "/held")];
  await server.holds(2);
  const refused = await fetch(proxy.url);
  equal(refused.status, 503);
  equal(refused.headers.get("retry-after"), "1");
  match(await refused.text(), /too many requests in flight/i);
  equal(server.seen.length, 2);
  server.open();
  deepStrictEqual(await Promise.all(held), ["200 ok", "200 ok"]);
  await becomes("200 ok", proxy.url);
});

Deno.test("per_address holds for each client's address, and is a 429", async () => {
  await using server = gated();
  await using proxy = startProxy({
    ...toGroup([server]),
    trusted_proxies: ["127.0.0.1"],
    limit_conn: { per_address: 1 },
  });
  const held = [
    ask(proxy.url + "/held", from("192.0.2.1")),
    ask(proxy.url + "/held", from("192.0.2.2")),
  ];
  await server.holds(2);
  const refused = await fetch(proxy.url, from("192.0.2.1"));
  equal(refused.status, 429);
  equal(refused.headers.get("retry-after"), "1");
  match(await refused.text(), /from your address/);
  equal(await ask(proxy.url, from("192.0.2.3")), "200 ok");
  server.open();
  await Promise.all(held);
  await becomes("200 ok", proxy.url, from("192.0.2.1"));
});

Deno.test("a location's limit is its own, beside that of all", async () => {
  await using server = gated();
  const group = toGroup([server]);
  await using proxy = startProxy({
    upstreams: group["upstreams"],
    limit_conn: 3,
    locations: {
      "/": "http://group",
      "/few": { proxy_pass: "http://group", limit_conn: { total: 1 } },
    },
  });
  const held = [ask(proxy.url + "/few/held")];
  await server.holds(1);
  match(await ask(proxy.url + "/few"), /^503 /);
  equal(await ask(proxy.url + "/other"), "200 ok");
  held.push(ask(proxy.url + "/held"), ask(proxy.url + "/held"));
  await server.holds(3);
  match(await ask(proxy.url + "/other"), /^503 /);
  server.open();
  await Promise.all(held);
  await becomes("200 ok", proxy.url + "/few");
});

Deno.test("a place is given back by whoever leaves, fails, or is refused elsewhere", async () => {
  await using server = gated();
  const group = toGroup([server]);
  await using proxy = startProxy({
    upstreams: group["upstreams"],
    limit_conn: 1,
    locations: {
      "/": "http://group",
      "/gone": `http://127.0.0.1:${freePort()}`,
    },
  });
  for (let i = 1; i <= 3; i++) {
    const client = await rawClient(proxy.port);
    await client.write("GET /held HTTP/1.1\r\nhost: x\r\n\r\n");
    await server.holds(i);
    match(await ask(proxy.url), /^503 /);
    client.close();
    await becomes("200 ok", proxy.url);
    match(await ask(proxy.url + "/gone"), /^502 /);
    await becomes("200 ok", proxy.url);
  }
  server.open();
});

Deno.test("a place is kept until the body has been delivered", async () => {
  const length = 32 * 1024 * 1024;
  await using server = backend(
    "large",
    ({ target }) =>
      new Response(target === "/large" ? "x".repeat(length) : "small"),
  );
  await using proxy = startProxy({ ...toGroup([server]), limit_conn: 1 });
  const slow = await fetch(proxy.url + "/large");
  match(await ask(proxy.url), /^503 /);
  equal((await slow.text()).length, length);
  await becomes("200 small", proxy.url);
});

Deno.test("as many WebSockets as websocket_limit_conn says are open, beside any requests", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({
    ...toGroup([echo.port]),
    websocket_limit_conn: 2,
  });
  const clients = [await echoClient(proxy.url), await echoClient(proxy.url)];
  await rejects(echoClient(proxy.url));
  match(
    await handshake(proxy.port),
    /^HTTP\/1.1 503 .*\r\nretry-after: 1\r\n/s,
  );
  equal(await ask(proxy.url), "200 /");
  await clients.pop()!.close();
  while (clients.length < 2) {
    await echoClient(proxy.url).then(
      (client) => clients.push(client),
      () => {},
    );
  }
  for (const client of clients) {
    equal(await client.echo("here"), "here");
    await client.close();
  }
});

Deno.test("WebSockets of an address are limited with 429, those that failed don't count", async () => {
  await using echo = echoUpstream();
  const group = toGroup([echo.port]);
  await using proxy = startProxy({
    upstreams: group["upstreams"],
    websocket_limit_conn: { per_address: 1 },
    locations: {
      "/": "http://group",
      "/gone": `http://127.0.0.1:${freePort()}`,
    },
  });
  for (let i = 0; i < 3; i++) await rejects(echoClient(proxy.url + "/gone"));
  await becomesOpen(proxy.url);
  const client = await echoClient(proxy.url);
  match(
    await handshake(proxy.port),
    /^HTTP\/1.1 429 .*\r\nretry-after: 1\r\n/s,
  );
  await client.close();
  await becomesOpen(proxy.url);
});

async function becomesOpen(url: string) {
  while (true) {
    const client = await echoClient(url).catch(() => null);
    await client?.close();
    if (client !== null) return;
  }
}

async function handshake(port: number): Promise<string> {
  const client = await rawClient(port);
  await client.write(
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const head = await client.readHead();
  client.close();
  return head;
}

Deno.test("where every server has max_conns requests there is a 503, until one has ended", async () => {
  await using server = gated();
  await using proxy = startProxy(
    toGroup([{ address: server.address, max_conns: 2 }]),
  );
  const held = [ask(proxy.url + "/held"), ask(proxy.url + "/held")];
  await server.holds(2);
  const refused = await fetch(proxy.url);
  equal(refused.status, 503);
  equal(refused.headers.get("retry-after"), "1");
  await refused.text();
  match(proxy.errors[0] ?? "", /has max_conns requests already/);
  server.open();
  await Promise.all(held);
  await becomes("200 ok", proxy.url);
});

Deno.test("a WebSocket holds its server's place until it has ended", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy(
    toGroup([{ address: `127.0.0.1:${echo.port}`, max_conns: 1 }]),
  );
  const client = await echoClient(proxy.url);
  match(await ask(proxy.url), /^503 /);
  await client.close();
  await becomes("200 /", proxy.url);
});

Deno.test("of an address's places each is given back alone", async () => {
  await using server = gated();
  await using proxy = startProxy({
    ...toGroup([server]),
    limit_conn: { per_address: 2 },
  });
  const held = [ask(proxy.url + "/held")];
  await server.holds(1);
  await becomes("200 ok", proxy.url);
  await becomes("200 ok", proxy.url);
  held.push(ask(proxy.url + "/held"));
  await server.holds(2);
  match(await ask(proxy.url), /^429 /);
  server.open();
  await Promise.all(held);
});

Deno.test("a refused request does not spend the one try of a server that had failed", async () => {
  await using gate = gated();
  let sick = true;
  await using failing = backend(
    "was sick",
    () => new Response(sick ? "sick" : "well", { status: sick ? 500 : 200 }),
  );
  const first = {
    address: failing.address,
    fail_timeout: "200ms",
  };
  await using proxy = startProxy({
    ...toGroup([first, gate]),
    proxy_next_upstream: "http_500",
    limit_conn: 1,
  });
  for (let i = 0; i < 2; i++) equal(await ask(proxy.url), "200 ok");
  equal(proxy.errors.length, 1);
  sick = false;
  const held = ask(`${proxy.url}/held`);
  await gate.holds(1);
  const until = performance.now() + 300;
  while (performance.now() < until) {
    match(await ask(proxy.url), /^503 /);
  }
  gate.open();
  equal(await held, "200 ok");
  // A server that has failed gets its weight back pick by pick.
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await ask(proxy.url));
  ok(answers.includes("200 well"), answers.join());
});
