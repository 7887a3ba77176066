/**
 * The lag of a thread's event loop.
 *
 * @module
 */
import { Histogram, type HistogramSnapshot } from "./histogram.ts";

/** Milliseconds between two looks: it costs nothing, and finds what lasts. */
const INTERVAL = 100;

/** Looks by how much a timer is late, until it is closed. */
export class LagSampler {
  readonly #histogram = new Histogram();
  readonly #timer: ReturnType<typeof setInterval>;
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), INTERVAL);
    // It keeps no process alive.
    Deno.unrefTimer(Number(this.#timer));
  }

  snapshot(): HistogramSnapshot {
    return this.#histogram.snapshot();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#histogram.observe(Math.max(0, now - this.#last - INTERVAL));
    this.#last = now;
  }
}
