/**
 * nginx's `ip_hash`: a client's network always has the same server.
 *
 * @module
 */
import { readAddress } from "../../route/address.ts";
import type { Balancer, Client, Peer, Usable } from "./method.ts";
import { smooth } from "./round_robin.ts";
import { MAX_MISSES, WeightRanges } from "./weight_ranges.ts";

/**
 * `ip_hash`: by the first three bytes of an IPv4 address, all 16 of an IPv6
 * address. Clients of a unix socket are one network.
 */
export class IpHash<P extends Peer> implements Balancer<P> {
  readonly #ranges: WeightRanges<P>;
  /** Made once: a pick is over before the next one begins. */
  readonly #bytes = new Uint8Array(16);

  constructor(readonly peers: readonly P[]) {
    this.#ranges = new WeightRanges(peers);
  }

  pick(client: Client, usable: Usable<P>): P | null {
    const bytes = this.#bytes;
    const length = readAddress(client.remoteAddr, bytes);
    const hashed = length === 16 ? 16 : 3;
    if (length === 0) bytes.fill(0, 0, hashed);
    const ranges = this.#ranges;
    let hash = 89;
    for (let misses = 0; misses <= MAX_MISSES; misses++) {
      for (let i = 0; i < hashed; i++) {
        hash = (hash * 113 + (bytes[i] as number)) % 6271;
      }
      const peer = ranges.at(hash % ranges.total);
      if (usable(peer)) return peer;
    }
    return smooth(this.peers, usable);
  }
}
