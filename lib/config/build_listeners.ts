/**
 * The listeners of a plan: the servers by their addresses.
 *
 * @module
 */
import { compileServers } from "../route/server.ts";
import { listenKey } from "./address.ts";
import type { Listen } from "./directives/listen.ts";
import type {
  AcmePlan,
  Certificate,
  CommonPlan,
  ListenAddress,
  ListenerPlan,
  ServerPlan,
} from "./plan.ts";

/** A server, and where it is reached. */
export interface PlacedServer {
  readonly server: ServerPlan;
  readonly names: string[];
  readonly listen: readonly Listen[];
  /** For each listen with ssl. */
  readonly certificate: Certificate | null;
  /** How it is to be had. */
  readonly acme: AcmePlan | null;
}

/** One listener for each address, with the servers of that address in the file's order. */
export function buildListeners(
  servers: readonly PlacedServer[],
  common: CommonPlan,
): ListenerPlan[] {
  const listeners = new Map<string, {
    address: ListenAddress;
    written: string;
    certificate: Certificate | null;
    entries: { names: string[]; server: ServerPlan }[];
  }>();
  for (const { server, names, listen, certificate } of servers) {
    for (const { address, ssl, written } of listen) {
      const identity = listenKey(address);
      const listener = listeners.get(identity) ?? {
        address,
        written,
        certificate: ssl ? certificate : null,
        entries: [],
      };
      listener.entries.push({ names, server });
      listeners.set(identity, listener);
    }
  }
  return [...listeners.values()].map(({ entries, ...listener }) => ({
    ...listener,
    servers: compileServers(entries),
    common,
  }));
}
