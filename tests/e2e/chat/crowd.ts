/**
 * A crowd of Centrifugo's clients behind the proxy: each gets everything, in
 * order; cut off, or with Centrifugo restarted, all of them are back by
 * themselves and miss nothing.
 *
 * With `SAMEORIGIN_FULL=1` they are twice as many, for longer, and are cut off
 * twenty times more. A thousand of them for half a minute are `bench/fanout.ts`'s.
 *
 * @module
 */
import { FULL } from "../../support/full.ts";
import { deepStrictEqual as same, ok } from "node:assert/strict";
import { freePorts } from "../../../tools/stack/ports.ts";
import type { Stack } from "../../../tools/stack/start_stack.ts";
import {
  type ChatMessage,
  type ChatUser,
  logIn,
} from "../../support/chat_api.ts";
import type { AnotherProxy, Scenario, Step } from "../../support/chat.ts";
import { type TcpHop, tcpHop } from "../../support/tcp_hop.ts";
import { callCentrifugo } from "./centrifugo_client.ts";
import { type Crowd, gather, type Member } from "./members.ts";
import { proxyUse } from "./proxy_use.ts";

const COUNT = FULL ? 200 : 100;
/** Of messages at a steady rate. */
const SECONDS = FULL ? 5 : 2;
/** Messages a second. */
const RATE = 20;

/** A room in which nobody else is. */
const ROOM = 2;

/** What a busy machine may add to a client's backoff, in milliseconds. */
const SLACK = 5_000;

export const crowd: Scenario = {
  key: "crowd",
  name:
    `${COUNT} clients of Centrifugo get everything, whatever is cut or restarted`,
  needsPages: false,
  async run(fixture, step) {
    const [near = 0, far = 0] = await freePorts(2);
    await using inner = tcpHop(far, () => fixture.stack.addresses.centrifugo);
    const env = { CENTRIFUGO: inner.address };
    await using proxy = await fixture.startProxy([], env);
    await using outer = tcpHop(near, () => proxy.address);
    await behaveAsOne(step, fixture.stack, proxy, { inner, outer });
  },
};

/** Where connections can be cut. */
interface Hops {
  /** Between the proxy and Centrifugo. */
  readonly inner: TcpHop;
  /** Between the clients and the proxy. */
  readonly outer: TcpHop;
}

async function behaveAsOne(
  step: Step,
  stack: Stack,
  proxy: AnotherProxy,
  { inner, outer }: Hops,
): Promise<void> {
  const alice = await logIn(stack, "alice");
  const channel = `room:${ROOM}`;
  const alone = proxyUse(proxy.pid);
  using crowd = gather(COUNT, channel, {
    address: outer.address,
    origin: stack.origin,
    options: { token: await alice.token() },
  });
  await crowd.until("subscribed", ({ subscribed }) => subscribed.length === 1);

  await step("every message reaches everybody, in order", async () => {
    await fanOut(stack, crowd, channel);
  });
  const gathered = proxyUse(proxy.pid);
  for (
    const [where, hop] of [
      ["before the proxy", outer],
      ["behind the proxy", inner],
    ] as const
  ) {
    await step(`cut ${where}, nobody misses anything`, async () => {
      await cut(stack, crowd, channel, hop);
      await gathered.returns(`after the cut ${where}`);
    });
  }
  await step("Centrifugo restarted, all are back", async () => {
    await restart(stack, crowd, inner, alice);
    await gathered.returns("after the restart");
  });
  if (FULL) {
    await step("cut again and again, memory stays flat", async () => {
      for (let i = 0; i < 10; i++) await cut(stack, crowd, channel, inner);
      const tenth = proxyUse(proxy.pid);
      for (let i = 0; i < 10; i++) await cut(stack, crowd, channel, inner);
      await tenth.returns("after ten cuts more", 32);
    });
  }

  crowd[Symbol.dispose]();
  await alone.returns("without clients");
}

/** Publishes at a steady rate. */
async function fanOut(
  stack: Stack,
  crowd: Crowd,
  channel: string,
): Promise<void> {
  const total = SECONDS * RATE;
  const begun = performance.now();
  for (let n = 0; n < total; n++) {
    const early = n * 1000 / RATE - (performance.now() - begun);
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    await callCentrifugo(stack, "publish", { channel, data: n });
  }
  await crowd.until("got all", has(total));
  const expected = Array.from({ length: total }, (_, n) => n);
  for (const { publications } of crowd.members) same(publications, expected);
}

