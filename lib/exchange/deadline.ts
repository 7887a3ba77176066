/**
 * Deadlines of requests in flight. A timer for each request would cost more
 * than all else we add to it: requests with the same time-out end in the order
 * in which they began, so one timer watches the oldest.
 *
 * @module
 */

/** One running deadline. */
export interface Deadline {
  /** Milliseconds. */
  readonly timeout: number;
}

/** In a ring with the others of its time-out, oldest first; alone when it has stopped. */
class Entry implements Deadline {
  next: Entry = this;
  previous: Entry = this;

  constructor(
    /** Milliseconds of `performance.now()`. */
    readonly at: number,
    readonly timeout: number,
    public expire: (() => void) | null,
  ) {}

  /** Takes it out. What it led to is let go: an old entry would keep that alive. */
  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this;
    this.previous = this;
    this.expire = null;
  }
}

/** The deadlines of one time-out. */
interface Queue {
  /** Begins and ends the ring; no deadline itself. */
  readonly ring: Entry;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Rings, not Sets, which would be less code: a Set that takes and loses a lot
 * makes a new table all the time, and the old tables keep what was in them
 * alive until a full collection. That was 10 % of a request's CPU.
 */
export class Deadlines {
  readonly #queues = new Map<number, Queue>();

  /**
   * @param timeout Milliseconds until `expire` is called, once, unless stopped
   * before.
   * @param now Of `performance.now()`, from a caller who has just asked: seven
   * calls were 2 % of a small request's CPU.
   */
  start(
    timeout: number,
    expire: () => void,
    now: number = performance.now(),
  ): Deadline {
    let queue = this.#queues.get(timeout);
    if (queue === undefined) {
      queue = { ring: new Entry(0, timeout, null), timer: undefined };
      this.#queues.set(timeout, queue);
    }
    const { ring } = queue;
    const entry = new Entry(now + timeout, timeout, expire);
    entry.next = ring;
    entry.previous = ring.previous;
    ring.previous.next = entry;
    ring.previous = entry;
    if (queue.timer === undefined) this.#watch(queue, timeout);
    return entry;
  }

  /** Stops it, if it has not expired or stopped. */
  stop(deadline: Deadline): void {
    if (deadline instanceof Entry) deadline.unlink();
  }

  /** Ends the timers; nothing expires any more. */
  close(): void {
    for (const { timer } of this.#queues.values()) clearTimeout(timer);
    this.#queues.clear();
  }

  #watch(queue: Queue, wait: number): void {
    // Rounded up: a timer that fires a little early would find nothing to do.
    queue.timer = setTimeout(() => this.#check(queue), wait + 1);
  }

  /** Expires what is due, then sleeps until the next one is. */
  #check(queue: Queue): void {
    queue.timer = undefined;
    const { ring } = queue;
    const now = performance.now();
    while (ring.next !== ring) {
      const oldest = ring.next;
      if (oldest.at > now) return this.#watch(queue, oldest.at - now);
      const { expire } = oldest;
      oldest.unlink();
      expire?.();
    }
  }
}
