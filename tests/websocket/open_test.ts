import assert from "node:assert/strict";
import { Cancellation } from "../../lib/exchange/cancellation.ts";
import { UpstreamError } from "../../lib/transport/errors.ts";
import {
  rawClient,
  type RawConnection,
  rawUpstream,
} from "../support/raw_upstream.ts";
import { textOfBody } from "../transport/http1_fixture.ts";
import { open, type Opening } from "./opening.ts";
import {
  acceptance,
  acceptingUpstream,
  closing,
  frame,
  readFrame,
  send,
  text,
} from "./wire.ts";

/** Opens and fails, for the reason that is returned. */
async function failure(...args: Parameters<typeof open>): Promise<string> {
  try {
    const result = await open(...args);
    if ("socket" in result) result.socket.abort();
    return JSON.stringify(result);
  } catch (error) {
    assert(error instanceof UpstreamError, String(error));
    return error.failure;
  }
}

/** An upstream that answers each request with these bytes, and waits for the end. */
function answering(answer: string | ((head: string) => Promise<string>)) {
  return rawUpstream(async (connection) => {
    const head = await connection.readHead();
    await connection.write(
      typeof answer === "string" ? answer : await answer(head),
    );
    await connection.readToEnd();
  });
}

Deno.test("the handshake has the target and headers as given, and its own after them", async () => {
  const heads: string[] = [];
  await using upstream = acceptingUpstream((connection, head) => {
    heads.push(head);
    return connection.readToEnd().then(() => {});
  });
  const result = await open(upstream.port, {
    target: "/connection/websocket?a=%20b",
    fields: [
      ["host", "centrifugo"],
      ["cookie", "a=1; b=2"],
      ["user-agent", "test/1"],
      ["x-twice", "1"],
      ["x-twice", "2"],
      ["x-bytes", "\xc3\xa9"],
    ],
    protocols: "a,  b",
  });
  assert("socket" in result);
  result.socket.abort();
  const head = heads[0] ?? "";
  const key = /sec-websocket-key: (.*)\r\n/.exec(head)?.[1] ?? "";
  assert.equal(atob(key).length, 16);
  assert.equal(
    head,
    [
      "GET /connection/websocket?a=%20b HTTP/1.1",
      "host: centrifugo",
      "cookie: a=1; b=2",
      "user-agent: test/1",
      "x-twice: 1",
      "x-twice: 2",
      "x-bytes: \xc3\xa9",
      "sec-websocket-version: 13",
      `sec-websocket-key: ${key}`,
      "sec-websocket-protocol: a,  b",
      "upgrade: websocket",
      "connection: Upgrade",
      "\r\n",
    ].join("\r\n"),
  );
});

Deno.test("what would end a header line early is thrown, and never sent", async () => {
  let received = "";
  await using upstream = rawUpstream(async (connection) => {
    received += await connection.readToEnd();
  });
  const bad: Opening[] = [
    { fields: [["host", "a\r\nx: y"]] },
    { fields: [["host", "a\nx"]] },
    { fields: [["host", "a\0"]] },
    { fields: [["host", "\u0100"]] },
    { protocols: "a\r\nb: c" },
    { target: "/a b" },
    { target: "/\r\n" },
  ];
  for (const opening of bad) {
    await assert.rejects(open(upstream.port, opening), TypeError);
  }
  assert.equal(received, "");
});

const liars: [what: string, answer: Parameters<typeof answering>[0]][] = [
  ["garbage", "\x00\x01\x02"],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["HTTP/2", "HTTP/2 101 Switching Protocols\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 10 Switching\r\n\r\n"],
  ["a status over 599", "HTTP/1.1 999 What\r\n\r\n"],
  ["a head without an end", `HTTP/1.1 101 A\r\nx: ${"a".repeat(300_000)}`],
  ["a folded header", "HTTP/1.1 101 A\r\nx: a\r\n b\r\n\r\n"],
  ["a space before a colon", "HTTP/1.1 101 A\r\nx : a\r\n\r\n"],
  ["a header without a colon", "HTTP/1.1 101 A\r\nx\r\n\r\n"],
  ["NUL in a header", "HTTP/1.1 101 A\r\nx: \0\r\n\r\n"],
  ["101 without anything", "HTTP/1.1 101 A\r\n\r\n"],
  ["a wrong Accept", () => acceptance("Sec-WebSocket-Key: other\r\n")],
  ["two Accepts", (head) => acceptance(head, ["Sec-WebSocket-Accept: a"])],
  [
    "no Upgrade",
    async (head) => (await acceptance(head)).replace("Upgrade: w", "X: w"),
  ],
  [
    "another Upgrade",
    async (head) => (await acceptance(head)).replace(": websocket", ": h2c"),
  ],
  [
    "no Connection",
    async (head) => (await acceptance(head)).replace("Connection", "X"),
  ],
  [
    "an extension",
    (head) =>
      acceptance(head, ["Sec-WebSocket-Extensions: permessage-deflate"]),
  ],
  [
    "a sub-protocol not offered",
    (h) => acceptance(h, ["Sec-WebSocket-Protocol: c"]),
  ],
  ["an empty sub-protocol", (h) => acceptance(h, ["Sec-WebSocket-Protocol:"])],
  [
    "two sub-protocols",
    (head) =>
      acceptance(head, [
        "Sec-WebSocket-Protocol: a",
        "Sec-WebSocket-Protocol: b",
      ]),
  ],
];
for (const [what, answer] of liars) {
  Deno.test(`an upstream that answers ${what} is invalid`, async () => {
    await using upstream = answering(answer);
    assert.equal(
      await failure(upstream.port, { protocols: "a, b" }),
      "invalid",
    );
  });
}

