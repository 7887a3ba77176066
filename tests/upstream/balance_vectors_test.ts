import { deepStrictEqual, strictEqual } from "node:assert/strict";
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

Deno.test("an effective weight recovers by 1 with each pick, to the weight", () => {
  const peers = peersOf([3, 1]);
  const [failed] = peers;
  if (failed === undefined) throw new Error("no peer");
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
  const [starting] = peers;
  let picked = 0;
  for (let i = 0; i < 1100; i++) {
    const taken = balancer.pick(ANYBODY, (candidate) => {
      if (candidate === starting) candidate.effectiveWeight = 0.4;
      return true;
    });
    if (taken === starting) picked++;
  }
  strictEqual(picked, 100);
});
