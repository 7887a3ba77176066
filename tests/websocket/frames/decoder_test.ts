import assert from "node:assert/strict";
import fc from "fast-check";
import { MessagePool } from "../../../lib/websocket/frames/buffers.ts";
import { FrameDecoder } from "../../../lib/websocket/frames/decoder.ts";
import {
  FrameError,
  isLegalClose,
  parseClose,
} from "../../../lib/websocket/frames/frame.ts";
import { closing, concat, frame } from "../wire.ts";

type Decoded = { opcode: number; payload: string | Uint8Array };

/** Feeds bytes in pieces of the given sizes, over and over. */
function decode(
  decoder: FrameDecoder,
  bytes: Uint8Array,
  sizes: readonly number[] = [Infinity],
): Decoded[] {
  const decoded: Decoded[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const room = decoder.room();
    assert(room.length > 0, "room is never empty");
    const size = sizes[turn % sizes.length] ?? 1;
    const piece = bytes.subarray(at, at + Math.min(size, room.length));
    room.set(piece);
    decoder.received(piece.length);
    at += piece.length;
    for (let op = decoder.next(); op !== 0; op = decoder.next()) {
      const payload = op === 1 ? decoder.text : decoder.bytes.slice();
      decoded.push({ opcode: op, payload });
    }
  }
  return decoded;
}

/** The decoded messages, or the code of the error that ended it. */
function outcome(bytes: Uint8Array, sizes?: readonly number[]) {
  const decoder = new FrameDecoder(undefined, undefined, 100_000);
  try {
    return decode(decoder, bytes, sizes);
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
}

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(200) },
  fc.constantFrom(
    0,
    125,
    126,
    2037,
    2038,
    2044,
    2045,
    2048,
    8192,
    65535,
    65536,
  ),
  fc.nat(90_000),
);
const message = fc.oneof(
  fc.record({
    opcode: fc.constant(1),
    payload: fc.oneof(
      fc.string({ unit: "binary" }),
      size.map((n) => "aé€😀\ufeff".repeat(n / 5).slice(0, n).toWellFormed()),
    ),
  }),
  fc.record({
    opcode: fc.constant(2),
    payload: size.map((n) => new Uint8Array(n).map((_, i) => i * 7)),
  }),
);
const control = fc.record({
  opcode: fc.constantFrom(9, 10),
  payload: fc.uint8Array({ maxLength: 125 }),
});
const sizes = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9000 })),
  { minLength: 1, maxLength: 6 },
);

Deno.test("a message comes out as it went in, however it is fragmented and cut", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(message, fc.array(fc.nat(5000), { maxLength: 4 }), control),
        { maxLength: 6 },
      ),
      sizes,
      (messages, sizes) => {
        const sent: Decoded[] = [];
        const bytes = concat(...messages.flatMap(([message, cuts, control]) => {
          const payload = typeof message.payload === "string"
            ? new TextEncoder().encode(message.payload)
            : message.payload;
          const frames: Uint8Array[] = [];
          let at = 0;
          for (const cut of cuts) {
            frames.push(frame(
              at === 0 && frames.length === 0 ? message.opcode : 0,
              payload.subarray(at, at + cut),
              { final: false },
            ));
            frames.push(frame(control.opcode, control.payload));
            sent.push({ ...control });
            at = Math.min(at + cut, payload.length);
          }
          const last = frames.length === 0 ? message.opcode : 0;
          frames.push(frame(last, payload.subarray(at)));
          sent.push({ ...message });
          return frames;
        }));
        assert.deepEqual(decode(new FrameDecoder(), bytes, sizes), sent);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("random bytes give messages or a frame error, whatever the pieces", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Random frames get further than random bytes.
    fc.array(
      fc.oneof(
        fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 130 })).map(
          ([first, payload]) => {
            const bytes = frame(0, payload);
            bytes[0] = first;
            return bytes;
          },
        ),
        message.map(({ opcode, payload }) => frame(opcode, payload)),
      ),
      { maxLength: 5 },
    ).map((frames) => concat(...frames)),
  );
  fc.assert(
    fc.property(bytes, sizes, (bytes, sizes) => {
      assert.deepEqual(outcome(bytes, sizes), outcome(bytes));
    }),
    { numRuns: 2000 },
  );
});

