/**
 * `gzip` and `brotli` over real connections: what is compressed, when it
 * arrives, and what becomes of it where somebody leaves.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { brotliDecompressSync, createGunzip, gunzipSync } from "node:zlib";
import { once } from "node:events";
import { backend } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import {
  rawClient,
  type RawConnection,
  rawExchange,
  rawUpstream,
} from "../support/raw_upstream.ts";

const TEXT = "to be compressed, ".repeat(100);

/** Asks for a page on its own connection; the body is not decoded. */
async function get(
  port: number,
  fields: Record<string, string> = {},
  method = "GET",
) {
  const lines = Object.entries({ "accept-encoding": "gzip, br", ...fields })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await rawExchange(
    port,
    `${method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${
      lines.join("")
    }\r\n`,
  );
  const end = answer.indexOf("\r\n\r\n");
  const head = new Map(
    answer.slice(0, end).split("\r\n").slice(1).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    }),
  );
  const raw = Uint8Array.from(
    answer.slice(end + 4),
    (char) => char.charCodeAt(0),
  );
  return { head, raw, status: Number(answer.slice(9, 12)) };
}

/** What the proxy makes of one response of an upstream. */
async function passed(
  settings: Record<string, unknown>,
  headers: Record<string, string>,
  { body = TEXT, status = 200, ask = {}, method = "GET" } = {},
) {
  await using server = backend(
    "a",
    () => new Response(body, { status, headers }),
  );
  await using proxy = startProxy({
    ...settings,
    locations: { "/": `http://${server.address}` },
  });
  return await get(proxy.port, ask, method);
}

const HTML = { "content-type": "text/html; charset=utf-8" };

Deno.test("the coding that the client wants most is used, brotli before gzip", async () => {
  const both = { gzip: "on", brotli: "on" };
  const br = await passed(both, HTML);
  equal(br.head.get("content-encoding"), "br");
  equal(String(brotliDecompressSync(br.raw)), TEXT);
  equal(br.head.get("vary"), "Accept-Encoding");
  const gzip = await passed(both, HTML, {
    ask: { "accept-encoding": "br;q=0.5, gzip" },
  });
  equal(gzip.head.get("content-encoding"), "gzip");
  equal(String(gunzipSync(gzip.raw)), TEXT);
  equal(gzip.head.get("content-length"), String(gzip.raw.length));
  for (
    const accepted of ["identity", "gzip;q=0, br;q=0", "deflate", "*;q=0"]
  ) {
    const plain = await passed(both, HTML, {
      ask: { "accept-encoding": accepted },
    });
    equal(plain.head.get("content-encoding"), undefined, accepted);
    // Another client gets another answer, which a cache must know.
    equal(plain.head.get("vary"), "Accept-Encoding", accepted);
  }
});

Deno.test("what must stay as it is stays so", async () => {
  const same = async (
    why: string,
    headers: Record<string, string>,
    options: Parameters<typeof passed>[2] = {},
    settings: Record<string, unknown> = {},
  ) => {
    const { head } = await passed(
      { gzip: "on", ...settings },
      { ...HTML, ...headers },
      options,
    );
    equal(head.get("content-encoding"), headers["content-encoding"], why);
    equal(
      head.get("content-length"),
      String((options.body ?? TEXT).length),
      why,
    );
  };
  await same("encoded already", { "content-encoding": "br" });
  await same("not to be transformed", {
    "cache-control": "public, No-Transform",
  });
  await same("has a digest", { "repr-digest": "sha-256=:AA==:" });
  await same("an image", { "content-type": "image/png" });
  await same("a part", { "content-range": "bytes 0-1799/5000" }, {
    status: 206,
  });
  await same("an error", {}, { status: 500 });
  await same("short", {}, { body: "0123456789012345678" });
  await same("under gzip_min_length", {}, {}, { gzip_min_length: "1801" });
  await same("for another proxy", {}, { ask: { via: "1.1 a" } });
  const long = await passed({ gzip: "on", gzip_min_length: 1800 }, HTML);
  equal(long.head.get("content-encoding"), "gzip");
});

Deno.test("a compressed response has a weak ETag, and its HEAD the same fields", async () => {
  const headers = { ...HTML, etag: '"a"', "accept-ranges": "bytes" };
  const got = await passed({ gzip: "on" }, headers);
  equal(got.head.get("etag"), 'W/"a"');
  equal(got.head.get("accept-ranges"), undefined);
  const head = await passed({ gzip: "on" }, headers, { method: "HEAD" });
  equal(head.raw.length, 0);
  equal(head.head.get("etag"), 'W/"a"');
  equal(head.head.get("content-encoding"), "gzip");
  equal(head.head.get("content-length"), undefined);
});

