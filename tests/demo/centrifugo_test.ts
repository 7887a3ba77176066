import assert from "node:assert/strict";
import { UnauthorizedError } from "centrifuge";
import {
  API_KEY,
  centrifugo,
  client,
  closedAfter,
  handshakeStatus,
  once,
  publications,
  subscribed,
  tokenFor,
} from "./support.ts";

Deno.test("two clients chat: each gets what both publish, with the author's name", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada");
  using ben = client(server.address, "ben");
  ada.connect();
  ben.connect();
  const [adas, bens] = await Promise.all([
    subscribed(ada, "room:1"),
    subscribed(ben, "room:1"),
  ]);
  const received = [publications(adas), publications(bens)];
  await adas.publish({ text: "hello" });
  await bens.publish({ text: "hello yourself" });
  for (const each of received) {
    assert.deepEqual((await each.next()).value, {
      data: { text: "hello" },
      user: "ada",
    });
    assert.deepEqual((await each.next()).value, {
      data: { text: "hello yourself" },
      user: "ben",
    });
  }
});

Deno.test("a publication reaches only those in its channel, and none after they have left", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada");
  using ben = client(server.address, "ben");
  ada.connect();
  ben.connect();
  const here = await subscribed(ada, "here");
  const there = await subscribed(ben, "there");
  const left = await subscribed(ben, "here");
  const unexpected: unknown[] = [];
  for (const subscription of [there, left]) {
    subscription.on("publication", ({ data }) => unexpected.push(data));
  }
  const gone = once(here, "leave");
  left.unsubscribe();
  await gone;
  await here.publish("for those who are here");
  // Answered after whatever would have been sent to it before.
  await there.presenceStats();
  assert.deepEqual(unexpected, []);
});

Deno.test("the backend publishes through the HTTP API, without an author, and with the key only", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada");
  ada.connect();
  const received = publications(await subscribed(ada, "rooms"));
  const publish = (key: string, body: string) =>
    fetch(`http://${server.address}/api/publish`, {
      method: "POST",
      headers: { "x-api-key": key },
      body,
    });
  const refused = await publish("a guess", '{"channel":"rooms","data":1}');
  await refused.body?.cancel();
  assert.equal(refused.status, 401);
  for (const body of ["", "[]", '{"channel":"rooms"}', '{"data":1}']) {
    const { error } = await (await publish(API_KEY, body)).json();
    assert.equal(error.code, 107, body);
  }
  const accepted = await publish(API_KEY, '{"channel":"rooms","data":2}');
  assert.deepEqual(await accepted.json(), { result: {} });
  assert.deepEqual((await received.next()).value, { data: 2, user: null });
});

Deno.test("presence, and who joins and leaves, is told", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada");
  ada.connect();
  const adas = await subscribed(ada, "room:1");
  const joined = once(adas, "join");
  {
    using ben = client(server.address, "ben");
    ben.connect();
    const bens = await subscribed(ben, "room:1");
    assert.equal((await joined).info.user, "ben");
    const { clients } = await bens.presence();
    assert.deepEqual(
      Object.values(clients).map(({ user, connInfo }) => ({ user, connInfo })),
      [
        { user: "ada", connInfo: { name: "ada" } },
        { user: "ben", connInfo: { name: "ben" } },
      ],
    );
    assert.deepEqual(await bens.presenceStats(), {
      numClients: 2,
      numUsers: 2,
    });
  }
  assert.equal((await once(adas, "leave")).info.user, "ben");
});

Deno.test("pings keep a quiet client connected", async () => {
  const pinged = Promise.withResolvers<void>();
  let pings = 0;
  class Watched extends WebSocket {
    constructor(url: string) {
      super(url);
      this.addEventListener("message", ({ data }) => {
        if (data === "{}" && ++pings === 2) pinged.resolve();
      });
    }
  }
  await using server = await centrifugo({ pingInterval: 1, pongTimeout: 900 });
  using ada = client(server.address, "ada", {
    websocket: Watched,
    maxServerPingDelay: 900,
  });
  const interrupted: unknown[] = [];
  ada.connect();
  await ada.ready();
  ada.on("connecting", (context) => interrupted.push(context));
  await pinged.promise;
  const adas = await subscribed(ada, "room:1");
  await adas.publish("still here");
  assert.deepEqual(interrupted, []);
});

