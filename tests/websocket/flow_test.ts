import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
// @ts-types="@types/ws"
import { WebSocket as Ws } from "ws";
import { ClientFlow, DrainPoll } from "../../lib/websocket/flow.ts";
import { rawClient, type RawConnection } from "../support/raw_upstream.ts";
import { startBridge } from "./fixture.ts";
import {
  acceptingUpstream,
  closing,
  frame,
  handshake,
  readFrame,
  readOther,
  send,
} from "./wire.ts";

const MIB = 1024 * 1024;

async function openRaw(port: number): Promise<RawConnection> {
  const client = await rawClient(port);
  await client.write(handshake(port));
  await client.readHead();
  return client;
}

/** Resolves when a number has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  for (let before = -1; before !== value();) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return value();
}

/** The nth message: its bytes depend on n. */
function message(n: number, size: number): Uint8Array {
  return new Uint8Array(size).fill(n * 37 + 1);
}

Deno.test("a client that does not read stops its upstream, and gets everything later", async () => {
  const size = 300_000;
  const count = 150;
  let written = 0;
  await using upstream = acceptingUpstream(async ({ conn }) => {
    for (let n = 0; n < count; n++) {
      const bytes = frame(2, message(n, size));
      for (let at = 0; at < bytes.length;) {
        const done = await conn.write(bytes.subarray(at));
        at += done;
        written += done;
      }
    }
    const last = frame(8, closing(1000, "that was all"));
    await conn.write(last);
    await conn.read(new Uint8Array(100));
  });
  await using bridge = startBridge(upstream.port);
  const client = await openRaw(bridge.port);
  await send(client, frame(1, "begin", { mask: [1, 2, 3, 4] }));
  const stalled = await settled(() => written);
  // What the kernel holds on both connections, and about 1 MiB of our own.
  assert(stalled < 32 * MIB, `${stalled} bytes were taken`);
  const { conn } = client;
  const head = new Uint8Array(10);
  const payload = new Uint8Array(size);
  for (let n = 0; n < count; n++) {
    await fill(conn, head);
    assert.deepEqual([head[0], head[1]], [0x82, 127]);
    await fill(conn, payload);
    assert(Buffer.compare(payload, message(n, size)) === 0, `message ${n}`);
  }
  const { opcode, payload: reason } = await readFrame(client);
  assert.equal(opcode, 8);
  assert.equal(new TextDecoder().decode(reason.subarray(2)), "that was all");
  client.close();
  await bridge.untilClosed(1);
  assert.deepEqual(bridge.closed[0]?.toClient, {
    messages: count,
    bytes: count * size,
  });
});

async function writeAll(conn: Deno.Conn, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

async function fill(conn: Deno.Conn, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(bytes.subarray(at));
    assert(count !== null);
    at += count;
  }
}

/** A client's socket that takes only what it is told to. */
class StuckSocket {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  asSocket(): WebSocket {
    return this as unknown as WebSocket;
  }
}

/** How many messages of a size are sent before the upstream has to wait. */
function sentUntilWait(size: number): number {
  const socket = new StuckSocket();
  const flow = new ClientFlow(0);
  const drain = { wait: () => Promise.resolve() } as unknown as DrainPoll;
  for (let n = 1;; n++) {
    socket.bufferedAmount += size;
    if (flow.after(size, socket.asSocket(), drain) !== undefined) return n;
  }
}

Deno.test("not more than about 1 MiB, and 4096 messages, wait for a client", () => {
  assert.equal(sentUntilWait(16 * MIB), 1);
  assert.equal(sentUntilWait(MIB), 2);
  assert.equal(sentUntilWait(100_000), 11);
  for (const size of [0, 1, 10, 100]) assert(sentUntilWait(size) <= 4096);
});

Deno.test("a client that takes everything is never waited for", () => {
  const socket = new StuckSocket();
  const flow = new ClientFlow(0);
  const drain = new DrainPoll();
  for (let n = 0; n < 20_000; n++) {
    assert.equal(flow.after(1 + n % 5000, socket.asSocket(), drain), undefined);
  }
});

Deno.test("waiting ends when enough is taken, or the socket is no longer open", async () => {
  const drain = new DrainPoll();
  const taking = new StuckSocket();
  const leaving = new StuckSocket();
  taking.bufferedAmount = leaving.bufferedAmount = 1000;
  let waiting = 2;
  const over = () => void waiting--;
  const first = drain.wait(taking.asSocket(), 500).then(over);
  const second = drain.wait(leaving.asSocket(), 500).then(over);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(waiting, 2);
  taking.bufferedAmount = 500;
  await first;
  assert.equal(waiting, 1);
  leaving.readyState = WebSocket.CLOSING;
  await second;
});

