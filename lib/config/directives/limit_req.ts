/**
 * `limit_req`: how fast requests may come (nginx's ngx_http_limit_req_module).
 *
 * @module
 */
import * as v from "valibot";
import { mapOf } from "../schema_map.ts";
import {
  block,
  byType,
  list,
  parsedBy,
  shortFor,
  text,
} from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { parseSize, SIZE_PATTERN } from "../units.ts";
import { expected, ValueError } from "../words.ts";
import { allowedIn, documented, inherited } from "./directive.ts";
import { Count, measure, parseCount, Toggle } from "./values.ts";

/** What is counted together: nginx's `limit_req_zone`. */
export interface LimitReqZone {
  /** Requests with the same key share a limit; one whose key is empty has none. */
  readonly key: { readonly template: Template; readonly written: string };
  /** In thousandths of a request per second, from 1. */
  readonly rate: number;
  /** As it is written: `5r/m`. */
  readonly rateWritten: string;
  /** The most bytes for its keys; past that the one not seen for longest is forgotten. */
  readonly size: number;
}

/** One limit of a place, as the config says it. */
export interface LimitReqConfig {
  /** The name of a zone, or one of its own. */
  readonly zone: string | LimitReqZone;
  /** How many requests may come too early, in thousandths. */
  readonly burst: number;
  /** How many of these are not delayed, in thousandths; Infinity for `nodelay`. */
  readonly delay: number;
}

/** One limit of a place. */
export interface LimitReqLimit extends Omit<LimitReqConfig, "zone"> {
  readonly zone: LimitReqZone;
  /** The same for zones that go on when the config is read again. */
  readonly identity: string;
  /** The zone in words. */
  readonly name: string;
}

/** The limits of a place; all hold. */
export interface LimitReqPlan {
  readonly kind: "limit_req";
  readonly limits: readonly LimitReqLimit[];
  /** What one too many is answered with, 400 to 599. */
  readonly status: number;
  /** Whether nothing is refused or delayed, only told. */
  readonly dryRun: boolean;
}

const RATE_WORDS = "a rate such as 10r/s or 30r/m";

const RATE_PATTERN = "^[1-9]\\d{0,8}r?/[sm]$";

const Rate = v.pipe(
  text(RATE_WORDS, (input) => expected(RATE_WORDS, input)),
  v.metadata({ pattern: RATE_PATTERN }),
  parsedBy((written) => parseRate(written, RATE_WORDS)),
);

function parseRate(
  written: string,
  words: string,
): Pick<LimitReqZone, "rate" | "rateWritten"> {
  const [, count, unit] = /^([1-9]\d{0,8})r?\/([sm])$/.exec(written) ?? [];
  if (count === undefined) {
    throw new ValueError(expected(words, written) + hintFor(written));
  }
  // As nginx rounds it.
  const rate = Math.floor(Number(count) * 1000 / (unit === "s" ? 1 : 60));
  return { rate, rateWritten: written };
}

/** nginx's own form: `zone=one burst=5 nodelay`. */
function hintFor(written: string): string {
  if (!/^\s*(zone|rate)=/.test(written)) return "";
  const parameters = written.trim().replace(/;$/, "").split(/\s+/)
    .map((each) => {
      const [, name = each, value = "true"] = /^(\w+)=(.*)$/.exec(each) ?? [];
      return `${name}: ${value}`;
    });
  return ` (write {${parameters.join(", ")}})`;
}

/** What requests are counted by where nothing else is said. */
const DEFAULT_KEY = "$remote_addr";

/** nginx has no default; this is some tens of thousands of addresses. */
const DEFAULT_SIZE = "10m";

const Key = v.pipe(
  text("text with variables, such as $remote_addr"),
  // What auth_request_set defines is not known before the limits.
  parsedBy(keyOf),
);

function keyOf(written: string): LimitReqZone["key"] {
  return { written, template: compileTemplate(written) };
}

const RateEntry = documented(
  Rate,
  "How many requests in a second or a minute.",
  "rate",
);
const KeyEntry = documented(
  Key,
  "What requests are counted by. One whose key is empty is not limited.",
  "key",
);
/** As in nginx. */
const SMALLEST_SIZE = 32 * 1024;

const ZoneSize = measure(
  "a size such as 64k, 10m or 1g",
  SIZE_PATTERN,
  (value) => {
    const size = parseSize(value);
    if (size >= SMALLEST_SIZE) return size;
    throw new ValueError("the size must be at least 32k");
  },
);

const SizeEntry = documented(
  ZoneSize,
  "The most memory for keys, in each worker; past that the one not seen for " +
    "longest is forgotten.",
  "size",
);

const ZONE_WORDS = "a rate such as 10r/s, or a map with rate, key and size";

