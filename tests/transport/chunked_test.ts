/** The chunked transfer coding (RFC 9112 section 7.1). */
import {
  deepStrictEqual,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import {
  ChunkedDecoder,
  ChunkError,
} from "../../lib/transport/http1/chunked.ts";
import { bytesOf, textOf } from "./scripted_conn.ts";

/** Decodes pieces one after the other. */
function decode(pieces: readonly Uint8Array[]) {
  const decoder = new ChunkedDecoder();
  let data = "";
  let behind = "";
  for (const piece of pieces) {
    const bytes = piece.slice();
    if (decoder.done) {
      behind += textOf(bytes);
      continue;
    }
    const count = decoder.decode(bytes);
    data += textOf(bytes.subarray(0, count));
    behind += textOf(piece.subarray(decoder.end));
  }
  return { data, behind, done: decoder.done };
}

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [
    0,
    ...places.map((it) => it % (bytes.length + 1)),
    bytes.length,
  ]
    .toSorted((a, b) => a - b);
  return sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
}

const EXTENSION = fc.constantFrom(
  "",
  "",
  "",
  ";a",
  ";a=b",
  ' ;a="b c"',
  "\t; x",
  " ",
);
const TRAILER = fc.constantFrom("X-A: b", "Digest: x", ": odd", " folded");

Deno.test("any data in any chunks, cut anywhere, comes out as it was", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
          extension: EXTENSION,
          zeros: fc.integer({ min: 0, max: 3 }),
          upper: fc.boolean(),
        }),
        { maxLength: 10 },
      ),
      fc.array(TRAILER, { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      (chunks, trailers, places, behind) => {
        let coded = "";
        let data = "";
        for (const chunk of chunks) {
          const size = "0".repeat(chunk.zeros) + chunk.data.length.toString(16);
          const text = textOf(chunk.data);
          coded += (chunk.upper ? size.toUpperCase() : size) +
            `${chunk.extension}\r\n${text}\r\n`;
          data += text;
        }
        coded += "0\r\n" + trailers.map((it) => it + "\r\n").join("") + "\r\n";
        const bytes = bytesOf(coded + textOf(behind));
        deepStrictEqual(decode(cut(bytes, places)), {
          data,
          behind: textOf(behind),
          done: true,
        });
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("a body that is cut off is never taken for whole, wherever it is cut", () => {
  const coded = bytesOf("5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n");
  for (let length = 0; length < coded.length; length++) {
    equal(decode([coded.subarray(0, length)]).done, false, String(length));
  }
  equal(decode([coded]).done, true);
});

Deno.test("what breaks the grammar is an error, byte by byte too", () => {
  const broken = [
    "\r\n",
    "g\r\n",
    "-1\r\n",
    "+1\r\na\r\n",
    "0x1\r\na\r\n",
    " 1\r\na\r\n",
    ";x\r\n",
    "1\na\r\n",
    "1\ra",
    "1\r\r\n",
    "1;x\ny\r\na\r\n",
    "1;x\ry\r\na\r\n",
    "1\r\na\n0\r\n\r\n",
    "1\r\nab\r\n",
    "1\r\na\rb",
    "1\r\na\r\n\r\n",
    "0\r\n\n",
    "0\r\nA: b\n\r\n",
    "0\r\nA: b\rc\r\n\r\n",
    "0\r\n\rx",
    "1000000000000\r\n",
    "0000000000001\r\n",
  ];
  for (const text of broken) {
    const name = JSON.stringify(text);
    throws(() => decode([bytesOf(text)]), ChunkError, name);
    const bytes = Array.from(bytesOf(text), (it) => Uint8Array.of(it));
    throws(() => decode(bytes), ChunkError, name);
  }
});

Deno.test("a chunk of up to 2^48 - 1 bytes can be said", () => {
  const decoder = new ChunkedDecoder();
  equal(decoder.decode(bytesOf("ffffffffffff\r\nabc")), 3);
  equal(decoder.done, false);
});

Deno.test("extensions and trailers are bounded, extensions for each chunk", () => {
  const long = "x".repeat(64 * 1024 + 1);
  const limits = /too long extensions or trailers/;
  throws(() => decode([bytesOf(`1;${long}\r\na\r\n`)]), limits);
  throws(() => decode([bytesOf(`0\r\n${long}\r\n\r\n`)]), limits);
  const trailers = "A: b\r\n".repeat(20_000);
  throws(() => decode([bytesOf(`0\r\n${trailers}\r\n`)]), limits);
  // A signature with each of many chunks is no fault.
  const signed = `5;signature=${"f".repeat(64)}\r\nhello\r\n`;
  const { data, done } = decode([bytesOf(signed.repeat(5_000) + "0\r\n\r\n")]);
  equal(data.length, 25_000);
  ok(done);
});
