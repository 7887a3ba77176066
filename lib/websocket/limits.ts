/**
 * What a WebSocket's client may send: `websocket_max_message_size`,
 * `websocket_message_rate` and `websocket_buffer_size`.
 *
 * @module
 */
import type { LocationPlan, MessageRate } from "../config/plan.ts";
import {
  byteLength,
  type Close,
  POLICY_VIOLATION,
  TOO_BIG,
  TRY_AGAIN_LATER,
} from "./frames/frame.ts";

/** What a client is closed with whose upstream takes too little. */
export const TOO_SLOW: Close = {
  code: TRY_AGAIN_LATER,
  reason: "upstream reads too slowly",
};

/** A token bucket that holds the messages of one period and fills evenly. */
class Bucket {
  #allowance: number;

  /** @param now Milliseconds of `performance.now()`. */
  constructor(readonly rate: MessageRate, public now: number) {
    this.#allowance = rate.messages;
  }

  takes(now: number): boolean {
    const { messages, per } = this.rate;
    const filled = (now - this.now) * messages / per;
    this.now = now;
    this.#allowance = Math.min(messages, this.#allowance + filled);
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}

/** The limits of one client. */
export class MessageLimits {
  readonly #bucket: Bucket | null;
  readonly #longest: number;
  readonly #bufferSize: number;

  constructor(location: LocationPlan) {
    const rate = location.settings.websocket_message_rate;
    this.#longest = location.settings.websocket_max_message_size;
    this.#bufferSize = location.settings.websocket_buffer_size;
    this.#bucket = rate.messages === 0
      ? null
      : new Bucket(rate, performance.now());
  }

  /**
   * What the client is closed with for this message; null where it may pass.
   *
   * @param waiting Bytes that wait for the upstream already. The message itself
   * is not counted: Deno has no way to slow down a client that has sent it.
   */
  refusal(data: string | ArrayBuffer, waiting: number): Close | null {
    if (waiting > this.#bufferSize) return TOO_SLOW;
    const longest = this.#longest;
    if (longest > 0 && isLonger(data, longest)) {
      return { code: TOO_BIG, reason: `message of more than ${longest} B` };
    }
    return this.#bucket?.takes(performance.now()) === false
      ? { code: POLICY_VIOLATION, reason: "too many messages" }
      : null;
  }
}

/** Whether a message has more bytes; a UTF-16 unit has one to three in UTF-8. */
function isLonger(data: string | ArrayBuffer, bytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > bytes;
  if (data.length > bytes) return true;
  return data.length * 3 > bytes && byteLength(data) > bytes;
}