Deno.test("an upstream that closes before or in its head has closed", async () => {
  for (const part of ["", "HTTP/1.1 101 Switching Protocols\r\nUpgr"]) {
    await using upstream = rawUpstream(async (connection) => {
      await connection.readHead();
      await connection.write(part);
    });
    assert.equal(await failure(upstream.port), "closed");
  }
});

Deno.test("an upstream that accepts and closes at once has closed", async () => {
  await using upstream = rawUpstream(() => Promise.resolve());
  assert.equal(await failure(upstream.port), "closed");
});

Deno.test("a port where nobody listens is refused", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  assert.equal(await failure(port), "refused");
});

Deno.test("a name that does not exist is unresolved", async () => {
  for (const hostname of ["no-such-name.invalid", "no such name"]) {
    const address = { transport: "tcp", hostname, port: 80, name: hostname };
    assert.equal(
      await failure(0, { address: address as Opening["address"] & object }),
      "unresolved",
    );
  }
});

Deno.test("an upstream that says nothing is given up in time, or when the client leaves", async () => {
  let ended = 0;
  await using upstream = rawUpstream(async (connection) => {
    await connection.readToEnd();
    ended++;
  });
  for (const stage of ["at once", "later"]) {
    const cancellation = new Cancellation();
    const reason = new Error("left");
    if (stage === "at once") cancellation.cancel(reason);
    else setTimeout(() => cancellation.cancel(reason), 20);
    await assert.rejects(open(upstream.port, { cancellation }), reason);
  }
  assert.equal(await failure(upstream.port, { timeout: 20 }), "timeout");
  while (ended < upstream.connections) await new Promise((r) => setTimeout(r));
  assert.equal(ended, 2, "the connections were closed, the first never opened");
});

Deno.test("the attempt can be given up while TLS is being spoken, too", async () => {
  await using upstream = rawUpstream((c) => c.readToEnd().then(() => {}));
  const cancellation = new Cancellation();
  const reason = new Error("left");
  setTimeout(() => cancellation.cancel(reason), 20);
  await assert.rejects(
    open(upstream.port, { secure: true, cancellation }),
    reason,
  );
});

Deno.test("an upstream that speaks no TLS where it should fails with tls", async () => {
  await using upstream = rawUpstream(async (connection) => {
    await connection.read();
    await connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  assert.equal(await failure(upstream.port, { secure: true }), "tls");
});

Deno.test("a head and the first messages may come in any pieces", async () => {
  for (const size of [1, 7, 100, 10_000]) {
    await using upstream = rawUpstream(async (connection) => {
      const head = await connection.readHead();
      const bytes = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" +
        await acceptance(head, ["sec-websocket-protocol: b"]) +
        text(frame(1, "first")) + text(frame(2, new Uint8Array(5000)));
      for (let at = 0; at < bytes.length; at += size) {
        await connection.write(bytes.slice(at, at + size));
      }
      await connection.readToEnd();
    });
    const result = await open(upstream.port, { protocols: "a,b" });
    assert("socket" in result);
    assert.equal(result.socket.protocol, "b");
    const got: number[] = [];
    await result.socket.run({
      message(_, size) {
        got.push(size);
        if (got.length === 2) result.socket.abort();
        return undefined;
      },
      closed() {},
    });
    assert.deepEqual(got, [5, 5000]);
  }
});

Deno.test("a cancellation has no power over a WebSocket that is open", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    await send(connection, frame(1, "still open"));
    await connection.read();
  });
  const cancellation = new Cancellation();
  const result = await open(upstream.port, { cancellation });
  assert("socket" in result);
  cancellation.cancel(new Error("left"));
  await result.socket.run({
    message(data) {
      assert.equal(data, "still open");
      result.socket.close({ code: 1000, reason: "" });
      return undefined;
    },
    closed() {},
  });
});

