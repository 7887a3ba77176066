/**
 * What is counted of one server of an upstream.
 *
 * @module
 */
import {
  addHistograms,
  Histogram,
  type HistogramSnapshot,
} from "./histogram.ts";
import { addEach, STATUS_CLASSES } from "./location_metrics.ts";

/** Counts what a server is asked, and how it answers. */
export class ServerMetrics {
  /** Requests and handshakes that were sent to it, or tried to. */
  attempts = 0;
  /** Those that went on to another server, or to it again, after this one. */
  retries = 0;
  /** Milliseconds to a connection, of each that was made. */
  readonly connect = new Histogram();
  /** Milliseconds to the head of its response. */
  readonly start = new Histogram();
  readonly #failures = new Map<string, number>();
  readonly #responses: number[] = new Array(STATUS_CLASSES.length).fill(0);

  /** @param reason One of a few words. */
  failed(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** @param start Milliseconds to its head. */
  answered(status: number, start: number): void {
    const at = Math.floor(status / 100) - 1;
    this.#responses[at] = (this.#responses[at] ?? 0) + 1;
    this.start.observe(start);
  }

  snapshot(): ServerCounters {
    return {
      attempts: this.attempts,
      retries: this.retries,
      failures: [...this.#failures],
      responses: [...this.#responses],
      connect: this.connect.snapshot(),
      start: this.start.snapshot(),
    };
  }
}

/** The counters of a server; copied from thread to thread. */
export interface ServerCounters {
  readonly attempts: number;
  readonly retries: number;
  /** By reason. */
  readonly failures: readonly (readonly [string, number])[];
  /** By class of the status. */
  readonly responses: readonly number[];
  readonly connect: HistogramSnapshot;
  readonly start: HistogramSnapshot;
}

/** A server of an upstream at one moment. */
export interface ServerSnapshot extends ServerCounters {
  readonly upstream: string;
  /** `host:port` or `unix:path`. */
  readonly address: string;
  /** How many threads look at it, and to how many of them it is up. */
  readonly seenBy: number;
  readonly upFor: number;
  /** Exchanges that it has now, WebSockets among them. */
  readonly active: number;
  /** Connections that are kept for the next request; null where nobody knows. */
  readonly idle: number | null;
}

/** What two threads have counted of the same server. */
export function addServers(
  a: ServerSnapshot,
  b: ServerSnapshot,
): ServerSnapshot {
  const failures = new Map(a.failures);
  for (const [reason, count] of b.failures) {
    failures.set(reason, (failures.get(reason) ?? 0) + count);
  }
  return {
    upstream: a.upstream,
    address: a.address,
    seenBy: a.seenBy + b.seenBy,
    upFor: a.upFor + b.upFor,
    active: a.active + b.active,
    idle: a.idle === null ? b.idle : a.idle + (b.idle ?? 0),
    attempts: a.attempts + b.attempts,
    retries: a.retries + b.retries,
    failures: [...failures],
    responses: addEach(a.responses, b.responses),
    connect: addHistograms(a.connect, b.connect),
    start: addHistograms(a.start, b.start),
  };
}
