/** Bodies of requests on their way through the proxy. */
import { ok } from "node:assert/strict";
import { toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import type { Flood } from "./flooding_client.ts";

const MIB = 1024 * 1024;

/** Bytes that a server reads before it stops. */
const READ = 8 * MIB;

/** How much a client can send that never ends, to a server that stops reading. */
async function sent(framing: string, piece: string): Promise<number> {
  const stopped = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  await using server = rawUpstream(async ({ conn }) => {
    const buffer = new Uint8Array(8_192);
    for (let count = 0; count < READ;) count += await conn.read(buffer) ?? READ;
    stopped.resolve();
    await over.promise;
  });
  await using proxy = startProxy({
    ...toGroup([server.port]),
    client_max_body_size: 0,
    access_log: false,
  });
  const client = new Worker(new URL("flooding_client.ts", import.meta.url), {
    type: "module",
  });
  const flood: Flood = {
    port: proxy.port,
    head: `PUT / HTTP/1.1\r\nhost: x\r\n${framing}\r\n\r\n`,
    piece,
  };
  client.postMessage(flood);
  await soon("the server has read", stopped.promise);
  // Until no more is taken.
  const { promise: count, resolve } = Promise.withResolvers<number>();
  let before = -1;
  client.onmessage = ({ data }: MessageEvent<number>) => {
    if (data === before) resolve(data);
    before = data;
  };
  const result = await soon("the client is stopped", count);
  client.terminate();
  over.resolve();
  return result;
}

Deno.test("a slow server slows the client down, also one that sends in chunks", async () => {
  const data = "x".repeat(8_192);
  const measured = await sent(`content-length: ${1024 * MIB}`, data);
  const chunked = await sent(
    "transfer-encoding: chunked",
    `2000\r\n${data}\r\n`,
  );
  // What sockets hold. It was fifteen times what the server had read.
  ok(chunked < measured + 3 * READ, `${chunked} and ${measured} bytes`);
});
