import assert from "node:assert/strict";
import { UpstreamError } from "../../lib/transport/upstream_error.ts";
import { WebSocketBridges } from "../../lib/websocket/handshake.ts";
import {
  openUpstream,
  type UpstreamHandshake,
} from "../../lib/websocket/client.ts";
import type { WebSocketTimes } from "../../lib/websocket/upstream_socket.ts";
import { type RawConnection, rawUpstream } from "../support/raw_upstream.ts";
import {
  acceptance,
  acceptingUpstream,
  closing,
  frame,
  readFrame,
  send,
  text,
} from "./wire.ts";

const never = new AbortController().signal;

function open(
  port: number,
  more: Partial<UpstreamHandshake> = {},
  signal = never,
  times: Partial<WebSocketTimes> = {},
) {
  const name = `127.0.0.1:${port}`;
  return openUpstream(
    {
      address: { transport: "tcp", hostname: "127.0.0.1", port, name },
      secure: false,
      target: "/",
      headers: [["host", name]],
      protocols: null,
      ...more,
    },
    new WebSocketBridges(times),
    signal,
  );
}

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
    headers: [
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
  const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(head)?.[1] ?? "";
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
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${key}`,
      "Sec-WebSocket-Protocol: a,  b",
      "\r\n",
    ].join("\r\n"),
  );
});

Deno.test("what would end a header line early is thrown before connecting", async () => {
  await using upstream = acceptingUpstream(() => Promise.resolve());
  const bad: Partial<UpstreamHandshake>[] = [
    { headers: [["host", "a\r\nx: y"]] },
    { headers: [["host", "a\nx"]] },
    { headers: [["host", "a\0"]] },
    { headers: [["host", "\u0100"]] },
    { headers: [["x y", "a"]] },
    { headers: [["x:", "a"]] },
    { headers: [["", "a"]] },
    { protocols: "a\r\nb: c" },
    { target: "/a b" },
    { target: "/\r\n" },
    { target: "http://other/" },
    { target: "" },
  ];
  for (const handshake of bad) {
    await assert.rejects(open(upstream.port, handshake), TypeError);
  }
  assert.equal(upstream.connections, 0);
});

const liars: [what: string, answer: Parameters<typeof answering>[0]][] = [
  ["garbage", "\x00\x01\x02"],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["HTTP/2", "HTTP/2 101 Switching Protocols\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 10 Switching\r\n\r\n"],
  ["a status over 599", "HTTP/1.1 999 What\r\n\r\n"],
  ["a head without an end", `HTTP/1.1 101 A\r\nx: ${"a".repeat(70_000)}`],
  ["a head over 64 KiB", `HTTP/1.1 101 A\r\nx: ${"a".repeat(70_000)}\r\n\r\n`],
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
      await failure(0, { address: address as UpstreamHandshake["address"] }),
      "unresolved",
    );
  }
});

Deno.test("an upstream that says nothing is given up when the signal says so", async () => {
  let ended = 0;
  await using upstream = rawUpstream(async (connection) => {
    await connection.readToEnd();
    ended++;
  });
  for (const stage of ["at once", "later"]) {
    const abort = new AbortController();
    const reason = new Error("left");
    if (stage === "at once") abort.abort(reason);
    else setTimeout(() => abort.abort(reason), 20);
    await assert.rejects(open(upstream.port, {}, abort.signal), reason);
  }
  assert.equal(
    await failure(upstream.port, {}, AbortSignal.timeout(20)),
    "timeout",
  );
  while (ended < upstream.connections) await new Promise((r) => setTimeout(r));
  assert.equal(ended, 2, "the connections were closed, the first never opened");
});

Deno.test("the attempt can be given up while TLS is being spoken, too", async () => {
  await using upstream = rawUpstream((c) => c.readToEnd().then(() => {}));
  const abort = new AbortController();
  const reason = new Error("left");
  setTimeout(() => abort.abort(reason), 20);
  await assert.rejects(
    open(upstream.port, { secure: true }, abort.signal),
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

Deno.test("the signal has no power over a WebSocket that is open", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    await send(connection, frame(1, "still open"));
    await connection.read();
  });
  const abort = new AbortController();
  const result = await open(upstream.port, {}, abort.signal);
  assert("socket" in result);
  abort.abort();
  await result.socket.run({
    message(data) {
      assert.equal(data, "still open");
      result.socket.close({ code: 1000, reason: "" });
      return undefined;
    },
    closed() {},
  });
});

Deno.test("messages of several packets are not held back for an acknowledgement", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    while (true) {
      await send(connection, frame(2, await nextPayload(connection)));
    }
  });
  const result = await open(upstream.port);
  assert("socket" in result);
  const { socket } = result;
  let round = 0;
  let fastest = Infinity;
  let begun = performance.now();
  socket.send(new ArrayBuffer(100_000));
  await socket.run({
    message() {
      const now = performance.now();
      fastest = Math.min(fastest, now - begun);
      begun = now;
      if (++round < 40) socket.send(new ArrayBuffer(100_000));
      else socket.abort();
      return undefined;
    },
    closed() {},
  });
  // With Nagle's algorithm each would take 40 ms, however fast the machine is.
  assert(fastest < 30, `${fastest} ms`);
});

async function nextPayload(connection: RawConnection): Promise<Uint8Array> {
  return (await readFrame(connection)).payload.subarray(0, 10);
}

Deno.test("an upstream that does not hang up after its close frame is cut in time", async () => {
  const cut = Promise.withResolvers<void>();
  await using upstream = acceptingUpstream(async (connection) => {
    await send(connection, frame(8, closing(1000)));
    await connection.readToEnd();
    cut.resolve();
  });
  const result = await open(upstream.port, {}, never, { linger: 200 });
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

type Refusing = [
  what: string,
  answer: string,
  body: string | null,
  end?: "close" | "stay",
];
const refusals: Refusing[] = [
  ["with a length", "content-length: 3\r\n\r\nabc", "abc"],
  ["with an empty body", "content-length: 0\r\n\r\n", ""],
  ["until the end", "\r\nabc", "abc", "close"],
  [
    "in chunks",
    "transfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nt: 1\r\n\r\n",
    "abc",
  ],
  ["in an unknown coding", "transfer-encoding: gzip\r\n\r\nabc", null],
  ["with a broken chunk", "transfer-encoding: chunked\r\n\r\nx\r\n", null],
  [
    "with a chunk longer than said",
    "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    null,
  ],
  ["cut short", "content-length: 9\r\n\r\nabc", null, "close"],
  ["longer than 64 KiB by its length", "content-length: 65537\r\n\r\na", null],
  ["longer than 64 KiB", `\r\n${"a".repeat(66_000)}`, null, "close"],
  [
    "as long as 64 KiB",
    `\r\n${"a".repeat(65_536)}`,
    "a".repeat(65_536),
    "close",
  ],
  ["with a broken length", "content-length: x\r\n\r\nabc", null],
];
for (const [what, answer, body, end] of refusals) {
  Deno.test(`a refusal ${what} keeps its status`, async () => {
    await using upstream = rawUpstream(async (connection: RawConnection) => {
      await connection.readHead();
      await connection.write(
        `HTTP/1.1 403 No Way\r\na: 1\r\na: 2\r\n${answer}`,
      );
      if (end !== "close") await connection.readToEnd();
    });
    const result = await open(upstream.port);
    assert("refusal" in result);
    const { status, statusText, headers, body: got } = result.refusal;
    assert.deepEqual([status, statusText], [403, "No Way"]);
    assert.deepEqual(headers.slice(0, 2), [["a", "1"], ["a", "2"]]);
    assert.equal(got && new TextDecoder().decode(got), body);
  });
}

Deno.test("a refusal that never has a body is not waited for", async () => {
  await using upstream = answering("HTTP/1.1 304 Not Modified\r\n\r\n");
  const result = await open(upstream.port);
  assert("refusal" in result);
  assert.equal(result.refusal.status, 304);
});

Deno.test("a refusal whose body never ends keeps its status, after five seconds", async () => {
  await using upstream = answering("HTTP/1.1 403 No\r\n\r\nand another thing");
  const result = await open(upstream.port);
  assert("refusal" in result);
  const { status, body } = result.refusal;
  assert.deepEqual([status, body], [403, null]);
});
