/**
 * The end of an exchange before its time.
 *
 * @module
 */

/** Who is told of a cancellation. */
export interface Cancellable {
  cancelled(reason: Error): void;
}

/**
 * What an AbortController is, with one listener at a time. Each of those costs
 * a request 2 µs, and V8 lets go of what its signal leads to only in a full
 * collection: the platform refers to signals weakly, which young collections
 * take for strongly.
 */
export class Cancellation {
  #reason: Error | null = null;
  #listener: Cancellable | null = null;

  /** Why it was cancelled; null as long as it was not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Cancels the exchange, if it was not cancelled before. */
  cancel(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#listener?.cancelled(reason);
  }

  /** Sets who is told, at once if it has been cancelled; null for nobody. */
  listen(listener: Cancellable | null): void {
    this.#listener = listener;
    if (this.#reason !== null) listener?.cancelled(this.#reason);
  }
}
