/**
 * Waiting for slow clients. Deno's server-side WebSocket takes everything it is
 * given into memory and has no event that tells when it is written, only a true
 * `bufferedAmount`, so that is looked at from time to time.
 *
 * @module
 */

/** Milliseconds between two looks: at first, and at most. */
const SHORTEST = 1;
const LONGEST = 20;

interface Waiting {
  socket: WebSocket;
  /** Bytes that may be left. */
  allowed: number;
  /** Not before this time, in milliseconds of `performance.now()`. */
  earliest: number;
  resolve: () => void;
}

/** One timer for all sockets that wait. */
export class DrainPoll {
  #waiting: Waiting[] = [];
  #delay = SHORTEST;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param allowed Bytes that may still wait.
   * @param pause Milliseconds to wait at the least.
   * @returns Resolves when no more than `allowed` bytes wait, or the socket is
   * no longer open.
   */
  wait(socket: WebSocket, allowed: number, pause = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const earliest = performance.now() + pause;
    this.#waiting.push({ socket, allowed, earliest, resolve });
    // One that waits must not slow the others down.
    this.#look(SHORTEST);
    return promise;
  }

  #look(delay: number): void {
    if (this.#timer !== undefined && delay >= this.#delay) return;
    clearTimeout(this.#timer);
    this.#delay = delay;
    this.#timer = setTimeout(() => this.#poll(), delay);
  }

  #poll(): void {
    this.#timer = undefined;
    const now = performance.now();
    const left = this.#waiting.filter((waiting) => {
      const { socket, allowed, earliest, resolve } = waiting;
      const done = socket.readyState !== WebSocket.OPEN ||
        now >= earliest && socket.bufferedAmount <= allowed;
      if (done) resolve();
      return !done;
    });
    const progress = left.length < this.#waiting.length;
    this.#waiting = left;
    if (left.length === 0) return;
    this.#look(progress ? SHORTEST : Math.min(this.#delay * 2, LONGEST));
  }
}
