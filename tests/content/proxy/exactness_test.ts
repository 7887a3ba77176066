/**
 * Messages that other proxies have lost or misread: each with the right value.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { ask, backend, toGroup } from "../../support/backends.ts";
import { startProxy, type TestProxy } from "../../support/proxy.ts";
import {
  rawClient,
  rawExchange,
  type RawUpstream,
  rawUpstream,
} from "../../support/raw_upstream.ts";
import { soon } from "../../support/soon.ts";

const CLOSE = "host: x\r\nconnection: close\r\n\r\n";

/** A proxy to an upstream that answers every request head with a text. */
function answering(answer: string, more: Record<string, unknown> = {}) {
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      await connection.readHead();
      await connection.write(answer);
    }
  });
  return beside(upstream, more);
}

/** A proxy to an upstream that answers one request with a text and closes. */
function closing(answer: string, more: Record<string, unknown> = {}) {
  const upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(answer);
  });
  return beside(upstream, more);
}

function beside(upstream: RawUpstream, more: Record<string, unknown>) {
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
    ...more,
  });
  return {
    proxy,
    upstream,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const get = (proxy: TestProxy, method = "GET") =>
  rawExchange(proxy.port, `${method} / HTTP/1.1\r\n${CLOSE}`);

/** Sends a request by HTTP/2 without TLS; its status and body. */
async function byHttp2(
  port: number,
  fields: Record<string, string>,
  pieces: string[] | null,
): Promise<{ status: number; body: string }> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request(
    { ":path": "/", ...fields },
    { endStream: pieces === null },
  );
  const head = once(stream, "response");
  if (pieces !== null) {
    for (const piece of pieces) {
      stream.write(piece);
      // Each in a DATA frame of its own.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stream.end();
  }
  const [response] = await head;
  let body = "";
  for await (const chunk of stream.setEncoding("utf8")) body += chunk;
  session.destroy();
  return { status: response[":status"], body };
}

Deno.test("HTTP/2 bodies without a length reach the upstream", async () => {
  await using a = backend("a", ({ body }) => new Response(`got ${body}`));
  await using proxy = startProxy(toGroup([a]));
  const { port } = proxy;
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    deepStrictEqual(
      await byHttp2(port, { ":method": method }, ["one ", "two ", "three"]),
      { status: 200, body: "got one two three" },
    );
    deepStrictEqual(
      await byHttp2(port, { ":method": method }, null),
      { status: 200, body: "got " },
    );
  }
  // Those without a body are sent on without one, and without a framing.
  equal(a.seen.at(-1)?.headers.get("transfer-encoding"), null);
  equal(a.seen.at(-2)?.headers.get("transfer-encoding"), "chunked");
});

Deno.test("HTTP/2 bodies without a length are limited by client_max_body_size", async () => {
  await using a = backend("a");
  await using proxy = startProxy({ ...toGroup([a]), client_max_body_size: 10 });
  const post = { ":method": "POST" };
  const { status } = await byHttp2(proxy.port, post, ["12345678", "9abc"]);
  equal(status, 413);
  equal(a.seen.length, 0);
});

Deno.test("an HTTP/2 upload that is given up is not taken for a whole one", async () => {
  const ends: string[] = [];
  const ended = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    ends.push(await connection.readToEnd());
    if (ends.length === 2) ended.resolve();
  });
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  for (const length of [undefined, "100"]) {
    const session = connect(`http://127.0.0.1:${proxy.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/",
      ...(length === undefined ? {} : { "content-length": length }),
    });
    stream.on("error", () => {});
    stream.write("x".repeat(30));
    while (upstream.connections < (length === undefined ? 1 : 2)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    session.destroy();
  }
  await soon("both have ended", ended.promise);
  equal(ends.some((end) => end.includes("\r\n0\r\n\r\n")), false);
});

Deno.test("a transfer coding overrides a length, which is dropped", async () => {
  await using stack = answering(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n" +
      "5\r\nhello\r\n0\r\n\r\n",
  );
  const answer = await get(stack.proxy);
  ok(answer.endsWith("\r\n\r\nhello"), answer);
  ok(!/content-length: 3/i.test(answer));
  // Nothing is asked on a connection whose server says two things.
  await ask(stack.proxy.url);
  equal(stack.upstream.connections, 2);
});

Deno.test("a coding under chunked would be lost: 502", async () => {
  await using stack = answering(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n" +
      "3\r\nabc\r\n0\r\n\r\n",
  );
  match(await get(stack.proxy), /^HTTP\/1\.1 502 /);
  match(stack.proxy.errors[0] ?? "", /transfer coding gzip/);
});

Deno.test("an upload that breaks the grammar of chunks is a 400, not the end of a client", async () => {
  await using a = backend("a");
  await using proxy = startProxy(toGroup([a]));
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" +
      "5\r\nhello\r\n",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  await client.write("zz\r\nbad");
  const answer = await client.readToEnd();
  client.close();
  match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  match(answer, /chunked coding of the body is malformed/);
  equal(a.seen.length, 0);
});

Deno.test("OPTIONS * is about no path: 400, as in nginx", async () => {
  await using a = backend("a");
  await using proxy = startProxy(toGroup([a]));
  match(
    await rawExchange(proxy.port, `OPTIONS * HTTP/1.1\r\n${CLOSE}`),
    /^HTTP\/1\.1 400 /,
  );
  match(
    await rawExchange(proxy.port, `OPTIONS / HTTP/1.1\r\n${CLOSE}`),
    /^HTTP\/1\.1 200 /,
  );
  equal(a.seen.length, 1);
});

Deno.test("a download that breaks off is logged with the bytes that were sent, and reported", async () => {
  await using stack = closing(
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
  );
  const { proxy, upstream } = stack;
  const answer = await get(proxy);
  ok(answer.endsWith("\r\n\r\nabc"), answer);
  await proxy.log.flush();
  match(proxy.lines[0] ?? "", / 200 3 /);
  deepStrictEqual(proxy.errors, [
    `broken off /: upstream "127.0.0.1:${upstream.port}": the connection ended ` +
    "too early, after 3 bytes of the response's body",
  ]);
});

Deno.test("with proxy_read_timeout set a break is reported in one line, too", async () => {
  await using stack = closing(
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
    { proxy_read_timeout: "5s" },
  );
  await get(stack.proxy);
  await stack.proxy.log.flush();
  equal(stack.proxy.errors.length, 1, stack.proxy.errors.join("\n"));
  match(stack.proxy.errors[0] ?? "", /after 3 bytes/);
});

Deno.test("a client that leaves during a download is logged with what it was sent", async () => {
  const size = 64 * 1024 * 1024;
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`,
    );
    const piece = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 64; i++) await connection.conn.write(piece);
  });
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await client.readHead();
  client.close();
  while (proxy.lines.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await proxy.log.flush();
  }
  const [, bytes = ""] = / 200 (\d+) /.exec(proxy.lines[0] ?? "") ?? [];
  ok(Number(bytes) < size, proxy.lines[0] ?? "");
  deepStrictEqual(proxy.errors, []);
});

