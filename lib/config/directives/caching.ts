/**
 * How long clients may keep a response, and how they ask whether it is still
 * the same: `expires`, `etag`, `if_modified_since`.
 *
 * @module
 */
import * as v from "valibot";
import { byType, oneOf, parsedBy } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import { Toggle } from "./values.ts";

/** nginx's `expires`; null is `off`. */
export type Expires =
  | { readonly kind: "epoch" | "max" }
  | {
    /**
     * `access` counts from now, `modified` from the file's last change; `daily`
     * is the next time of the day, by this machine's time zone.
     */
    readonly kind: "access" | "modified" | "daily";
    /** From midnight for `daily`; may be negative otherwise. */
    readonly seconds: number;
  }
  | null;

const WORDS = `a time such as 30d or -1, "epoch", "max" or "off"`;

const DAY = 24 * 60 * 60;

/** Seconds, as ngx_parse_time has them; in this order, each once at most. */
const UNITS: readonly (readonly [unit: string, seconds: number])[] = [
  ["y", 365 * DAY],
  ["M", 30 * DAY],
  ["w", 7 * DAY],
  ["d", DAY],
  ["h", 60 * 60],
  ["m", 60],
  ["s", 1],
];

const SPAN = new RegExp(
  `^${UNITS.map(([unit]) => `(?:(\\d+)${unit})?`).join("")}(\\d+)?$`,
);

/** For editors, roughly. */
const PATTERN =
  "^(off|max|epoch|(modified\\s+)?[+-]?\\d[\\dyMwdhms]*|@\\d[\\ddhms]*)$";

/** In seconds; a bare number is in seconds, also behind the others: `1m30`. */
function parseSpan(text: string): number {
  const parts = text === "" ? null : SPAN.exec(text);
  if (parts === null) return NaN;
  return parts.slice(1).reduce(
    (sum, digits = "0", i) => sum + Number(digits) * (UNITS[i]?.[1] ?? 1),
    0,
  );
}

/** A Date reaches no further, from 1970 in seconds. */
const LONGEST = 8.64e12 / 2;

function parseExpires(value: string | number): Expires {
  const written = String(value).trim();
  if (written === "off") return null;
  if (written === "epoch" || written === "max") return { kind: written };
  const [, modified, sign = "", span = ""] =
    /^(modified\s+)?([@+-]?)(\w+)$/.exec(written) ?? [];
  const seconds = parseSpan(span);
  if (!(seconds <= LONGEST)) throw new ValueError(expected(WORDS, value));
  if (sign !== "@") {
    const kind = modified === undefined ? "access" : "modified";
    return { kind, seconds: sign === "-" ? -seconds : seconds };
  }
  if (modified !== undefined || seconds > DAY) {
    throw new ValueError(
      `${expected(WORDS, value)} ("@" is a time of the day, such as @15h30m)`,
    );
  }
  return { kind: "daily", seconds };
}

const ExpiresValue = byType(WORDS, [
  v.pipe(
    v.boolean(),
    parsedBy((value): Expires => {
      if (value) throw new ValueError(expected(WORDS, value));
      return null;
    }),
  ),
  v.pipe(
    v.number(),
    v.metadata({ type: "integer" }),
    parsedBy<number, Expires>(parseExpires),
  ),
  v.pipe(
    v.string(),
    v.metadata({ pattern: PATTERN }),
    parsedBy<string, Expires>(parseExpires),
  ),
]);

export const caching = {
  expires: inherited(
    ExpiresValue,
    unset<Expires>(null),
    "How long clients may keep a file: a time (30d, 1h; -1 for: ask each " +
      "time), `modified` and a time (from the file's last change), a time of " +
      "the day (@15h30m), max (ten years, for files whose names change with " +
      "their content), epoch, or off. Sets Expires and Cache-Control of " +
      "files.",
  ),
  etag: inherited(
    Toggle,
    true,
    "Whether a file's response has an ETag, made of its last change and its " +
      "size.",
  ),
  if_modified_since: inherited(
    oneOf(`"exact", "before" or "off"`, ["exact", "before", "off"]),
    "exact",
    "When a file counts as unchanged for a client that has If-Modified-Since: " +
      "its last change is exactly then (exact), or not later (before).",
  ),
};
