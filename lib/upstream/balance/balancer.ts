/**
 * Which server of an upstream takes a request: nginx's balancing methods.
 *
 * @module
 */
import { ConsistentHash } from "./consistent_hash.ts";
import { IpHash } from "./ip_hash.ts";
import { KeyHash } from "./key_hash.ts";
import { LeastConn } from "./least_conn.ts";
import type { Balancer, Peer } from "./method.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round_robin.ts";

/** A balancing method: `least_conn`, `hash KEY consistent`. */
export type Balance =
  | { kind: "round_robin" }
  | { kind: "least_conn" }
  | { kind: "ip_hash" }
  | { kind: "hash"; consistent: boolean }
  /** `two` is `random two least_conn`. */
  | { kind: "random"; two: boolean };

/**
 * A balancer of these servers.
 *
 * @param peers In the order of the config, which decides ties.
 * @param random From 0, below 1; for tests.
 */
export function createBalancer<P extends Peer>(
  balance: Balance,
  peers: readonly P[],
  random: () => number = Math.random,
): Balancer<P> {
  // With one server all methods are the same, and there is nothing to keep.
  if (peers.length < 2) return new RoundRobin(peers);
  switch (balance.kind) {
    case "round_robin":
      return new RoundRobin(peers);
    case "least_conn":
      return new LeastConn(peers);
    case "ip_hash":
      return new IpHash(peers);
    case "hash":
      return balance.consistent
        ? new ConsistentHash(peers)
        : new KeyHash(peers);
    case "random":
      return new Random(peers, balance.two, random);
  }
}
