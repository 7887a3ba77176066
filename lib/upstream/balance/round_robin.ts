/**
 * nginx's smooth weighted round robin: servers of weight 5, 1 and 1 take
 * `a a b a c a a`, not `a a a a a b c`.
 *
 * @module
 */
import type { Balancer, Client, Peer, Usable } from "./method.ts";

/** The default method, and what the others fall back on. */
export class RoundRobin<P extends Peer> implements Balancer<P> {
  constructor(readonly peers: readonly P[]) {}

  pick(_client: Client, usable: Usable<P>): P | null {
    const { peers } = this;
    if (peers.length !== 1) return smooth(peers, usable);
    const only = peers[0];
    return only !== undefined && usable(only) ? only : null;
  }
}

/**
 * One pick: each usable server's current weight grows by its effective weight;
 * the greatest, of equals the first, is taken and gives back what all of them
 * got.
 */
export function smooth<P extends Peer>(
  peers: readonly P[],
  usable: Usable<P>,
): P | null {
  let best: P | null = null;
  let total = 0;
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i] as P;
    if (!usable(peer)) continue;
    total += advance(peer);
    if (best === null || peer.currentWeight > best.currentWeight) best = peer;
  }
  if (best !== null) best.currentWeight -= total;
  return best;
}

/**
 * Adds a server's effective weight to its current weight, then lets the
 * effective weight recover from failures.
 *
 * @returns What was added.
 */
export function advance(peer: Peer): number {
  const { effectiveWeight, weight } = peer;
  if (effectiveWeight < weight) {
    peer.effectiveWeight = Math.min(weight, effectiveWeight + 1);
  }
  const added = Math.min(weight, effectiveWeight);
  peer.currentWeight += added;
  return added;
}