Deno.test("a message is not held back until the one before it was acknowledged", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    while (true) {
      await readFrame(connection);
      await readFrame(connection);
      await send(connection, frame(2, "both"));
    }
  });
  const result = await open(upstream.port);
  assert("socket" in result);
  const { socket } = result;
  let answered: (value?: unknown) => void = () => {};
  const ended = socket.run({
    message: () => void answered(),
    closed() {},
  });
  const usual = await usualPair({
    send: () => Promise.resolve(socket.send(new ArrayBuffer(1))),
    answer: () => new Promise((resolve) => answered = resolve),
  });
  socket.abort();
  await ended;
  const control = await usualPairWithNagle();
  // 40 ms on Linux. What a busy machine adds, half of ten pairs would have to have.
  assert(usual < control / 2, `${usual} ms, with Nagle ${control} ms`);
});

/** One side of a connection on which each two messages are answered. */
interface Pairs {
  send(): Promise<unknown>;
  /** Resolves with the answer to what is sent from now on. */
  answer(): Promise<unknown>;
}

/** The milliseconds that a pair of small messages takes, the median of ten. */
async function usualPair(pairs: Pairs): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const begun = performance.now();
    const answer = pairs.answer();
    await pairs.send();
    // It goes out by itself.
    await new Promise((resolve) => setTimeout(resolve));
    await pairs.send();
    await answer;
    times.push(performance.now() - begun);
  }
  // Linux acknowledges the first packets of a connection at once, and others now
  // and then.
  return times.slice(20).sort((a, b) => a - b)[5] ?? NaN;
}

/** What a connection takes that waits for acknowledgements. */
async function usualPairWithNagle(): Promise<number> {
  await using upstream = rawUpstream(async (connection) => {
    while (true) {
      await connection.readExactly(2);
      await connection.write("x");
    }
  });
  const client = await rawClient(upstream.port);
  (client.conn as Deno.TcpConn).setNoDelay(false);
  const usual = await usualPair({
    send: () => client.write("x"),
    answer: () => client.readExactly(1),
  });
  client.close();
  return usual;
}

Deno.test("an upstream that does not hang up after its close frame is cut in time", async () => {
  const cut = Promise.withResolvers<void>();
  await using upstream = acceptingUpstream(async (connection) => {
    await send(connection, frame(8, closing(1000)));
    await connection.readToEnd();
    cut.resolve();
  });
  const result = await open(upstream.port, { times: { linger: 200 } });
  assert("socket" in result);
  const begun = performance.now();
  await result.socket.run({ message: () => undefined, closed() {} });
  await cut.promise;
  const took = performance.now() - begun;
  assert(took > 150 && took < 3_000, `${took} ms`);
});

Deno.test("an upstream may listen on a unix socket", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/upstream.sock`;
  const address = { transport: "unix", path, name: `unix:${path}` } as const;
  assert.equal(await failure(0, { address }), "refused");
  const server = Deno.serve({ path, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send("hello");
    return response;
  });
  const result = await open(0, { address });
  assert("socket" in result);
  const { socket } = result;
  const got: unknown[] = [];
  await socket.run({
    message(data) {
      got.push(data);
      socket.close({ code: 1000, reason: "" });
      return undefined;
    },
    closed: (close) => void got.push(close),
  });
  assert.deepEqual(got, ["hello", { code: 1000, reason: "" }]);
  await server.shutdown();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a refusal is a response like any other", async () => {
  const refusals: [what: string, answer: string, body: string][] = [
    ["with a length", "content-length: 3\r\n\r\nabc", "abc"],
    ["until the end", "\r\nabc", "abc"],
    [
      "in chunks",
      "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
      "abc",
    ],
  ];
  for (const [what, answer, body] of refusals) {
    await using upstream = rawUpstream(async (connection: RawConnection) => {
      await connection.readHead();
      await connection.write(
        `HTTP/1.1 403 No Way\r\na: 1\r\na: 2\r\n${answer}`,
      );
    });
    const result = await open(upstream.port);
    assert("body" in result, what);
    const { status, statusText, fields } = result;
    assert.deepEqual([status, statusText], [403, "No Way"]);
    assert.deepEqual(fields.slice(0, 2), [["a", "1"], ["a", "2"]]);
    assert.equal(await textOfBody(result), body, what);
  }
});
