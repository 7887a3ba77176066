import assert from "node:assert/strict";
import { HeadError } from "../../lib/transport/errors.ts";
import { readHead } from "../../lib/websocket/head.ts";

/** Gives a text in pieces of a size. */
function source(text: string, size: number) {
  return {
    read(into: Uint8Array): Promise<number | null> {
      if (text === "") return Promise.resolve(null);
      const piece = text.slice(0, Math.min(size, into.length));
      for (let i = 0; i < piece.length; i++) into[i] = piece.charCodeAt(i);
      text = text.slice(piece.length);
      return Promise.resolve(piece.length);
    },
  };
}

Deno.test("a head is found wherever its bytes are cut, and what follows is left", async () => {
  const text =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: \r\n\r\n" +
    "HTTP/1.0 101\r\nOne:1 \r\nONE:\t2\xe9, 3\r\n\r\nrest\r\n\r\n";
  for (let size = 1; size <= text.length; size++) {
    const from = source(text, size);
    const result = await readHead(from);
    assert.deepEqual(result?.head, {
      status: 101,
      statusText: "",
      headers: [["one", "1"], ["one", "2\xe9, 3"]],
    });
    let rest = String.fromCharCode(...result.rest);
    const more = new Uint8Array(100);
    for (let n = await from.read(more); n !== null; n = await from.read(more)) {
      rest += String.fromCharCode(...more.subarray(0, n));
    }
    assert.equal(rest, "rest\r\n\r\n");
  }
});

Deno.test("a head of 64 KiB is read, a longer one is not", async () => {
  const head = (length: number) => {
    const start = "HTTP/1.1 200 OK\r\na: ";
    return start + "x".repeat(length - start.length - 4) + "\r\n\r\n";
  };
  for (const size of [1000, 100_000]) {
    const result = await readHead(source(head(65_536), size));
    assert.equal(result?.head.status, 200);
    await assert.rejects(readHead(source(head(65_537), size)), HeadError);
  }
});

Deno.test("what can't become a response is seen at its first bytes", async () => {
  for (const text of ["X", "HTTP/2", "HTTP/1.", "http/1.1"]) {
    let reads = 0;
    const from = {
      read(into: Uint8Array) {
        if (++reads > 1) return Promise.resolve(null);
        into.set(new TextEncoder().encode(text));
        return Promise.resolve(text.length);
      },
    };
    if (text === "HTTP/1.") assert.equal(await readHead(from), null);
    else await assert.rejects(readHead(from), HeadError);
  }
});
