/**
 * How much of a body in chunks is read at once: `Deno.serve` takes as much from
 * the connection with every read, and gives at most the rest of one chunk.
 */
import { ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { ReadSizes } from "../../lib/transport/body_source.ts";

/** A connection on which everything has come, as Deno 2.9.6 reads it. */
class Connection {
  /** Bytes of data and framing that were taken from the socket too early. */
  ahead = 0;
  #largest = 1024;
  #at = 0;
  #left = 0;
  #line = 0;

  constructor(readonly chunks: readonly number[]) {}

  /** @returns Bytes of data, 0 at the end. */
  read(size: number): number {
    this.#largest = Math.max(this.#largest, size);
    this.ahead += this.#largest;
    let room = size;
    if (this.#left === 0) {
      const chunk = this.chunks[this.#at++];
      if (chunk === undefined) return 0;
      this.#left = chunk;
      // The line end behind the chunk before it, and the size line.
      this.#line = 2 + chunk.toString(16).length + 2;
      room -= this.#line;
      this.ahead -= this.#line;
    }
    const count = Math.min(room, this.#left);
    this.#left -= count;
    this.ahead -= count;
    return count;
  }
}

/** Reads all of it. @returns What was taken too early in the end, and the reads. */
function readAll(chunks: readonly number[]): { ahead: number; reads: number } {
  const connection = new Connection(chunks);
  const sizes = new ReadSizes();
  for (let reads = 1;; reads++) {
    const count = connection.read(sizes.next);
    if (count === 0) return { ahead: connection.ahead, reads };
    sizes.read(count);
  }
}

Deno.test("of chunks of one size no more is taken than is given", () => {
  fc.assert(fc.property(
    fc.integer({ min: 4_090, max: 300_000 }),
    (chunk) => {
      const few = readAll(new Array(50).fill(chunk));
      const many = readAll(new Array(1_050).fill(chunk));
      // A few bytes for each chunk, where it takes several reads of one size.
      const growth = (many.ahead - few.ahead) / 1_000;
      ok(growth < 64, `${chunk}: ${growth} bytes more with each`);
    },
  ));
});

Deno.test("chunks of up to 64 KiB take one read each, as soon as they are known", () => {
  for (const chunk of [100, 4_096, 5_000, 8_192, 10_000, 16_384, 65_536]) {
    const before = readAll(new Array(20).fill(chunk)).reads;
    equal(readAll(new Array(1_020).fill(chunk)).reads, before + 1_000);
  }
});

Deno.test("reads are never larger than 64 KiB with framing, whatever comes", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 50 }),
    (chunks) => {
      const connection = new Connection(chunks);
      const sizes = new ReadSizes();
      for (let count = connection.read(sizes.next); count > 0;) {
        sizes.read(count);
        ok(sizes.next >= 4_096 && sizes.next <= 65_552);
        count = connection.read(sizes.next);
      }
    },
  ));
});

Deno.test("chunks that arrive in parts by chance are not taken for larger ones", () => {
  const sizes = new ReadSizes();
  const take = (...counts: number[]) => counts.forEach((it) => sizes.read(it));
  take(4_090, 4_096, 6, 4_090, 4_096, 6, 8_192, 8_192);
  equal(sizes.next, 8_200);
  for (let part = 1; part < 8_192; part += 7) {
    take(8_192, part, 8_192 - part, 8_192, part, 8_192 - part);
  }
  equal(sizes.next, 8_200);
});
