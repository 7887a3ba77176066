/**
 * What `sameorigin top` shows: what went on between two states of the admin
 * listener.
 *
 * @module
 */
import type {
  LiveState,
  LocationState,
  UpstreamState,
} from "../../admin/feed.ts";
import {
  addHistograms,
  type HistogramSnapshot,
} from "../../observe/metrics/histogram.ts";

/** Requests of a location, or of all. */
export interface TrafficView {
  /** Requests a second. */
  readonly rate: number;
  /** Shares of these requests, 0 to 1. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** Milliseconds to the end of the response; null where there was none. */
  readonly median: number | null;
  readonly p95: number | null;
  /** Bytes a second. */
  readonly received: number;
  readonly sent: number;
  /** That are open now. */
  readonly webSockets: number;
}

export interface LocationView extends TrafficView {
  readonly server: string;
  readonly location: string;
}

export interface UpstreamView {
  readonly upstream: string;
  readonly address: string;
  /** The share of the threads to which it is up, 0 to 1. */
  readonly up: number;
  /** Exchanges that it has now. */
  readonly active: number;
  /** Connections that are kept; null where nobody knows. */
  readonly idle: number | null;
  /** Attempts a second. */
  readonly rate: number;
  /** Failures a second. */
  readonly failures: number;
  /** Milliseconds to the head of the response; null where there was none. */
  readonly median: number | null;
  readonly p95: number | null;
}

/** All of it; with `--json` just so. */
export interface TopView {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Seconds over which rates and percentiles are taken. */
  readonly over: number;
  readonly version: string;
  readonly config: string;
  readonly workers: number;
  /** Seconds since the start. */
  readonly uptime: number;
  /** CPUs in use; null where the platform does not tell. */
  readonly cpu: number | null;
  /** Bytes. */
  readonly memory: number;
  readonly total: TrafficView;
  /** Those with the most requests come first. */
  readonly locations: readonly LocationView[];
  readonly upstreams: readonly UpstreamView[];
}

/** @param before An earlier state of the same process; its counters only grow. */
export function topView(before: LiveState, now: LiveState): TopView {
  const over = Math.max(0.001, (now.at - before.at) / 1000);
  const { process } = now;
  const { cpu } = process;
  const earlier = new Map(before.locations.map((one) => [keyOf(one), one]));
  const locations = now.locations
    .map((one) => ({ one, was: earlier.get(keyOf(one)) ?? null }));
  const servers = new Map(before.upstreams.map((one) => [serverOf(one), one]));
  return {
    at: now.at,
    over,
    version: process.version,
    config: process.config.source,
    workers: process.workers,
    uptime: now.at / 1000 - process.startTime,
    cpu: cpu === null || before.process.cpu === null
      ? null
      : (cpu - before.process.cpu) / over,
    memory: process.resident,
    total: traffic(locations, over, now.buckets),
    locations: locations.map(({ one, was }) => ({
      server: one.server,
      location: one.location,
      ...traffic([{ one, was }], over, now.buckets),
    })).sort((a, b) => b.rate - a.rate),
    upstreams: now.upstreams.map((one) =>
      upstreamView(one, servers.get(serverOf(one)) ?? null, over, now.buckets)
    ),
  };
}

const keyOf = ({ server, location }: LocationState) => `${server} ${location}`;

const serverOf = ({ upstream, address }: UpstreamState) =>
  `${upstream} ${address}`;

function traffic(
  pairs: readonly {
    readonly one: LocationState;
    readonly was: LocationState | null;
  }[],
  over: number,
  buckets: readonly number[],
): TrafficView {
  const sum = (of: (state: LocationState) => number) =>
    pairs.reduce(
      (sum, { one, was }) => sum + of(one) - (was === null ? 0 : of(was)),
      0,
    );
  const requests = sum((state) => state.requests);
  const share = (status: string) =>
    requests === 0 ? 0 : sum((one) => one.statuses[status] ?? 0) / requests;
  const durations = pairs
    .map(({ one, was }) => since(one.duration, was?.duration ?? null))
    .reduce(addHistograms, since(NOTHING, null));
  return {
    rate: requests / over,
    clientErrors: share("4xx"),
    serverErrors: share("5xx"),
    median: percentile(buckets, durations, 0.5),
    p95: percentile(buckets, durations, 0.95),
    received: sum((state) => state.received) / over,
    sent: sum((state) => state.sent) / over,
    webSockets: pairs.reduce((sum, { one }) => sum + one.webSockets.open, 0),
  };
}

function upstreamView(
  one: UpstreamState,
  was: UpstreamState | null,
  over: number,
  buckets: readonly number[],
): UpstreamView {
  const start = since(one.start, was?.start ?? null);
  const failures = (state: UpstreamState | null) =>
    Object.values(state?.failures ?? {}).reduce((sum, count) => sum + count, 0);
  const { upstream, address, up, active, idle } = one;
  return {
    ...{ upstream, address, up, active, idle },
    rate: (one.attempts - (was?.attempts ?? 0)) / over,
    failures: (failures(one) - failures(was)) / over,
    median: percentile(buckets, start, 0.5),
    p95: percentile(buckets, start, 0.95),
  };
}

const NOTHING: HistogramSnapshot = { counts: [], sum: 0 };

/** What a histogram has counted since. */
function since(
  now: HistogramSnapshot,
  before: HistogramSnapshot | null,
): HistogramSnapshot {
  const length = Math.max(now.counts.length, BUCKET_COUNT);
  return {
    counts: Array.from(
      { length },
      (_, at) => (now.counts[at] ?? 0) - (before?.counts[at] ?? 0),
    ),
    sum: now.sum - (before?.sum ?? 0),
  };
}

/** No histogram has fewer, so that the sum of none has as many as another. */
const BUCKET_COUNT = 16;

/**
 * Milliseconds that a share of the durations took at most, as Prometheus's
 * `histogram_quantile` has it: evenly spread within a bucket.
 *
 * @param bounds In seconds; the last bucket has none, and counts as its lower.
 * @returns Null for no durations.
 */
export function percentile(
  bounds: readonly number[],
  { counts }: HistogramSnapshot,
  share: number,
): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all <= 0) return null;
  let left = share * all;
  for (const [at, count] of counts.entries()) {
    const low = at === 0 ? 0 : bounds[at - 1] ?? 0;
    const high = bounds[at] ?? low;
    if (left <= count) return 1000 * (low + (high - low) * (left / count));
    left -= count;
  }
  return 1000 * (bounds.at(-1) ?? 0);
}