const broken: [what: string, bytes: Uint8Array, code: number][] = [
  ["a reserved bit", frame(1, "a", { reserved: 0x40 }), 1002],
  ["a reserved data opcode", frame(3, "a"), 1002],
  ["a reserved control opcode", frame(11, "a"), 1002],
  ["a masked frame", frame(1, "a", { mask: [1, 2, 3, 4] }), 1002],
  ["a fragmented control frame", frame(9, "", { final: false }), 1002],
  ["a control frame of 126 bytes", frame(9, new Uint8Array(126)), 1002],
  ["a continuation of nothing", frame(0, "a"), 1002],
  [
    "a message inside a message",
    concat(frame(1, "a", { final: false }), frame(1, "b")),
    1002,
  ],
  ["a negative length", Uint8Array.from([0x82, 127, 0x80, ...Array(7)]), 1002],
  ["text that is not UTF-8", frame(1, Uint8Array.from([0xc3, 0x28])), 1007],
  [
    "text cut inside a character",
    frame(1, Uint8Array.from([0x61, 0xe2, 0x82])),
    1007,
  ],
  [
    "text that is not UTF-8 in its second fragment",
    concat(
      frame(1, Uint8Array.from([0xe2]), { final: false }),
      frame(0, Uint8Array.from([0x28, 0xa1])),
    ),
    1007,
  ],
  ["a message over the limit", frame(2, new Uint8Array(100_001)), 1009],
  [
    "fragments over the limit",
    concat(
      frame(2, new Uint8Array(60_000), { final: false }),
      frame(0, new Uint8Array(40_001)),
    ),
    1009,
  ],
];
for (const [what, bytes, code] of broken) {
  Deno.test(`${what} is a frame error ${code}`, () => {
    assert.equal(outcome(bytes), code);
    assert.equal(outcome(bytes, [1]), code);
  });
}

Deno.test("a message over the limit is refused before its payload comes", () => {
  const head = frame(2, new Uint8Array(100_001)).subarray(0, 10);
  assert.equal(outcome(head), 1009);
});

Deno.test("a control frame may come inside a message that is at the limit", () => {
  const bytes = concat(
    frame(2, new Uint8Array(100_000), { final: false }),
    frame(9, "still there?"),
    frame(0),
  );
  const opcodes = outcome(bytes);
  assert(Array.isArray(opcodes));
  assert.deepEqual(opcodes.map((m) => m.opcode), [9, 2]);
});

Deno.test("a byte order mark is part of the message", () => {
  const decoder = new FrameDecoder();
  const [message] = decode(decoder, frame(1, "\ufeffa"));
  assert.equal(message?.payload, "\ufeffa");
});

Deno.test("a replacement character that was sent is no error", () => {
  const [message] = decode(new FrameDecoder(), frame(1, "a\ufffdb"));
  assert.equal(message?.payload, "a\ufffdb");
});

Deno.test("bytes that came behind the handshake are decoded first, however many", () => {
  for (const length of [0, 5, 5000, 60_000]) {
    const bytes = concat(
      frame(2, new Uint8Array(length)),
      frame(1, "a"),
      frame(2, new Uint8Array(9000)),
    );
    for (const cut of [0, 1, length, length + 8, bytes.length]) {
      const decoder = new FrameDecoder(bytes.slice(0, cut));
      let opcode = decoder.next();
      const first: number[] = [];
      for (; opcode !== 0; opcode = decoder.next()) first.push(decoder.size);
      const rest = decode(decoder, bytes.slice(cut));
      assert.deepEqual(
        [...first, ...rest.map((m) => m.payload.length)],
        [length, 1, 9000],
      );
    }
  }
});

Deno.test("a message of many small fragments is copied a bounded number of times", () => {
  // 64 MiB less a byte of 1 KiB fragments: copying all at each would be 2 TiB.
  const fragment = frame(0, new Uint8Array(1024).fill(1), { final: false });
  const decoder = new FrameDecoder();
  decode(decoder, frame(2, "", { final: false }));
  for (let i = 0; i < 64 * 1024 - 1; i++) {
    assert.deepEqual(decode(decoder, fragment), []);
  }
  const [message] = decode(decoder, frame(0, "end"));
  assert.equal(message?.payload.length, 64 * 1024 * 1024 - 1024 + 3);
});

