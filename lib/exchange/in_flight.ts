/**
 * What a listener must not be closed under.
 *
 * @module
 */

/**
 * Counts exchanges that `server.shutdown()` would break: uploads, whose bodies it
 * invalidates, and WebSocket handshakes, which it would close as soon as they
 * are done (Deno 2.9.6). All others it lets finish by itself.
 */
export class InFlight {
  #count = 0;
  #waiting: (() => void)[] = [];

  get idle(): boolean {
    return this.#count === 0;
  }

  enter(): void {
    this.#count++;
  }

  leave(): void {
    this.#count--;
    if (this.#count > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when there is none. */
  untilIdle(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