const ZoneBlock = v.pipe(
  block(ZONE_WORDS, {
    rate: RateEntry,
    key: v.optional(KeyEntry, DEFAULT_KEY),
    size: v.optional(SizeEntry, DEFAULT_SIZE),
  }),
  v.transform(({ rate, key, size }): LimitReqZone => ({ ...rate, key, size })),
);

const Zone = byType(ZONE_WORDS, [
  shortFor(["rate"], Rate, ZoneBlock),
  ZoneBlock,
]);

const LIMIT_WORDS =
  "a rate such as 10r/s, or a map with rate or zone, burst and nodelay";

const LimitBlock = v.pipe(
  block(LIMIT_WORDS, {
    zone: v.optional(documented(
      text("the name of a limit_req_zone"),
      "A zone of limit_req_zone, which several places can share.",
      "zone",
    )),
    rate: v.optional(RateEntry),
    key: v.optional(KeyEntry),
    size: v.optional(SizeEntry),
    burst: v.optional(
      documented(
        Count,
        "How many requests may come too early. They are delayed.",
        "burst",
      ),
      0,
    ),
    delay: v.optional(documented(
      Count,
      "How many of the burst are not delayed.",
      "delay",
    )),
    nodelay: v.optional(
      documented(Toggle, "Whether none of the burst is delayed.", "nodelay"),
      false,
    ),
  }),
  // For editors; the parser says it in words.
  v.metadata({ oneOf: [{ required: ["zone"] }, { required: ["rate"] }] }),
  parsedBy((limit): LimitReqConfig => {
    const { zone, rate, key, size, burst, delay, nodelay } = limit;
    if ((zone === undefined) === (rate === undefined)) {
      throw new ValueError(
        "a limit has either a rate, or a zone: the name of a limit_req_zone",
      );
    }
    if (zone !== undefined && (key !== undefined || size !== undefined)) {
      throw new ValueError("key and size belong to the limit_req_zone");
    }
    if (nodelay && delay !== undefined) {
      throw new ValueError("delay and nodelay exclude each other");
    }
    return {
      zone: rate === undefined ? zone ?? "" : {
        ...rate,
        key: key ?? keyOf(DEFAULT_KEY),
        size: size ?? parseSize(DEFAULT_SIZE),
      },
      burst: burst * 1000,
      delay: nodelay ? Infinity : (delay ?? 0) * 1000,
    };
  }),
);

const ONE_OR_MORE_WORDS = `${LIMIT_WORDS}, a list of these, or "off"`;

/** `off` for none, in place of those that are inherited. */
const Limits = byType(ONE_OR_MORE_WORDS, [
  v.pipe(
    v.string(),
    v.metadata({ pattern: `^off$|${RATE_PATTERN}` }),
    parsedBy((written): LimitReqConfig[] =>
      written === "off"
        ? []
        : [{ zone: zoneOfRate(written), burst: 0, delay: 0 }]
    ),
  ),
  v.pipe(LimitBlock, v.transform((limit): LimitReqConfig[] => [limit])),
  list(
    ONE_OR_MORE_WORDS,
    byType(LIMIT_WORDS, [shortFor(["rate"], Rate, LimitBlock), LimitBlock]),
  ),
]);

function zoneOfRate(written: string): LimitReqZone {
  return {
    ...parseRate(written, `${RATE_WORDS}, or "off"`),
    key: keyOf(DEFAULT_KEY),
    size: parseSize(DEFAULT_SIZE),
  };
}

const STATUS_WORDS = "a status from 400 to 599";

function parseStatus(value: string | number): number {
  return parseCount(value, STATUS_WORDS, 400, 599);
}

const Status = byType(STATUS_WORDS, [
  v.pipe(
    v.number(),
    v.metadata({ type: "integer", minimum: 400, maximum: 599 }),
    parsedBy<number, number>(parseStatus),
  ),
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^[45]\\d\\d$" }),
    parsedBy<string, number>(parseStatus),
  ),
]);

export const limitReq = {
  limit_req_zone: allowedIn(
    ["top"],
    mapOf(
      'a map such as "login: 5r/m"',
      { parse: (name) => name },
      Zone,
    ),
    {},
    "Names for limits that several places share: a rate, or a map with rate, " +
      "key and size.",
  ),
  limit_req: inherited(
    Limits,
    "off",
    "How fast requests may come: a rate such as 10r/s for each client address, " +
      "or a map with rate (or zone), key, burst, delay and nodelay; several in " +
      "a list. Where it is inherited, the places share it. Counted in each " +
      "worker. A level that has any inherits none; `off` is none.",
  ),
  limit_req_status: inherited(
    Status,
    429,
    "What one request too many is answered with. (nginx's default is 503.)",
  ),
  limit_req_dry_run: inherited(
    Toggle,
    false,
    "Whether limit_req only tells, in the error log, what it would refuse or " +
      "delay.",
  ),
};
