/**
 * What a bridge of two WebSockets allows its client.
 *
 * @module
 */
import * as v from "valibot";
import { byType, parsedBy } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { inherited } from "./directive.ts";
import { Size, TimeOrOff } from "./values.ts";

/** So many messages in so many milliseconds; 0 messages is no limit. */
export interface MessageRate {
  messages: number;
  per: number;
}

const RATE_WORDS = `a rate such as 100/s or 600/m, or "off"`;

const Rate = byType(RATE_WORDS, [
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^(off|[1-9]\\d*r?/[sm])$" }),
    parsedBy((text): MessageRate => {
      if (text === "off") return { messages: 0, per: 1_000 };
      const [, count, unit] = /^([1-9]\d{0,8})r?\/([sm])$/.exec(text) ?? [];
      if (count === undefined) throw new ValueError(expected(RATE_WORDS, text));
      return { messages: Number(count), per: unit === "s" ? 1_000 : 60_000 };
    }),
  ),
]);

export const websocket = {
  websocket_ping: inherited(
    TimeOrOff,
    "30s",
    "A WebSocket client that is silent for so long is pinged and, if it stays " +
      "silent, closed. 0 or `off` never does.",
  ),
  websocket_buffer_size: inherited(
    Size,
    "16m",
    "How much from a WebSocket's client may wait for a slow upstream before the " +
      "connection is closed.",
  ),
  websocket_max_message_size: inherited(
    Size,
    "64m",
    "Longest message of a WebSocket; a longer one closes it with 1009.",
  ),
  websocket_message_rate: inherited(
    Rate,
    "off",
    "How fast a WebSocket's client may send messages, such as 100/s; one that " +
      "is faster is closed with 1008.",
  ),
};
