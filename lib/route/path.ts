/**
 * From a request target to the path that locations are matched against, as
 * nginx normalises it.
 *
 * @module
 */
import { asciiSet, fromCodes, hexValue, utf8Bytes } from "./bytes.ts";

/** A request target in origin form (RFC 9112 section 3.2.1), taken apart. */
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
   * Whether nothing in `raw` needs a second look: its path is `path` letter for
   * letter, and both `fetch` and an upstream can only read it as it stands.
   */
  readonly plain: boolean;
}

/**
 * Takes a request target apart. Null is nginx's 400: not beginning with `/`, a
 * path above the root, `%` without two hexadecimal digits, `%00`, a raw space
 * or control character anywhere.
 *
 * Nearly all targets are plain and cost one scan and at most two slices.
 *
 * @param raw Characters beyond ASCII are taken for their UTF-8 bytes: Deno 2.9.6
 * hands over raw UTF-8 bytes decoded.
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

/** Whether a segment is empty, with more to come, or begins as a dot segment may. */
function isOddSegment(raw: string, start: number): boolean {
  const first = raw.charCodeAt(start);
  if (first === SLASH) return true;
  if (first !== DOT) return false;
  // `/.vite/…` and `/.well-known/…` are plain; `/./`, `/..` and `/.` are not.
  const second = raw.charCodeAt(start + 1);
  return !(second < 0x80 && PATH_STOPS[second] === 0 && second !== DOT);
}

/** A target whose path is plain and ends at a `?`. */
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

/** The general case: any target that begins with `/`. */
function parseComplex(raw: string): Target | null {
  if (hasControlOrSpace(raw)) return null;
  const end = pathEnd(raw);
  const path = normalisePath(raw.slice(0, end));
  if (path === null) return null;
  let args = "";
  if (raw.charCodeAt(end) === QUESTION) {
    const hash = raw.indexOf("#", end);
    args = raw.slice(end + 1, hash === -1 ? raw.length : hash);
  }
  return { raw, path, args, plain: false };
}

/** Where the path of a target ends: at its first `?` or `#`. */
export function pathEnd(raw: string): number {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code === QUESTION || code === HASH) return i;
  }
  return raw.length;
}

/**
 * An undecoded path, without query, as nginx normalises it: escapes first, then
 * what they stand for counts as if it had been written, so `%2F` parts segments
 * and `%2e%2e` climbs. Null where nginx answers 400.
 *
 * @param encoded Begins with `/`.
 */
export function normalisePath(encoded: string): string | null {
  const bytes = utf8Bytes(encoded);
  const out: number[] = [];
  // Where in `out` the segment being read begins: after its slash.
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
 * Takes a dot segment off the end of `out`, and for `..` the segment before it,
 * so that `out` ends with a slash. False above the root.
 */
function closeSegment(out: number[], start: number): boolean {
  const size = out.length - start;
  if (size === 0 || size > 2 || out[start] !== DOT) return true;
  if (size === 1) {
    out.length = start;
    return true;
  }
  if (out[start + 1] !== DOT) return true;
  // out[start - 1] is the slash before `..`; the one before that is wanted.
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

/** Ends the scan of a plain path: what nginx decodes or WHATWG rewrites. */
const PATH_STOPS = asciiSet('/?#%\\ "<>^`{}', true);

/** Ends the scan of a plain query: what WHATWG rewrites in one. */
const QUERY_STOPS = asciiSet("# \"<>'", true);
