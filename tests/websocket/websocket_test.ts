import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
// @ts-types="@types/ws"
import { WebSocket as Ws, WebSocketServer } from "ws";
import { rawClient, rawUpstream } from "../support/raw_upstream.ts";
import { startBridge } from "./fixture.ts";
import {
  acceptance,
  acceptingUpstream,
  concat,
  frame,
  handshake,
  readFrame,
  send,
  text,
} from "./wire.ts";

/** An upstream by an independent implementation. */
async function wsUpstream(
  onConnection: (socket: Ws) => void,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    ...options,
  });
  server.on("connection", onConnection);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function echo(socket: Ws) {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

/** Sends messages and takes as many back. */
async function exchange(
  client: Ws,
  messages: readonly (string | Uint8Array)[],
): Promise<(string | Uint8Array)[]> {
  const got: (string | Uint8Array)[] = [];
  const all = Promise.withResolvers<void>();
  client.on("message", (data, binary) => {
    const bytes = new Uint8Array(data as Uint8Array);
    got.push(
      binary
        ? bytes
        : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
    );
    if (got.length === messages.length) all.resolve();
  });
  client.on("close", (code) => all.reject(new Error(`closed ${code}`)));
  for (const message of messages) client.send(message);
  await all.promise;
  return got;
}

async function leave(client: Ws): Promise<void> {
  if (client.readyState === Ws.CLOSED) return;
  const closed = once(client, "close");
  client.close(1000);
  await closed;
}

Deno.test("text stays text, binary stays binary, in order, the empty ones too", async () => {
  await using upstream = await wsUpstream(echo);
  await using bridge = startBridge(upstream.port);
  const client = new Ws(bridge.url);
  await once(client, "open");
  const messages = [
    "a",
    "",
    new Uint8Array(0),
    Uint8Array.from([0, 255, 128]),
    "é€😀 \0 \ufeff",
    "\ufeffbegins with a byte order mark",
    new Uint8Array(70_000).fill(7),
    "b".repeat(70_000),
    "é".repeat(63),
    "last",
  ];
  assert.deepEqual(await exchange(client, messages), messages);
  await leave(client);
});

Deno.test("messages of 16 MiB pass both ways", async () => {
  await using upstream = await wsUpstream(echo);
  await using bridge = startBridge(upstream.port);
  const client = new Ws(bridge.url);
  await once(client, "open");
  const binary = new Uint8Array(16 * 1024 * 1024).map((_, i) => i * 31 >> 3);
  const words = "0123456789abcdef".repeat(1024 * 1024);
  const [first, second] = await exchange(client, [binary, words]);
  assert(first instanceof Uint8Array && first.length === binary.length);
  assert(first.every((byte, i) => byte === binary[i]));
  assert(second === words);
  await leave(client);
});

Deno.test("the upstream chooses the sub-protocol, however the client separates its offers", async () => {
  await using upstream = await wsUpstream(() => {}, {
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  await using bridge = startBridge(upstream.port);
  const native = new WebSocket(bridge.url, ["centrifuge-json", "vite-hmr"]);
  await once(native, "open");
  assert.equal(native.protocol, "vite-hmr");
  const closed = once(native, "close");
  native.close();
  await closed;
  for (const offers of ["a,b", "a ,\tb", "a, b"]) {
    const client = await rawClient(bridge.port);
    const header = `Sec-WebSocket-Protocol: ${offers}`;
    await client.write(handshake(bridge.port, [header]));
    const head = await client.readHead();
    assert.match(head, /^HTTP\/1.1 101 [^]*\r\nsec-websocket-protocol: b\r\n/i);
    client.close();
  }
});

Deno.test("without a choice of the upstream the client has no sub-protocol", async () => {
  await using upstream = acceptingUpstream((c) => c.readToEnd().then(() => {}));
  await using bridge = startBridge(upstream.port);
  const client = await rawClient(bridge.port);
  await client.write(handshake(bridge.port, ["Sec-WebSocket-Protocol: a"]));
  assert.doesNotMatch(await client.readHead(), /protocol:/i);
  client.close();
});

Deno.test("no extension is offered to the upstream or granted to the client", async () => {
  const heads: string[] = [];
  await using upstream = acceptingUpstream((connection, head) => {
    heads.push(head);
    return connection.readToEnd().then(() => {});
  });
  await using bridge = startBridge(upstream.port);
  const client = await rawClient(bridge.port);
  const header = "Sec-WebSocket-Extensions: permessage-deflate";
  await client.write(handshake(bridge.port, [header]));
  assert.doesNotMatch(await client.readHead(), /extensions/i);
  assert.doesNotMatch(heads[0] ?? "", /extensions/i);
  client.close();
});

Deno.test("what the upstream sends in the packet of its 101 arrives, in order", async () => {
  await using upstream = rawUpstream(async (connection) => {
    const head = await connection.readHead();
    const messages = Array.from({ length: 500 }, (_, i) => frame(1, `${i}`));
    await connection.write(await acceptance(head) + text(concat(...messages)));
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  for (let round = 0; round < 20; round++) {
    const client = new WebSocket(bridge.url);
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      client.onmessage = ({ data }) => {
        if (got.push(data) === 500) resolve();
      };
    });
    assert.deepEqual(got, Array.from({ length: 500 }, (_, i) => `${i}`));
    const closed = once(client, "close");
    client.close();
    await closed;
  }
});

Deno.test("what the client sends in the packet of its handshake arrives, in order", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    for (let i = 0; i < 300; i++) {
      const { payload } = await readFrame(connection);
      assert.equal(new TextDecoder().decode(payload), `${i}`);
    }
    await send(connection, frame(1, "all 300"));
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  for (let round = 0; round < 10; round++) {
    const client = await rawClient(bridge.port);
    const messages = Array.from(
      { length: 300 },
      (_, i) => frame(1, `${i}`, { mask: [1, 2, 3, i & 255] }),
    );
    await client.write(handshake(bridge.port) + text(concat(...messages)));
    await client.readHead();
    const { payload } = await readFrame(client);
    assert.equal(new TextDecoder().decode(payload), "all 300");
    client.close();
  }
});

Deno.test("fragments of either side arrive as whole messages, pings between them are answered", async () => {
  await using upstream = acceptingUpstream(async (connection) => {
    const message = await readFrame(connection);
    assert(message.masked && message.final);
    assert.equal(new TextDecoder().decode(message.payload), "from the client");
    await send(connection, frame(1, "from the ", { final: false }));
    await send(connection, frame(9, "ping"));
    const pong = await readFrame(connection);
    assert.deepEqual([pong.opcode, pong.masked], [10, true]);
    assert.equal(new TextDecoder().decode(pong.payload), "ping");
    await send(connection, frame(0, "upstream"));
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  const client = await rawClient(bridge.port);
  const mask = [9, 8, 7, 6] as const;
  await client.write(handshake(bridge.port));
  await client.readHead();
  await send(client, frame(1, "from ", { mask, final: false }));
  await send(client, frame(9, "?", { mask }));
  assert.equal((await readFrame(client)).opcode, 10);
  await send(client, frame(0, "the client", { mask }));
  const { opcode, payload } = await readFrame(client);
  assert.equal(opcode, 1);
  assert.equal(new TextDecoder().decode(payload), "from the upstream");
  client.close();
});

Deno.test("the log is told of the opening, and at the end of all that passed", async () => {
  await using upstream = await wsUpstream(echo);
  await using bridge = startBridge(upstream.port);
  const client = new Ws(bridge.url);
  await once(client, "open");
  await exchange(client, ["é", new Uint8Array(1000), ""]);
  assert.equal(bridge.opened, 1);
  assert.equal(bridge.bridges.size, 1);
  client.close(3001, "enough");
  await bridge.untilClosed(1);
  const [entry] = bridge.closed;
  assert(entry !== undefined);
  assert(entry.duration >= 0 && entry.duration < 60_000);
  const { code, by, fromClient, toClient, context } = entry;
  assert.deepEqual({ code, by, fromClient, toClient, id: context.requestId }, {
    code: 3001,
    by: "client",
    fromClient: { messages: 3, bytes: 1002 },
    toClient: { messages: 3, bytes: 1002 },
    id: "test-request",
  });
  assert.equal(bridge.bridges.size, 0);
});

Deno.test("a bridge on which nothing happens stays open", async () => {
  await using upstream = await wsUpstream(echo);
  await using bridge = startBridge(upstream.port, { websocketPing: 100 });
  const client = new Ws(bridge.url);
  await once(client, "open");
  let pings = 0;
  client.on("ping", () => pings++);
  while (pings < 10) await once(client, "ping");
  assert.deepEqual(await exchange(client, ["still here"]), ["still here"]);
  await leave(client);
});
