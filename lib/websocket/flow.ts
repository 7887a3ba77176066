/**
 * How much a client has taken of what it was sent, and when its upstream has to
 * wait for it.
 *
 * @module
 */
import type { DrainPoll } from "./drain.ts";

/** Bytes that may wait for a client before its upstream is slowed down. */
const HIGH_WATER = 1024 * 1024;
/** Bytes down to which they must have gone before it may go on. */
const LOW_WATER = 256 * 1024;
/**
 * Messages after which all but the last so many must be through, whatever their
 * size: one that waits costs Deno some hundred bytes beside its payload.
 */
const MESSAGE_WINDOW = 2048;
/** Milliseconds of rest after so many empty messages, which `bufferedAmount` can't show. */
const EMPTY_PAUSE = 1_000;
/** Bytes in a millisecond that the slowest client still taken for alive reads. */
const SLOWEST = 16;

/** The way from an upstream to a client. */
export class ClientFlow {
  /** Sent, to say it in the log. */
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
   * @returns A promise if no other is to be sent before it resolves.
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
   * @param patience Milliseconds a client may be silent, beside what the data
   * takes that waits.
   */
  isStuck(client: WebSocket, now: number, patience: number): boolean {
    const waiting = client.bufferedAmount;
    this.#note(waiting, now);
    return waiting > 0 && now - this.#takenAt > patience + waiting / SLOWEST;
  }

  #note(waiting: number, now: number): void {
    const taken = this.sent.bytes - waiting;
    if (taken <= this.#taken && waiting > 0) return;
    this.#taken = taken;
    this.#takenAt = now;
  }
}
