/**
 * `health_check`: the servers of an upstream are asked for a path now and then.
 *
 * @module
 */
import * as v from "valibot";
import {
  block,
  byType,
  oneOrMore,
  parsedBy,
  shortFor,
  text,
} from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { allowedIn, entriesIn, required } from "./directive.ts";
import { PositiveCount, TimeLimit } from "./values.ts";

/** Active health checks. Times in milliseconds. */
export interface HealthCheckPlan {
  path: string;
  interval: number;
  timeout: number;
  /** Failed checks in a row that take a server out. */
  fails: number;
  /** Passed checks in a row that take it back. */
  passes: number;
  /** The statuses that pass, both ends included. */
  status: readonly StatusRange[];
}

const STATUS_WORDS =
  `a status such as 200, a range such as "200-399", or a list of them`;

type StatusRange = readonly [from: number, to: number];

function parseStatus(value: string | number): StatusRange {
  const [, from, to = from] =
    /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value)) ?? [];
  if (from === undefined || Number(from) > Number(to)) {
    throw new ValueError(expected(STATUS_WORDS, value));
  }
  return [Number(from), Number(to)];
}

const Status = oneOrMore(
  STATUS_WORDS,
  byType(STATUS_WORDS, [
    v.pipe(
      v.number(),
      v.metadata({ type: "integer", minimum: 100, maximum: 599 }),
      parsedBy<number, StatusRange>(parseStatus),
    ),
    v.pipe(
      v.string(),
      v.metadata({ pattern: "^[1-5]\\d\\d(-[1-5]\\d\\d)?$" }),
      parsedBy<string, StatusRange>(parseStatus),
    ),
  ]),
);

const PATH_WORDS = "a path such as /health";

const CheckPath = v.pipe(
  text(PATH_WORDS, (input) => expected(PATH_WORDS, input)),
  v.metadata({ pattern: "^/" }),
  parsedBy((path) => {
    if (/^\/[\x21-\x7e]*$/.test(path) && !path.includes("#")) return path;
    throw new ValueError(expected(PATH_WORDS, path));
  }),
);

/** The defaults are nginx's, where it has them. */
export const checks = {
  path: required(["health_check"], CheckPath, "What is asked for."),
  interval: allowedIn(
    ["health_check"],
    TimeLimit,
    "5s",
    "Time between two checks of a server.",
  ),
  timeout: allowedIn(
    ["health_check"],
    TimeLimit,
    "2s",
    "Longest wait for a check's answer.",
  ),
  fails: allowedIn(
    ["health_check"],
    PositiveCount,
    1,
    "Failed checks in a row after which the server is left out.",
  ),
  passes: allowedIn(
    ["health_check"],
    PositiveCount,
    1,
    "Passed checks in a row after which it is taken back.",
  ),
  status: allowedIn(
    ["health_check"],
    Status,
    "200-399",
    "The statuses that pass.",
  ),
};

const HEALTH_WORDS = `a path such as /health, or a map with path`;

const HealthBlock = block(HEALTH_WORDS, entriesIn("health_check", checks));

export const HealthCheck = byType(HEALTH_WORDS, [
  shortFor(["path"], CheckPath, HealthBlock),
  HealthBlock,
]);
