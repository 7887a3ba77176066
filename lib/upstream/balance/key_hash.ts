/**
 * nginx's `hash KEY`: a key always has the same server, as long as the servers
 * stay the same.
 *
 * @module
 */
import type { Balancer, Client, Peer, Usable } from "./method.ts";
import { CRC32_START, crc32Bytes, crc32End } from "./crc32.ts";
import { smooth } from "./round_robin.ts";
import { MAX_MISSES, WeightRanges } from "./weight_ranges.ts";

/**
 * `hash KEY`: compatible with Cache::Memcached, like nginx's. An empty key goes
 * by round robin.
 */
export class KeyHash<P extends Peer> implements Balancer<P> {
  readonly #ranges: WeightRanges<P>;

  constructor(readonly peers: readonly P[]) {
    this.#ranges = new WeightRanges(peers);
  }

  pick({ key }: Client, usable: Usable<P>): P | null {
    if (key === "") return smooth(this.peers, usable);
    const ranges = this.#ranges;
    let hash = 0;
    for (let misses = 0; misses <= MAX_MISSES; misses++) {
      // A further try hashes "1KEY", "2KEY"… and adds that to what it had.
      const state = misses === 0
        ? CRC32_START
        : crc32Bytes(CRC32_START, NUMBERS[misses] as string);
      hash += (crc32End(crc32Bytes(state, key)) >>> 16) & 0x7fff;
      const peer = ranges.at(hash % ranges.total);
      if (usable(peer)) return peer;
    }
    return smooth(this.peers, usable);
  }
}

const NUMBERS = Array.from({ length: MAX_MISSES + 1 }, (_, i) => String(i));
