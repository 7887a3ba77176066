/**
 * The request target that is sent upstream.
 *
 * It is handed to `fetch`, which rewrites the URL that it gets as WHATWG says:
 * resolves dot segments (`%2e` too), turns `\` into `/`, escapes some
 * characters, drops `#…`. All of that is done here first, so that what is
 * returned goes over the wire letter for letter, and so that what is sent can
 * never mean another location than the one whose rules were applied.
 *
 * @module
 */
import { asciiSet, escapeBytes, utf8Bytes } from "./bytes.ts";
import { findLocation, type LocationTable } from "./location.ts";
import { normalisePath, pathEnd, type Target } from "./path.ts";
import { readings } from "./readings.ts";

/**
 * The target for a `proxy_pass` without a URI: the client's own, as it came,
 * wherever that is safe.
 *
 * - A plain target goes unchanged.
 * - Dot segments are resolved, since `fetch` does so anyway.
 * - `\` becomes `%5C`: to nginx it is a letter, to `fetch` a slash.
 * - `"<>^{}`, a backtick and raw UTF-8 are escaped.
 * - `%2F` and doubled slashes stay if every way to read them (see readings.ts)
 *   finds the location that was matched, and nginx's way the very same path.
 *   Else the normalised path is sent, escaped, which has one reading only.
 * - The query goes as received up to a `#`, with `"<>'` and raw UTF-8 escaped.
 *   A bare `?` stays.
 *
 * @param matched What `findLocation(table, target.path)` found.
 * @return Begins with `/`, ASCII; `new URL` and `fetch` leave it as it is.
 */
export function forwardTarget<L>(
  target: Target,
  table: LocationTable<L>,
  matched: L,
): string {
  const { raw } = target;
  if (target.plain) return raw;
  const end = pathEnd(raw);
  let path = raw.slice(0, end);
  const look = lookOf(path);
  if (look !== CLEAR) {
    path = serialisePath(path);
    if (
      normalisePath(path) !== target.path ||
      look === AMBIGUOUS && !allFind(table, path, matched)
    ) path = escapePath(target.path);
  }
  if (raw.charCodeAt(end) !== QUESTION) return path;
  return path + "?" + escapeQuery(target.args);
}

/**
 * The target for a `proxy_pass` with a URI, which replaces the location's
 * prefix. As nginx does it, the rest is the normalised path, escaped again, and
 * a query in `passUri` stays where it is, the rest behind it:
 * `/x?y=1` + `/rest` + `?args`.
 *
 * Null where path and `passUri` join to a dot segment, as `/api../secret` does
 * with the location `/api` and the URI `/app/`: an upstream would leave `/app/`
 * by it. nginx sends that; the answer to it is 400.
 *
 * @param prefix The location's path, a byte string; `target.path` begins with it.
 * @param passUri Begins with `/`, as `new URL` serialises it, without `#`.
 * @return As for `forwardTarget`.
 */
export function replaceTarget(
  target: Target,
  prefix: string,
  passUri: string,
): string | null {
  let rest = target.path.slice(prefix.length);
  // nginx too leaves a path alone that had nothing to decode.
  if (!target.plain) rest = escapePath(rest);
  if (passUri.includes("?")) rest = escapeQuery(rest);
  else if (joinsToDots(passUri, rest)) return null;
  const uri = passUri + rest;
  if (target.args === "") return uri;
  return uri + "?" + (target.plain ? target.args : escapeQuery(target.args));
}

/**
 * A normalised path with everything escaped that a URI can't hold: nginx's
 * `NGX_ESCAPE_URI`, in capital digits.
 *
 * @param path A byte string.
 */
export function escapePath(path: string): string {
  return escapeBytes(path, PATH_ESCAPES);
}

/**
 * A part of a path, escaped so that it stays within its argument of a query:
 * nginx's `NGX_ESCAPE_ARGS`.
 *
 * @param part A byte string.
 */
export function escapeArg(part: string): string {
  return escapeBytes(part, ARG_ESCAPES);
}

/** As WHATWG escapes a query. Existing escapes, valid or not, stay. */
export function escapeQuery(args: string): string {
  return escapeBytes(utf8Bytes(args), QUERY_ESCAPES);
}

/** What a path that is not plain needs: */
type Look = typeof CLEAR | typeof REWRITTEN | typeof AMBIGUOUS;
/** Nothing: it is WHATWG's form already and has one reading. */
const CLEAR = 0;
/** To be brought into WHATWG's form. */
const REWRITTEN = 1;
/** Also a test of its readings: it has `%2F` or empty segments. */
const AMBIGUOUS = 2;

function lookOf(path: string): Look {
  let look: Look = CLEAR;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === SLASH) {
      const next = path.charCodeAt(i + 1);
      if (next === SLASH) return AMBIGUOUS;
      // Perhaps a dot segment; `%2e` makes one as well.
      if (next === DOT || next === PERCENT && isEscape(path, i + 1, 0x65)) {
        look = REWRITTEN;
      }
    } else if (code === PERCENT) {
      if (isEscape(path, i, 0x66)) return AMBIGUOUS;
    } else if (code > 0x7f || WHATWG_REWRITES[code] === 1) {
      look = REWRITTEN;
    }
  }
  return look;
}

/** Whether `%2` and this small hexadecimal letter, in either case, stand there. */
function isEscape(path: string, at: number, letter: number): boolean {
  return path.charCodeAt(at + 1) === 0x32 &&
    (path.charCodeAt(at + 2) | 0x20) === letter;
}

/**
 * The path as WHATWG serialises it, but with `\` kept a letter. `^` is escaped
 * since 2023; Deno 2.9.6 does not do so yet and leaves the escape alone.
 */
function serialisePath(path: string): string {
  return new URL("http://h" + path.replaceAll("\\", "%5C")).pathname
    .replaceAll("^", "%5E");
}

function allFind<L>(
  table: LocationTable<L>,
  path: string,
  matched: L,
): boolean {
  const all = readings(path);
  if (all === null) return false;
  for (const reading of all) {
    const match = findLocation(table, reading);
    if (match?.kind !== "found" || match.location !== matched) return false;
  }
  return true;
}

/** Whether the segment made of the end of one and the start of the other is `.` or `..`. */
function joinsToDots(passUri: string, rest: string): boolean {
  if (rest.charCodeAt(0) === SLASH) return false;
  const slash = rest.indexOf("/");
  const first = slash === -1 ? rest : rest.slice(0, slash);
  const joined = passUri.slice(passUri.lastIndexOf("/") + 1) + first;
  return joined === "." || joined === "..";
}

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION = 0x3f;

/** nginx's set for a path; escapes all that WHATWG does, and `%\|` besides. */
const PATH_ESCAPES = asciiSet(' "#%<>?\\^`{|}', true);
const ARG_ESCAPES = asciiSet(' "#%&+;<>?\\^`{|}', true);
const QUERY_ESCAPES = asciiSet(" \"#<>'", true);
const WHATWG_REWRITES = asciiSet(' "<>\\^`{}', true);
