import assert from "node:assert/strict";
import { once } from "node:events";
// @ts-types="@types/ws"
import { WebSocket as Ws } from "ws";
import { MemoryWatch } from "../../lib/websocket/memory_watch.ts";
import { soon } from "../support/soon.ts";
import { startBridge, type TestBridge } from "./fixture.ts";
import { acceptingUpstream } from "./wire.ts";

const MIB = 1024 * 1024;

/** An upstream that reads nothing until it is disposed of. */
function deafUpstream() {
  const release = Promise.withResolvers<void>();
  const upstream = acceptingUpstream(() => release.promise);
  return {
    port: upstream.port,
    [Symbol.asyncDispose]() {
      release.resolve();
      return upstream[Symbol.asyncDispose]();
    },
  };
}

/** A client, and the code that it is closed with. */
async function openClient(url: string) {
  const client = new Ws(url);
  client.on("error", () => {});
  const closed = new Promise<number>((resolve) => client.on("close", resolve));
  await once(client, "open");
  return { client, closed };
}

/** Sends a message and waits until the proxy has it. */
async function send(client: Ws, data: Uint8Array | string): Promise<void> {
  await new Promise((resolve) => client.send(data, resolve));
  client.ping();
  await once(client, "pong");
}

/** Resolves when one bridge is left. */
async function untilOne({ bridges }: TestBridge): Promise<void> {
  while (bridges.size > 1) await new Promise((resolve) => setTimeout(resolve));
}

for (const kind of ["binary", "text"]) {
  Deno.test(`not more ${kind} waits for all upstreams than may, and the largest share goes first`, async () => {
    await using upstream = deafUpstream();
    // A quarter of it is 40 MiB.
    const watch = new MemoryWatch(160 * MIB, () => ({
      rss: 0,
      heapTotal: 0,
      external: 0,
    }));
    await using bridge = startBridge(upstream.port, {
      websocketBufferSize: MIB,
      watch,
    });
    const { bridges } = bridge;
    const message = (size: number) =>
      kind === "text" ? "é".repeat(size / 2) : new Uint8Array(size);
    const large = await openClient(bridge.url);
    const small = await openClient(bridge.url);
    const third = await openClient(bridge.url);
    await send(large.client, message(25 * MIB));
    await send(small.client, message(12 * MIB));
    assert.equal(bridges.size, 2 + 1);
    assert(bridges.memory.waiting > 20 * MIB, `${bridges.memory.waiting}`);
    await send(third.client, message(12 * MIB));
    assert.equal(await soon("it is closed", large.closed), 1013);
    assert.equal(bridges.size, 2);
    assert(bridges.memory.waiting < 24 * MIB);
    for (const { client } of [small, third]) client.terminate();
    bridges.abort();
    await bridge.untilClosed(3);
    assert.equal(bridges.memory.waiting, 0);
  });
}

Deno.test("a process that is short of memory ends the bridge for which the most waits", async () => {
  await using upstream = deafUpstream();
  let rss = 0;
  const usage = () => ({ rss, heapTotal: rss, external: 0 });
  await using bridge = startBridge(upstream.port, {
    times: { sweep: 20 },
    watch: new MemoryWatch(1000 * MIB, usage),
  });
  const idle = await openClient(bridge.url);
  const busy = await openClient(bridge.url);
  await send(busy.client, new Uint8Array(12 * MIB));
  rss = 800 * MIB;
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(bridge.bridges.size, 2);
  rss = 900 * MIB;
  assert.equal(await soon("it is closed", busy.closed), 1013);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(bridge.bridges.size, 1);
  idle.client.terminate();
});

Deno.test("no WebSocket is opened while messages that are assembled take the memory", async () => {
  await using upstream = deafUpstream();
  const heap = { rss: 900 * MIB, heapTotal: 700 * MIB, external: 100 * MIB };
  let usage = heap;
  await using bridge = startBridge(upstream.port, {
    times: { close: 50 },
    watch: new MemoryWatch(1000 * MIB, () => usage),
  });
  // What is in the heap is mostly garbage.
  const first = await openClient(bridge.url);
  usage = { ...heap, heapTotal: 100 * MIB };
  const second = await openClient(bridge.url);
  assert.equal(await soon("it is closed", second.closed), 1013);
  await soon("its bridge has ended", untilOne(bridge));
  assert.equal(bridge.bridges.size, 1);
  first.client.terminate();
});

Deno.test("without a limit memory is not looked at", () => {
  const never = () => {
    throw new Error("looked at");
  };
  assert(!new MemoryWatch(0, never).isShort());
  assert(!new MemoryWatch(0, never).isFlooded());
});
