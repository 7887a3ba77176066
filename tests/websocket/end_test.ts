/**
 * No way out of a bridge misses its end: whatever either side sends, and however
 * it leaves, the bridge gives back its slot, leaves the registry, is logged, and
 * leaves no socket behind.
 *
 * @module
 */
import { FULL } from "../support/full.ts";
import assert from "node:assert/strict";
import { ClientSocket } from "../../lib/websocket/client_socket.ts";
import { ClientFlow } from "../../lib/websocket/flow.ts";
import { rawClient, type RawConnection } from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import {
  type BridgeSettings,
  startBridge,
  type TestBridge,
} from "./fixture.ts";
import { random } from "./random.ts";
import {
  acceptingUpstream,
  closing,
  concat,
  frame,
  handshake,
  readFrame,
  send,
} from "./wire.ts";

const ROUNDS = FULL ? 400 : 6;
/** Bridges in a round, all at once. */
const PAIRS = 60;
const mask = [1, 2, 3, 4] as const;

/** A random choice. */
type Dice = <T>(choices: readonly T[]) => T;

function diceOf(seed: number): Dice {
  const next = random(seed);
  return (choices) => choices[Math.floor(next() * choices.length)]!;
}

/** The bytes of a frame that a side may send, as it should or should not be. */
function anyFrame(dice: Dice, masked: boolean): Uint8Array<ArrayBuffer> {
  const options = masked ? { mask } : {};
  const size = dice([0, 1, 100, 125, 126, 127, 3000, 65_535, 65_536, 300_000]);
  const broken = Uint8Array.from([0xc3, 0x28, 0xff]);
  const reason = "r".repeat(dice([0, 1, 122, 123, 124, 125, 126, 1000]));
  const code = dice([
    dice([1000, 1001, 1011, 3000, 4999]),
    dice([0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, 65_535]),
  ]);
  const good = [
    () => frame(1, "x".repeat(size), options),
    () => frame(2, new Uint8Array(size), options),
    () => frame(9, "?".repeat(dice([0, 125])), options),
    () => frame(10, "!".repeat(dice([0, 125])), options),
    () =>
      concat(
        frame(1, "é", { ...options, final: false }),
        frame(9, "", options),
        frame(0, "é".repeat(100), options),
      ),
  ];
  const bad = [
    () => frame(1, "é".repeat(100), { ...options, final: false }),
    () => frame(0, "é".repeat(100), { ...options, final: dice([true, false]) }),
    () => frame(1, broken, options),
    () => frame(9, "?".repeat(126), options),
    () => frame(9, "?", { ...options, final: false }),
    () => frame(dice([3, 7, 11, 15]), "illegal", options),
    () => frame(1, "illegal", { ...options, reserved: dice([64, 32, 16]) }),
    () => frame(1, "illegal", masked ? {} : { mask }),
    () => frame(8, "x", options),
    () => frame(8, concat(closing(1000), broken), options),
    () => Uint8Array.from([dice([0x81, 0x82]), 255, 0, 0, 0, 0, 4, 0, 0, 1]),
    () => Uint8Array.from([0x82, masked ? 255 : 127, ...Array(8).fill(255)]),
  ];
  const close = [
    () => frame(8, "", options),
    () => frame(8, closing(code, reason), options),
  ];
  return dice(dice([good, good, bad, close]))();
}

