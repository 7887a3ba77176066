/**
 * The ways in which an upstream may understand a path: servers and frameworks
 * differ in what they decode, merge and resolve before they route.
 *
 * @module
 */
import { fromCodes, hexValue } from "./bytes.ts";

/**
 * Every plausible reading of a path, as byte strings, each once:
 *
 * - percent-decoded as a whole, so that `%2F` parts segments (nginx, WSGI), or
 *   segment by segment with `%2F` kept inside one (Express, Rails);
 * - `.` and `..` resolved or not;
 * - doubled slashes merged, before or after that, or not.
 *
 * Null where one of them leads above the root.
 *
 * @param encoded Begins with `/`, ASCII, its escapes valid.
 */
export function readings(encoded: string): Set<string> | null {
  const found = new Set<string>();
  const whole = unescape(encoded, false).split("/");
  const kept = encoded.split("/").map((segment) => unescape(segment, true));
  for (const [, ...segments] of [whole, kept]) {
    const merged = mergeSlashes(segments);
    const resolved = resolveDots(segments);
    const mergedResolved = resolveDots(merged);
    if (resolved === null || mergedResolved === null) return null;
    const resolvedMerged = mergeSlashes(resolved);
    for (
      const reading of [
        segments,
        merged,
        resolved,
        mergedResolved,
        resolvedMerged,
      ]
    ) found.add("/" + reading.join("/"));
  }
  return found;
}

/** Without empty segments; the last one is the trailing slash and stays. */
function mergeSlashes(segments: string[]): string[] {
  const last = segments.length - 1;
  return segments.filter((segment, i) => segment !== "" || i === last);
}

/** RFC 3986 section 5.2.4, but null where that would stop at the root. */
function resolveDots(segments: string[]): string[] | null {
  const kept: string[] = [];
  const last = segments.length - 1;
  for (const [i, segment] of segments.entries()) {
    if (segment !== "." && segment !== "..") {
      kept.push(segment);
      continue;
    }
    if (segment === ".." && kept.pop() === undefined) return null;
    if (i === last) kept.push("");
  }
  return kept;
}

/** Percent-decoded; with `keepSlash`, `%2F` stays as it is written. */
function unescape(encoded: string, keepSlash: boolean): string {
  const codes: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    let code = encoded.charCodeAt(i);
    if (code === PERCENT) {
      const byte = hexValue(encoded.charCodeAt(i + 1)) << 4 |
        hexValue(encoded.charCodeAt(i + 2));
      if (!keepSlash || byte !== SLASH) {
        code = byte;
        i += 2;
      }
    }
    codes.push(code);
  }
  return fromCodes(codes);
}

const PERCENT = 0x25;
const SLASH = 0x2f;
