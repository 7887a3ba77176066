/**
 * What is asked of a balancing method and of nginx alike: servers, clients, and
 * which servers each client's request goes to.
 *
 * @module
 */
import type { Client, Peer } from "../../lib/upstream/balance/method.ts";
import {
  type Balance,
  createBalancer,
} from "../../lib/upstream/balance/balancer.ts";
import { peer } from "./balance_support.ts";

/** A server, and what it does to a request. */
export interface Server {
  readonly name: string;
  readonly weight: number;
  /** `down` in the config: it counts in the hashes, and gets nothing. */
  readonly down?: boolean;
  /** Whether it answers; otherwise its connections are refused. */
  readonly answers?: boolean;
  /** nginx's `max_fails`, 0 for any number; `fail_timeout` is without end. */
  readonly maxFails?: number;
}

/** Requests of some clients, one after the other, to some servers. */
export interface Scenario {
  readonly title: string;
  readonly balance: Balance;
  readonly servers: readonly Server[];
  readonly clients: readonly Client[];
  /** Whether a refused request is tried again, until all are tried. */
  readonly retry?: boolean;
}

/** The letter of a server in what {@link ourPicks} and the vectors say. */
export function letter(index: number): string {
  return String.fromCharCode(0x61 + index);
}

/**
 * The servers that each client's request is sent to, each a letter: `"b"`, or
 * `"bca"` where it was tried again.
 */
export function ourPicks(scenario: Scenario): string[] {
  const { servers } = scenario;
  const peers = servers.map(({ name, weight }) => peer(name, weight));
  const fails = servers.map(() => 0);
  const balancer = createBalancer(scenario.balance, peers);
  return scenario.clients.map((client) => {
    let picked = "";
    const usable = (candidate: Peer) => {
      const i = peers.indexOf(candidate);
      const { down, maxFails = 0 } = servers[i] as Server;
      return !down && !picked.includes(letter(i)) &&
        (maxFails === 0 || (fails[i] as number) < maxFails);
    };
    for (;;) {
      const taken = balancer.pick(client, usable);
      if (taken === null) return picked;
      const i = peers.indexOf(taken);
      picked += letter(i);
      const { answers, maxFails = 0 } = servers[i] as Server;
      if (!answers && maxFails > 0) {
        // As nginx does when a request has failed.
        fails[i] = (fails[i] as number) + 1;
        const lower = taken.effectiveWeight -
          Math.floor(taken.weight / maxFails);
        taken.effectiveWeight = Math.max(0, lower);
      }
      if (answers || !scenario.retry) return picked;
    }
  });
}