Deno.test("a flood of empty messages, which nothing counts, is held back by time", async () => {
  const socket = new StuckSocket();
  const flow = new ClientFlow(0);
  const drain = new DrainPoll();
  let n = 0;
  let pause: Promise<void> | undefined;
  while (pause === undefined) {
    n++;
    pause = flow.after(0, socket.asSocket(), drain);
  }
  assert(n <= 4096);
  const begun = performance.now();
  await pause;
  assert(performance.now() - begun > 900);
});

Deno.test("a client that takes nothing for too long is stuck, one that is slow is not", () => {
  const socket = new StuckSocket();
  const flow = new ClientFlow(0);
  const drain = { wait: () => Promise.resolve() } as unknown as DrainPoll;
  assert(!flow.isStuck(socket.asSocket(), 1e6, 1000), "nothing waits");
  socket.bufferedAmount = 160_000;
  flow.after(160_000, socket.asSocket(), drain);
  // 160,000 bytes at 16 bytes in a millisecond, and a second.
  assert(!flow.isStuck(socket.asSocket(), 1e6 + 10_900, 1000));
  assert(flow.isStuck(socket.asSocket(), 1e6 + 11_100, 1000));
  // One message goes out, another of the same size comes in.
  flow.after(160_000, socket.asSocket(), drain);
  assert(!flow.isStuck(socket.asSocket(), 1e6 + 11_200, 1000));
});

Deno.test("a client that takes nothing for too long is given up", async () => {
  let code = 0;
  let written = 0;
  await using upstream = acceptingUpstream(async (connection) => {
    const bytes = frame(2, new Uint8Array(100_000));
    const sending = (async () => {
      while (true) {
        await writeAll(connection.conn, bytes);
        written++;
      }
    })().catch(() => {});
    let read = await readFrame(connection);
    // Pings wait to be answered, as the data.
    while (read.opcode === 9) read = await readFrame(connection);
    const { payload } = read;
    code = (payload[0] ?? 0) << 8 | (payload[1] ?? 0);
    connection.close();
    await sending;
  });
  await using bridge = startBridge(upstream.port, { websocketPing: 60_000 });
  const client = await openRaw(bridge.port);
  const [open] = bridge.made;
  assert(open !== undefined);
  await settled(() => written);
  open.sweep(performance.now());
  assert.equal(bridge.bridges.size, 1);
  // As if it had taken nothing for some minutes.
  open.sweep(performance.now() + 300_000);
  await bridge.untilClosed(1);
  assert.equal(code, 1001);
  assert.deepEqual(
    [bridge.closed[0]?.code, bridge.closed[0]?.by],
    [1006, "client"],
  );
  client.close();
});

Deno.test("a client that does not answer pings is given up, its upstream told", async () => {
  const told = Promise.withResolvers<Uint8Array>();
  await using upstream = acceptingUpstream(async (connection) => {
    told.resolve((await readOther(connection)).payload);
  });
  await using bridge = startBridge(upstream.port, { websocketPing: 300 });
  const begun = performance.now();
  const client = await openRaw(bridge.port);
  assert.deepEqual(
    await told.promise,
    closing(1001, "client connection lost"),
  );
  const waited = performance.now() - begun;
  assert(waited > 500 && waited < 5_000, `${waited} ms`);
  await bridge.untilClosed(1);
  assert.deepEqual(
    [bridge.closed[0]?.code, bridge.closed[0]?.by],
    [1006, "client"],
  );
  client.close();
});

Deno.test("an upstream that does not read ends the bridge with words, not with memory", async () => {
  const release = Promise.withResolvers<void>();
  await using upstream = acceptingUpstream(() => release.promise);
  await using bridge = startBridge(upstream.port, {
    websocketBufferSize: MIB,
  });
  const client = new Ws(bridge.url);
  await once(client, "open");
  client.on("error", () => {});
  const closed = once(client, "close");
  let sent = 0;
  // Not faster than the bridge takes it: the rest would be cut with the client.
  const sending = setInterval(() => {
    if (client.readyState !== Ws.OPEN || client.bufferedAmount > 0) return;
    client.send(new Uint8Array(256 * 1024));
    sent += 256 * 1024;
  });
  const [code, reason] = await closed;
  clearInterval(sending);
  release.resolve();
  // What the client still sent when the proxy closed can reset the connection,
  // and the reset can overtake the close frame.
  if (code !== 1006) {
    assert.deepEqual(
      [code, String(reason)],
      [1013, "upstream reads too slowly"],
    );
  }
  assert(sent < 32 * MIB, `${sent} bytes`);
  await bridge.untilClosed(1);
  assert.deepEqual(
    [bridge.closed[0]?.code, bridge.closed[0]?.by],
    [1013, "proxy"],
  );
});
