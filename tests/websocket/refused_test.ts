import assert from "node:assert/strict";
import { WebSocketBridges } from "../../lib/websocket/registry.ts";
import { startControl } from "../support/control.ts";
import {
  rawClient,
  type RawConnection,
  rawUpstream,
} from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import { startBridge } from "./fixture.ts";
import {
  acceptance,
  acceptingUpstream,
  closing,
  frame,
  handshake,
  readFrame,
  text,
} from "./wire.ts";

/** The head of the answer to a handshake. */
async function status(port: number, request?: string): Promise<string> {
  const client = await rawClient(port);
  await client.write(request ?? handshake(port));
  const head = await client.readHead();
  client.close();
  return head;
}

Deno.test("an upstream that refuses gives the client its status, headers and body", async () => {
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write([
      "HTTP/1.1 403 Not You",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "Content-Type: text/plain",
      "Content-Length: 7",
      "Connection: close, X-Private",
      "X-Private: 1",
      "Keep-Alive: timeout=5",
      "",
      "go away",
    ].join("\r\n"));
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  const url = bridge.url.replace("ws:", "http:");
  const response = await fetch(url, {
    headers: [
      ["upgrade", "websocket"],
      ["connection", "upgrade"],
      ["sec-websocket-version", "13"],
      ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ],
  });
  assert.equal(response.status, 403);
  assert.equal(await response.text(), "go away");
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(response.headers.get("content-type"), "text/plain");
  assert.equal(response.headers.get("x-private"), null);
  assert.equal(response.headers.get("keep-alive"), null);
  assert.equal(response.headers.get("x-request-id"), "test-request");
  assert.equal(bridge.opened, 0);
});

Deno.test("a refusal without a body, and one that redirects, pass too", async () => {
  const answers = [
    "HTTP/1.1 304 Not Modified\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: http://HOST/login/\r\n" +
    "Content-Length: 0\r\n\r\n",
  ];
  await using upstream = rawUpstream(async (connection, index) => {
    const head = await connection.readHead();
    const [, host = ""] = /^host: (.*)\r$/im.exec(head) ?? [];
    await connection.write((answers[index] ?? "").replace("HOST", host));
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  assert.match(await status(bridge.port), /^HTTP\/1.1 304 /);
  const redirect = await status(bridge.port);
  assert.match(redirect, /^HTTP\/1.1 302 /);
  const own = `\r\nlocation: http://127.0.0.1:${bridge.port}/login/\r\n`;
  assert(redirect.includes(own), redirect);
});

Deno.test("a long refusal passes whole", async () => {
  const body = "x".repeat(300_000);
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      `HTTP/1.1 503 Busy\r\nContent-Length: ${body.length}\r\n` +
        `Retry-After: 5\r\n\r\n${body}`,
    );
    await connection.readToEnd();
  });
  await using bridge = startBridge(upstream.port);
  const client = await rawClient(bridge.port);
  await client.write(handshake(bridge.port));
  const head = await client.readHead();
  assert.match(head, /^HTTP\/1.1 503 /);
  assert.match(head, /\r\nretry-after: 5\r\n/i);
  assert.equal(await client.readExactly(body.length), body);
  client.close();
});

Deno.test("an upstream that fails the handshake is thrown, and the client never upgraded", async () => {
  const scripts: ((connection: RawConnection) => Promise<void>)[] = [
    async (connection) => {
      await connection.readHead();
      await connection.write("garbage");
    },
    async (connection) => {
      await connection.readHead();
      await connection.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: w");
    },
    async (connection) => {
      await connection.readToEnd();
    },
  ];
  await using upstream = rawUpstream((connection, index) =>
    scripts[index]?.(connection) ?? Promise.resolve()
  );
  await using bridge = startBridge(upstream.port, { timeout: 50 });
  assert.match(await status(bridge.port), /^HTTP\/1.1 502 /);
  assert.match(await status(bridge.port), /^HTTP\/1.1 502 /);
  assert.match(await status(bridge.port), /^HTTP\/1.1 504 /);
  assert.equal(bridge.errors.length, 3);
  assert.equal(bridge.opened, 0);
});

