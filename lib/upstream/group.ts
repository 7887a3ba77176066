/**
 * The servers of an upstream, at run time: which one takes the next request.
 *
 * @module
 */
import type {
  UpstreamAddress,
  UpstreamPlan,
  UpstreamServerPlan,
} from "../config/plan.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import type { ServerMetrics } from "../observe/metrics/server_metrics.ts";
import type { Transport } from "../transport/transport.ts";
import type { Balancer, Client } from "./balance/method.ts";
import { createBalancer } from "./balance/balancer.ts";
import { Sticky } from "./balance/sticky.ts";
import { type Lookup, Names } from "./names.ts";
import { UpstreamServer } from "./server.ts";

export { UpstreamServer } from "./server.ts";

/** Why no server takes a request: each has failed, was tried or is down; or each has `max_conns`. */
export type NoServer = "none" | "busy";

/** Makes the way to a server, of which perhaps is counted how it is. */
export type Connect = (
  address: UpstreamAddress,
  metrics: ServerMetrics | null,
) => Transport;

/** One upstream of the plan. */
export class UpstreamGroup {
  readonly #connect: Connect;
  readonly #metrics: Metrics | null;
  readonly #names: Names;
  readonly #watches: (() => void)[] = [];
  readonly #slowStart: boolean;
  /** Finds the sticky cookie. */
  readonly #cookie: RegExp;
  #servers: readonly UpstreamServer[] = [];
  #primary: Balancer<UpstreamServer>;
  #backup: Balancer<UpstreamServer>;
  #sticky: Sticky<UpstreamServer> | null = null;

  // What `usable` looks at: set for each pick, so that none makes a closure.
  #tried: ReadonlySet<UpstreamServer> | null = null;
  #now = 0;
  #anyway = false;

  /** How many use it: the plan, and each exchange that has picked from it. */
  #users = 1;