function has(total: number) {
  return ({ publications }: Member) => publications.length >= total;
}

/** Cuts all connections at once, and publishes meanwhile. */
async function cut(
  stack: Stack,
  crowd: Crowd,
  channel: string,
  hop: TcpHop,
): Promise<void> {
  const publish = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      await callCentrifugo(stack, "publish", { channel, data: n });
    }
  };
  for (const member of crowd.members) forget(member);
  await publish(0, 10);
  await crowd.until("got what came before", has(10));
  hop.cut();
  await crowd.until("noticed the cut", ({ losses }) => losses.length === 1);
  await publish(10, 30);
  hop.mend();
  await publish(30, 40);
  await crowd.until("is back", ({ subscribed }) => subscribed.length === 1);
  await publish(40, 50);
  await crowd.until("got all", has(50));
  const expected = Array.from({ length: 50 }, (_, n) => n);
  for (const { publications, subscribed, losses } of crowd.members) {
    same(publications, expected);
    same(subscribed.map((it) => [it.wasRecovering, it.recovered]), [
      [true, true],
    ]);
    // Nobody said so: the connection has just ended.
    same(losses, [{ code: 1, reason: "transport closed" }]);
  }
}

/** Before what is tested next. */
function forget(member: Member): void {
  for (
    const list of [
      member.publications,
      member.subscribed,
      member.losses,
      member.attempts,
    ]
  ) list.length = 0;
}

/**
 * Restarts Centrifugo, which keeps its history in memory. So it can't give what
 * was missed, and says so; each page then takes it from the backend.
 */
async function restart(
  stack: Stack,
  crowd: Crowd,
  hop: TcpHop,
  alice: ChatUser,
): Promise<void> {
  const said: number[] = [];
  const say = async (count: number) => {
    for (let i = 0; i < count; i++) {
      said.push((await alice.say(ROOM, `message ${said.length}`)).id);
    }
  };
  const reloaded = new Map<Member, number[]>();
  // One after the other: not that many connections to a small backend.
  let reloads = Promise.resolve();
  for (const member of crowd.members) {
    forget(member);
    member.subscription.once("subscribed", ({ recovered }) => {
      if (recovered) return;
      reloads = reloads.then(async () => {
        reloaded.set(member, ids(await alice.messages(ROOM)));
      });
    });
  }
  await say(5);
  await crowd.until("got what came before", has(5));

  await stack.stop("centrifugo");
  hop.cut();
  await crowd.until("noticed the end", ({ losses }) => losses.length === 1);
  await say(5);
  await crowd.until("tried in vain", ({ attempts }) => attempts[0]?.failed);
  await stack.start("centrifugo");
  const up = performance.now();
  hop.mend();
  await say(5);
  await crowd.until("is back", ({ subscribed }) => subscribed.length === 1);
  await say(5);
  await crowd.until(
    "got the last message",
    ({ publications }) => ids(publications).at(-1) === said.at(-1),
  );
  await reloads;

  let last = 0;
  let backoff = 0;
  for (const member of crowd.members) {
    same(member.losses, [{ code: 3001, reason: "shutdown" }]);
    same(member.subscribed.map((it) => [it.wasRecovering, it.recovered]), [
      [true, false],
    ]);
    // What came by itself has no gap but the one that it was told of, and what
    // was reloaded closes that.
    const live = ids(member.publications);
    same(live.slice(0, 5), said.slice(0, 5));
    const since = said.indexOf(live[5] ?? NaN);
    ok(10 <= since && since <= 15, `back at message ${since}`);
    same(live.slice(5), said.slice(since));
    const before = reloaded.get(member)?.slice(0, since);
    same(before, said.slice(0, since));

    const late = member.attempts.filter(({ begun }) => begun > up);
    ok(late.every(({ failed }) => failed === false), "refused once it was up");
    // Centrifugo's client waits so long at the most, by its own account.
    const tries = member.attempts.length;
    const longest = Math.min(500 + 500 * 2 ** (tries - 1), 20_000);
    const took = member.subscribedAt - up;
    ok(took < longest + SLACK, `back after ${took} ms, ${tries} tries`);
    last = Math.max(last, took);
    backoff = Math.max(backoff, longest);
  }
  console.log(
    `the last of ${COUNT} is back ${seconds(last)} after Centrifugo; ` +
      `their own backoff is up to ${seconds(backoff)}`,
  );
}

function ids(messages: readonly unknown[]): number[] {
  return messages.map((it) => (it as ChatMessage).id);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
