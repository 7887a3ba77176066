/**
 * Weights that are not what the config says: after failures, and in
 * `slow_start`.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type {
  Balancer,
  Peer,
  Usable,
} from "../../lib/upstream/balance/method.ts";
import { createBalancer } from "../../lib/upstream/balance/balancer.ts";
import { always, ANYBODY, peer, peersOf } from "./balance_support.ts";

/**
 * How often of 900 times the first peer is taken.
 *
 * @param inFlight How many requests are kept in flight; the oldest ends first.
 */
function picksOfFirst(
  balancer: Balancer,
  [first]: readonly Peer[],
  { usable = always, inFlight = 0 }: {
    usable?: Usable<Peer>;
    inFlight?: number;
  },
): number {
  const running: Peer[] = [];
  let count = 0;
  for (let i = 0; i < 900; i++) {
    const taken = balancer.pick(ANYBODY, usable);
    ok(taken !== null);
    if (taken === first) count++;
    taken.active++;
    running.push(taken);
    const ended = running.length > inFlight ? running.shift() : undefined;
    if (ended !== undefined) ended.active--;
  }
  for (const ended of running) ended.active--;
  return count;
}

Deno.test("an effective weight recovers by 1 with each pick, to the weight", () => {
  const peers = peersOf([3, 1]);
  const [failed] = peers;
  ok(failed !== undefined);
  failed.effectiveWeight = 0.5;
  const balancer = createBalancer({ kind: "round_robin" }, peers);
  for (const recovered of [1.5, 2.5, 3, 3]) {
    balancer.pick(ANYBODY, always);
    strictEqual(failed.effectiveWeight, recovered);
  }
});

Deno.test("an effective weight set in usable is the one that counts", () => {
  const peers = peersOf([4, 4]);
  const balancer = createBalancer({ kind: "round_robin" }, peers);
  const usable = (candidate: Peer) => {
    if (candidate === peers[0]) candidate.effectiveWeight = 0.5;
    return true;
  };
  strictEqual(picksOfFirst(balancer, peers, { usable }), 100);
});

for (const kind of ["round_robin", "least_conn"] as const) {
  Deno.test(`${kind}: a server that starts slowly gets its share of the moment`, () => {
    let weight = 0.5;
    const starting: Peer = {
      ...peer("starting", 4),
      get weight() {
        return weight;
      },
    };
    const peers = [starting, peer("other", 4)];
    const balancer = createBalancer({ kind }, peers);
    const counts = [0.5, 2, 4].map((now) => {
      weight = now;
      const inFlight = kind === "least_conn" ? 36 : 0;
      return picksOfFirst(balancer, peers, { inFlight });
    });
    deepStrictEqual(counts.map((count) => Math.round(count / 25)), [4, 12, 18]);
  });
}
