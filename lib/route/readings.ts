/**
 * The ways in which an upstream may read a path: servers and frameworks differ
 * in what they strip, decode, merge and resolve before they route.
 *
 * @module
 */
import { fromCodes, hexValue } from "./bytes.ts";

/** What may be read in more than one way, in a path without dot segments. */
const AMBIGUOUS = /[;\\#]|\/\/|%2f|%5c/i;

/** Whether a path may have more than one reading. */
export function isAmbiguous(path: string): boolean {
  return AMBIGUOUS.test(path);
}

/**
 * All plausible readings of a path. Each of these is done or not done:
 *
 * - what follows a `#` is cut off (nginx), or `#` is a letter;
 * - `;` begins parameters, which end at the next slash and are removed before
 *   escapes are decoded (Tomcat, Jetty, Spring), or it is a letter;
 * - `\` is a slash, raw (WHATWG's URL, as in Node) or also escaped (IIS), or it
 *   is a letter;
 * - two slashes at the start begin a host, which is removed (WHATWG's URL);
 * - escapes are decoded in the whole path, so that `%2F` separates segments
 *   (nginx, WSGI), or in each segment, so that it does not (Express, Rails);
 * - `.` and `..` are resolved;
 * - repeated slashes are merged, before dot segments are resolved or after it.
 *
 * @param path A byte string without query; begins with `/`.
 * @returns Byte strings; null where a reading leads above the root, or where there
 * is too much to read.
 */
export function readings(path: string): Set<string> | null {
  const found = new Set<string>();
  const texts = rewritten(path);
  if (texts.size * path.length > MOST_TEXT) return null;
  for (const text of texts) {
    const kept = text.split("/").map((segment) => unescape(segment, true));
    for (const decoded of [unescape(text, false), kept.join("/")]) {
      found.add(decoded);
      if (!RESOLVABLE.test(decoded)) continue;
      const [, ...segments] = decoded.split("/");
      const merged = mergeSlashes(segments);
      const resolved = resolveDots(segments);
      const mergedResolved = resolveDots(merged);
      if (resolved === null || mergedResolved === null) return null;
      const resolvedMerged = mergeSlashes(resolved);
      for (const each of [merged, resolved, mergedResolved, resolvedMerged]) {
        found.add("/" + each.join("/"));
      }
    }
  }
  return found;
}

/**
 * The most characters to read, of all rewritten forms together, so that it takes a
 * few milliseconds. A path of 64 kB may have one form, a path of 1 kB all 64.
 */
const MOST_TEXT = 65_536;

/** Repeated slashes, or a dot segment. */
const RESOLVABLE = /\/(?:\/|\.\.?(?:\/|$))/;

/** What is done to a path before its escapes are decoded. */
const REWRITES: readonly ((path: string) => string)[] = [
  (path) => path.replace(/#.*/, ""),
  withoutParameters,
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replace(/^\/\/+[^/]*/, "") || "/",
  (path) => path.replace(/%5c/gi, "/"),
  // Parameters also end at a slash that was a backslash.
  withoutParameters,
];

/** All results of doing or omitting each rewrite, in their order; not all for a long path. */
function rewritten(path: string): Set<string> {
  const found = new Set([path]);
  for (const rewrite of REWRITES) {
    if (found.size * path.length > MOST_TEXT) break;
    for (const text of [...found]) found.add(rewrite(text));
  }
  return found;
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, "");
}

/** Removes empty segments, but not the last one, which is the trailing slash. */
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

/** Percent-decodes; with `keepSlash`, `%2F` is left as it is written. */
function unescape(encoded: string, keepSlash: boolean): string {
  if (!encoded.includes("%")) return encoded;
  const codes: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    let code = encoded.charCodeAt(i);
    if (code === PERCENT) {
      const high = hexValue(encoded.charCodeAt(i + 1));
      const low = hexValue(encoded.charCodeAt(i + 2));
      // Negative for an invalid escape, which may follow a `#`.
      const byte = high << 4 | low;
      if (byte >= 0 && !(keepSlash && byte === SLASH)) {
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
