/**
 * How many requests and WebSockets there may be at a time.
 *
 * @module
 */
import * as v from "valibot";
import { block, byType, shortFor } from "../schema_parts.ts";
import { allowedIn, documented } from "./directive.ts";
import { PositiveCount } from "./values.ts";

/** Most things at a time; 0 is no limit. */
export interface LimitConn {
  total: number;
  perAddress: number;
}

const LIMIT_WORDS = "a number, or a map with total and per_address";

const LimitBlock = v.pipe(
  block(LIMIT_WORDS, {
    total: v.optional(
      documented(PositiveCount, "Of all clients together."),
    ),
    per_address: v.optional(
      documented(PositiveCount, "Of each client address."),
    ),
  }),
  v.transform(({ total = 0, per_address = 0 }): LimitConn => ({
    total,
    perAddress: per_address,
  })),
);

const Limit = byType(LIMIT_WORDS, [
  shortFor(["total"], PositiveCount, LimitBlock),
  LimitBlock,
]);

export const limits = {
  limit_conn: allowedIn(
    ["top", "location"],
    Limit,
    undefined,
    "Most requests in flight, of the whole proxy or of a location, in all or of " +
      "each client address: past the first 503, past the second 429. Counted in " +
      "each worker.",
  ),
  websocket_limit_conn: allowedIn(
    ["top", "location"],
    Limit,
    undefined,
    "Most open WebSockets, of the whole proxy or of a location, in all or of " +
      "each client address: past the first 503, past the second 429. Counted in " +
      "each worker.",
  ),
};
