/**
 * The end of an exchange before its time.
 *
 * @module
 */

/**
 * What an AbortController is, with one listener at a time. Each of those costs
 * a request 2 µs, and V8 lets go of what its signal leads to only in a full
 * collection: the platform refers to signals weakly, which young collections
 * take for strongly.
 */
export class Cancellation {
  #reason: Error | null = null;
  #listener: ((reason: Error) => void) | null = null;

  /** Why it was cancelled; null as long as it was not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Cancels the exchange, if it was not cancelled before. */
  cancel(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#listener?.(reason);
  }

  /** Sets who is told, at once if it has been cancelled; null for nobody. */
  listen(listener: ((reason: Error) => void) | null): void {
    this.#listener = listener;
    if (this.#reason !== null) listener?.(this.#reason);
  }
}
