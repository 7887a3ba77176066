/** Heads that came before: found sooner, read the same. */
import {
  deepStrictEqual,
  notStrictEqual as notEqual,
  strictEqual as equal,
} from "node:assert/strict";
import fc from "fast-check";
import { Connection } from "../../lib/transport/http1/connection.ts";
import { KnownHeads } from "../../lib/transport/http1/known_heads.ts";
import { KnownLines } from "../../lib/transport/http1/known_lines.ts";
import {
  endOfHead,
  parseHead,
} from "../../lib/transport/http1/response_head.ts";
import { head, outcome } from "./heads.ts";
import { bytesOf, scriptedConn } from "./scripted_conn.ts";

/** Lines of which heads are made; some are invalid. */
const LINE = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      "Server: nginx",
      "Server: x",
      "Server:nginx",
      "server: nginx",
      "Date: Wed, 26 Nov 2025 16:20:13 GMT",
      "Date: Wed, 26 Nov 2025 16:20:14 GMT",
      "Content-Type: text/html",
      "Content-Length: 5",
      "Content-Length: 0",
      "Content-Length: 05",
      "Content-Length: x",
      "Transfer-Encoding: chunked",
      "Connection: keep-alive",
      "Connection: close",
      "Connection: server",
      "X-A:",
      "X-A: ",
      "X-A: \xfc",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((it) =>
        String.fromCharCode(it)
      ),
      maxLength: 20,
    }),
  },
);

const HEAD = fc.record({
  first: fc.constantFrom(
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OKAY",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 20 x",
    "HTTP/1.1 200 O\rK",
  ),
  lines: fc.array(LINE, { maxLength: 8 }),
  end: fc.constantFrom("\r\n", "\n"),
}).map(({ first, lines, end }) =>
  // As far as it would be found: to the first empty line.
  wholeHead([first, ...lines, "", ""].join(end))
);

function wholeHead(text: string): string {
  return text.slice(0, endOfHead(bytesOf(text), 0, text.length));
}

Deno.test("what a server sent before changes nothing in how its heads are read", () => {
  fc.assert(
    fc.property(fc.array(HEAD, { maxLength: 12 }), (heads) => {
      const known = new KnownHeads();
      // Each comes twice, and the same one is framed in another way after HEAD.
      for (const method of ["GET", "HEAD", "GET"]) {
        for (const text of heads) {
          const read = outcome(text, method, known);
          deepStrictEqual(read, outcome(text, method), JSON.stringify(text));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What the heads of a connection lead to, and what is left behind each. */
async function outcomes(heads: readonly string[], known: () => KnownHeads) {
  const read = [];
  for (const [i, text] of heads.entries()) {
    // In one read with what follows, or cut somewhere.
    const bytes = bytesOf(`${text}HTTP/1.1 200 OK\r\n\r\n\xff`);
    const cut = i % 3 === 0 ? text.length >> 1 : bytes.length;
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
    const connection = new Connection(scriptedConn(pieces), 0);
    for (const method of ["GET", i % 5 === 0 ? "HEAD" : "GET"]) {
      const result = await connection.head(method, known()).catch((error) =>
        error.message
      );
      read.push([result, connection.ahead]);
    }
  }
  return read;
}

Deno.test("a connection that looks for those first reads the same, and leaves the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(HEAD, { maxLength: 6 }), async (heads) => {
      const known = new KnownHeads();
      // One after the other, and each often in a row.
      const all = [...heads, ...heads, ...heads.flatMap((it) => [it, it, it])];
      deepStrictEqual(
        await outcomes(all, () => known),
        await outcomes(all, () => new KnownHeads()),
      );
    }),
    { numRuns: 200 },
  );
});

Deno.test("a head that comes again is found before its end is", () => {
  const known = new KnownHeads();
  const text = head("Date: now", "Content-Length: 3");
  const bytes = bytesOf(`xx${text}yes`);
  const again = (to = bytes.length, method = "GET") =>
    known.again(bytes, 2, to, method);
  equal(again(), null);
  const read = known.read(text, "GET");
  equal(again(), null, "it has come once");
  known.read(text, "GET");
  deepStrictEqual(again(), { text, read });
  equal(again()?.read, read);
  equal(again(2 + text.length)?.read, read);
  equal(again(2 + text.length - 1), null, "it has not come whole");
  equal(again(bytes.length, "HEAD"), null);
  // A byte that is not ASCII, where a character was, is no other one's.
  for (const byte of [0xe9, 0xc3, 0xef]) {
    const other = bytes.slice();
    other[2 + text.indexOf("now")] = byte;
    equal(known.again(other, 2, other.length, "GET"), null);
    equal(again(), null, "after another one it is read again");
    known.read(text, "GET");
    equal(again()?.read, read);
  }
});

Deno.test("a head is known for as long as few others have come", () => {
  const known = new KnownHeads();
  const first = known.read(head("Date: now"), "GET");
  for (let i = 0; i < 31; i++) known.read(head(`X: ${i}`), "GET");
  equal(known.read(head("Date: now"), "GET"), first);
  known.read(head("X: 31"), "GET");
  const again = known.read(head("Date: now"), "GET");
  notEqual(again, first);
  deepStrictEqual(again, first);
});

Deno.test("names are kept for a thousand, and right for all", () => {
  const known = new KnownLines();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3_000; i++) {
      const { fields } = parseHead(head(`X-Name-${i}: ${i}`), "GET", known);
      deepStrictEqual(fields, [[`x-name-${i}`, String(i)]]);
    }
  }
});
