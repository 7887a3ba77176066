/**
 * What is going on now, for a page that is looked at: one snapshot at `/state`,
 * and one each second at `/events`, as server-sent events. All counters only
 * grow; who wants rates and percentiles takes the difference of two.
 *
 * @module
 */
import type { Facts, ProcessFacts } from "../observe/metrics/family.ts";
import {
  BUCKETS,
  type HistogramSnapshot,
} from "../observe/metrics/histogram.ts";
import {
  CLOSE_CODES,
  type LocationSnapshot,
  METHODS,
  STATUS_CLASSES,
  type Traffic,
} from "../observe/metrics/location_metrics.ts";
import type { GenerationSnapshot } from "../observe/metrics/metrics.ts";
import type { Recorded } from "../observe/recorder/recorder.ts";
import type { ServerSnapshot } from "../observe/metrics/server_metrics.ts";
import { openWebSockets } from "../observe/metrics/traffic_families.ts";

/** Counters by name; only those that have counted anything. */
type Counters = Readonly<Record<string, number>>;

/** One location, or what no location of a server takes (`location` is `""`). */
export interface LocationState {
  readonly server: string;
  readonly location: string;
  /** Requests that have ended. */
  readonly requests: number;
  /** By class of the status: `2xx`. */
  readonly statuses: Counters;
  readonly methods: Counters;
  /** Bytes of the bodies of requests, and of responses. */
  readonly received: number;
  readonly sent: number;
  /** To the response's head, and to its end. */
  readonly start: HistogramSnapshot;
  readonly duration: HistogramSnapshot;
  readonly webSockets: WebSocketState;
}

export interface WebSocketState {
  /** How many are open now. */
  readonly open: number;
  readonly opened: number;
  /** By close code. */
  readonly closed: Counters;
  readonly fromClient: Readonly<Traffic>;
  readonly toClient: Readonly<Traffic>;
  readonly waits: number;
}

/** One server of an upstream. */
export interface UpstreamState {
  readonly upstream: string;
  readonly address: string;
  /** The share of the threads to which it is up, 0 to 1. */
  readonly up: number;
  /** Exchanges that it has now. */
  readonly active: number;
  /** Connections that are kept; null where nobody knows. */
  readonly idle: number | null;
  readonly attempts: number;
  readonly retries: number;
  /** By reason. */
  readonly failures: Counters;
  readonly statuses: Counters;
  readonly connect: HistogramSnapshot;
  readonly start: HistogramSnapshot;
}

/** What is going on at one moment. */
export interface LiveState {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Upper bounds of the histograms' buckets, in seconds; one more has none. */
  readonly buckets: readonly number[];
  readonly locations: readonly LocationState[];
  readonly upstreams: readonly UpstreamState[];
  readonly generations: readonly GenerationSnapshot[];
  /** Requests that have ended since the last event; only in events. */
  readonly requests?: Recorded;
  readonly process: ProcessFacts & {
    /** Bytes of the JavaScript heaps. */
    readonly heap: number;
    /** Bytes that wait for slow upstreams of WebSockets. */
    readonly buffered: number;
    /** Of the event loops. */
    readonly lag: HistogramSnapshot;
  };
}

/** @param at Milliseconds since 1970. */
export function liveState({ sum, process }: Facts, at: number): LiveState {
  const { heap, buffered, lag } = sum;
  return {
    at,
    buckets: BUCKETS,
    locations: sum.locations.map(locationState),
    upstreams: sum.servers.map(upstreamState),
    generations: sum.generations.toSorted((a, b) => a.number - b.number),
    ...sum.requests === null ? {} : { requests: sum.requests },
    process: { ...process, heap, buffered, lag },
  };
}

function locationState(one: LocationSnapshot): LocationState {
  const { server, location, requests, start, duration, webSockets } = one;
  const classes = STATUS_CLASSES.length;
  const sums = (indexOf: (at: number) => number, length: number) => {
    const row = new Array<number>(length).fill(0);
    for (const [at, count] of requests.entries()) {
      row[indexOf(at)] = (row[indexOf(at)] ?? 0) + count;
    }
    return row;
  };
  const { opened, closed, fromClient, toClient, waits } = webSockets;
  return {
    server,
    location,
    requests: requests.reduce((sum, count) => sum + count, 0),
    statuses: named(STATUS_CLASSES, sums((at) => at % classes, classes)),
    methods: named(
      METHODS,
      sums((at) => Math.floor(at / classes), METHODS.length),
    ),
    received: one.requestBytes,
    sent: one.responseBytes,
    start,
    duration,
    webSockets: {
      open: openWebSockets(one),
      opened,
      closed: named(CLOSE_CODES, closed),
      fromClient,
      toClient,
      waits,
    },
  };
}

function upstreamState(one: ServerSnapshot): UpstreamState {
  const { upstream, address, active, idle, attempts, retries } = one;
  const { connect, start } = one;
  return {
    upstream,
    address,
    up: one.upFor / one.seenBy,
    active,
    idle,
    attempts,
    retries,
    failures: Object.fromEntries(one.failures),
    statuses: named(STATUS_CLASSES, one.responses),
    connect,
    start,
  };
}

function named(names: readonly string[], counts: readonly number[]): Counters {
  return Object.fromEntries(
    names.map((name, at) => [name, counts[at] ?? 0] as const)
      .filter(([, count]) => count > 0),
  );
}