  /**
   * @param connect Makes the way to a server.
   * @param lookup In place of the system's resolver.
   * @param metrics Counts how its servers are; null for nothing.
   */
  constructor(
    readonly plan: UpstreamPlan,
    connect: Connect,
    lookup?: Lookup,
    metrics: Metrics | null = null,
  ) {
    this.#connect = connect;
    this.#metrics = metrics;
    const name = plan.sticky?.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    this.#cookie = new RegExp(`(?:^|[;,]) *${name}=([0-9a-f]*)`);
    this.#slowStart = plan.servers.some(({ slowStart }) => slowStart > 0);
    this.#names = new Names(
      plan,
      (addresses) => this.#place(addresses),
      lookup,
    );
    this.#primary = this.#backup = this.#balancer([]);
    this.#place(new Map());
  }

  get servers(): readonly UpstreamServer[] {
    return this.#servers;
  }

  /**
   * Takes a server for an exchange; whoever gets one has to release it.
   *
   * @param tried Those that this request has had.
   * @param now Milliseconds, of a clock that only goes forward.
   */
  pick(
    client: Client,
    tried: ReadonlySet<UpstreamServer> | null,
    now: number,
  ): UpstreamServer | NoServer {
    this.#names.use(now);
    const server = this.#choose(client, tried, now);
    if (typeof server !== "string") server.take(now, this.#anyway);
    return server;
  }

  #choose(
    client: Client,
    tried: ReadonlySet<UpstreamServer> | null,
    now: number,
  ): UpstreamServer | NoServer {
    this.#anyway = false;
    const [only] = this.#servers;
    if (this.#servers.length === 1 && only !== undefined) {
      // As in nginx, one that is alone is never left out for its failures.
      if (!only.healthy || tried?.has(only) === true) return "none";
      return only.full ? "busy" : only;
    }
    this.#tried = tried;
    this.#now = now;
    let peer = this.#usual(client);
    if (peer === null) {
      // All that are left have failed of late: to try is better than a sure 502.
      this.#anyway = true;
      peer = this.#usual(client);
    }
    this.#tried = null;
    if (peer !== null) return peer;
    return this.#servers.some((server) => server.healthy && server.full)
      ? "busy"
      : "none";
  }

  #usual(client: Client): UpstreamServer | null {
    return this.#primary.pick(client, this.#usable) ??
      this.#backup.pick(client, this.#usable);
  }

  readonly #usable = (server: UpstreamServer): boolean => {
    if (this.#slowStart) server.warmUp(this.#now);
    return server.healthy && !server.full &&
      this.#tried?.has(server) !== true &&
      (this.#anyway || !server.failing(this.#now));
  };

  /**
   * The cookie by which the client finds this server again (RFC 6265 section
   * 4.1), null where it has it or there is none to be.
   */
  cookieFor(client: Client, server: UpstreamServer): string | null {
    const value = this.#sticky?.cookieToSet(client, server) ?? null;
    return value === null
      ? null
      : `${this.plan.sticky}=${value}; Path=/; HttpOnly; SameSite=Lax`;
  }

  /** The value of the sticky cookie in a request, null if it has none. */
  cookieIn(headers: Headers): string | null {
    const cookies = headers.get("cookie");
    return cookies === null ? null : this.#cookie.exec(cookies)?.[1] ?? null;
  }

  /**
   * Looks the names up again, as after a failure to connect. Never rejects.
   *
   * @returns Whether there are other servers now.
   */
  refresh(): Promise<boolean> {
    return this.#names.refresh();
  }

  /** Runs `stop` when the group is closed. */
  onClose(stop: () => void): void {
    this.#watches.push(stop);
  }

  /** One more uses it, and has to {@linkcode release} it. */
  retain(): void {
    this.#users++;
  }

  /**
   * One uses it no more. With the last one it is closed: after a reload an
   * exchange that is in flight may still go to another of its servers.
   */
  release(): void {
    if (--this.#users === 0) this.#close();
  }

  #close(): void {
    for (const stop of this.#watches) stop();
    this.#names.close();
    for (const { transport } of this.#servers) transport.close();
  }

  /**
   * Makes the servers anew. One that was there before goes on as it is.
   *
   * @param addresses Of the names that have several.
   */
  #place(addresses: ReadonlyMap<UpstreamServerPlan, readonly string[]>): void {
    const before = new Map(
      this.#servers.map((server) => [this.#keyOf(server), server]),
    );
    this.#servers = this.plan.servers.flatMap((plan) => {
      const { address } = plan;
      const places = address.transport === "tcp"
        ? addresses.get(plan)?.map((hostname): UpstreamAddress => ({
          transport: "tcp",
          hostname,
          port: address.port,
          name: `${bracketed(hostname)}:${address.port}`,
        }))
        : undefined;
      return (places ?? [address]).map((place) => {
        const key = this.#keyOf({ plan, address: place });
        const known = before.get(key);
        before.delete(key);
        return known ?? this.#begin(plan, place);
      });
    });
    for (const { transport } of before.values()) transport.close();
    const usualServers = this.#servers.filter(({ plan }) => !plan.backup);
    const usual = this.#balancer(usualServers);
    this.#backup = this.#balancer(
      this.#servers.filter(({ plan }) => plan.backup),
    );
    this.#sticky = this.plan.sticky === null
      ? null
      : new Sticky(usual, usualServers);
    this.#primary = this.#sticky ?? usual;
  }

  #begin(plan: UpstreamServerPlan, place: UpstreamAddress): UpstreamServer {
    const metrics = this.#metrics?.server(this.plan.name, place.name) ?? null;
    const transport = this.#connect(place, metrics);
    return new UpstreamServer(plan, place, transport, metrics);
  }

  /** The same server is listed twice, perhaps. */
  #keyOf(
    { plan, address }: { plan: UpstreamServerPlan; address: UpstreamAddress },
  ): string {
    return `${this.plan.servers.indexOf(plan)} ${address.name}`;
  }

  #balancer(servers: readonly UpstreamServer[]): Balancer<UpstreamServer> {
    return createBalancer(this.plan.balance, servers);
  }
}

function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]`
    : hostname;
}
