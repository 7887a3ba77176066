/**
 * Which parts of a file a request wants (ngx_http_range_filter_module).
 *
 * @module
 */
import { parseHttpDate } from "../../exchange/http_date.ts";
import type { Conditions, Validators } from "./conditions.ts";

/** A part of a file. */
export interface Range {
  readonly start: number;
  /** The index behind its last byte. */
  readonly end: number;
}

/**
 * The parts that are to be sent.
 *
 * @param size Of the file.
 * @param most `max_ranges`.
 * @returns Null for the whole file; empty for a 416.
 */
export function rangesOf(
  { range, ifRange }: Conditions,
  validators: Validators,
  size: number,
  most: number,
): readonly Range[] | null {
  if (range === null || most === 0) return null;
  if (range.length < 7 || !/^bytes=/i.test(range)) return null;
  if (ifRange !== null && !isSame(ifRange, validators)) return null;
  return parseRanges(range.slice(6), size, most);
}

/** `If-Range`: the file is still the one that the client has a part of. */
function isSame(ifRange: string, { etag, lastModified }: Validators): boolean {
  return ifRange.length >= 2 && ifRange.endsWith('"')
    ? ifRange === etag
    : parseHttpDate(ifRange) === lastModified;
}

/** One of the set, with what follows it: `0-499`, `500-` or `-500`. */
const SPEC = /^ *(?:(\d+) *- *(\d*)|-(\d+)) *$/;

function parseRanges(
  set: string,
  size: number,
  most: number,
): readonly Range[] | null {
  const ranges: Range[] = [];
  let total = 0;
  for (const spec of set.split(",")) {
    const range = parseRange(spec, size);
    if (range === null) return [];
    const { start, end } = range;
    if (start >= end) {
      // nginx sends the whole of an empty file.
      if (start === 0) return null;
      continue;
    }
    ranges.push(range);
    total += end - start;
    if (ranges.length > most) return null;
  }
  // Ranges that overlap would make more of a file than there is.
  return total > size ? null : ranges;
}

/** nginx counts in 64 bits. More is an error there, and so it is here. */
const LARGEST = 2 ** 63;

/** Null for what is no range. */
function parseRange(spec: string, size: number): Range | null {
  const [, first, last = "", suffix] = SPEC.exec(spec) ?? [];
  if (suffix !== undefined) {
    const length = Number(suffix);
    return length < LARGEST
      ? { start: Math.max(size - length, 0), end: size }
      : null;
  }
  const start = first === undefined ? NaN : Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return start < LARGEST && Number(last) < LARGEST ? { start, end } : null;
}
