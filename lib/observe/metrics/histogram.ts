/**
 * Durations, counted in buckets.
 *
 * @module
 */

/**
 * Upper bounds of the buckets, in seconds, as Prometheus's clients have them;
 * with two below, since a local upstream answers in less, and two above, since
 * the default of `proxy_read_timeout` is a minute.
 */
export const BUCKETS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  ...[2.5, 5, 10, 30, 60],
];

/** The same in milliseconds. */
const BOUNDS = BUCKETS.map((seconds) => seconds * 1000);

/** What a histogram has counted; copied from thread to thread. */
export interface HistogramSnapshot {
  /** How many were in each bucket, not those before it; the last one has no bound. */
  readonly counts: readonly number[];
  /** Of all durations, in seconds. */
  readonly sum: number;
}

export class Histogram {
  readonly #counts: number[] = new Array(BOUNDS.length + 1).fill(0);
  #sum = 0;

  /** @param duration Milliseconds, from 0. */
  observe(duration: number): void {
    // Most are short: from the first bucket on.
    let at = 0;
    while (at < BOUNDS.length && duration > (BOUNDS[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += duration;
  }

  snapshot(): HistogramSnapshot {
    return { counts: [...this.#counts], sum: this.#sum / 1000 };
  }
}

/** What two histograms have counted together. */
export function addHistograms(
  a: HistogramSnapshot,
  b: HistogramSnapshot,
): HistogramSnapshot {
  return {
    counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)),
    sum: a.sum + b.sum,
  };
}
