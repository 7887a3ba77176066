/**
 * The addresses behind the names of an upstream's servers, looked up again now
 * and then, so that a container that comes back elsewhere, or one more behind
 * the same name, is found without a restart.
 *
 * @module
 */
import type { UpstreamPlan, UpstreamServerPlan } from "../config/plan.ts";
import { parseAddress } from "../route/address.ts";

/** Milliseconds between two lookups that failures ask for. */
const PATIENCE = 500;

/** All addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/**
 * The system's own resolver (getaddrinfo), as it knows /etc/hosts and search
 * domains, which DNS servers don't. It is loaded at the first use: that takes
 * 10 ms.
 */
async function systemLookup(hostname: string): Promise<readonly string[]> {
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}

/**
 * There is no timer: names are looked up while requests come. The request that
 * finds them old does not wait for that.
 */
export class Names {
  readonly #servers: readonly { plan: UpstreamServerPlan; hostname: string }[];
  readonly #interval: number;
  readonly #found = new Map<UpstreamServerPlan, readonly string[]>();
  #lookedUp = -Infinity;
  #running: Promise<boolean> | null = null;
  #closed = false;

  /**
   * @param changed Gets the addresses of each name that has several. A name
   * with one is left to the connections, which look it up themselves.
   */
  constructor(
    plan: UpstreamPlan,
    readonly changed: (
      addresses: ReadonlyMap<UpstreamServerPlan, readonly string[]>,
    ) => void,
    readonly lookup: Lookup = systemLookup,
  ) {
    this.#interval = plan.resolve;
    // A certificate is for the name: there the connection needs it.
    const resolved = plan.resolve > 0 && plan.scheme === "http";
    this.#servers = resolved
      ? plan.servers.flatMap((server) => {
        const { address } = server;
        return address.transport === "tcp" &&
            parseAddress(address.hostname) === null
          ? [{ plan: server, hostname: address.hostname }]
          : [];
      })
      : [];
  }

  /** Looks the names up in the background if that was too long ago. */
  use(now: number): void {
    if (this.#servers.length === 0) return;
    if (now - this.#lookedUp < this.#interval) return;
    void this.#start(now);
  }

  /**
   * Looks the names up now, but not all the time. Never rejects.
   *
   * @returns Whether what was found differs from before.
   */
  async refresh(): Promise<boolean> {
    if (this.#servers.length === 0) return false;
    const now = performance.now();
    if (this.#running === null && now - this.#lookedUp < PATIENCE) return false;
    return await this.#start(now);
  }

  close(): void {
    this.#closed = true;
  }

  #start(now: number): Promise<boolean> {
    this.#lookedUp = now;
    this.#running ??= this.#lookUp().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #lookUp(): Promise<boolean> {
    let changed = false;
    await Promise.all(this.#servers.map(async ({ plan, hostname }) => {
      let addresses: readonly string[];
      try {
        addresses = [...new Set(await this.lookup(hostname))].sort();
      } catch {
        // What was known stays; a connection will say what is wrong.
        return;
      }
      if (addresses.length === 0) return;
      const before = this.#found.get(plan) ?? [];
      const several = addresses.length > 1 ? addresses : [];
      if (several.join() === before.join()) return;
      changed = true;
      if (several.length > 0) this.#found.set(plan, several);
      else this.#found.delete(plan);
    }));
    if (!changed || this.#closed) return false;
    this.changed(this.#found);
    return true;
  }
}
