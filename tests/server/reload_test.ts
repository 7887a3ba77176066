/**
 * Another plan in the place of the present one, under requests and WebSockets.
 *
 * @module
 */
import assert from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import { ListenError } from "../../lib/server/server.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { backend, toGroup } from "../support/backends.ts";
import { freePort } from "../support/free_port.ts";
import { startProxy, type TestProxy } from "../support/proxy.ts";
import { rawClient, rawUpstream } from "../support/raw_upstream.ts";

const to = (port: number) => `http://127.0.0.1:${port}`;

const SAME = "127.0.0.1:0";

function reload(proxy: TestProxy, config: Record<string, unknown>) {
  const plan = planFromObject({ listen: SAME, ...config }, {
    source: "test",
    env: () => undefined,
  });
  return proxy.server.reload(plan);
}

const get = async (url: string) => (await fetch(url)).text();

const refused = (url: string) =>
  fetch(url).then(async (response) => {
    await response.body?.cancel();
    return false;
  }, () => true);

/** An upstream that says its name when the test lets it. */
function slow(name: string) {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    begun.resolve();
    await go.promise;
    await connection.write(
      `HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`,
    );
    await connection.readToEnd();
  });
  return { upstream, begun: begun.promise, go: go.resolve };
}

Deno.test("a reload changes where requests go, on connections that are open too", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({ locations: { "/a": to(echo.port) } });
  const client = await rawClient(proxy.port);
  const ask = async (path: string) => {
    await client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const head = await client.readHead();
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    // The proxy's own pages are chunked.
    if (Number.isNaN(length)) await client.readUntil("\r\n0\r\n\r\n");
    else await client.readExactly(length);
    return Number(head.split(" ")[1]);
  };
  assert.deepEqual([await ask("/a"), await ask("/b")], [200, 404]);
  const changes = reload(proxy, { locations: { "/b": to(echo.port) } });
  assert.deepEqual(changes, { added: [], removed: [], notes: [] });
  assert.deepEqual([await ask("/a"), await ask("/b")], [404, 200]);
  client.close();
});

Deno.test("a request in flight ends as it began, whatever becomes of its location", async () => {
  const { upstream, begun, go } = slow("old");
  await using _ = upstream;
  await using echo = echoUpstream();
  await using proxy = startProxy({ locations: { "/": to(upstream.port) } });
  const answer = get(proxy.url);
  await begun;
  reload(proxy, { locations: { "/": to(echo.port) } });
  // Over several reloads: its upstream is closed only after it.
  reload(proxy, { locations: { "/x": to(upstream.port) } });
  reload(proxy, { locations: { "/": to(echo.port) } });
  assert.equal(await get(`${proxy.url}/new`), "/new");
  go();
  assert.equal(await answer, "old");
});

Deno.test("a request on its way may be tried again after a reload", async () => {
  const first = Promise.withResolvers<void>();
  const cut = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    first.resolve();
    await cut.promise;
  });
  await using other = backend("ok");
  await using proxy = startProxy(toGroup([upstream.port, other]));
  const answer = get(proxy.url);
  await first.promise;
  reload(proxy, { locations: { "/": "http://127.0.0.1:81" } });
  cut.resolve();
  assert.equal(await answer, "ok");
});

Deno.test("WebSockets stay open when their location and their upstream go", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({ locations: { "/ws": to(echo.port) } });
  const client = await echoClient(`${proxy.url}/ws`);
  for (let i = 0; i < 5; i++) {
    reload(proxy, { locations: { [`/${i}`]: to(echo.port) } });
    assert.equal(await client.echo(`message ${i}`), `message ${i}`);
  }
  await assert.rejects(echoClient(`${proxy.url}/ws`), /refused/);
  await client.close();
});

