import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ChunkPool,
  MessageMemory,
} from "../../../lib/websocket/frames/buffers.ts";
import { MaskSource } from "../../../lib/websocket/frames/frame.ts";
import { FrameWriter } from "../../../lib/websocket/frames/writer.ts";
import { RawConnection } from "../../support/raw_upstream.ts";
import { concat, readFrame, text } from "../wire.ts";

/** A sink that takes some bytes of each write, when it is let. */
class SlowSink {
  readonly writes: Uint8Array[] = [];
  #gate = Promise.withResolvers<void>();
  constructor(readonly most: number = Infinity) {}

  open() {
    this.#gate.resolve();
  }

  fail() {
    this.#gate.reject(new Deno.errors.BrokenPipe());
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#gate.promise;
    const taken = bytes.slice(0, Math.min(this.most, bytes.length));
    this.writes.push(taken);
    return taken.length;
  }
}

const owner = { writeFailed() {} };

/** Waits until a writer has written everything. */
async function idle(writer: FrameWriter) {
  while (writer.bufferedAmount > 0) await Promise.resolve();
}

/** Reads frames back from what was written. */
function readBack(bytes: Uint8Array): RawConnection {
  let rest = text(bytes);
  const read = (into: Uint8Array) => {
    if (rest === "") return Promise.resolve(null);
    const part = rest.slice(0, into.length);
    for (let i = 0; i < part.length; i++) into[i] = part.charCodeAt(i);
    rest = rest.slice(part.length);
    return Promise.resolve(part.length);
  };
  return new RawConnection({ read } as Deno.Conn);
}

const payload = fc.oneof(
  fc.string({ unit: "binary" }).map((s) => s.toWellFormed()),
  // Around each place where the header or the way of writing changes.
  fc.tuple(
    fc.constantFrom(
      ...[0, 41, 42, 62, 63, 121, 125, 126, 1360, 4082, 4090, 21_830],
      ...[21_840, 65_522, 65_535, 65_536, 150_000],
    ),
    fc.constantFrom("a", "é", "€", "😀"),
  ).map(([n, c]) => c.repeat(n).slice(0, n).toWellFormed()),
  fc.oneof(fc.nat(300), fc.constantFrom(4082, 65_522, 65_523, 65_536, 99_999))
    .map((n) => new Uint8Array(n).map((_, i) => i * 3)),
);

Deno.test("what is sent arrives, masked, in whole frames, however the network takes it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(payload, fc.boolean()), { maxLength: 8 }),
      fc.constantFrom(7919, 100_000, Infinity),
      async (payloads, most) => {
        const sink = new SlowSink(most);
        const writer = new FrameWriter(
          sink,
          new ChunkPool(),
          new MaskSource(),
          owner,
        );
        for (const [payload, wait] of payloads) {
          const length = typeof payload === "string"
            ? writer.text(payload)
            : writer.binary(payload.slice().buffer);
          assert.equal(length, bytesOf(payload).length);
          if (wait) {
            sink.open();
            await idle(writer);
          }
        }
        sink.open();
        await idle(writer);
        const back = readBack(concat(...sink.writes));
        for (const [payload] of payloads) {
          const frame = await readFrame(back);
          assert.equal(frame.opcode, typeof payload === "string" ? 1 : 2);
          assert(frame.final && frame.masked);
          assert(equal(frame.payload, bytesOf(payload)));
        }
        assert.equal(await back.read(), false, "and nothing else");
      },
    ),
    { numRuns: 60 },
  );
});

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : payload;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

Deno.test("messages that come during a write go out together in the next one", async () => {
  const sink = new SlowSink();
  const writer = new FrameWriter(
    sink,
    new ChunkPool(),
    new MaskSource(),
    owner,
  );
  for (let i = 0; i < 100; i++) writer.text(`message ${i}`);
  sink.open();
  await idle(writer);
  assert.equal(sink.writes.length, 2);
});

Deno.test("what waits is counted, headers included, until the network takes it", async () => {
  const sink = new SlowSink();
  const writer = new FrameWriter(
    sink,
    new ChunkPool(),
    new MaskSource(),
    owner,
  );
  writer.text("abc");
  assert.equal(writer.bufferedAmount, 9);
  writer.binary(new ArrayBuffer(200));
  assert.equal(writer.bufferedAmount, 9 + 208);
  writer.binary(new ArrayBuffer(100_000));
  assert.equal(writer.bufferedAmount, 9 + 208 + 100_014);
  sink.open();
  await idle(writer);
  assert.equal(writer.bufferedAmount, 0);
});

Deno.test("after a failed write nothing waits, and the owner is told once", async () => {
  const sink = new SlowSink();
  const failed = Promise.withResolvers<void>();
  let times = 0;
  const writer = new FrameWriter(sink, new ChunkPool(), new MaskSource(), {
    writeFailed() {
      times++;
      failed.resolve();
    },
  });
  writer.text("a");
  sink.fail();
  await failed.promise;
  for (let i = 0; i < 10; i++) writer.text("b");
  writer.binary(new ArrayBuffer(100_000));
  await Promise.resolve();
  assert.equal(writer.bufferedAmount, 0);
  assert.equal(times, 1);
});

Deno.test("what is discarded waits no more, and its memory is released", async () => {
  const sink = new SlowSink();
  const memory = new MessageMemory();
  const writers = [1, 2].map(() =>
    new FrameWriter(sink, new ChunkPool(), new MaskSource(), owner, memory)
  );
  for (const writer of writers) {
    writer.text("a".repeat(100_000));
    writer.text("b");
  }
  const [first, second] = writers;
  assert(first !== undefined && second !== undefined);
  assert.equal(memory.waiting, first.bufferedAmount + second.bufferedAmount);
  const large = new ArrayBuffer(100_000);
  first.binary(large);
  first.discard();
  assert.equal(large.byteLength, 0);
  assert.equal(first.bufferedAmount, 0);
  assert.equal(memory.waiting, second.bufferedAmount);
  sink.open();
  await idle(second);
  assert.equal(memory.waiting, 0);
});

Deno.test("masking keys differ and fill all 32 bits", () => {
  const masks = new MaskSource();
  const drawn = Array.from({ length: 3000 }, () => masks.next());
  assert(new Set(drawn).size > 2990);
  assert.equal(drawn.reduce((all, mask) => all | mask), -1);
  assert.equal(drawn.reduce((all, mask) => all & mask), 0);
});
