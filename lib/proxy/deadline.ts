/**
 * Deadlines of requests in flight. A timer for each request would cost more
 * than all else we add to it: requests with the same time-out end in the order
 * in which they began, so one timer watches the oldest.
 *
 * @module
 */

/** One running deadline. */
export interface Deadline {
  readonly at: number;
  readonly timeout: number;
  readonly expire: () => void;
}

export class Deadlines {
  /** Running deadlines for each time-out, oldest first. */
  readonly #queues = new Map<number, Set<Deadline>>();
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /**
   * @param timeout Milliseconds until `expire` is called, once, unless stopped
   * before.
   */
  start(timeout: number, expire: () => void): Deadline {
    const deadline = { at: performance.now() + timeout, timeout, expire };
    let queue = this.#queues.get(timeout);
    if (queue === undefined) {
      queue = new Set();
      this.#queues.set(timeout, queue);
    }
    queue.add(deadline);
    if (!this.#timers.has(timeout)) this.#watch(timeout, timeout);
    return deadline;
  }

  stop(deadline: Deadline): void {
    this.#queues.get(deadline.timeout)?.delete(deadline);
  }

  /** Ends the timers; nothing expires any more. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#queues.clear();
  }

  #watch(timeout: number, wait: number) {
    // Rounded up: a timer that fires a little early would find nothing to do.
    this.#timers.set(timeout, setTimeout(() => this.#check(timeout), wait + 1));
  }

  /** Expires what is due, then sleeps until the next one is. */
  #check(timeout: number) {
    this.#timers.delete(timeout);
    const queue = this.#queues.get(timeout);
    if (queue === undefined) return;
    const now = performance.now();
    for (const deadline of queue) {
      if (deadline.at > now) {
        this.#watch(timeout, deadline.at - now);
        return;
      }
      queue.delete(deadline);
      deadline.expire();
    }
    this.#queues.delete(timeout);
  }
}
