/**
 * nginx's `random` and `random two least_conn`.
 *
 * @module
 */
import type { Balancer, Client, Peer, Usable } from "./method.ts";
import { compareLoad } from "./least_conn.ts";
import { smooth } from "./round_robin.ts";
import { MAX_MISSES, WeightRanges } from "./weight_ranges.ts";

/**
 * `random`: any server, as often as its weight says. With `two`, two are drawn
 * and the one with fewer requests in flight for its weight is taken; of equals
 * the second.
 */
export class Random<P extends Peer> implements Balancer<P> {
  readonly #ranges: WeightRanges<P>;

  constructor(
    readonly peers: readonly P[],
    readonly two: boolean,
    readonly random: () => number,
  ) {
    this.#ranges = new WeightRanges(peers);
  }

  pick(_client: Client, usable: Usable<P>): P | null {
    const ranges = this.#ranges;
    let first: P | null = null;
    for (let misses = 0; misses <= MAX_MISSES;) {
      const peer = ranges.at(Math.floor(this.random() * ranges.total));
      if (peer === first || !usable(peer)) misses++;
      else if (!this.two) return peer;
      else if (first === null) first = peer;
      else return compareLoad(peer, first) > 0 ? first : peer;
    }
    return smooth(this.peers, usable);
  }
}
