/**
 * The kinds of values that several directives have.
 *
 * @module
 */
import * as v from "valibot";
import { byType, parsedBy } from "../schema_parts.ts";
import {
  parseSize,
  parseTime,
  SIZE_PATTERN,
  TIME_PATTERN,
  TIME_WORDS,
} from "../units.ts";
import { expected, ValueError } from "../words.ts";

/** A number, or a text that says the same; read by one parser. */
export function measure<Output>(
  what: string,
  pattern: string,
  parse: (value: string | number) => Output,
) {
  return byType(what, [
    v.pipe(
      v.number(),
      v.metadata({ type: "integer", minimum: 0 }),
      parsedBy<number, Output>(parse),
    ),
    v.pipe(
      v.string(),
      v.metadata({ pattern }),
      parsedBy<string, Output>(parse),
    ),
  ]);
}

/** In milliseconds. */
export const Time = measure(
  TIME_WORDS,
  TIME_PATTERN,
  (value) => parseTime(value),
);

/** In milliseconds, at least one. */
export const TimeLimit = measure(TIME_WORDS, TIME_PATTERN, parseTimeLimit);

/** @throws {ValueError} If it is no time, or 0. */
export function parseTimeLimit(value: string | number): number {
  const time = parseTime(value);
  if (time === 0) throw new ValueError("the time must be more than 0");
  return time;
}

const TIME_OR_OFF_WORDS = `a time such as 30s, or "off"`;

/** In milliseconds; `off` is 0. */
export const TimeOrOff = measure(
  TIME_OR_OFF_WORDS,
  `^off$|${TIME_PATTERN}`,
  (value) => value === "off" ? 0 : parseTime(value, TIME_OR_OFF_WORDS),
);

/** In bytes. */
export const Size = measure(
  "a size such as 64k, 10m or 1g",
  SIZE_PATTERN,
  parseSize,
);

/**
 * Reads a whole number in decimal digits.
 *
 * @param what What was expected, for the message.
 * @throws {ValueError} If it is none, less than `least`, or more than `most`.
 */
export function parseCount(
  value: string | number,
  what: string,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const count = /^\d+$/.test(String(value)) ? Number(value) : NaN;
  if (!(count >= least && count <= most)) {
    throw new ValueError(expected(what, value));
  }
  return count;
}

const COUNT_WORDS = "a whole number";
const POSITIVE_WORDS = "a whole number of at least 1";

/** A count of things. */
export const Count = measure(
  COUNT_WORDS,
  "^\\d+$",
  (value) => parseCount(value, COUNT_WORDS),
);

/** A count of things, at least one. */
export const PositiveCount = measure(
  POSITIVE_WORDS,
  "^0*[1-9]\\d*$",
  (value) => parseCount(value, POSITIVE_WORDS, 1),
);

const TOGGLE: ReadonlyMap<string, boolean> = new Map([
  ["on", true],
  ["off", false],
  ["true", true],
  ["false", false],
]);

/** `on` or `off`. */
export const Toggle = byType("on or off", [
  v.boolean(),
  v.pipe(
    v.string(),
    v.metadata({ enum: [...TOGGLE.keys()] }),
    parsedBy((word) => {
      const on = TOGGLE.get(word);
      if (on === undefined) throw new ValueError(expected("on or off", word));
      return on;
    }),
  ),
]);

/** A schema whose output is undefined wherever something in the input is refused. */
export function wholly<Schema extends v.GenericSchema>(schema: Schema): Schema {
  return {
    ...schema,
    "~run": (dataset, config) => {
      const result = schema["~run"](dataset, config);
      return result.issues === undefined
        ? result
        : { typed: false, value: undefined, issues: result.issues };
    },
  };
}
