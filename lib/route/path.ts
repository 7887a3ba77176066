/**
 * The path of a request target that locations are matched against, normalised as
 * in nginx.
 *
 * @module
 */
import { asciiSet, fromCodes, hexValue, utf8Bytes } from "./bytes.ts";

/** The parts of a request target in origin form (RFC 9112 section 3.2.1). */
export interface Target {
  /** As the client sent it: nginx's `$request_uri`. */
  readonly raw: string;
  /**
   * Percent-decoded, slashes merged, dot segments resolved: nginx's `$uri`. A
   * byte string (see bytes.ts). Begins with `/`.
   */
  readonly path: string;
  /** The query without its `?`, as sent, up to a `#`: nginx's `$args`. */
  readonly args: string;
  /**
   * Whether nothing in `raw` needs a second look: it is ASCII, its path is `path`
   * letter for letter, and an upstream can read that in one way only.
   */
  readonly plain: boolean;
}

/**
 * Parses a request target.
 *
 * Nearly all targets are plain and cost one scan and at most two slices.
 *
 * @param raw Characters beyond ASCII stand for their UTF-8 bytes: Deno 2.9.6
 * decodes raw UTF-8, and answers bytes that are not UTF-8 with 400.
 * @returns Null for what nginx answers with 400: a target that does not begin
 * with `/`, a path above the root, `%` without two hexadecimal digits, `%00`, a
 * space or a control character.
 */
export function parseTarget(raw: string): Target | null {
  if (raw.charCodeAt(0) !== SLASH) return null;
  const length = raw.length;
  for (let i = 0; i < length; i++) {
    const code = raw.charCodeAt(i);
    if (code > 0x7f) return parseComplex(raw);
    if (PATH_STOPS[code] === 0) continue;
    if (code === SLASH) {
      if (isOddSegment(raw, i + 1)) return parseComplex(raw);
    } else if (code === QUESTION) {
      return withQuery(raw, i);
    } else {
      return parseComplex(raw);
    }
  }
  return { raw, path: raw, args: "", plain: true };
}

/** Whether a segment is empty and not the last, or may be a dot segment. */
function isOddSegment(raw: string, start: number): boolean {
  const first = raw.charCodeAt(start);
  if (first === SLASH) return true;
  if (first !== DOT) return false;
  // `/.vite/…` and `/.well-known/…` are plain, `/./`, `/..` and `/.` are not.
  const second = raw.charCodeAt(start + 1);
  return !(second < 0x80 && PATH_STOPS[second] === 0 && second !== DOT);
}

/** Parses a target whose path is plain and ends at a `?`. */
function withQuery(raw: string, end: number): Target | null {
  const length = raw.length;
  for (let i = end + 1; i < length; i++) {
    const code = raw.charCodeAt(i);
    if (code > 0x7f || QUERY_STOPS[code] === 1) return parseComplex(raw);
  }
  return {
    raw,
    path: raw.slice(0, end),
    args: raw.slice(end + 1),
    plain: true,
  };
}

/** Parses any target that begins with `/`. */
function parseComplex(raw: string): Target | null {
  if (hasControlOrSpace(raw)) return null;
  const end = pathEnd(raw);
  const path = normalisePath(utf8Bytes(raw.slice(0, end)));
  if (path === null) return null;
  let args = "";
  if (raw.charCodeAt(end) === QUESTION) {
    const hash = raw.indexOf("#", end);
    args = raw.slice(end + 1, hash === -1 ? raw.length : hash);
  }
  return { raw, path, args, plain: false };
}

/** The index at which the path of a target ends: its first `?` or `#`. */
export function pathEnd(raw: string): number {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code === QUESTION || code === HASH) return i;
  }
  return raw.length;
}

/**
 * Normalises a path as nginx does: it decodes all escapes first, so that `%2F`
 * separates segments and `%2e%2e` is a dot segment.
 *
 * @param bytes A byte string without query; begins with `/`.
 * @returns A byte string; null where nginx answers 400.
 */
export function normalisePath(bytes: string): string | null {
  const out: number[] = [];
  // Index in `out` at which the current segment begins, after its slash.
  let segment = 0;
  for (let i = 0; i < bytes.length; i++) {
    let code = bytes.charCodeAt(i);
    if (code === PERCENT) {
      const high = hexValue(bytes.charCodeAt(i + 1));
      const low = hexValue(bytes.charCodeAt(i + 2));
      if (high < 0 || low < 0) return null;
      code = high << 4 | low;
      if (code === 0) return null;
      i += 2;
    }
    if (code !== SLASH) {
      out.push(code);
      continue;
    }
    if (!closeSegment(out, segment)) return null;
    if (out[out.length - 1] !== SLASH) out.push(SLASH);
    segment = out.length;
  }
  if (!closeSegment(out, segment)) return null;
  return fromCodes(out);
}

/**
 * Removes a dot segment from the end of `out`, and for `..` the segment before it,
 * so that `out` ends with a slash.
 *
 * @returns False above the root.
 */
function closeSegment(out: number[], start: number): boolean {
  const size = out.length - start;
  if (size === 0 || size > 2 || out[start] !== DOT) return true;
  if (size === 1) {
    out.length = start;
    return true;
  }
  if (out[start + 1] !== DOT) return true;
  // out[start - 1] is the slash before `..`: find the one before that.
  let slash = start - 2;
  while (slash >= 0 && out[slash] !== SLASH) slash--;
  if (slash < 0) return false;
  out.length = slash + 1;
  return true;
}

function hasControlOrSpace(raw: string): boolean {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return true;
  }
  return false;
}

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;

/**
 * What ends the scan of a plain path: what nginx decodes, refuses or cuts off,
 * and what upstreams read in different ways (see readings.ts).
 */
const PATH_STOPS = asciiSet("/?#%;\\ ", true);

/** What ends the scan of a plain query: what nginx refuses or cuts off. */
const QUERY_STOPS = asciiSet("# ", true);