/** An upstream that sends an event, and the next one when it is told to. */
function eventStream(go: Promise<void>) {
  return rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
        "transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
    );
    await go;
    await connection.write("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    await connection.readToEnd();
  });
}

/** Reads a chunk of a response, which is as long as it says. */
async function readChunk(client: RawConnection): Promise<Uint8Array> {
  const size = parseInt(await client.readUntil("\r\n"), 16);
  const data = await client.readExactly(size);
  await client.readUntil("\r\n");
  return Uint8Array.from(data, (char) => char.charCodeAt(0));
}

Deno.test("events are not compressed by *, and arrive as they are sent", async () => {
  const go = Promise.withResolvers<void>();
  await using server = eventStream(go.promise);
  await using proxy = startProxy({
    gzip: "on",
    gzip_types: "*",
    locations: { "/": `http://127.0.0.1:${server.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write(
    "GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n",
  );
  const head = await client.readHead();
  ok(!/content-encoding/i.test(head), head);
  equal(String.fromCharCode(...await readChunk(client)), "data: 1\n\n");
  go.resolve();
  equal(String.fromCharCode(...await readChunk(client)), "data: 2\n\n");
  client.close();
});

Deno.test("events that are compressed by name are flushed one by one", async () => {
  for (const coding of ["gzip", "br"]) {
    const go = Promise.withResolvers<void>();
    await using server = eventStream(go.promise);
    await using proxy = startProxy({
      gzip: "on",
      brotli: "on",
      gzip_types: "text/event-stream",
      brotli_types: "text/event-stream",
      locations: { "/": `http://127.0.0.1:${server.port}` },
    });
    const client = await rawClient(proxy.port);
    await client.write(
      `GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: ${coding}\r\n\r\n`,
    );
    match(await client.readHead(), new RegExp(`content-encoding: ${coding}`));
    const first = await readChunk(client);
    if (coding === "gzip") {
      const gunzip = createGunzip();
      gunzip.write(first);
      const [event] = await once(gunzip, "data");
      equal(String(event), "data: 1\n\n");
      gunzip.destroy();
    }
    go.resolve();
    ok((await readChunk(client)).length > 0);
    client.close();
  }
});

Deno.test("a large body is compressed piece by piece", async () => {
  const pieces = Array.from({ length: 64 }, (_, i) => `${i} `.repeat(20_000));
  await using server = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n",
    );
    for (const piece of pieces) await connection.write(piece);
  });
  for (const coding of ["gzip", "br"]) {
    await using proxy = startProxy({
      gzip: "on",
      brotli: "on",
      brotli_comp_level: 1,
      locations: { "/": `http://127.0.0.1:${server.port}` },
    });
    const response = await fetch(proxy.url, {
      headers: { "accept-encoding": coding },
    });
    equal(await response.text(), pieces.join(""), coding);
  }
});

Deno.test("a compressed response that breaks off upstream breaks off", async () => {
  await using server = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n" +
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    );
  });
  await using proxy = startProxy({
    gzip: "on",
    locations: { "/": `http://127.0.0.1:${server.port}` },
  });
  const { raw } = await get(proxy.port);
  ok(!String.fromCharCode(...raw).includes("0\r\n\r\n"), "it looks whole");
  match(proxy.errors.join("\n"), /^broken off \/: /m);
});

Deno.test("a client that leaves a compressed response releases the upstream", async () => {
  const left = Promise.withResolvers<void>();
  await using server = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n" +
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    );
    await connection.readToEnd();
    left.resolve();
  });
  await using proxy = startProxy({
    gzip: "on",
    locations: { "/": `http://127.0.0.1:${server.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write(
    "GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n",
  );
  await client.readHead();
  await readChunk(client);
  client.close();
  await left.promise;
});

Deno.test("return and the proxy's own pages are compressed as well", async () => {
  await using proxy = startProxy({
    gzip: "on",
    gzip_types: "text/plain",
    locations: { "/": { return: [200, TEXT] } },
  });
  const { head, raw } = await get(proxy.port);
  equal(head.get("content-encoding"), "gzip");
  deepStrictEqual(String(gunzipSync(raw)), TEXT);
});
