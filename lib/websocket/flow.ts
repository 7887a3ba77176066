/**
 * Flow control towards a client: how much it has taken of what it was sent, and
 * when its upstream has to wait for it.
 *
 * Deno's server-side WebSocket queues everything it is given in memory and has
 * no event for a queue that has drained, only an exact `bufferedAmount`, so that
 * is polled.
 *
 * @module
 */

/** Bytes that may wait for a client before its upstream is paused. */
const HIGH_WATER = 1024 * 1024;
/** Bytes that may still wait when the upstream is resumed. */
const LOW_WATER = 256 * 1024;
/**
 * Messages after which all but the last so many must have been taken, whatever
 * their size: one that waits costs Deno some hundred bytes beside its payload.
 */
const MESSAGE_WINDOW = 2048;
/**
 * Milliseconds of pause after so many empty messages, which `bufferedAmount`
 * does not count.
 */
const EMPTY_PAUSE = 1_000;
/** The lowest rate, in bytes per millisecond, of a client that counts as alive. */
const MIN_RATE = 16;

/** Milliseconds between two polls: at first, and at most. */
const MIN_POLL = 1;
const MAX_POLL = 20;

/** The way from an upstream to a client. */
export class ClientFlow {
  /** What was sent, for the access log. */
  readonly sent = { messages: 0, bytes: 0 };
  /** Bytes the client is known to have taken, and when it last took some. */
  #taken = 0;
  #takenAt: number;
  /** Bytes sent before the current window of messages. */
  #windowStart = 0;
  #emptyRun = 0;

  /** @param now Milliseconds of `performance.now()`. */
  constructor(now: number) {
    this.#takenAt = now;
  }

  /**
   * Counts a message that was just sent.
   *
   * @param size Bytes of its payload.
   * @returns A promise if the next message must not be sent before it resolves.
   */
  after(
    size: number,
    client: WebSocket,
    drain: DrainPoll,
  ): Promise<void> | undefined {
    const { sent } = this;
    sent.messages++;
    sent.bytes += size;
    if (size === 0) {
      if (++this.#emptyRun < MESSAGE_WINDOW) return;
      this.#emptyRun = 0;
      return drain.wait(client, 0, EMPTY_PAUSE);
    }
    this.#emptyRun = 0;
    let allowed = HIGH_WATER;
    if (sent.messages % MESSAGE_WINDOW === 0) {
      allowed = Math.min(allowed, sent.bytes - this.#windowStart);
      this.#windowStart = sent.bytes;
    } else if (sent.bytes - this.#taken <= HIGH_WATER) {
      return;
    }
    const waiting = client.bufferedAmount;
    this.#note(waiting, performance.now());
    if (waiting <= allowed) return;
    return drain.wait(client, Math.min(allowed, LOW_WATER));
  }

  /**
   * Whether an open client takes nothing although data waits for it. Deno's own
   * ping can't tell then, since the ping waits behind the data.
   *
   * @param now Milliseconds of `performance.now()`.
   * @param timeout Milliseconds a client may be silent, beside the time that
   * the waiting data takes.
   */
  isStuck(client: WebSocket, now: number, timeout: number): boolean {
    const waiting = client.bufferedAmount;
    this.#note(waiting, now);
    return waiting > 0 && now - this.#takenAt > timeout + waiting / MIN_RATE;
  }

  #note(waiting: number, now: number): void {
    const taken = this.sent.bytes - waiting;
    if (taken <= this.#taken && waiting > 0) return;
    this.#taken = taken;
    this.#takenAt = now;
  }
}

interface Waiting {
  socket: WebSocket;
  /** Bytes that may be left. */
  allowed: number;
  /** Not before this time, in milliseconds of `performance.now()`. */
  earliest: number;
  resolve: () => void;
}

/** Waits for slow clients, with one timer for all of them. */
export class DrainPoll {
  #waiting: Waiting[] = [];
  #delay = MIN_POLL;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param allowed Bytes that may still wait.
   * @param pause The shortest wait, in milliseconds.
   * @returns Resolves when no more than `allowed` bytes wait, or the socket is
   * no longer open.
   */
  wait(socket: WebSocket, allowed: number, pause = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const earliest = performance.now() + pause;
    this.#waiting.push({ socket, allowed, earliest, resolve });
    // A socket that waits for long must not delay a new one.
    this.#schedule(MIN_POLL);
    return promise;
  }

  #schedule(delay: number): void {
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
    this.#schedule(progress ? MIN_POLL : Math.min(this.#delay * 2, MAX_POLL));
  }
}