Deno.test("a client that does not answer pings is closed with 3012", async () => {
  await using server = await centrifugo({ pingInterval: 1, pongTimeout: 50 });
  const connect = JSON.stringify({
    id: 1,
    connect: { token: await tokenFor("ada") },
  });
  assert.deepEqual(await closedAfter(server.address, connect), {
    code: 3012,
    reason: "no pong",
  });
});

Deno.test("a token of another secret is refused for good", async () => {
  await using server = await centrifugo({ tokenSecret: "another" });
  using ada = client(server.address, "ada");
  const end = once(ada, "disconnected");
  ada.connect();
  assert.deepEqual(await end, { code: 3500, reason: "invalid token" });
});

Deno.test("a client without a token is unauthorized", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada", { getToken: null });
  const end = once(ada, "disconnected");
  ada.connect();
  assert.equal((await end).code, 101);
});

Deno.test("an expired token is exchanged for a new one", async () => {
  await using server = await centrifugo();
  let asked = 0;
  using ada = client(server.address, "ada", {
    token: await tokenFor("ada", -5),
    getToken: () => {
      asked++;
      return tokenFor("ada");
    },
  });
  const entered = subscribed(ada, "room:1");
  ada.connect();
  await entered;
  assert.equal(asked, 1);
});

Deno.test("a token is refreshed before its end, without a new connection", async () => {
  await using server = await centrifugo();
  const refreshed = Promise.withResolvers<void>();
  class Watched extends WebSocket {
    constructor(url: string) {
      super(url);
      this.addEventListener("message", ({ data }) => {
        if (data.includes('"refresh":')) refreshed.resolve();
      });
    }
  }
  let asked = 0;
  using ada = client(server.address, "ada", {
    websocket: Watched,
    getToken: () => tokenFor("ada", ++asked === 1 ? 2 : 60),
  });
  ada.connect();
  await ada.ready();
  const interrupted: unknown[] = [];
  ada.on("connecting", (context) => interrupted.push(context));
  await refreshed.promise;
  await subscribed(ada, "room:1");
  assert.deepEqual(interrupted, []);
});

Deno.test("a client whose user has signed out stops asking", async () => {
  await using server = await centrifugo();
  using ada = client(server.address, "ada", {
    getToken: () => Promise.reject(new UnauthorizedError("signed out")),
  });
  const end = once(ada, "disconnected");
  ada.connect();
  assert.equal((await end).code, 1);
});

Deno.test("commands in one message are answered in their order", async () => {
  await using server = await centrifugo();
  const token = await tokenFor("ada");
  const socket = new WebSocket(`ws://${server.address}/connection/websocket`);
  const commands = [
    { id: 1, connect: { token } },
    { id: 2, subscribe: { channel: "a" } },
    { id: 3, subscribe: { channel: "a" } },
    { id: 4, publish: { channel: "a", data: "first" } },
    { id: 5, publish: { channel: "b", data: "not in it" } },
    { id: 6, rpc: { method: "unknown" } },
    { id: 7, unsubscribe: { channel: "a" } },
    { id: 8, presence: { channel: "a" } },
    { id: 9, refresh: { token } },
  ];
  socket.onopen = () => socket.send(commands.map(jsonLine).join(""));
  const lines: Record<string, unknown>[] = [];
  await new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      for (const line of data.split("\n")) lines.push(JSON.parse(line));
      if (lines.at(-1)?.["id"] === 9) resolve();
    };
  });
  await new Promise((resolve) => {
    socket.onclose = resolve;
    socket.close();
  });
  const ttls: unknown[] = [];
  for (const line of lines) {
    for (const reply of [line["connect"], line["refresh"]]) {
      if (typeof reply !== "object" || reply === null) continue;
      if ("ttl" in reply) ttls.push(reply.ttl);
      Object.assign(reply, { ttl: 0 });
    }
  }
  // Seconds to the token's end: less than 60 when it took a while.
  assert.equal(ttls.length, 2);
  for (const ttl of ttls) assert.ok(ttl === 59 || ttl === 60, `${ttl}`);
  const [connected, ...rest] = lines;
  const { connect: { client } } = connected as { connect: { client: string } };
  const version = "sameorigin-demo";
  const expiry = { expires: true, ttl: 0 };
  assert.deepEqual(connected, {
    id: 1,
    connect: { client, version, ping: 25, pong: true, ...expiry },
  });
  const info = {
    user: "ada",
    client,
    conn_info: { name: "ada" },
  };
  assert.deepEqual(rest, [
    { id: 2, subscribe: {} },
    { id: 3, error: { code: 105, message: "already subscribed" } },
    { push: { channel: "a", pub: { data: "first", info } } },
    { id: 4, publish: {} },
    { id: 5, error: { code: 103, message: "permission denied" } },
    { id: 6, error: { code: 108, message: "not available" } },
    { id: 7, unsubscribe: {} },
    { id: 8, error: { code: 103, message: "permission denied" } },
    { id: 9, refresh: { client, version, ...expiry } },
  ]);
});

