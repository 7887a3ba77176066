/**
 * nginx's `least_conn`: the server with the fewest requests in flight for its
 * weight.
 *
 * @module
 */
import type { Balancer, Client, Peer, Usable } from "./method.ts";
import { advance } from "./round_robin.ts";

/** `least_conn`. Between equals it goes by smooth weighted round robin. */
export class LeastConn<P extends Peer> implements Balancer<P> {
  constructor(readonly peers: readonly P[]) {}

  pick(_client: Client, usable: Usable<P>): P | null {
    const { peers } = this;
    let best: P | null = null;
    let tied = false;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as P;
      if (!usable(peer)) continue;
      const order = best === null ? -1 : compareLoad(peer, best);
      if (order < 0) {
        best = peer;
        tied = false;
      } else if (order === 0) tied = true;
    }
    if (best === null || !tied) return best;
    let total = 0;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as P;
      if (compareLoad(peer, best) !== 0 || !usable(peer)) continue;
      total += advance(peer);
      if (peer.currentWeight > best.currentWeight) best = peer;
    }
    best.currentWeight -= total;
    return best;
  }
}

/**
 * Negative if `a` has fewer requests in flight for its weight than `b`, 0 if
 * as many. Multiplied out, so that equals are equal.
 */
export function compareLoad(a: Peer, b: Peer): number {
  return a.active * b.weight - b.active * a.weight;
}
