/**
 * Over many picks each method gives the servers what their weights say.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import type { Client, Peer } from "../../lib/upstream/balance/method.ts";
import {
  type Balance,
  createBalancer,
} from "../../lib/upstream/balance/balancer.ts";
import { always, ANYBODY, client, peersOf, seeded } from "./balance_support.ts";

const PICKS = 100_000;

/** Fails if a server's share is 2 % of its ideal away from it. */
function assertShares(counts: readonly number[], ideals: readonly number[]) {
  const total = ideals.reduce((sum, ideal) => sum + ideal, 0);
  counts.forEach((count, i) => {
    const ideal = PICKS * (ideals[i] as number) / total;
    const off = Math.abs(count - ideal) / ideal;
    ok(off <= 0.02, `server ${i}: ${count} of ${ideal} picks`);
  });
}

/**
 * How often each peer was taken.
 *
 * @param inFlight How many requests are kept in flight; any of them ends next.
 */
function count(
  balance: Balance,
  peers: readonly Peer[],
  next: () => Client,
  inFlight = 0,
): number[] {
  const balancer = createBalancer(balance, peers, seeded(1));
  const counts = new Map(peers.map((peer) => [peer, 0]));
  const running: Peer[] = [];
  const ending = seeded(5);
  for (let i = 0; i < PICKS; i++) {
    const peer = balancer.pick(next(), always);
    if (peer === null) throw new Error("nothing was picked");
    counts.set(peer, (counts.get(peer) ?? 0) + 1);
    if (inFlight === 0) continue;
    peer.active++;
    running.push(peer);
    if (running.length < inFlight) continue;
    for (const ended of running.splice(ending() * inFlight, 1)) ended.active--;
  }
  return [...counts.values()];
}

const WEIGHTS = [[1, 1], [1, 1, 1], [5, 1, 1], [4, 3, 2, 1], [7, 2, 3, 3, 5]];

function testShares(
  name: string,
  balance: Balance,
  next: () => Client,
  inFlight = 0,
) {
  Deno.test(`${name} comes within 2 % of the weights`, () => {
    for (const weights of WEIGHTS) {
      const counts = count(balance, peersOf(weights), next, inFlight);
      assertShares(counts, weights);
    }
  });
}

const random = seeded(2);
const octet = () => Math.floor(random() * 256);
const ipv4 = () =>
  client({ remoteAddr: `${octet()}.${octet()}.${octet()}.${octet()}` });
const hex = () => Math.floor(random() * 65536).toString(16);
const ipv6 = () =>
  client({ remoteAddr: `2001:db8:${hex()}:${hex()}:${hex()}:${hex()}::1` });
let number = 0;
const keys = () => client({ key: `/item/${number++}` });

testShares("round_robin", { kind: "round_robin" }, () => ANYBODY);
testShares("least_conn", { kind: "least_conn" }, () => ANYBODY, 420);
testShares("ip_hash of IPv4", { kind: "ip_hash" }, ipv4);
testShares("ip_hash of IPv6", { kind: "ip_hash" }, ipv6);
testShares("hash", { kind: "hash", consistent: false }, keys);
testShares("random", { kind: "random", two: false }, () => ANYBODY);

Deno.test("random two comes within 2 % of an even share among equals", () => {
  for (const inFlight of [0, 60]) {
    const peers = peersOf([1, 1, 1, 1, 1]);
    const counts = count(
      { kind: "random", two: true },
      peers,
      () => ANYBODY,
      inFlight,
    );
    assertShares(counts, [1, 1, 1, 1, 1]);
  }
});

Deno.test("random two comes within 2 % of what two draws give unequal idle servers", () => {
  const weights = [4, 3, 2, 1];
  const total = 10;
  // It takes the second of the two: any but the first, by weight.
  const ideals = weights.map((weight, i) =>
    weights.reduce(
      (sum, first, j) =>
        j === i ? sum : sum + first / total * weight / (total - first),
      0,
    )
  );
  const two = { kind: "random", two: true } as const;
  assertShares(count(two, peersOf(weights), () => ANYBODY), ideals);
});

Deno.test("random two keeps the fullest server less full than random", () => {
  const fullest = (two: boolean) => {
    const peers = peersOf(Array.from({ length: 10 }, () => 1));
    const balancer = createBalancer({ kind: "random", two }, peers, seeded(3));
    const running: Peer[] = [];
    let most = 0;
    for (let i = 0; i < 10_000; i++) {
      const peer = balancer.pick(ANYBODY, always);
      if (peer === null) throw new Error("nothing was picked");
      most = Math.max(most, ++peer.active);
      running.push(peer);
      const ended = running.length > 100 ? running.shift() : undefined;
      if (ended !== undefined) ended.active--;
    }
    return most;
  };
  // 10 each on average.
  ok(fullest(true) <= 14, `${fullest(true)}`);
  ok(fullest(false) >= 20, `${fullest(false)}`);
});
