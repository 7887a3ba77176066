/**
 * What a bridge counts itself and its messages in.
 *
 * @module
 */
import type { Generation } from "../observe/metrics/generation.ts";
import type { WebSocketMetrics } from "../observe/metrics/location_metrics.ts";

/** The counters that the bridges of a location share. */
export class BridgeCounters {
  readonly #metrics: WebSocketMetrics;
  readonly #generation: Generation;

  /** @param generation The config that the bridge is opened by. */
  constructor(metrics: WebSocketMetrics, generation: Generation) {
    this.#metrics = metrics;
    this.#generation = generation;
  }

  opened(): void {
    this.#metrics.opened++;
    this.#generation.webSockets++;
  }

  /** @param code The close code that the client saw or sent. */
  ended(code: number): void {
    this.#metrics.ended(code);
    this.#generation.webSockets--;
  }

  /** @param size Bytes of a message of the client. */
  fromClient(size: number): void {
    const { fromClient } = this.#metrics;
    fromClient.messages++;
    fromClient.bytes += size;
  }

  /** @param size Bytes of a message that the client was sent. */
  toClient(size: number): void {
    const { toClient } = this.#metrics;
    toClient.messages++;
    toClient.bytes += size;
  }

  /** The upstream has to wait for the client. */
  waits(): void {
    this.#metrics.waits++;
  }
}
