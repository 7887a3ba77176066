import { once } from "node:events";
import { connect, constants } from "node:http2";
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { startControl } from "../../support/control.ts";
import {
  rawClient,
  rawExchange,
  rawUpstream,
} from "../../support/raw_upstream.ts";
import { startProxy } from "../../support/proxy.ts";
import { soon } from "../../support/soon.ts";

/** A proxy before an upstream that notes every request head and answers `ok`. */
function recording(config: Record<string, unknown> = {}) {
  const heads: string[] = [];
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      heads.push(head);
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      if (length !== undefined) await connection.readExactly(Number(length));
      else if (/^transfer-encoding: chunked/im.test(head)) {
        await connection.readUntil("0\r\n\r\n");
      }
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  });
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
    ...config,
  });
  return {
    proxy,
    upstream,
    heads,
    /** The request lines that the upstream saw. */
    lines: () => heads.map((head) => head.slice(0, head.indexOf("\r\n"))),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The status of the first response in a text. */
function statusOf(text: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
}

const CLOSE = "connection: close\r\n\r\n";

Deno.test("a bad Host is a 400 and never chooses the location", async () => {
  await using stack = recording();
  for (
    const host of [
      "evil/admin",
      "a b",
      "user@host",
      "a\\b",
      "[::1",
      "host:port",
      "host:123456",
      "a?b",
      "a#b",
      "",
    ]
  ) {
    const answer = await rawExchange(
      stack.proxy.port,
      `GET /x HTTP/1.1\r\nhost: ${host}\r\n${CLOSE}`,
    );
    equal(statusOf(answer), 400, host);
  }
  deepStrictEqual(stack.lines(), []);
});

Deno.test("a target above the root, or with a bad escape, is a 400", async () => {
  await using stack = recording();
  for (
    const target of [
      "/..",
      "/a/../../b",
      "/%zz",
      "/%4",
      "/%00",
      "/a%2f..%2f..%2f..",
    ]
  ) {
    const answer = await rawExchange(
      stack.proxy.port,
      `GET ${target} HTTP/1.1\r\nhost: x\r\n${CLOSE}`,
    );
    equal(statusOf(answer), 400, target);
  }
  deepStrictEqual(stack.lines(), []);
});

Deno.test("request smuggling shapes end at the proxy", async () => {
  const hidden = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
  const chunked = `0\r\n\r\n${hidden}`;
  const shapes: [name: string, status: number, head: string, body: string][] = [
    [
      "both framings",
      400,
      "content-length: 4\r\ntransfer-encoding: chunked\r\n",
      chunked,
    ],
    [
      "both, the other way round",
      400,
      "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
      chunked,
    ],
    ["two lengths", 400, "content-length: 4\r\ncontent-length: 9\r\n", chunked],
    [
      "the same length twice, which Deno lets through",
      400,
      "content-length: 4\r\ncontent-length: 4\r\n",
      "body",
    ],
    ["a length with a sign", 400, "content-length: +4\r\n", chunked],
    ["a length list", 400, "content-length: 4, 9\r\n", chunked],
    ["a hidden coding", 400, "transfer-encoding: xchunked\r\n", chunked],
    ["a coding with a tab", 400, "transfer-encoding:\tchunked, x\r\n", chunked],
    [
      "a coding under another",
      501,
      "transfer-encoding: gzip, chunked\r\n",
      chunked,
    ],
    ["a space before the colon", 400, "transfer-encoding : chunked\r\n", ""],
    ["a folded header", 400, "x: a\r\n transfer-encoding: chunked\r\n", ""],
    ["a NUL in a value", 400, "x: a\0b\r\n", ""],
  ];
  for (const [name, status, head, body] of shapes) {
    await using stack = recording();
    const answer = await rawExchange(
      stack.proxy.port,
      `POST /x HTTP/1.1\r\nhost: x\r\n${head}${CLOSE}${body}`,
    );
    equal(statusOf(answer), status, name);
    deepStrictEqual(stack.lines(), [], name);
  }
});

Deno.test("a GET or HEAD with a body is a 400 that says so", async () => {
  await using stack = recording();
  for (const method of ["GET", "HEAD"]) {
    for (
      const framing of [
        "content-length: 3\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      ]
    ) {
      const answer = await rawExchange(
        stack.proxy.port,
        `${method} /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${framing}`,
      );
      equal(statusOf(answer), 400);
      if (method === "GET") {
        ok(answer.includes("with a body can't be forwarded"));
      }
    }
  }
  deepStrictEqual(stack.lines(), []);
});

Deno.test("TRACE and CONNECT are 405, a lower-case method is 400", async () => {
  await using stack = recording();
  for (
    const [line, status] of [
      ["TRACE /", 405],
      ["CONNECT x:80", 405],
      ["get /", 400],
      ["G3T /", 400],
    ] as const
  ) {
    const answer = await rawExchange(
      stack.proxy.port,
      `${line} HTTP/1.1\r\nhost: x\r\n${CLOSE}`,
    );
    equal(statusOf(answer), status, line);
  }
  deepStrictEqual(stack.lines(), []);
});

Deno.test("pipelined requests are answered in their order", async () => {
  await using stack = recording();
  const answer = await rawExchange(
    stack.proxy.port,
    `GET /1 HTTP/1.1\r\nhost: x\r\n\r\nPOST /2 HTTP/1.1\r\nhost: x\r\n` +
      `content-length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nhost: x\r\n${CLOSE}`,
  );
  equal(answer.split("HTTP/1.1 200").length, 4, answer);
  deepStrictEqual(stack.lines(), [
    "GET /1 HTTP/1.1",
    "POST /2 HTTP/1.1",
    "GET /3 HTTP/1.1",
  ]);
});

Deno.test("a connection goes on after a body of any length, and ends after the last", async () => {
  await using stack = recording();
  const post = (length: number, more = "") =>
    `POST /${length} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n` +
    `${more}\r\n${"x".repeat(length)}`;
  const answer = await rawExchange(
    stack.proxy.port,
    post(1) + post(10_000) + post(300_000) + post(70_000) +
      post(20, "connection: close\r\n"),
  );
  equal(answer.split("HTTP/1.1 200").length, 6, answer);
  deepStrictEqual(
    stack.lines().map((line) => line.split(" ")[1]),
    ["/1", "/10000", "/300000", "/70000", "/20"],
  );
});

Deno.test("in HTTP/2 a body may end later than its last byte comes", async () => {
  await using stack = recording();
  const session = connect(stack.proxy.url);
  try {
    for (const length of [1, 10_000]) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/",
        "content-length": String(length),
      });
      const answered = once(stream, "response");
      const closed = once(stream, "close");
      stream.resume();
      stream.write("x".repeat(length));
      const [headers] = await answered;
      stream.end();
      await closed;
      equal(headers[":status"], 200);
      equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    }
  } finally {
    session.close();
  }
});

