/**
 * nginx's `hash KEY consistent` (ketama): when a server leaves, only its keys
 * move; proxies with the same servers agree, in whatever order they list them.
 *
 * @module
 */
import { utf8Bytes } from "../../route/bytes.ts";
import type { Balancer, Client, Peer, Usable } from "./method.ts";
import { CRC32_START, crc32Byte, crc32Bytes, crc32End } from "./crc32.ts";
import { smooth } from "./round_robin.ts";
import { MAX_MISSES } from "./weight_ranges.ts";

/** Points on the ring for each unit of weight. */
const POINTS = 160;

/**
 * `hash KEY consistent`: compatible with Cache::Memcached::Fast, like nginx's.
 * An empty key goes by round robin.
 */
export class ConsistentHash<P extends Peer> implements Balancer<P> {
  /** Where the points are on the ring, ascending. */
  readonly #points: Uint32Array;
  /** For each point the index of its server in `#servers`. */
  readonly #owners: Uint32Array;
  /** The peers of each name. */
  readonly #servers: readonly (readonly P[])[];

  constructor(readonly peers: readonly P[]) {
    const servers = Map.groupBy(peers, (peer) => peer.name);
    this.#servers = [...servers.values()];
    const points = ringOf(servers);
    this.#points = new Uint32Array(points.length);
    this.#owners = new Uint32Array(points.length);
    points.forEach((point, i) => {
      this.#points[i] = Math.floor(point / OWNERS);
      this.#owners[i] = point % OWNERS;
    });
  }

  pick({ key }: Client, usable: Usable<P>): P | null {
    if (key === "") return smooth(this.peers, usable);
    const count = this.#points.length;
    let at = this.#find(crc32End(crc32Bytes(CRC32_START, key)));
    for (let misses = 0; misses <= MAX_MISSES; misses++, at++) {
      const owner = this.#owners[at % count] as number;
      const peer = smooth(this.#servers[owner] as readonly P[], usable);
      if (peer !== null) return peer;
    }
    return smooth(this.peers, usable);
  }

  /** The first point at or after a hash, the number of points if none is. */
  #find(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The points of all servers in ascending order, each `hash * OWNERS + server`:
 * a number that sorts by hash, and of equal hashes the first server first.
 */
function ringOf(servers: ReadonlyMap<string, readonly Peer[]>): Float64Array {
  const sizes = [...servers.values()].map((peers) =>
    POINTS * Math.max(...peers.map((peer) => peer.weight))
  );
  const all = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  let filled = 0;
  [...servers.keys()].forEach((name, server) => {
    const base = nameState(name);
    let hash = 0;
    for (let i = sizes[server] ?? 0; i > 0; i--) {
      let state = base;
      for (let shift = 0; shift < 32; shift += 8) {
        state = crc32Byte(state, (hash >>> shift) & 255);
      }
      hash = crc32End(state);
      all[filled++] = hash * OWNERS + server;
    }
  });
  return all.sort();
}

/** With a hash of 32 bits it makes a whole number a double holds exactly. */
const OWNERS = 2 ** 21;

/** The CRC of `HOST \0 PORT`, to which the previous point is added. */
function nameState(name: string): number {
  const [, host = name, port = ""] = /^unix:(.*)$/s.exec(name) ??
    /^(.*):(\d*)$/s.exec(name) ?? [];
  const state = crc32Byte(crc32Bytes(CRC32_START, utf8Bytes(host)), 0);
  return crc32Bytes(state, port);
}
