/**
 * nginx's `sticky cookie`: a client stays with the server that its cookie
 * names.
 *
 * @module
 */
import { utf8Bytes } from "../../route/bytes.ts";
import type { Balancer, Client, Peer, Usable } from "./method.ts";

/** A balancer that heeds the cookie, and otherwise asks another. */
export class Sticky<P extends Peer> implements Balancer<P> {
  readonly #peers = new Map<string, P>();
  readonly #values = new Map<P, string>();

  /**
   * @param balancer For clients without a cookie, and those whose server is
   * not there or not usable.
   * @param identity What makes a server the one it is: the same in every
   * worker and proxy, another for each server. Its name, where hosts have one
   * address each.
   */
  constructor(
    readonly balancer: Balancer<P>,
    peers: readonly P[],
    identity: (peer: P) => string = (peer) => peer.name,
  ) {
    for (const peer of peers) {
      const value = cookieValue(identity(peer));
      this.#values.set(peer, value);
      this.#peers.set(value, peer);
    }
  }

  pick(client: Client, usable: Usable<P>): P | null {
    if (client.cookie !== null) {
      const peer = this.#peers.get(client.cookie);
      if (peer !== undefined && usable(peer)) return peer;
    }
    return this.balancer.pick(client, usable);
  }

  /**
   * The value to set the client's cookie to, now that `peer` answers it; null
   * if it has that value already.
   */
  cookieToSet(client: Client, peer: P): string | null {
    const value = this.#values.get(peer) ?? null;
    return value === client.cookie ? null : value;
  }
}

/**
 * FNV-1a of 64 bits in hexadecimal, 16 digits. It keeps addresses out of sight;
 * it does not keep them secret from who tries out all that there are.
 */
function cookieValue(identity: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of utf8Bytes(identity)) {
    hash ^= BigInt(byte.charCodeAt(0));
    hash = BigInt.asUintN(64, hash * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