/** Frames, the last of them possibly cut, and then the end of this side. */
async function misbehave(
  side: RawConnection,
  dice: Dice,
  masked: boolean,
  stays: boolean,
): Promise<void> {
  // Whether it reads is another thing: one that does not fills all buffers.
  const reading = dice([true, true, false])
    ? side.readToEnd()
    : Promise.resolve();
  try {
    for (let left = dice([0, 1, 2, 5]); left > 0; left--) {
      await send(side, anyFrame(dice, masked));
      if (dice([true, false])) await pause(dice([0, 1, 5]));
    }
    const last = anyFrame(dice, masked);
    await send(side, last.subarray(0, dice([0, 1, 2, 5, last.length])));
    if (stays) return;
    await pause(dice([0, 0, 1, 10]));
    await dice([
      () => side.close(),
      () => side.close(),
      () => (side.conn as Deno.TcpConn).closeWrite(),
      async () => {
        await send(side, frame(8, closing(1000), masked ? { mask } : {}));
        await pause(100);
        side.close();
      },
    ])();
  } catch {
    // The other side was faster.
  }
  // One that has half-closed is cut by the proxy, if it reads so far.
  if (!stays) await reading;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Sockets of this machine on one of these ports that a process still holds; none
 * where that can't be seen.
 */
function socketsOn(ports: readonly number[]): number {
  if (Deno.build.os !== "linux") return 0;
  const hex = ports.map((p) => p.toString(16).toUpperCase().padStart(4, "0"));
  const lines = Deno.readTextFileSync("/proc/self/net/tcp").split("\n");
  return lines.slice(1).filter((line) => {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
    const held = state !== "0A" && inode !== "0";
    const port = (address = "") => address.slice(-4);
    return held && (hex.includes(port(local)) || hex.includes(port(remote)));
  }).length;
}

/** Checks that nothing is left of the bridges made so far. */
async function assertNothingLeft(bridge: TestBridge, ports: number[]) {
  await soon("all bridges have ended", bridge.bridges.empty());
  assert.equal(bridge.ended, bridge.made.length, "slots given back");
  assert.equal(bridge.closed.length, bridge.made.length, "ends logged");
  const late = performance.now() + 10_000;
  while (socketsOn(ports) > 0) {
    assert(performance.now() < late, `${socketsOn(ports)} sockets are left`);
    await pause(5);
  }
}

Deno.test(`${ROUNDS * PAIRS} bridges end, whatever their sides send and however they leave`, async () => {
  const times = { open: 150, close: 100, linger: 50, sweep: 20 };
  /** What the next upstreams do, by the path that their clients ask for. */
  const scripts = new Map<string, (side: RawConnection) => Promise<void>>();
  const sides: RawConnection[] = [];
  await using upstream = acceptingUpstream(async (side, head) => {
    sides.push(side);
    await scripts.get(head.split(" ")[1] ?? "")?.(side);
    // It is closed when the test says so.
    await side.readToEnd();
  });
  await using bridge = startBridge(upstream.port, { times });
  const ports = [bridge.port, upstream.port];
  for (let round = 0; round < ROUNDS; round++) {
    const seed = FULL ? Math.floor(Math.random() * 2 ** 31) : round;
    const ends = Array.from({ length: PAIRS }, async (_, pair) => {
      const path = `/${round}/${pair}`;
      const dice = diceOf(seed * 1000 + pair);
      // At least one side leaves, and one may do all it does before the other.
      const stays = dice(["client", "upstream", "neither"]);
      const waits = dice(["client", "upstream", "neither"]);
      const before = dice([...Array(12).fill(0), 10, 50, 10_000]);
      scripts.set(path, async (side) => {
        if (waits === "upstream") await pause(50);
        const own = diceOf(seed * 1000 + pair + 500);
        await misbehave(side, own, false, stays === "upstream");
      });
      const client = await rawClient(bridge.port);
      sides.push(client);
      const bytes = handshake(bridge.port, [], path);
      if (before > 0) {
        // It leaves during its handshake, or as soon as that is sent.
        await client.write(bytes.slice(0, before));
        return client.close();
      }
      await client.write(bytes);
      if (!(await client.readHead()).startsWith("HTTP/1.1 101")) return;
      if (waits === "client") await pause(50);
      await misbehave(client, dice, true, stays === "client");
    });
    await soon(`round ${seed} is over`, Promise.allSettled(ends));
    await soon(`round ${seed} has ended`, bridge.bridges.empty());
    for (const side of sides.splice(0)) side.close();
    await assertNothingLeft(bridge, ports);
  }
});

Deno.test("a client's close frame with a reason of more than 123 bytes ends its bridge", async () => {
  const told = Promise.withResolvers<Uint8Array>();
  await using upstream = acceptingUpstream(async (side) => {
    told.resolve((await readFrame(side)).payload);
  });
  await using bridge = startBridge(upstream.port);
  for (const length of [124, 1000, 65_536]) {
    const client = await rawClient(bridge.port);
    await client.write(handshake(bridge.port));
    await client.readHead();
    await send(client, frame(8, closing(1000, "r".repeat(length)), { mask }));
    await client.readToEnd();
    await assertNothingLeft(bridge, [upstream.port]);
    client.close();
  }
  // RFC 6455 section 5.5: this client broke the protocol.
  assert.deepEqual(await told.promise, closing(1001, "client connection lost"));
  assert.deepEqual(
    bridge.closed.map(({ code, by }) => [code, by]),
    Array(3).fill([1006, "client"]),
  );
});

/** Ignores what a faulty bridge reports, and counts it. */
function reported() {
  const errors: unknown[] = [];
  const note = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  globalThis.addEventListener("error", note);
  return {
    errors,
    [Symbol.dispose]: () => globalThis.removeEventListener("error", note),
  };
}

const bug = () => {
  throw new Error("a bug");
};

/** What may throw, how that is made to happen, and mended again. */
const faults: [
  what: string,
  settings: BridgeSettings,
  inject?: (bridge: TestBridge) => () => void,
][] = [
  ["the log of an opening", {
    onLog: (event) => event === "opened" && bug(),
  }],
  ["the log of an end", { onLog: (event) => event === "closed" && bug() }],
  ["giving back the slot", { onEnded: bug }],
  ["handling a message of the upstream", {}, () => {
    const { after } = ClientFlow.prototype;
    ClientFlow.prototype.after = bug;
    return () => ClientFlow.prototype.after = after;
  }],
  ["sending a message to the upstream", {}, ({ bridges }) => {
    bridges.chunks.take = bug;
    return () => {};
  }],
  ["looking at a client", { times: { sweep: 5 } }, () => {
    const { sweep } = ClientSocket.prototype;
    ClientSocket.prototype.sweep = bug;
    return () => ClientSocket.prototype.sweep = sweep;
  }],
];
for (const [what, settings, inject] of faults) {
  Deno.test(`a bug in ${what} ends the bridge, and is reported`, async () => {
    using reports = reported();
    await using upstream = acceptingUpstream(async (side) => {
      await send(side, frame(1, "hello"));
      await side.readToEnd();
    });
    await using bridge = startBridge(upstream.port, {
      ...settings,
      times: { close: 100, linger: 20, ...settings.times },
    });
    using _ = { [Symbol.dispose]: inject?.(bridge) ?? (() => {}) };
    const client = await rawClient(bridge.port);
    await client.write(handshake(bridge.port));
    await client.readHead();
    await send(client, frame(1, "hello", { mask }));
    await pause(20);
    await send(client, frame(8, closing(1000), { mask })).catch(() => {});
    await client.readToEnd();
    client.close();
    await assertNothingLeft(bridge, [bridge.port, upstream.port]);
    assert(reports.errors.length > 0);
  });
}

Deno.test("a client that asks for a close but reads nothing is given up", async () => {
  let taken = 0;
  await using upstream = acceptingUpstream(async ({ conn }) => {
    const bytes = frame(2, new Uint8Array(1_000_000));
    try {
      for (let at = 0;; at %= bytes.length) {
        const count = await conn.write(bytes.subarray(at));
        at += count;
        taken += count;
      }
    } catch {
      // The proxy cuts it in the end.
    }
  });
  await using bridge = startBridge(upstream.port, {
    times: { close: 200, linger: 50, sweep: 20 },
    websocketPing: 30_000,
  });
  const client = await rawClient(bridge.port);
  await client.write(handshake(bridge.port));
  await client.readHead();
  // Until all buffers on the way to the client are full.
  for (let before = -1; before !== taken || taken === 0;) {
    before = taken;
    await pause(100);
  }
  await send(client, frame(8, closing(1000), { mask }));
  await pause(20);
  const [open] = bridge.made;
  assert(open !== undefined, "Deno can't answer it, and dispatches no event");
  open.sweep(performance.now());
  assert.equal(bridge.bridges.size, 1);
  // As if it had read nothing for some minutes.
  open.sweep(performance.now() + 300_000);
  await soon("the bridge has ended", bridge.untilClosed(1));
  client.close();
  await assertNothingLeft(bridge, [bridge.port, upstream.port]);
});

Deno.test("a client whose close event does not come is given up", async () => {
  await using upstream = acceptingUpstream((c) => c.readToEnd().then(() => {}));
  await using bridge = startBridge(upstream.port, {
    times: { close: 50, linger: 20, sweep: 10 },
  });
  const { handleEvent } = ClientSocket.prototype;
  ClientSocket.prototype.handleEvent = function (event: Event) {
    if (event.type === "open") handleEvent.call(this, event);
  };
  try {
    const client = await rawClient(bridge.port);
    await client.write(handshake(bridge.port));
    await client.readHead();
    client.close();
    await soon("the bridge has ended", bridge.untilClosed(1));
    await assertNothingLeft(bridge, [bridge.port, upstream.port]);
  } finally {
    ClientSocket.prototype.handleEvent = handleEvent;
  }
});
