/** The idle connections to one server. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { Connection } from "../../lib/transport/http1/connection.ts";
import {
  ConnectionPool,
  type KeepAlive,
} from "../../lib/transport/http1/pool.ts";
import { KnownHeads } from "../../lib/transport/http1/known_heads.ts";
import { soon } from "../support/soon.ts";
import { bytesOf, scriptedConn } from "./scripted_conn.ts";

const SETTINGS: KeepAlive = {
  keepalive: 3,
  keepalive_timeout: 10_000,
  keepalive_requests: 5,
  keepalive_time: 60_000,
};

/** Connections in pairs: this side of each, and the server's. */
class Pairs implements AsyncDisposable {
  readonly pool: ConnectionPool;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #opened: Deno.Conn[] = [];

  constructor(settings: Partial<KeepAlive> = {}) {
    this.pool = new ConnectionPool({ ...SETTINGS, ...settings });
  }

  /** A connection that has carried one exchange. */
  async used(madeAt = 0): Promise<{ client: Connection; server: Deno.Conn }> {
    const { port } = this.#listener.addr as Deno.NetAddr;
    const [conn, server] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port }),
      this.#listener.accept(),
    ]);
    this.#opened.push(conn, server);
    const client = new Connection(conn, madeAt);
    client.use();
    return { client, server };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.pool.close();
    this.#listener.close();
    for (const conn of this.#opened) {
      try {
        conn.close();
      } catch {
        // Closed already.
      }
    }
    return Promise.resolve();
  }
}

/** Resolves when the other side has closed. */
async function ended(conn: Deno.Conn): Promise<void> {
  equal(await soon("it is closed", conn.read(new Uint8Array(1))), null);
}

Deno.test("the one that was used last is used first", async () => {
  await using pairs = new Pairs();
  const { pool } = pairs;
  const [a, b] = [await pairs.used(), await pairs.used()];
  equal(pool.take(0), null);
  pool.give(a.client, 1);
  pool.give(b.client, 2);
  equal(pool.take(3), b.client);
  equal(pool.take(3), a.client);
  equal(pool.take(3), null);
});

Deno.test("of too many, the one that was used longest ago is closed", async () => {
  await using pairs = new Pairs({ keepalive: 2 });
  const { pool } = pairs;
  const all = [await pairs.used(), await pairs.used(), await pairs.used()];
  all.forEach(({ client }, i) => pool.give(client, i));
  equal(pool.size, 2);
  deepStrictEqual(all.map(({ client }) => client.isClosed), [
    true,
    false,
    false,
  ]);
  await ended(all[0]!.server);
});

Deno.test("keepalive, keepalive_requests and keepalive_time are kept to", async () => {
  await using none = new Pairs({ keepalive: 0 });
  const a = await none.used();
  none.pool.give(a.client, 0);
  ok(a.client.isClosed);

  await using pairs = new Pairs({ keepalive_requests: 3 });
  const { pool } = pairs;
  const b = await pairs.used();
  for (let requests = 1; requests < 3; requests++) {
    pool.give(b.client, 0);
    equal(pool.take(0), b.client);
    b.client.use();
  }
  pool.give(b.client, 0);
  ok(b.client.isClosed);

  const c = await pairs.used(1_000);
  pool.give(c.client, 60_999);
  equal(pool.take(61_000), c.client);
  pool.give(c.client, 61_000);
  ok(c.client.isClosed);
});

Deno.test("one that has been idle for too long is not used, and closed soon", async () => {
  await using pairs = new Pairs({ keepalive_timeout: 100 });
  const { pool } = pairs;
  const [a, b] = [await pairs.used(), await pairs.used()];
  pool.give(a.client, 0);
  equal(pool.take(100), null);
  ok(a.client.isClosed);
  pool.give(b.client, performance.now());
  // Nobody asks for it.
  await ended(b.server);
  equal(pool.size, 0);
});

Deno.test("one that its server closes, or sends something on, is gone at once", async () => {
  await using pairs = new Pairs();
  const { pool } = pairs;
  const [a, b, c] = [
    await pairs.used(),
    await pairs.used(),
    await pairs.used(),
  ];
  for (const { client } of [a, b, c]) pool.give(client, 0);
  a.server.close();
  await c.server.write(bytesOf("HTTP/1.1 408 Request Timeout\r\n\r\n"));
  await ended(c.server);
  while (pool.size > 1) await new Promise((resolve) => setTimeout(resolve, 1));
  ok(a.client.isClosed && c.client.isClosed);
  equal(pool.take(0), b.client);
  equal(pool.take(0), null);
});

Deno.test("one that was closed while it was used is not kept", async () => {
  await using pairs = new Pairs();
  const { client } = await pairs.used();
  client.close();
  pairs.pool.give(client, 0);
  equal(pairs.pool.size, 0);
});

Deno.test("close closes the idle ones, and those that are given back later", async () => {
  await using pairs = new Pairs();
  const { pool } = pairs;
  const [a, b] = [await pairs.used(), await pairs.used()];
  pool.give(a.client, 0);
  pool.close();
  await ended(a.server);
  pool.give(b.client, 0);
  await ended(b.server);
  equal(pool.size, 0);
  equal(pool.take(0), null);
});

Deno.test("a connection that is idle again reads into a small buffer, after a large head too", async () => {
  const head = bytesOf(`HTTP/1.1 204 x\r\na: ${"x".repeat(200_000)}\r\n\r\n`);
  const conn = scriptedConn([head]);
  const sizes: number[] = [];
  const { read } = conn;
  conn.read = (into) => {
    sizes.push(into.length);
    return read(into);
  };
  const connection = new Connection(conn, 0);
  connection.use();
  await connection.head("GET", new KnownHeads());
  ok(Math.max(...sizes) > 50_000);
  connection.idle(0, () => {});
  equal(sizes.at(-1), 16 * 1024);
});
