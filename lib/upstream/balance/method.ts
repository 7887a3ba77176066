/**
 * What every balancing method is: a choice among servers.
 *
 * @module
 */

/**
 * What a balancing method knows of a server. It belongs to the caller and
 * outlives the balancer: when the servers change, a new balancer is made of
 * the old peers and the new ones, and goes on where the last one was.
 */
export interface Peer {
  /**
   * `10.0.0.2:8000`, `backend:8000`, `[::1]:8000`, `unix:/run/x.sock`, spelt
   * alike by every proxy: `hash … consistent` places a server by it. Peers of
   * one name are one server to it, and take its requests in turn.
   */
  readonly name: string;
  /**
   * A whole number from 1. Less than the config says, and not whole, while the
   * server starts slowly (`slow_start`): round_robin and least_conn follow it
   * from pick to pick, the others took it when they were made.
   */
  readonly weight: number;
  /**
   * nginx's `effective_weight`, from 0, at first `weight`; what is above
   * `weight` does not count. A failure lowers it, by the caller; each pick that
   * considers the server raises it by 1 again.
   */
  effectiveWeight: number;
  /** nginx's `current_weight`, at first 0. Only the balancer changes it. */
  currentWeight: number;
  /** Requests in flight. The caller counts them. */
  active: number;
}

/** What a balancing method knows of a client. */
export interface Client {
  /** `$remote_addr`: IPv4, IPv6 without brackets, or `unix:`. */
  readonly remoteAddr: string;
  /** The rendered key of `hash KEY`, one character per byte; `""` otherwise. */
  readonly key: string;
  /** The value of the sticky cookie, null if there is none. */
  readonly cookie: string | null;
}

/**
 * Whether a server may be taken now: alive, not tried yet by this request,
 * below `max_conns`. A pick may ask for the same server several times and must
 * get the same answer.
 */
export type Usable<P extends Peer> = (peer: P) => boolean;

/** A balancing method at work on some servers. */
export interface Balancer<P extends Peer = Peer> {
  /**
   * The server for a request, null if none is usable. For the next try of the
   * same request it is called again, with what was tried no longer usable: the
   * methods that hash then go on along the same sequence of servers.
   */
  pick(client: Client, usable: Usable<P>): P | null;
}
