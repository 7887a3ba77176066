/**
 * What one thread counts, and the sum of what all have counted.
 *
 * @module
 */
import type { LocationPlan, Plan, ServerPlan } from "../../config/plan.ts";
import { addHistograms, type HistogramSnapshot } from "./histogram.ts";
import {
  addLocations,
  LocationMetrics,
  type LocationSnapshot,
} from "./location_metrics.ts";
import { addRecorded, type Recorded, Recorder } from "../recorder/recorder.ts";
import {
  addServers,
  ServerMetrics,
  type ServerSnapshot,
} from "./server_metrics.ts";

/** A config that is in effect, or was, and what still runs by it. */
export interface GenerationSnapshot {
  /** From 1, for each config that was put in effect. */
  readonly number: number;
  /** Milliseconds since 1970 at which it was put in effect. */
  readonly since: number;
  /** Requests in flight. */
  readonly requests: number;
  readonly webSockets: number;
}

/** What one thread knows at one moment; copied to the main thread. */
export interface ThreadSnapshot {
  readonly locations: readonly LocationSnapshot[];
  readonly servers: readonly ServerSnapshot[];
  readonly generations: readonly GenerationSnapshot[];
  /** By how much timers were late. */
  readonly lag: HistogramSnapshot;
  /** Bytes that wait for slow upstreams of WebSockets. */
  readonly buffered: number;
  /** Bytes of its JavaScript heap. */
  readonly heap: number;
  /** What was recorded; null where that was not asked for. */
  readonly requests: Recorded | null;
}

/** The counters of one thread. They live through reloads. */
export class Metrics {
  /** Of requests, while somebody looks. */
  readonly recorder = new Recorder();
  #byLocation = new Map<LocationPlan, LocationMetrics>();
  /** Those of requests that no location takes, by the server's name. */
  #byServer = new Map<string, LocationMetrics>();
  /** All, by server and location; so many as the config has, whatever clients send. */
  readonly #all = new Map<string, LocationMetrics>();
  /** Of the upstreams' servers, by upstream and address. */
  readonly #servers = new Map<string, ServerMetrics>();

  /** Counts for the locations of this plan from now on. */
  use({ listeners }: Plan): void {
    this.#byLocation = new Map();
    this.#byServer = new Map([["", this.#find("", "")]]);
    for (const { servers } of listeners) {
      for (const server of servers.servers) this.#add(server);
    }
    const used = new Set([
      ...this.#byLocation.values(),
      ...this.#byServer.values(),
    ]);
    for (const [key, metrics] of this.#all) {
      // WebSockets of a location that is gone go on.
      if (!used.has(metrics) && metrics.webSockets.open === 0) {
        this.#all.delete(key);
      }
    }
  }

  /** The counters of a location, or of what no location of a server takes. */
  of(location: LocationPlan | null, server: string): LocationMetrics {
    const found = location === null
      ? this.#byServer.get(server)
      : this.#byLocation.get(location);
    return found ?? this.#find(server, location?.key ?? "");
  }

  /**
   * The counters of an upstream's server, also where it is listed twice.
   *
   * @param address `host:port` or `unix:path`.
   */
  server(upstream: string, address: string): ServerMetrics {
    const key = `${upstream} ${address}`;
    let metrics = this.#servers.get(key);
    if (metrics === undefined) {
      metrics = new ServerMetrics();
      this.#servers.set(key, metrics);
    }
    return metrics;
  }

  /** Forgets the servers that are none any more: their addresses come and go. */
  keepServers(kept: ReadonlySet<ServerMetrics>): void {
    for (const [key, metrics] of this.#servers) {
      if (!kept.has(metrics)) this.#servers.delete(key);
    }
  }

  snapshot(): LocationSnapshot[] {
    return [...this.#all.values()].map((metrics) => metrics.snapshot());
  }

  #add({ name, locations }: ServerPlan): void {
    this.#byServer.set(name, this.#find(name, ""));
    for (const { value: location } of locations.entries) {
      this.#byLocation.set(location, this.#find(name, location.key));
    }
  }

  #find(server: string, location: string): LocationMetrics {
    const key = `${server} ${location}`;
    let metrics = this.#all.get(key);
    if (metrics === undefined) {
      metrics = new LocationMetrics(server, location);
      this.#all.set(key, metrics);
    }
    return metrics;
  }
}

/** What all threads know together. */
export function addThreads(
  threads: readonly ThreadSnapshot[],
): ThreadSnapshot | null {
  const [first, ...others] = threads;
  if (first === undefined) return null;
  let sum = first;
  for (const next of others) sum = addTwo(sum, next);
  return sum;
}

function addTwo(a: ThreadSnapshot, b: ThreadSnapshot): ThreadSnapshot {
  return {
    locations: addByKey(
      [...a.locations, ...b.locations],
      ({ server, location }) => `${server} ${location}`,
      addLocations,
    ),
    servers: addByKey(
      [...a.servers, ...b.servers],
      ({ upstream, address }) => `${upstream} ${address}`,
      addServers,
    ),
    generations: addByKey(
      [...a.generations, ...b.generations],
      ({ number }) => `${number}`,
      (one, other) => ({
        number: one.number,
        since: Math.min(one.since, other.since),
        requests: one.requests + other.requests,
        webSockets: one.webSockets + other.webSockets,
      }),
    ),
    lag: addHistograms(a.lag, b.lag),
    buffered: a.buffered + b.buffered,
    heap: a.heap + b.heap,
    requests: a.requests === null || b.requests === null
      ? a.requests ?? b.requests
      : addRecorded(a.requests, b.requests),
  };
}

/** Adds up those that are about the same thing. */
function addByKey<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
  add: (one: T, other: T) => T,
): T[] {
  const sums = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const before = sums.get(key);
    sums.set(key, before === undefined ? one : add(before, one));
  }
  return [...sums.values()];
}
