/**
 * The values of directives that limit, and of those that say when another
 * server is tried.
 *
 * @module
 */
import * as v from "valibot";
import { PositiveCount } from "./directive_values.ts";
import type { LimitConn, MessageRate, NextUpstream } from "./plan.ts";
import { block, documented, parsedBy, wants } from "./schema_parts.ts";
import { expected, quote, ValueError } from "./words.ts";
import { didYouMean } from "./did_you_mean.ts";

const LIMIT_WORDS = "a number, or a map with total and per_address";

/** At most so many at a time; a bare number is the total. */
export const Limit = v.union([
  v.pipe(
    PositiveCount,
    v.transform((total): LimitConn => ({ total, perAddress: 0 })),
  ),
  v.pipe(
    block(LIMIT_WORDS, {
      total: v.optional(
        documented(PositiveCount, "total", "Of all clients together."),
      ),
      per_address: v.optional(
        documented(PositiveCount, "per_address", "Of each client address."),
      ),
    }),
    v.transform(({ total = 0, per_address = 0 }): LimitConn => ({
      total,
      perAddress: per_address,
    })),
  ),
], wants(LIMIT_WORDS));

const RATE_WORDS = `a rate such as 100/s or 600/m, or "off"`;

// A union of one, so that documentation put on it stands before the parser.
export const Rate = v.union([v.pipe(
  v.string(),
  v.metadata({ pattern: "^(off|[1-9]\\d*r?/[sm])$" }),
  parsedBy((text): MessageRate => {
    if (text === "off") return { messages: 0, per: 1_000 };
    const [, count, unit] = /^([1-9]\d{0,8})r?\/([sm])$/.exec(text) ?? [];
    if (count === undefined) throw new ValueError(expected(RATE_WORDS, text));
    return { messages: Number(count), per: unit === "s" ? 1_000 : 60_000 };
  }),
)], wants(RATE_WORDS));

const STATUS_CONDITIONS = [403, 404, 429, 500, 502, 503, 504] as const;
const CONDITIONS = [
  "error",
  "timeout",
  "invalid_header",
  "non_idempotent",
  ...STATUS_CONDITIONS.map((status) => `http_${status}`),
];

const NEXT_WORDS =
  `"off", or some of error, timeout, invalid_header, http_500, http_502, ` +
  `http_503, http_504, http_403, http_404, http_429, non_idempotent`;

function parseNext(words: readonly string[]): NextUpstream {
  const given = new Set(words);
  if (given.has("off") && given.size > 1) {
    throw new ValueError(`"off" stands alone`);
  }
  for (const word of given) {
    if (word !== "off" && !CONDITIONS.includes(word)) {
      throw new ValueError(
        `no condition is called ${quote(word)}` +
          (didYouMean(word, CONDITIONS) || ` (expected ${NEXT_WORDS})`),
      );
    }
  }
  return {
    error: given.has("error"),
    timeout: given.has("timeout"),
    invalidHeader: given.has("invalid_header"),
    nonIdempotent: given.has("non_idempotent"),
    statuses: STATUS_CONDITIONS.filter((status) => given.has(`http_${status}`)),
  };
}

/** nginx's `proxy_next_upstream`, its words in one text or a list. */
export const Next = v.union([
  v.pipe(
    v.string(),
    parsedBy((text) => parseNext(text.trim().split(/\s+/))),
  ),
  v.pipe(
    v.array(v.string(wants(NEXT_WORDS)), wants(NEXT_WORDS)),
    parsedBy((words: string[]) => parseNext(words)),
  ),
], wants(NEXT_WORDS));
