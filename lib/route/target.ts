/**
 * The request target that is sent upstream: the client's own wherever it can't
 * mean another location than the one whose rules were applied.
 *
 * @module
 */
import { asciiSet, escapeBytes, utf8Bytes } from "./bytes.ts";
import { findLocation, type LocationTable } from "./location.ts";
import { normalisePath, pathEnd, type Target } from "./path.ts";
import { isAmbiguous, readings } from "./readings.ts";

/**
 * The target for a `proxy_pass` without a URI: the client's own, byte for byte,
 * as nginx sends it. But:
 *
 * - Dot segments are resolved.
 * - What upstreams read in different ways (see readings.ts) is sent only if all
 *   readings find the location that was matched. Else the normalised path is
 *   sent, escaped, with `;` as `%3B`.
 *
 * @param matched What `findLocation(table, target.path)` found.
 * @returns A byte string that begins with `/`. Null, to be answered with 400,
 * where the normalised path is ambiguous too, since it contains a `\`.
 */
export function forwardTarget<L>(
  target: Target,
  table: LocationTable<L>,
  matched: L,
): string | null {
  if (target.plain) return target.raw;
  const raw = utf8Bytes(target.raw);
  const question = raw.indexOf("?");
  const end = question === -1 ? raw.length : question;
  const path = resolveDotSegments(raw, end, target.path);
  if (
    path !== null &&
    (!isAmbiguous(path) || allFind(readings(path), table, matched))
  ) return path + raw.slice(end);
  const normalised = escapeBytes(target.path, AMBIGUOUS_ESCAPES);
  if (
    isAmbiguous(normalised) && !allFind(readings(normalised), table, matched)
  ) return null;
  // A query behind a `#` is none: nginx's `$args`.
  const hasQuery = end === pathEnd(raw) && end !== raw.length;
  return hasQuery ? normalised + "?" + utf8Bytes(target.args) : normalised;
}

/**
 * The target for a `proxy_pass` with a URI, which replaces the location's
 * prefix. As in nginx the rest is the normalised path, escaped again if it was
 * escaped before, and the rest follows a query in `passUri`:
 * `/x?y=1` + `/rest` + `?args`.
 *
 * If that is ambiguous, all its readings must be below `passUri`, and with the
 * prefix in place of `passUri` they must find the matched location. Else `;` is
 * sent as `%3B`.
 *
 * @param prefix The location's path, a byte string; `target.path` begins with it.
 * @param passUri Begins with `/`, ASCII, without `#`.
 * @param matched What `findLocation(table, target.path)` found.
 * @returns A byte string. Null, to be answered with 400, if it is ambiguous even
 * so, or if `passUri` and path join to a dot segment: the location `/api`, the URI
 * `/app/` and the path `/api../secret`.
 */
export function replaceTarget<L>(
  target: Target,
  prefix: string,
  passUri: string,
  table: LocationTable<L>,
  matched: L,
): string | null {
  const rest = target.path.slice(prefix.length);
  const args = target.args === "" ? "" : "?" + utf8Bytes(target.args);
  const sent = isEscaped(target) ? escapePath(rest) : rest;
  if (passUri.includes("?")) return passUri + sent + args;
  if (joinsToDots(passUri, rest)) return null;
  if (target.plain || !isAmbiguous(sent)) return passUri + sent + args;
  const strict = escapeBytes(rest, AMBIGUOUS_ESCAPES);
  for (const each of [sent, strict]) {
    const all = readingsBelow(passUri, each, prefix);
    if (allFind(all, table, matched)) return passUri + each + args;
  }
  return null;
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

/** Whether the path had an escape: then nginx escapes it again. */
function isEscaped({ plain, raw }: Target): boolean {
  return !plain && raw.slice(0, pathEnd(raw)).includes("%");
}

/**
 * Removes the dot segments of a target's path, but none after a `#`.
 *
 * @param end The end of the path.
 * @param meant The path as nginx normalises it.
 * @returns Null if the result means another path than `meant`: nginx merges
 * slashes first.
 */
function resolveDotSegments(
  raw: string,
  end: number,
  meant: string,
): string | null {
  const path = raw.slice(0, end);
  if (!DOT_SEGMENT_START.test(path)) return path;
  const hash = pathEnd(path);
  const [, ...segments] = path.slice(0, hash).split("/");
  const kept: string[] = [];
  for (const [i, segment] of segments.entries()) {
    const dots = DOT_SEGMENT.exec(segment);
    if (dots === null) {
      kept.push(segment);
      continue;
    }
    if (dots[1] !== undefined) kept.pop();
    if (i === segments.length - 1) kept.push("");
  }
  const resolved = "/" + kept.join("/");
  return normalisePath(resolved) === meant ? resolved + path.slice(hash) : null;
}

const DOT_SEGMENT_START = /\/(?:\.|%2e)/i;
const DOT_SEGMENT = /^(?:\.|%2e)(\.|%2e)?$/i;

/** Whether all readings of a path find the location. */
function allFind<L>(
  paths: Iterable<string> | null,
  table: LocationTable<L>,
  matched: L,
): boolean {
  if (paths === null) return false;
  for (const path of paths) {
    const match = findLocation(table, path);
    if (match?.kind !== "found" || match.location !== matched) return false;
  }
  return true;
}

/**
 * The readings of `passUri + rest`, each with the location's prefix in place of
 * `passUri`; null if one of them is not below `passUri`.
 */
function readingsBelow(
  passUri: string,
  rest: string,
  prefix: string,
): string[] | null {
  const bases = [...readings(passUri) ?? []];
  const paths: string[] = [];
  for (const reading of readings(passUri + rest) ?? [""]) {
    const base = bases.find((base) => reading.startsWith(base));
    if (base === undefined) return null;
    paths.push(prefix + reading.slice(base.length));
  }
  return paths;
}

/** Whether the segment made of the end of one and the start of the other is `.` or `..`. */
function joinsToDots(passUri: string, rest: string): boolean {
  if (rest.charCodeAt(0) === SLASH) return false;
  const slash = rest.indexOf("/");
  const first = slash === -1 ? rest : rest.slice(0, slash);
  const joined = passUri.slice(passUri.lastIndexOf("/") + 1) + first;
  return joined === "." || joined === "..";
}

const SLASH = 0x2f;

/** What nginx escapes in a path. */
const PATH_ESCAPES = asciiSet(' "#%<>?\\^`{|}', true);
const ARG_ESCAPES = asciiSet(' "#%&+;<>?\\^`{|}', true);
/** The same and `;`: only `\` is ambiguous in a path that is escaped so. */
const AMBIGUOUS_ESCAPES = asciiSet(' "#%;<>?\\^`{|}', true);
