import assert from "node:assert/strict";
import { once } from "node:events";
// @ts-types="@types/ws"
import { WebSocket as Ws } from "ws";
import { Heartbeat } from "../../lib/websocket/heartbeat.ts";
import { soon } from "../support/soon.ts";
import { startBridge } from "./fixture.ts";
import { acceptingUpstream, frame, readFrame, send } from "./wire.ts";

const INTERVAL = 1000;

/** What a heartbeat says is due, second by second tenth. */
function dues(
  ticks: number,
  happens: (heartbeat: Heartbeat, tick: number) => void = () => {},
): (string | null)[] {
  const heartbeat = new Heartbeat(0);
  return Array.from({ length: ticks }, (_, tick) => {
    happens(heartbeat, tick);
    return heartbeat.look((tick + 1) * 100, INTERVAL);
  });
}

Deno.test("an upstream that hears nothing for half the interval is pinged, and is dead an interval later", () => {
  const due = dues(15);
  assert.equal(due.indexOf("ping"), 4);
  assert.equal(due.indexOf("dead"), 14);
});

Deno.test("an upstream that answers pings is pinged on, and never dead", () => {
  const due = dues(1000, (heartbeat, tick) => {
    if (tick % 5 === 0) heartbeat.heard();
  });
  assert(!due.includes("dead"));
  const pings = due.flatMap((d, tick) => d === "ping" ? [tick] : []);
  const gaps = pings.map((tick, i) => tick - (pings[i - 1] ?? -1));
  // Never a whole interval, and not much earlier than half of it.
  assert(gaps.every((gap) => gap >= 4 && gap <= 5), `${gaps}`);
});

Deno.test("an upstream that sends and is sent to is not pinged", () => {
  const due = dues(100, (heartbeat, tick) => {
    if (tick % 4 === 0) heartbeat.heard();
    if (tick % 4 === 2) heartbeat.sent();
  });
  assert.deepEqual(new Set(due), new Set([null]));
});

Deno.test("an upstream that is sent to but not heard is pinged once, and dead if that brings nothing", () => {
  const due = dues(15, (heartbeat) => heartbeat.sent());
  assert.deepEqual(due.filter((d) => d === "ping"), ["ping"]);
  assert.equal(due.indexOf("dead"), 14);
});

Deno.test("an upstream that closes without bytes of its client stays open", async () => {
  const IDLE = 600;
  let pings = 0;
  let cut = false;
  await using upstream = acceptingUpstream(async (connection) => {
    while (true) {
      const timer = setTimeout(() => {
        cut = true;
        connection.close();
      }, IDLE);
      const { opcode, payload } = await readFrame(connection);
      clearTimeout(timer);
      if (opcode === 9) {
        pings++;
        await send(connection, frame(10, payload));
      }
      if (opcode === 8) return send(connection, frame(8, payload));
    }
  });
  await using bridge = startBridge(upstream.port, { websocketPing: IDLE });
  const client = new Ws(bridge.url);
  await once(client, "open");
  while (pings < 4 && !cut) {
    // Deno answers this ping, and does not say so.
    client.ping();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(!cut);
  const closed = once(client, "close");
  client.close(1000);
  await closed;
  await bridge.untilClosed(1);
});

Deno.test("an upstream that answers no ping is cut, and its client closed", async () => {
  const gone = Promise.withResolvers<void>();
  await using upstream = acceptingUpstream(async (connection) => {
    await connection.readToEnd();
    gone.resolve();
  });
  await using bridge = startBridge(upstream.port, { websocketPing: 200 });
  const client = new Ws(bridge.url);
  client.on("error", () => {});
  await once(client, "open");
  const begun = performance.now();
  const closed = new Promise((resolve) => client.on("close", resolve));
  await soon("the client is closed", closed);
  const waited = performance.now() - begun;
  assert(waited > 250 && waited < 5_000, `${waited} ms`);
  await soon("the upstream is cut", gone.promise);
  await bridge.untilClosed(1);
  assert.equal(bridge.closed[0]?.by, "upstream");
});

Deno.test("an upstream that waits for a slow client is not dead", async () => {
  let stopped = false;
  const message = frame(2, new Uint8Array(1_000_000));
  await using upstream = acceptingUpstream(async ({ conn }) => {
    const reading = (async () => {
      const buffer = new Uint8Array(1000);
      while (await conn.read(buffer) !== null);
    })().catch(() => {});
    try {
      for (let at = 0;; at %= message.length) {
        at += await conn.write(message.subarray(at));
      }
    } catch {
      stopped = true;
    }
    await reading;
  });
  await using bridge = startBridge(upstream.port, {
    websocketPing: 400,
    times: { close: 50 },
  });
  const client = new Ws(bridge.url);
  client.on("error", () => {});
  await once(client, "open");
  client.pause();
  // It does not answer the pings of Deno either, but those wait behind the data.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert(!stopped);
  client.terminate();
  await bridge.untilClosed(1);
});
