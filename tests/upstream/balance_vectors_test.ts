import { deepStrictEqual } from "node:assert/strict";
import { createBalancer } from "../../lib/upstream/balance/balancer.ts";
import { ourPicks } from "./balance_scenario.ts";
import { always, ANYBODY, peer, peersOf } from "./balance_support.ts";
import { picksOf, VECTORS } from "./balance_vectors.ts";

Deno.test("each method takes the servers that nginx takes", async (t) => {
  for (const vector of VECTORS) {
    await t.step(vector.title, () => {
      deepStrictEqual(ourPicks(vector), picksOf(vector));
    });
  }
});

Deno.test("a new balancer of the same peers goes on where the old one was", () => {
  const peers = peersOf([5, 1, 1]);
  const picks = Array.from({ length: 14 }, () => {
    const balancer = createBalancer({ kind: "round_robin" }, peers);
    return peers.indexOf(balancer.pick(ANYBODY, always) ?? peer("none"));
  });
  deepStrictEqual(picks, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
});
