/**
 * What still runs by one config.
 *
 * @module
 */
import type { GenerationSnapshot } from "./metrics.ts";

/** Counts what began under a config and has not ended. */
export class Generation {
  /** Requests in flight; counted only where there are metrics. */
  requests = 0;
  /** Open WebSockets. */
  webSockets = 0;

  /**
   * @param number From 1, for each config that was put in effect.
   * @param since When, in milliseconds since 1970.
   */
  constructor(readonly number: number, readonly since: number) {}

  get idle(): boolean {
    return this.requests === 0 && this.webSockets === 0;
  }

  snapshot(): GenerationSnapshot {
    const { number, since, requests, webSockets } = this;
    return { number, since, requests, webSockets };
  }
}
