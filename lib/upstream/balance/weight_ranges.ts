/**
 * Servers laid end to end on a line, each as long as its weight.
 *
 * @module
 */
import type { Peer } from "./method.ts";

/** Finds the server at a point of the line. */
export class WeightRanges<P extends Peer> {
  /** The length of the line: the sum of the weights. */
  readonly total: number;
  readonly #starts: Uint32Array;

  constructor(readonly peers: readonly P[]) {
    this.#starts = new Uint32Array(peers.length);
    let total = 0;
    peers.forEach((peer, i) => {
      this.#starts[i] = total;
      total += peer.weight;
    });
    this.total = total;
  }

  /** The server at a point, from 0, below `total`. */
  at(point: number): P {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (point < (starts[middle] as number)) high = middle;
      else low = middle;
    }
    return this.peers[low] as P;
  }
}

/**
 * How often a method that draws servers draws one that can't be used, before
 * the next one goes by round robin: as in nginx. Servers that the request was
 * sent to before count too, which nginx counts from their second time on.
 */
export const MAX_MISSES = 20;
