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
import type { Centrifuge, PublicationContext } from "centrifuge";
import type { Stack } from "../../tools/stack/start_stack.ts";
import { withStack } from "../support/chat.ts";
import { type ChatUser, logIn } from "../support/chat_api.ts";
import { testUnless } from "../support/skip.ts";
import { whyNoStack } from "../support/stack.ts";
import { tcpHop } from "../support/tcp_hop.ts";
import {
  callCentrifugo,
  clientOf,
  pack,
  subscribed,
  type Transport,
  TRANSPORTS,
  unpack,
} from "./centrifugo_client.ts";

testUnless(
  await whyNoStack(),
  "every transport of the centrifuge client works through the proxy",
  (context) =>
    withStack({ frontend: "none" }, async (stack) => {
      const alice = await logIn(stack, "alice");
      for (const [i, transport] of TRANSPORTS.entries()) {
        await context.step(
          transport,
          () => use(stack, alice, transport, i + 1),
        );
      }
    }),
);

/** All that a page does, in a room of its own. */
async function use(
  stack: Stack,
  alice: ChatUser,
  transport: Transport,
  room: number,
): Promise<void> {
  await using hop = tcpHop(stack.addresses.proxy);
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
  const first = await subscribed(subscription);
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
  await cut;
  for (let n = 1; n <= 20; n++) {
    await callCentrifugo(stack, "publish", { channel, data: { n } });
  }
  hop.mend();
  const { wasRecovering, recovered } = await again;
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

/** Ends a client whatever happens. */
function disconnecting(client: Centrifuge): Disposable {
  return { [Symbol.dispose]: () => client.disconnect() };
}

/** What has come and was not yet asked for. */
class Collected<T> {
  readonly #there: T[] = [];
  #awaited: ((it: T) => void) | null = null;

  add(it: T): void {
    const awaited = this.#awaited;
    this.#awaited = null;
    if (awaited === null) this.#there.push(it);
    else awaited(it);
  }

  next(): Promise<T> {
    const it = this.#there.shift();
    if (it !== undefined) return Promise.resolve(it);
    return new Promise((resolve) => {
      this.#awaited = resolve;
    });
  }
}
