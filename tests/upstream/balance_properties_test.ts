import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Client, Peer } from "../../lib/upstream/balance/method.ts";
import {
  type Balance,
  createBalancer,
} from "../../lib/upstream/balance/balancer.ts";
import { Sticky } from "../../lib/upstream/balance/sticky.ts";
import { always, ANYBODY, client, peer, peersOf } from "./balance_support.ts";

const METHODS: Balance[] = [
  { kind: "round_robin" },
  { kind: "least_conn" },
  { kind: "ip_hash" },
  { kind: "hash", consistent: false },
  { kind: "hash", consistent: true },
  { kind: "random", two: false },
  { kind: "random", two: true },
];

const anyClient: fc.Arbitrary<Client> = fc.record({
  remoteAddr: fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom("unix:", "", "1.2.3", "::g"),
  ),
  key: fc.oneof(fc.constant(""), fc.string()),
  cookie: fc.constantFrom(null, "", "0123456789abcdef"),
});

/** A peer in any state it can come into. */
const anyPeer: fc.Arbitrary<Peer> = fc.record({
  weight: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(50)),
  health: fc.double({ min: 0, max: 1, noNaN: true }),
  currentWeight: fc.integer({ min: -100, max: 100 }),
  active: fc.nat(20),
}).map(({ weight, health, currentWeight, active }) => ({
  name: "",
  weight,
  effectiveWeight: weight * health,
  currentWeight,
  active,
}));

const anyPeers = fc.array(anyPeer, { maxLength: 8 }).chain((peers) =>
  fc.record({
    peers: fc.constant(
      peers.map((peer, i) => ({ ...peer, name: `10.0.0.${i}:8000` })),
    ),
    rounds: fc.array(
      fc.tuple(
        anyClient,
        fc.array(fc.boolean(), {
          minLength: peers.length,
          maxLength: peers.length,
        }),
      ),
      { minLength: 1, maxLength: 20 },
    ),
  })
);

for (const balance of METHODS) {
  const { kind, ...rest } = balance;
  const title = [kind, ...Object.entries(rest).map((pair) => pair.join(" "))]
    .join(", ");
  Deno.test(`${title}: takes a usable server whenever there is one`, () => {
    fc.assert(
      fc.property(anyPeers, fc.boolean(), ({ peers, rounds }, sticky) => {
        const plain = createBalancer(balance, peers);
        const balancer = sticky ? new Sticky(plain, peers) : plain;
        for (const [client, states] of rounds) {
          const usable = (peer: Peer) => states[peers.indexOf(peer)] === true;
          const taken = balancer.pick(client, usable);
          if (taken === null) strictEqual(peers.some(usable), false);
          else ok(peers.includes(taken) && usable(taken));
        }
        for (const { effectiveWeight, weight, currentWeight } of peers) {
          ok(effectiveWeight <= weight && Number.isFinite(currentWeight));
        }
      }),
      { numRuns: 500 },
    );
  });

  Deno.test(`${title}: tried again, a request reaches every server once`, () => {
    fc.assert(
      fc.property(anyPeers, anyClient, ({ peers }, client) => {
        const balancer = createBalancer(balance, peers);
        const tried = new Set<Peer>();
        for (let i = 0; i < peers.length; i++) {
          const taken = balancer.pick(client, (peer) => !tried.has(peer));
          ok(taken !== null && !tried.has(taken));
          tried.add(taken);
        }
        strictEqual(balancer.pick(client, (peer) => !tried.has(peer)), null);
      }),
      { numRuns: 300 },
    );
  });
}

for (const consistent of [false, true]) {
  Deno.test(`hash${consistent ? " consistent" : ""}: a key stays with its server`, () => {
    fc.assert(
      fc.property(anyPeers, fc.string({ minLength: 1 }), ({ peers }, key) => {
        fc.pre(peers.length > 0);
        const balancer = createBalancer({ kind: "hash", consistent }, peers);
        const first = balancer.pick(client({ key }), always);
        balancer.pick(client({ key: `other ${key}` }), always);
        strictEqual(balancer.pick(client({ key }), always), first);
      }),
      { numRuns: 300 },
    );
  });
}

Deno.test("ip_hash: the addresses of a /24 network have one server", () => {
  const balancer = createBalancer({ kind: "ip_hash" }, peersOf([2, 1, 3]));
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(255), (remoteAddr, last) => {
      const neighbour = remoteAddr.replace(/\d+$/, String(last));
      strictEqual(
        balancer.pick(client({ remoteAddr }), always),
        balancer.pick(client({ remoteAddr: neighbour }), always),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("least_conn: takes the fewest in flight for the weight", () => {
  fc.assert(
    fc.property(fc.array(anyPeer, { minLength: 1, maxLength: 8 }), (peers) => {
      const taken = createBalancer({ kind: "least_conn" }, peers)
        .pick(ANYBODY, always);
      const load = (peer: Peer) => peer.active / peer.weight;
      strictEqual(load(taken ?? peer("")), Math.min(...peers.map(load)));
    }),
  );
});

Deno.test("least_conn: where one has the fewest, no weight changes", () => {
  const peers = peersOf([2, 2, 2]);
  // The first two tie until the third is seen.
  peers.forEach((peer, i) => Object.assign(peer, { active: [2, 2, 1][i] }));
  for (const peer of peers) peer.effectiveWeight = 1;
  const balancer = createBalancer({ kind: "least_conn" }, peers);
  strictEqual(balancer.pick(ANYBODY, always), peers[2]);
  for (const { effectiveWeight, currentWeight } of peers) {
    strictEqual(effectiveWeight, 1);
    strictEqual(currentWeight, 0);
  }
});

Deno.test("random: draws 21 times at most, then goes by round robin", () => {
  const peers = peersOf([1, 1, 1]);
  for (const [misses, expected] of [[20, 2], [21, 1]] as const) {
    let draws = 0;
    const random = () => draws++ < misses ? 0 : 0.9;
    const balancer = createBalancer(
      { kind: "random", two: false },
      peers,
      random,
    );
    const taken = balancer.pick(ANYBODY, (peer) => peer !== peers[0]);
    strictEqual(taken, peers[expected]);
    strictEqual(draws, 21);
  }
});

Deno.test("random two: takes the one of two with fewer in flight for its weight", () => {
  const peers = peersOf([1, 4, 1]);
  const draws: number[] = [];
  const balancer = createBalancer(
    { kind: "random", two: true },
    peers,
    () => (draws.shift() ?? 0) / 6,
  );
  const pickOf = (drawn: number[], ...active: number[]) => {
    draws.push(...drawn);
    active.forEach((count, i) => (peers[i] as Peer).active = count);
    const taken = balancer.pick(ANYBODY, always);
    strictEqual(draws.length, 0);
    return peers.findIndex((peer) => peer === taken);
  };
  strictEqual(pickOf([0, 1], 2, 7, 0), 1);
  strictEqual(pickOf([0, 4], 2, 8, 0), 1);
  strictEqual(pickOf([0, 4], 2, 9, 0), 0);
  strictEqual(pickOf([5, 5, 0], 1, 0, 0), 2);
});

Deno.test("no server at all: nothing is picked", () => {
  for (const balance of METHODS) {
    strictEqual(createBalancer(balance, []).pick(ANYBODY, always), null);
  }
});
