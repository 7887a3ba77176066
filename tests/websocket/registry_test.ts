import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
// @ts-types="@types/ws"
import { WebSocket as Ws, WebSocketServer } from "ws";
import { startControl } from "../support/control.ts";
import { startBridge, type TestBridge } from "./fixture.ts";

interface Fleet extends AsyncDisposable {
  bridge: TestBridge;
  /** When each client was closed, its code and reason. */
  clients: { at: number; code: number; reason: string }[];
  /** Resolves when all are closed. */
  clientsClosed: Promise<unknown>;
  /** The codes that the upstream was closed with. */
  upstreamCodes: number[];
}

/** A number of open bridges. */
async function fleet(size: number): Promise<Fleet> {
  const upstreamCodes: number[] = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("close", (code) => upstreamCodes.push(code));
  });
  await once(server, "listening");
  const bridge = startBridge((server.address() as AddressInfo).port);
  const clients: Fleet["clients"] = [];
  const ends: Promise<unknown>[] = [];
  for (let i = 0; i < size; i++) {
    const client = new Ws(bridge.url);
    client.on("close", (code, reason) => {
      clients.push({ at: performance.now(), code, reason: String(reason) });
    });
    ends.push(once(client, "close"));
    await once(client, "open");
  }
  return {
    bridge,
    clients,
    clientsClosed: Promise.all(ends),
    upstreamCodes,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("all are closed with a code and reason, spread over the window", async () => {
  await using open = await fleet(40);
  const { bridges } = open.bridge;
  assert.equal(bridges.size, 40);
  await using control = await startControl();
  const begun = performance.now();
  await bridges.closeAll(1012, "service restart", 600);
  const took = performance.now() - begun;
  assert.equal(bridges.size, 0);
  await open.clientsClosed;
  assert(open.clients.every((c) => c.code === 1012));
  assert(open.clients.every((c) => c.reason === "service restart"));
  assert.deepEqual(new Set(open.upstreamCodes), new Set([1001]));
  assert(took >= 600, `${took} ms`);
  const times = open.clients.map((c) => c.at - begun).sort((a, b) => a - b);
  const [first = 0, middle = 0, last = 0] = [times[0], times[20], times[39]];
  const late = 2 * control.slowest;
  const seen = `${first}, ${middle}, ${last} ms; the control ${late / 2} ms`;
  assert(first < 100 + late, seen);
  assert(middle > 200 && middle < 400 + late, seen);
  assert(last > 500, seen);
  await open.bridge.untilClosed(40);
  assert(open.bridge.closed.every((e) => e.code === 1012 && e.by === "proxy"));
});

Deno.test("without a window all are closed at once; with none open there is nothing to wait for", async () => {
  await using open = await fleet(5);
  const { bridges } = open.bridge;
  await bridges.closeAll(1001, "", 0);
  await open.clientsClosed;
  await bridges.closeAll(1001, "", 10_000);
});

Deno.test("one that opens while all are being closed is closed at once", async () => {
  await using open = await fleet(2);
  const { bridges } = open.bridge;
  const all = bridges.closeAll(1012, "service restart", 300);
  const late = new Ws(open.bridge.url);
  const [code, reason] = await once(late, "close");
  assert.deepEqual([code, String(reason)], [1012, "service restart"]);
  await all;
});

Deno.test("closing them all takes no longer than the last client stays", async () => {
  await using open = await fleet(10);
  const { bridges } = open.bridge;
  const all = bridges.closeAll(1012, "service restart", 60_000);
  assert(bridges.size >= 9);
  bridges.abort();
  await all;
  assert.equal(open.bridge.closed.length, 10);
  await open.clientsClosed;
});

Deno.test("a client of Vite's sees a lost connection, after which it reconnects", async () => {
  const upstream = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  await using bridge = startBridge(port);
  const client = new Ws(bridge.url, ["vite-hmr"]);
  client.on("error", () => {});
  await once(client, "open");
  const gone = new Promise<number>((resolve) => client.on("close", resolve));
  await bridge.bridges.closeAll(1012, "service restart", 0);
  assert.equal(await gone, 1006);
  await new Promise((resolve) => upstream.close(resolve));
});
