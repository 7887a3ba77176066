import { FULL } from "../support/full.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startBridge } from "./fixture.ts";
import { random } from "./random.ts";

const MESSAGES = FULL ? 200_000 : 2_000;
const CONNECTIONS = 50;
/** Bytes that one connection has under way; it never waits for a single answer. */
const UNDER_WAY = 256 * 1024;
const MIB = 1024 * 1024;

/** What messages are cut from. */
function material() {
  const next = random(1);
  const bytes = Uint8Array.from({ length: 2 * MIB }, () => next() * 256);
  // Mostly ASCII, as text is, with characters of two, three and four bytes.
  const others = ["é", "€", "😀", "\0", '"'];
  let text = "";
  while (text.length < 2 * MIB) {
    text += "0123456789abcdef ".repeat(next() * 20) +
      others[Math.floor(next() * others.length)];
  }
  return { bytes, text };
}

/** The messages of one connection: none to 1 MiB long, each doubling as likely. */
function* messages(
  seed: number,
  count: number,
  { bytes, text }: ReturnType<typeof material>,
): Generator<string | Uint8Array<ArrayBuffer>> {
  const next = random(seed);
  for (let n = 0; n < count; n++) {
    const size = Math.floor(2 ** (next() * 21) / 2);
    const from = Math.floor(next() * MIB);
    yield next() < 0.5
      ? bytes.subarray(from, from + size)
      // A cut through a pair of surrogates would not be text.
      : text.slice(from, from + size).toWellFormed();
  }
}

function same(sent: string | Uint8Array, got: unknown): boolean {
  return typeof sent === "string" ? sent === got : got instanceof ArrayBuffer &&
    Buffer.compare(sent, Buffer.from(got)) === 0;
}

/** Sends all messages and compares what comes back, one by one. */
function echo(
  url: string,
  seed: number,
  count: number,
  from: ReturnType<typeof material>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const outgoing = messages(seed, count, from);
  const expected = messages(seed, count, from);
  let underWay = 0;
  let received = 0;
  const send = () => {
    while (underWay < UNDER_WAY) {
      const { value } = outgoing.next();
      if (value === undefined) return;
      socket.send(value);
      underWay += value.length + 1;
    }
  };
  socket.onopen = send;
  socket.onmessage = ({ data }) => {
    const { value } = expected.next();
    if (value === undefined || !same(value, data)) {
      reject(new Error(`connection ${seed}, message ${received} differs`));
      return socket.close();
    }
    underWay -= value.length + 1;
    if (++received === count) socket.close(1000);
    else send();
  };
  socket.onclose = ({ code, reason }) => {
    if (code === 1000) resolve(received);
    else reject(new Error(`connection ${seed} closed: ${code} ${reason}`));
  };
  return promise;
}

Deno.test(`${MESSAGES} random messages come back in order and intact on ${CONNECTIONS} connections`, async () => {
  const upstream = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  {
    await using bridge = startBridge(upstream.addr.port);
    const from = material();
    const each = MESSAGES / CONNECTIONS;
    const received = await Promise.all(Array.from(
      { length: CONNECTIONS },
      (_, seed) => echo(bridge.url, seed, each, from),
    ));
    assert.equal(received.reduce((a, b) => a + b), MESSAGES);
    await bridge.untilClosed(CONNECTIONS);
    for (const { fromClient, toClient, code } of bridge.closed) {
      assert.equal(code, 1000);
      assert.deepEqual(toClient, fromClient);
      assert.equal(toClient.messages, each);
    }
  }
  await upstream.shutdown();
});