Deno.test("a listener is added and removed; one that is kept does not notice", async () => {
  await using echo = echoUpstream();
  const locations = { "/": to(echo.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  const kept = await echoClient(proxy.url);
  const both = reload(proxy, { listen: [SAME, other], locations });
  assert.deepEqual(both, { added: [other], removed: [], notes: [] });
  assert.equal(await get(`http://${other}/x`), "/x");
  assert.equal(proxy.server.addresses.length, 2);
  const one = reload(proxy, { locations });
  assert.deepEqual(one, { added: [], removed: [other], notes: [] });
  assert.equal(await refused(`http://${other}/`), true);
  assert.equal(await get(`${proxy.url}/x`), "/x");
  assert.equal(await kept.echo("still there"), "still there");
  await kept.close();
});

Deno.test("a request in flight on a removed listener is finished", async () => {
  const { upstream, begun, go } = slow("ok");
  await using _ = upstream;
  const locations = { "/": to(upstream.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  reload(proxy, { listen: [SAME, other], locations });
  const answer = get(`http://${other}/`);
  await begun;
  reload(proxy, { locations });
  go();
  assert.equal(await answer, "ok");
});

Deno.test("a removed listener ends with its last WebSocket, and answers 503 until then", async () => {
  await using echo = echoUpstream();
  const locations = { "/": to(echo.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  reload(proxy, { listen: [SAME, other], locations });
  const client = await echoClient(`http://${other}/`);
  reload(proxy, { locations });
  assert.equal(await client.echo("one"), "one");
  const response = await fetch(`http://${other}/`);
  assert.equal(response.status, 503);
  await response.body?.cancel();
  await assert.rejects(echoClient(`http://${other}/`), /refused/);
  assert.equal(await client.echo("two"), "two");
  await client.close();
  while (!await refused(`http://${other}/`));
});

Deno.test("a removed listener that comes back goes on with its WebSockets", async () => {
  await using echo = echoUpstream();
  const locations = { "/": to(echo.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  reload(proxy, { listen: [SAME, other], locations });
  const client = await echoClient(`http://${other}/`);
  reload(proxy, { locations });
  const back = reload(proxy, { listen: [SAME, other], locations });
  assert.deepEqual(back.added, [other]);
  assert.equal(await get(`http://${other}/x`), "/x");
  assert.equal(await client.echo("one"), "one");
  await client.close();
  // Its last WebSocket does not end it now.
  for (let i = 0; i < 20; i++) {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(other.split(":")[1]),
    });
    connection.close();
    assert.equal(await get(`${proxy.url}/y`), "/y");
  }
});

Deno.test("an address that is closed for good is opened anew", async () => {
  await using echo = echoUpstream();
  const locations = { "/": to(echo.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  for (let i = 0; i < 3; i++) {
    reload(proxy, { listen: [SAME, other], locations });
    assert.equal(await get(`http://${other}/x`), "/x");
    reload(proxy, { locations });
    assert.equal(await refused(`http://${other}/`), true);
  }
});

Deno.test("an address comes back while the last body is still on its way", async () => {
  const rest = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no");
    await rest.promise;
    await connection.write("k");
    await connection.readToEnd();
  });
  const locations = { "/": to(upstream.port) };
  await using proxy = startProxy({ locations });
  const other = `127.0.0.1:${freePort()}`;
  reload(proxy, { listen: [SAME, other], locations });
  const response = await fetch(`http://${other}/`);
  reload(proxy, { locations });
  while (!await refused(`http://${other}/`));
  await using echo = echoUpstream();
  const back = { listen: [SAME, other], locations: { "/": to(echo.port) } };
  assert.deepEqual(reload(proxy, back).added, [other]);
  assert.equal(await get(`http://${other}/x`), "/x");
  rest.resolve();
  assert.equal(await response.text(), "ok");
});

Deno.test("an upstream that no location uses any more is asked for its health no more", async () => {
  const interval = 20;
  let asked = 0;
  const next = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    if (++asked === 3) next.resolve();
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  await using proxy = startProxy({
    upstreams: {
      watched: {
        servers: [`127.0.0.1:${upstream.port}`],
        health_check: { path: "/", interval: `${interval}ms` },
      },
    },
    locations: { "/": "http://watched" },
  });
  await next.promise;
  reload(proxy, { locations: { "/": to(81) } });
  // One may be on its way.
  await new Promise((resolve) => setTimeout(resolve, interval));
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, 10 * interval));
  assert.equal(asked, before);
});

Deno.test("an address that can't be had changes nothing", async () => {
  await using echo = echoUpstream();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const other = `127.0.0.1:${freePort()}`;
  await using proxy = startProxy({ locations: { "/a": to(echo.port) } });
  const address = `127.0.0.1:${taken.addr.port}`;
  assert.throws(
    () =>
      reload(proxy, {
        listen: [other, address],
        locations: { "/b": to(echo.port) },
      }),
    (error) => error instanceof ListenError && error.address === address,
  );
  assert.equal(await get(`${proxy.url}/a`), "/a");
  assert.equal(await refused(`http://${other}/`), true);
});

Deno.test("what a reload has opened waits for it, and is closed if it is not to be", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({ locations: { "/a": to(echo.port) } });
  const other = `127.0.0.1:${freePort()}`;
  const plan = planFromObject(
    { listen: [SAME, other], locations: { "/b": to(echo.port) } },
    { source: "test", env: () => undefined },
  );
  proxy.server.prepareReload(plan).cancel();
  assert.equal(await refused(`http://${other}/`), true);
  const prepared = proxy.server.prepareReload(plan);
  const early = get(`http://${other}/b`);
  assert.equal(await get(`${proxy.url}/a`), "/a");
  assert.deepEqual(prepared.commit().added, [other]);
  assert.equal(await early, "/b");
});

Deno.test("an address that overlaps with one that is open needs a restart", async () => {
  const locations = { "/": "http://127.0.0.1:81" };
  const port = freePort();
  await using proxy = startProxy({ listen: `127.0.0.1:${port}`, locations });
  assert.throws(
    () => reload(proxy, { listen: `0.0.0.0:${port}`, locations }),
    (error) => error instanceof ListenError && error.kind === "own",
  );
});

Deno.test("no reload is begun once the end has", async () => {
  const locations = { "/": "http://127.0.0.1:81" };
  const proxy = startProxy({ locations });
  await proxy.server.shutdown();
  assert.throws(() => reload(proxy, { locations }), /shutting down/);
});
