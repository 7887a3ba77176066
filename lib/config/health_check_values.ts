/**
 * The values of an upstream's `health_check`.
 *
 * @module
 */
import * as v from "valibot";
import { PositiveCount, TimeLimit } from "./directive_values.ts";
import type { HealthCheckPlan } from "./plan.ts";
import {
  block,
  checkedBy,
  documented,
  list,
  parsedBy,
  wants,
} from "./schema_parts.ts";
import { expected, ValueError } from "./words.ts";

const STATUS_WORDS =
  `a status such as 200, a range such as "200-399", or a list of them`;

type Range = readonly [from: number, to: number];

function parseStatus(value: string | number): Range {
  const [, from, to = from] =
    /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value)) ?? [];
  if (from === undefined || Number(from) > Number(to)) {
    throw new ValueError(expected(STATUS_WORDS, value));
  }
  return [Number(from), Number(to)];
}

const StatusRange = v.union([
  v.pipe(
    v.number(),
    v.metadata({ type: "integer", minimum: 100, maximum: 599 }),
    parsedBy<number, Range>(parseStatus),
  ),
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^[1-5]\\d\\d(-[1-5]\\d\\d)?$" }),
    parsedBy<string, Range>(parseStatus),
  ),
], wants(STATUS_WORDS));

const Status = v.union([
  v.pipe(StatusRange, v.transform((range): Range[] => [range])),
  list(STATUS_WORDS, StatusRange),
], wants(STATUS_WORDS));

const CheckPath = v.pipe(
  v.string(wants("a path such as /health")),
  v.metadata({ pattern: "^/" }),
  checkedBy((path) => {
    if (!/^\/[\x21-\x7e]*$/.test(path) || path.includes("#")) {
      throw new ValueError(expected("a path such as /health", path));
    }
  }),
);

/** Where a health check says nothing of it; nginx's, where it has it. */
const CHECK_DEFAULTS = {
  interval: 5_000,
  timeout: 2_000,
  fails: 1,
  passes: 1,
  status: [[200, 399]],
} as const satisfies Omit<HealthCheckPlan, "path">;

const HEALTH_WORDS = `a path such as /health, or a map with path`;

export const HealthCheck = documented(
  v.union([
    v.pipe(
      CheckPath,
      v.transform((path): HealthCheckPlan => ({ path, ...CHECK_DEFAULTS })),
    ),
    v.pipe(
      block(HEALTH_WORDS, {
        path: documented(CheckPath, "path", "What is asked for."),
        interval: v.optional(
          documented(
            TimeLimit,
            "interval",
            "Time between two checks of a server.",
          ),
        ),
        timeout: v.optional(
          documented(
            TimeLimit,
            "timeout",
            "Longest wait for a check's answer.",
          ),
        ),
        fails: v.optional(
          documented(
            PositiveCount,
            "fails",
            "Failed checks in a row after which the server is left out.",
          ),
        ),
        passes: v.optional(
          documented(
            PositiveCount,
            "passes",
            "Passed checks in a row after which it is taken back.",
          ),
        ),
        status: v.optional(
          documented(Status, "status", "The statuses that pass."),
        ),
      }),
      v.transform(({ path, ...given }): HealthCheckPlan => ({
        path,
        interval: given.interval ?? CHECK_DEFAULTS.interval,
        timeout: given.timeout ?? CHECK_DEFAULTS.timeout,
        fails: given.fails ?? CHECK_DEFAULTS.fails,
        passes: given.passes ?? CHECK_DEFAULTS.passes,
        status: given.status ?? CHECK_DEFAULTS.status,
      })),
    ),
  ], wants(HEALTH_WORDS)),
  "health_check",
  "Asks every server for this path now and then; one that does not answer " +
    "with such a status is left out until it does.",
);