Deno.test("what is not in the protocol closes the connection", async () => {
  await using server = await centrifugo();
  const bad = { code: 3501, reason: "bad request" };
  const connect = jsonLine({
    id: 1,
    connect: { token: await tokenFor("ada") },
  });
  for (
    const messages of [
      ["not JSON"],
      ["[]"],
      ['{"id":1,"subscribe":{"channel":"before connect"}}'],
      ['{"connect":{}}'],
      ['{"id":1,"connect":"token"}'],
      [connect, connect],
    ]
  ) {
    const closed = await closedAfter(server.address, ...messages);
    assert.deepEqual(closed, bad, messages.join("|"));
  }
  const ben = jsonLine({ id: 2, refresh: { token: await tokenFor("ben") } });
  assert.deepEqual(await closedAfter(server.address, connect, ben), {
    code: 3500,
    reason: "invalid token",
  });
  assert.deepEqual(await closedAfter(server.address, new Uint8Array(3)), {
    code: 3506,
    reason: "inappropriate protocol",
  });
});

Deno.test("a page of another origin gets no connection", async () => {
  await using server = await centrifugo();
  const cases: [Record<string, string>, number][] = [
    [{ host: "localhost:9000", origin: "http://localhost:9000" }, 101],
    [{ host: "LOCALHOST:9000", origin: "http://localhost:9000" }, 101],
    // What `Host: $host` makes of it.
    [{ host: "localhost", origin: "http://localhost:9000" }, 101],
    [{ host: "localhost" }, 101],
    [{ host: "localhost:9000", origin: "http://localhost:9001" }, 403],
    [{ host: "localhost", origin: "http://evil.example" }, 403],
    [{ host: "localhost", origin: "null" }, 403],
    // What a proxy that sends its upstream's name as `Host` makes of it.
    [{ host: "centrifugo:8000", origin: "http://localhost:9000" }, 403],
  ];
  for (const [headers, status] of cases) {
    assert.equal(
      await handshakeStatus(server.address, headers),
      status,
      JSON.stringify(headers),
    );
  }
});

Deno.test("a server that stops says so with a code after which clients come back", async () => {
  const server = centrifugo();
  using ada = client(server.address, "ada", { minReconnectDelay: 10_000 });
  ada.connect();
  await subscribed(ada, "room:1");
  const interrupted = once(ada, "connecting");
  await server.stop();
  assert.deepEqual(await interrupted, { code: 3001, reason: "shutdown" });
});

Deno.test("requests that are no handshake are answered as such", async () => {
  await using server = await centrifugo();
  const status = async (path: string) => {
    const response = await fetch(`http://${server.address}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status("/connection/websocket"), 400);
  assert.equal(await status("/api/publish"), 405);
  assert.equal(await status("/health"), 200);
  assert.equal(await status("/connection/sockjs"), 404);
});

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