Deno.test("a quiet connection holds a small buffer, also after a lot came", () => {
  const floods = [
    Array.from({ length: 20 }, () => frame(2, new Uint8Array(16_000))),
    // Never at a frame's end when the buffer is.
    Array.from({ length: 500 }, () => frame(2, new Uint8Array(1_000))),
  ];
  for (const flood of floods) {
    const decoder = new FrameDecoder();
    assert.equal(decoder.room().length, 1024);
    decode(decoder, concat(...flood, frame(10)));
    assert(decoder.room().length >= 32_768, "more is read at a time");
    for (let i = 0; i < 10; i++) decode(decoder, frame(9, "ping"));
    assert.equal(decoder.room().length, 1024);
    assert.equal(decoder.bytes.length, 0, "the last message is let go");
  }
});

Deno.test("a long payload is read into its own memory", () => {
  const decoder = new FrameDecoder();
  const bytes = frame(2, new Uint8Array(16 * 1024 * 1024));
  decoder.room().set(bytes.subarray(0, 1024));
  decoder.received(1024);
  assert.equal(decoder.next(), 0);
  assert(decoder.room().length > 500_000);
});

Deno.test("long messages are put together in buffers that are used again", () => {
  const pool = new MessagePool();
  const used = new Set<ArrayBufferLike>();
  const decoder = new FrameDecoder(undefined, pool);
  for (let i = 0; i < 20; i++) {
    const bytes = frame(2, new Uint8Array(200_000).fill(i));
    for (let at = 0; at < bytes.length;) {
      const room = decoder.room();
      const piece = bytes.subarray(at, at + room.length);
      room.set(piece);
      decoder.received(piece.length);
      at += piece.length;
      if (decoder.next() !== 2) continue;
      used.add(decoder.bytes.buffer);
      assert(decoder.bytes.every((byte) => byte === i));
    }
  }
  assert.equal(used.size, 1);
});

Deno.test("the pool keeps a bounded amount, and nothing that is not used", () => {
  const pool = new MessagePool();
  const buffers = Array.from({ length: 5 }, () => pool.take(9_000_000));
  for (const buffer of buffers) pool.give(buffer);
  const again = buffers.map(() => pool.take(9_000_000));
  assert.equal(again.filter((buffer) => buffers.includes(buffer)).length, 2);
  for (const buffer of again) pool.give(buffer);
  pool.sweep();
  const kept = pool.take(9_000_000);
  assert(again.includes(kept), "taken since the last sweep");
  pool.give(kept);
  pool.sweep();
  pool.sweep();
  assert(!again.includes(pool.take(9_000_000)));
});

Deno.test("a close frame is read with its code and reason", () => {
  assert.deepEqual(parseClose(closing(3001, "é")), { code: 3001, reason: "é" });
  assert.deepEqual(parseClose(new Uint8Array(0)), { code: 1005, reason: "" });
});

Deno.test("a close frame with half a code, a forbidden code or bad UTF-8 is refused", () => {
  const code = (payload: Uint8Array) => {
    try {
      return parseClose(payload);
    } catch (error) {
      assert(error instanceof FrameError);
      return error.code;
    }
  };
  assert.equal(code(Uint8Array.from([3])), 1002);
  for (const bad of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) {
    assert.equal(code(closing(bad)), 1002, `${bad}`);
  }
  assert.equal(code(Uint8Array.from([3, 232, 0xff])), 1007);
});

Deno.test("the close codes that may be sent are those of RFC 6455 and IANA", () => {
  const legal = Array.from({ length: 65536 }, (_, code) => code)
    .filter((code) => isLegalClose({ code, reason: "" }));
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  assert.deepEqual(legal, [
    ...range(1000, 1003),
    // No code at all.
    1005,
    ...range(1007, 1014),
    ...range(3000, 4999),
  ]);
});