Deno.test("a 205 does not leave its client waiting: it becomes a 204", async () => {
  await using stack = answering(
    "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\nx-a: 1\r\n\r\n",
  );
  const answer = await get(stack.proxy);
  match(answer, /^HTTP\/1\.1 204 /);
  match(answer, /x-a: 1/);
});

Deno.test("Deno sends a 205 without a framing", async () => {
  // Once it sends one, a 205 may pass as it is.
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => {
      const response = new Response(null, { status: 205 });
      response.headers.set("content-length", "0");
      return response;
    },
  );
  const client = await rawClient(server.addr.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const head = await client.readHead();
  client.close();
  equal(/content-length|transfer-encoding/i.test(head), false);
  await server.shutdown();
});

Deno.test("two equal lengths are one, of a HEAD too", async () => {
  await using stack = answering(
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n",
  );
  const lengths = (await get(stack.proxy, "HEAD")).match(/content-length: 5/gi);
  equal(lengths?.length, 1);
});

Deno.test("two lengths that differ are a 502", async () => {
  await using stack = answering(
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
  );
  match(await get(stack.proxy), /^HTTP\/1\.1 502 /);
});

Deno.test("repeated fields of a response stay lines of their own, in their order", async () => {
  await using stack = answering(
    "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Negotiate\r\n" +
      'www-authenticate: Basic realm="y"\r\nlink: </a>\r\nlink: </b>\r\n' +
      "content-length: 0\r\n\r\n",
  );
  const lines = (await get(stack.proxy)).split("\r\n")
    .filter((line) => /^(www-authenticate|link):/i.test(line));
  deepStrictEqual(lines, [
    "www-authenticate: Negotiate",
    'www-authenticate: Basic realm="y"',
    "link: </a>",
    "link: </b>",
  ]);
});

Deno.test("the authority of an absolute target counts, and Host does not", async () => {
  const heads: string[] = [];
  await using upstream = rawUpstream(async (connection) => {
    while (true) {
      heads.push(await connection.readHead());
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
  });
  const to = `http://127.0.0.1:${upstream.port}`;
  const fields = {
    "Host": "$http_host",
    "X-Host": "$host",
    "X-Forwarded-Host": "$http_host",
    "X-Server": "$server_name",
  };
  await using proxy = startProxy({
    listen: undefined,
    proxy_set_header: fields,
    servers: ["public.example", "admin.example"].map((name) => ({
      listen: "127.0.0.1:0",
      server_name: name,
      locations: { "/": to },
    })),
  });
  await rawExchange(
    proxy.port,
    "GET http://public.example:81/secret HTTP/1.1\r\nhost: admin.example\r\n" +
      "connection: close\r\n\r\n",
  );
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  const stream = session.request({
    ":path": "/secret",
    ":authority": "public.example:81",
    host: "admin.example",
  });
  await once(stream.resume(), "end");
  session.destroy();
  equal(heads.length, 2);
  for (const head of heads) {
    match(head, /^host: public\.example:81\r$/m);
    match(head, /^x-host: public\.example\r$/m);
    match(head, /^x-forwarded-host: public\.example:81\r$/m);
    match(head, /^x-server: public\.example\r$/m);
    ok(!head.includes("admin"), head);
  }
});

Deno.test("by HTTP/2 the upstream gets the host that the client asked for", async () => {
  await using a = backend("a");
  await using proxy = startProxy(toGroup([a]));
  await byHttp2(proxy.port, {}, null);
  equal(a.seen[0]?.headers.get("host"), `127.0.0.1:${proxy.port}`);
});

Deno.test("client: fetch sends plain http by fetch, which asks for identity first", async () => {
  await using a = backend("a");
  await using proxy = startProxy(toGroup([a], { client: "fetch" }));
  const headers = { "accept-encoding": "br" };
  equal(await ask(proxy.url, { headers }), "200 a");
  equal(a.seen[0]?.headers.get("accept-encoding"), "identity, br");
});
