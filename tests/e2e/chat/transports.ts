/**
 * Every way in which the `centrifuge` client reaches Centrifugo, through the
 * proxy with the config of `examples/chat`.
 *
 * @module
 */
import {
  deepStrictEqual as same,
  strictEqual as equal,
} from "node:assert/strict";
import { request } from "node:http";
import type {
  Centrifuge,
  ErrorContext,
  Options,
  PublicationContext,
} from "centrifuge";
import { freePorts } from "../../../tools/stack/ports.ts";
import type { Stack } from "../../../tools/stack/start_stack.ts";
import type { Scenario } from "../../support/chat.ts";
import { type ChatUser, logIn } from "../../support/chat_api.ts";
import { Collected } from "../../support/collected.ts";
import { soon } from "../../support/soon.ts";
import { tcpHop } from "../../support/tcp_hop.ts";
import {
  callCentrifugo,
  clientOf,
  connectionToken,
  pack,
  subscribed,
  type Transport,
  TRANSPORTS,
  unpack,
} from "./centrifugo_client.ts";

/** The first of rooms in which nobody else is. */
const ROOM = 101;

export const transports: Scenario = {
  key: "transports",
  name: "every transport of the centrifuge client works through the proxy",
  needsPages: false,
  async run({ stack }, step) {
    const alice = await logIn(stack, "alice");
    await Promise.all(TRANSPORTS.map((transport, i) =>
      step(
        `${transport}: all that a page does, a cut, and to be refused`,
        async () => {
          await use(stack, alice, transport, ROOM + i);
          await beRefused(stack, alice, transport);
        },
      )
    ));
    await step(
      "a page of another origin is refused as by Centrifugo itself",
      () => comeFromElsewhere(stack),
    );
  },
};

/** All that a page does, in a room of its own. */
async function use(
  stack: Stack,
  alice: ChatUser,
  transport: Transport,
  room: number,
): Promise<void> {
  const [port = 0] = await freePorts(1);
  await using hop = tcpHop(port, () => stack.addresses.proxy);
  const client = clientOf({
    transport,
    address: hop.address,
    origin: stack.origin,
    options: { getToken: alice.token },
  });
  using _ended = disconnecting(client);
  const channel = `room:${room}`;
  const subscription = client.newSubscription(channel, { joinLeave: true });
  const publications = new Collected<PublicationContext>();
  subscription.on("publication", (it) => publications.add(it));

  client.connect();
  const first = await soon(
    "it is subscribed",
    subscribed(subscription),
  );
  same([first.recoverable, first.wasRecovering], [true, false]);

  // There and back: what is published comes to the publisher too.
  const text = "Zażółć gęślą jaźń 🦊".repeat(200);
  await subscription.publish(pack(transport, { text }));
  const { data, info, offset } = await publications.next();
  same(unpack(data), { text });
  same([info?.user, unpack(info?.connInfo)], [alice.id, { username: "alice" }]);
  equal(offset, 1);

  // Who is there, and who comes and goes.
  const { clients } = await subscription.presence();
  same(
    Object.values(clients).map((
      { user, connInfo },
    ) => [user, unpack(connInfo)]),
    [[alice.id, { username: "alice" }]],
  );
  same(await subscription.presenceStats(), { numClients: 1, numUsers: 1 });

  // The backend is asked, and answers.
  const answer = await client.rpc("whoami", pack(transport, {}));
  same(unpack(answer.data), { username: "alice" });

  // What was missed while the connection was cut comes afterwards, in order.
  const cut = new Promise((resolve) => client.once("connecting", resolve));
  const again = new Promise<{ wasRecovering: boolean; recovered: boolean }>(
    (resolve) => subscription.once("subscribed", resolve),
  );
  hop.cut();
  await soon("the cut is noticed", cut);
  for (let n = 1; n <= 20; n++) {
    await callCentrifugo(stack, "publish", { channel, data: { n } });
  }
  hop.mend();
  const { wasRecovering, recovered } = await soon(
    "it is subscribed again",
    again,
  );
  same({ wasRecovering, recovered }, { wasRecovering: true, recovered: true });
  for (let n = 1; n <= 20; n++) {
    const publication = await publications.next();
    same([unpack(publication.data), publication.offset], [{ n }, n + 1]);
  }

  const history = await subscription.history({ limit: 100 });
  equal(history.offset, 21);
  same(unpack(history.publications[0]?.data), { text });
  same(unpack(history.publications.at(-1)?.data), { n: 20 });

  // Leaving.
  client.disconnect();
}

