import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { type RawConnection, rawUpstream } from "../support/raw_upstream.ts";

// What the proxy relies on to send a body with its length: Deno 2.9.6 says of it
// only that `fetch` takes a Blob.

/** A Blob of a stream, as lib/proxy/request_body.ts makes one. */
class Measured extends Blob {
  constructor(
    readonly of: ReadableStream<Uint8Array<ArrayBuffer>>,
    readonly length: number,
  ) {
    super();
  }
  override get size(): number {
    return this.length;
  }
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.of;
  }
}

const PIECE = new Uint8Array(64 * 1024).fill(120);

/** A stream of so many pieces that counts those taken. */
function pieces(count: number) {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (taken === count) return controller.close();
      taken++;
      controller.enqueue(PIECE.slice());
    },
  }, { highWaterMark: 0 });
  return {
    stream,
    get taken() {
      return taken;
    },
  };
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

Deno.test("fetch sends a Blob's size as Content-Length, and what its stream() gives", async () => {
  let head = "";
  await using upstream = rawUpstream(async (connection: RawConnection) => {
    head = await connection.readHead();
    await connection.readExactly(3 * PIECE.length);
    await connection.write(OK);
  });
  const body = new Measured(pieces(3).stream, 3 * PIECE.length);
  const response = await fetch(`http://127.0.0.1:${upstream.port}/`, {
    method: "POST",
    body,
  });
  equal(await response.text(), "ok");
  match(head, /\r\ncontent-length: 196608\r\n/i);
  equal(/transfer-encoding/i.test(head), false);
  // Nor a type of its own.
  equal(/content-type/i.test(head), false);
});

Deno.test("fetch takes no more of the stream than the connection does", async () => {
  const head = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    head.resolve();
    await go.promise;
    await connection.readToEnd();
  });
  const count = 1024;
  const source = pieces(count);
  const abort = new AbortController();
  const asked = fetch(`http://127.0.0.1:${upstream.port}/`, {
    method: "POST",
    body: new Measured(source.stream, count * PIECE.length),
    signal: abort.signal,
  }).catch((error) => error.name);
  await head.promise;
  let before = -1;
  while (source.taken !== before) {
    before = source.taken;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // The kernel's buffers hold some megabytes.
  ok(source.taken < count / 2, String(source.taken));
  abort.abort();
  go.resolve();
  equal(await asked, "AbortError");
});

Deno.test("fetch takes nothing of a body, or almost nothing, before it has a connection", async () => {
  using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const taken: number[] = [];
  for (let i = 0; i < 5; i++) {
    const source = pieces(1024);
    const body = new Measured(source.stream, 1024 * PIECE.length);
    await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body }).catch(
      () => {},
    );
    taken.push(source.taken);
  }
  deepStrictEqual(taken.filter((count) => count > 3), []);
});