Deno.test("a client that asks for another version, or without a key, is told so", async () => {
  await using upstream = acceptingUpstream(() => Promise.resolve());
  await using bridge = startBridge(upstream.port);
  const without = (line: RegExp, other = "") =>
    handshake(bridge.port).replace(line, other);
  const version = /Sec-WebSocket-Version: 13\r\n/;
  const old = await status(
    bridge.port,
    without(version, "Sec-WebSocket-Version: 8\r\n"),
  );
  assert.match(old, /^HTTP\/1.1 426 [^]*\r\nsec-websocket-version: 13\r\n/i);
  assert.match(
    await status(bridge.port, without(version)),
    /^HTTP\/1.1 400 /,
  );
  const key = /Sec-WebSocket-Key: .*\r\n/;
  for (const bad of ["", "Sec-WebSocket-Key: short\r\n"]) {
    const head = await status(bridge.port, without(key, bad));
    assert.match(head, /^HTTP\/1.1 400 /);
  }
  assert.equal(upstream.connections, 0);
});

Deno.test("a client that leaves during the handshake ends it within a second", async () => {
  const ended: (() => void)[] = [];
  await using upstream = rawUpstream(async (connection) => {
    await connection.readToEnd();
    ended.shift()?.();
  });
  await using bridge = startBridge(upstream.port, { timeout: 30_000 });
  await using control = await startControl();
  // With frames behind its handshake it has sent more than was read of it.
  const early = text(frame(1, "early", { mask: [1, 2, 3, 4] }));
  for (const [index, more] of ["", early].entries()) {
    const client = await rawClient(bridge.port);
    const gone = new Promise<void>((resolve) => ended.push(resolve));
    await client.write(handshake(bridge.port) + more);
    while (upstream.connections === index) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    const left = performance.now();
    client.close();
    await soon("the upstream's connection has ended", gone);
    const took = performance.now() - left;
    assert(
      took < 1_000 + 2 * control.slowest,
      `${took} ms, the control ${control.slowest} ms`,
    );
  }
  await bridge.untilErrors(2);
  assert.deepEqual(bridge.errors.map((e) => `${e}`), [
    "Error: client left",
    "Error: client left",
  ]);
});

/** Lets the event loop go round once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test(
  "a client that leaves as the upstream accepts leaves nothing behind",
  {
    // Deno 2.9.6 never settles the upgrade of a client that leaves during it.
    sanitizeOps: false,
  },
  async () => {
    const clients: RawConnection[] = [];
    let ended = () => {};
    await using upstream = rawUpstream(async (connection, index) => {
      const accepted = await acceptance(await connection.readHead());
      // Some leave before, some after, and some as it is passed on.
      const leave = () => clients[index]?.close();
      const turns = (index >> 1) % 4;
      if (index % 2 === 0) {
        leave();
        for (let i = 0; i < turns; i++) await turn();
        await connection.write(accepted);
      } else {
        await connection.write(accepted);
        for (let i = 0; i < turns; i++) await turn();
        leave();
      }
      // It closes at the first byte, which is that of a close frame.
      await connection.read();
      ended();
    });
    // None is given up for not opening.
    const times = { open: 3_600_000 };
    await using bridge = startBridge(upstream.port, { times });
    for (let i = 0; i < 32; i++) {
      const client = await rawClient(bridge.port);
      clients.push(client);
      const told = new Promise<void>((resolve) => ended = resolve);
      await client.write(handshake(bridge.port));
      await soon(`the upstream is told of client ${i}`, told);
    }
    await soon("none is left", bridge.bridges.empty());
  },
);

Deno.test("a client that opens after it was given up is closed", async () => {
  await using upstream = acceptingUpstream((c) => c.readToEnd().then(() => {}));
  await using bridge = startBridge(upstream.port);
  const { bridges } = bridge;
  bridges.add = (open) => {
    WebSocketBridges.prototype.add.call(bridges, open);
    // As if its client had not opened for a minute.
    open.sweep(performance.now() + 60_000);
  };
  const client = await rawClient(bridge.port);
  await client.write(handshake(bridge.port));
  await client.readHead();
  const { opcode, payload } = await readFrame(client);
  assert.deepEqual([opcode, payload], [8, closing(1001)]);
  client.close();
  assert.equal(bridge.opened, 0);
});
