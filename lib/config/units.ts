/**
 * Times and sizes, as nginx writes them.
 *
 * @module
 */
import { expected, ValueError } from "./words.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The parts come in this order, each once at most, as nginx wants: `1h30m`. */
const TIME = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** For editors: what {@link parseTime} takes, but for the range. */
export const TIME_PATTERN =
  "^(\\d+|(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)$";

/** What {@link parseTime} takes, in words. */
export const TIME_WORDS = "a time such as 500ms, 30s, 5m or 1h";

/** The longest timer of the platform: more milliseconds would fire at once. */
export const LONGEST_TIME = 2 ** 31 - 1;

/**
 * Reads a time, in milliseconds: `500ms`, `30s`, `5m`, `1h`, `1d`, `1h30m`; a
 * bare number is in seconds (nginx's "Configuration file measurement units").
 *
 * @param what What was expected, for the message.
 * @throws {ValueError} If it is none, or longer than 24 days (2^31 - 1 ms).
 */
export function parseTime(
  value: string | number,
  what = TIME_WORDS,
): number {
  const text = String(value);
  const time = /^\d+$/.test(text) ? Number(text) * SECOND : inUnits(text);
  if (Number.isNaN(time)) {
    throw new ValueError(expected(what, value));
  }
  if (time > LONGEST_TIME) {
    throw new ValueError(`${value} is too long: the longest time is 24d`);
  }
  return time;
}

function inUnits(text: string): number {
  const parts = text === "" ? null : TIME.exec(text);
  if (parts === null) return NaN;
  const [, d = 0, h = 0, m = 0, s = 0, ms = 0] = parts;
  return Number(d) * DAY + Number(h) * HOUR + Number(m) * MINUTE +
    Number(s) * SECOND + Number(ms);
}

/** Writes a time as {@link parseTime} reads it: `30s`, `1h30m`, `0s`. */
export function formatTime(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}

const UNITS = [
  ["d", DAY],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
  ["ms", 1],
] as const;

/** For editors: what {@link parseSize} takes, but for the range. */
export const SIZE_PATTERN = "^\\d+[kKmMgG]?$";

const FACTORS: Readonly<Record<string, number>> = {
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/**
 * Reads a size, in bytes: `64k`, `10m`, `1g` (powers of 1024); a bare number is
 * in bytes.
 *
 * @throws {ValueError} If it is none, or more than 2^53 - 1.
 */
export function parseSize(value: string | number): number {
  const parts = /^(\d+)([kmg]?)$/i.exec(String(value));
  const factor = FACTORS[(parts?.[2] ?? "").toLowerCase()] ?? 1;
  const size = parts === null ? NaN : Number(parts[1]) * factor;
  if (Number.isNaN(size)) {
    const [, digits, unit] = /^(\d+) ?([kmg])i?b$/i.exec(String(value)) ?? [];
    const hint = digits !== undefined && unit !== undefined
      ? ` (write ${digits}${unit.toLowerCase()})`
      : "";
    throw new ValueError(
      expected("a size such as 64k, 10m or 1g", value) + hint,
    );
  }
  if (!Number.isSafeInteger(size)) {
    throw new ValueError(`${value} is too large`);
  }
  return size;
}

/** Writes a number of bytes with the largest unit that divides it: `10m`. */
export function formatSize(bytes: number): string {
  for (
    const [unit, size] of [["g", 1024 ** 3], ["m", 1024 ** 2], [
      "k",
      1024,
    ]] as const
  ) {
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