/** Tokens that are no good, and the end of a session. */
async function beRefused(
  stack: Stack,
  alice: ChatUser,
  transport: Transport,
): Promise<void> {
  const connect = (options: Partial<Options>) => {
    const client = clientOf({
      transport,
      address: stack.addresses.proxy,
      origin: stack.origin,
      options,
    });
    const events = new Collected<unknown[]>();
    client.on("error", ({ type, error }) => events.add([type, error.code]));
    client.on("connected", (it) => events.add(["connected", it.client]));
    client.on(
      "disconnected",
      ({ code, reason }) => events.add(["disconnected", code, reason]),
    );
    client.connect();
    return { events, [Symbol.dispose]: () => client.disconnect() };
  };

  const now = Math.floor(Date.now() / 1000);
  const expired = connectionToken(stack.secrets.token, {
    sub: alice.id,
    exp: now - 60,
  });
  {
    // Nobody to ask for another: it gives up.
    using client = connect({ token: expired });
    same(await client.events.next(), ["connect", 109]);
    same(await client.events.next(), ["configuration", 12]);
    same(await client.events.next(), ["disconnected", 1, "unauthorized"]);
  }
  {
    using client = connect({ token: expired, getToken: alice.token });
    same(await client.events.next(), ["connect", 109]);
    const [event, id] = await client.events.next();
    equal(event, "connected");
    // As when alice logs out.
    await callCentrifugo(stack, "disconnect", {
      user: alice.id,
      client: id,
      disconnect: { code: 4501, reason: "logged out" },
    });
    same(await client.events.next(), ["disconnected", 4501, "logged out"]);
  }
  {
    const token = connectionToken("not the secret", { sub: alice.id });
    using client = connect({ token });
    same(await client.events.next(), ["disconnected", 3500, "invalid token"]);
  }
}

/** Another site's page with a good token. */
async function comeFromElsewhere(stack: Stack): Promise<void> {
  const client = clientOf({
    transport: "WebSocket, JSON",
    address: stack.addresses.proxy,
    origin: "http://elsewhere.example",
    options: {},
  });
  using _ended = disconnecting(client);
  const error = new Promise<ErrorContext>((resolve) =>
    client.once("error", resolve)
  );
  client.connect();
  // Pages are not told more of a handshake that has failed.
  const { type, transport } = await soon("the page is told", error);
  same([type, transport], ["transport", "websocket"]);

  for (
    const [origin, status] of [
      ["http://elsewhere.example", 403],
      [stack.origin, 101],
    ] as const
  ) {
    const [through, straight] = await Promise.all([
      handshake(stack.addresses.proxy, origin),
      handshake(stack.addresses.centrifugo, origin),
    ]);
    same(through, straight);
    equal(through.status, status);
  }
  // These answer everybody; it is the browser that must not show it to the page.
  for (const path of ["/connection/sse", "/connection/http_stream"]) {
    for (const origin of ["http://elsewhere.example", stack.origin]) {
      const response = await fetch(`http://${stack.addresses.proxy}${path}`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
      await response.body?.cancel();
      equal(
        response.headers.get("access-control-allow-origin"),
        origin === stack.origin ? origin : null,
      );
    }
  }
}

/** What a browser is answered that wants to open a WebSocket. */
function handshake(
  address: string,
  origin: string,
): Promise<{ status: number | undefined; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<
    { status: number | undefined; body: string }
  >();
  const asked = request(`http://${address}/connection/websocket`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      origin,
    },
  });
  asked.on("error", reject);
  asked.on("upgrade", ({ statusCode }, socket) => {
    socket.destroy();
    resolve({ status: statusCode, body: "" });
  });
  asked.on("response", (response) => {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (text: string) => body += text);
    response.on("end", () => resolve({ status: response.statusCode, body }));
  });
  asked.end();
  return promise;
}

/** Ends a client whatever happens. */
function disconnecting(client: Centrifuge): Disposable {
  return { [Symbol.dispose]: () => client.disconnect() };
}
