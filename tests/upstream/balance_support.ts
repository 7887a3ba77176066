/**
 * Peers and clients for the tests of the balancing methods.
 *
 * @module
 */
import type { Client, Peer } from "../../lib/upstream/balance/method.ts";

/** Peers of these weights, called `127.0.0.1:8000`, `127.0.0.2:8000`… */
export function peersOf(weights: readonly number[]): Peer[] {
  return weights.map((weight, i) => peer(`127.0.0.${i + 1}:8000`, weight));
}

/** A peer that has not been used yet. */
export function peer(name: string, weight = 1): Peer {
  return { name, weight, effectiveWeight: weight, currentWeight: 0, active: 0 };
}

/** A client of whom only this is known. */
export function client(known: Partial<Client>): Client {
  return { remoteAddr: "127.0.0.1", key: "", cookie: null, ...known };
}

export const ANYBODY: Client = client({});

export const always = () => true;

/** Numbers from 0, below 1, the same ones for the same seed: mulberry32. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