Deno.test("a client that leaves in its head leaves no trace upstream", async () => {
  await using stack = recording();
  const client = await rawClient(stack.proxy.port);
  await client.write("GET /half HTTP/1.1\r\nhost: x\r\nx-a:");
  client.close();
  const whole = await fetch(stack.proxy.url + "/whole");
  await whole.body?.cancel();
  equal(whole.status, 200);
  deepStrictEqual(stack.lines(), ["GET /whole HTTP/1.1"]);
});

Deno.test("a client that leaves in its body breaks the upstream request off", async () => {
  const received = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.readUntil("some");
    begun.resolve();
    received.resolve(await connection.readToEnd());
  });
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n",
  );
  await begun.promise;
  client.close();
  // Whole it would end with the last chunk: it must not.
  ok(!(await received.promise).includes("0\r\n\r\n"));
});

/** An upstream that never answers, and how its requests begin and end. */
function silent() {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    begun.resolve();
    await connection.readToEnd();
    ended.resolve();
  });
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  return {
    proxy,
    begun: begun.promise,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

// They leave before the proxy asks Deno about them: that tells of it all the
// same, which lib/server/exchange.ts relies on.
for (
  const [who, text] of Object.entries({
    "that sends a GET": "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "of HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "that sends a HEAD": "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
    "that has sent its whole body":
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
    "that has sent its whole body in chunks":
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" +
      "5\r\nhello\r\n0\r\n\r\n",
    "that asks for another protocol":
      "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    "that has sent a second request":
      "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n",
  })
) {
  Deno.test(`a client ${who} and leaves while it waits cancels the upstream request within a second`, async () => {
    await using stack = silent();
    const client = await rawClient(stack.proxy.port);
    await client.write(text);
    await stack.begun;
    await using control = await startControl();
    const left = performance.now();
    client.close();
    await soon("the upstream's request has ended", stack.ended);
    const took = performance.now() - left;
    ok(
      took < 1_000 + 2 * control.slowest,
      `${took} ms, the control ${control.slowest} ms`,
    );
  });
}

Deno.test("a client of HTTP/2 that gives up its request cancels that upstream", async () => {
  await using stack = silent();
  const client = connect(`http://127.0.0.1:${stack.proxy.port}`);
  const request = client.request({ ":path": "/" });
  request.on("error", () => {});
  await stack.begun;
  request.close(constants.NGHTTP2_CANCEL);
  await soon("the upstream's request has ended", stack.ended);
  const closed = Promise.withResolvers<void>();
  client.close(closed.resolve);
  await closed.promise;
});

Deno.test("a client that closes its sending half while it waits is taken as gone, as nginx does", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    begun.resolve();
    await connection.readToEnd();
    ended.resolve();
  });
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await begun.promise;
  await (client.conn as Deno.TcpConn).closeWrite();
  await ended.promise;
  client.close();
});

Deno.test("a client that leaves is logged as 499", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    begun.resolve();
    await connection.readToEnd();
    ended.resolve();
  });
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  {
    await using _ = proxy;
    const client = await rawClient(proxy.port);
    await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await begun.promise;
    client.close();
    await ended.promise;
  }
  ok(proxy.lines[0]?.includes('" 499 0 "'), proxy.lines[0]!);
});

Deno.test("an error in one request does not reach another on the same connection", async () => {
  await using stack = recording();
  const answer = await rawExchange(
    stack.proxy.port,
    `GET /%zz HTTP/1.1\r\nhost: x\r\n\r\nGET /fine HTTP/1.1\r\nhost: x\r\n${CLOSE}`,
  );
  equal(statusOf(answer), 400);
  ok(answer.includes("HTTP/1.1 200"), answer);
  deepStrictEqual(stack.lines(), ["GET /fine HTTP/1.1"]);
});
