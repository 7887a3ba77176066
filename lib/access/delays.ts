/**
 * Requests that wait for their time.
 *
 * @module
 */

/** Milliseconds: those that end within as many share a timer. */
const SLOT = 10;

/** One that waits. */
export interface Delay {
  /** Null when it has ended, or was stopped. */
  ended: (() => void) | null;
}

interface Slot {
  readonly waiting: Delay[];
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Delays of any length. (Those of `lib/exchange/deadline.ts` are of a few lengths,
 * each of which has a timer.)
 */
export class Delays {
  /** By when they end, in slots of `performance.now()`. */
  readonly #slots = new Map<number, Slot>();

  /**
   * @param milliseconds Until `ended` is called, once, unless stopped before; up
   * to 10 ms more.
   */
  start(milliseconds: number, ended: () => void): Delay {
    const now = performance.now();
    const end = Math.ceil((now + milliseconds) / SLOT);
    const delay: Delay = { ended };
    let slot = this.#slots.get(end);
    if (slot === undefined) {
      const timer = setTimeout(() => this.#end(end), end * SLOT - now);
      slot = { waiting: [], timer };
      this.#slots.set(end, slot);
    }
    slot.waiting.push(delay);
    return delay;
  }

  stop(delay: Delay): void {
    delay.ended = null;
  }

  /** Ends the timers; what waits is never called. */
  close(): void {
    for (const { timer } of this.#slots.values()) clearTimeout(timer);
    this.#slots.clear();
  }

  #end(end: number): void {
    const slot = this.#slots.get(end);
    this.#slots.delete(end);
    for (const delay of slot?.waiting ?? []) {
      const { ended } = delay;
      delay.ended = null;
      ended?.();
    }
  }
}
