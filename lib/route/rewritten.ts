/**
 * The target of a request whose URI has been replaced: by `rewrite`, by
 * `error_page`, or by an upstream's `X-Accel-Redirect`.
 *
 * @module
 */
import { asciiSet, escapeBytes } from "./bytes.ts";
import { normalisePath, pathEnd, type Target } from "./path.ts";
import { isAmbiguous } from "./readings.ts";
import { escapePath } from "./target.ts";

/**
 * The target for another path and query. What goes upstream is this path,
 * escaped, so that it has one reading only.
 *
 * Doubled slashes are merged, as they are in a request's own path. Null where
 * the path does not begin with a slash or has a dot segment: what stands before
 * a capture and its beginning may join to one, as `/b/$1` does with `../secret`
 * of `/a../secret`, and an upstream would leave `/b/` by it. (nginx sends that.)
 *
 * @param path Decoded; a byte string.
 * @param args The query without its `?`, `""` for none. What would end it, or the
 * request line, is escaped: a variable in it may hold anything.
 */
export function rewrittenTarget(path: string, args: string): Target | null {
  if (path.charCodeAt(0) !== SLASH) return null;
  const merged = path.includes("//") ? path.replace(/\/{2,}/g, "/") : path;
  if (merged.includes("/.") && DOT_SEGMENT.test(merged)) return null;
  const escaped = escapePath(merged);
  const query = escapeBytes(args, QUERY_ESCAPES);
  const raw = query === "" ? escaped : `${escaped}?${query}`;
  const plain = escaped === merged && !isAmbiguous(escaped);
  return { raw, path: merged, args: query, plain };
}

/**
 * The target of a URI that an upstream gives, percent-encoded or not. Null as
 * for {@linkcode rewrittenTarget}; an invalid escape too, and a dot segment that
 * is escaped. (nginx's `ngx_http_parse_unsafe_uri`.)
 *
 * @param uri A byte string.
 */
export function parseUri(uri: string): Target | null {
  const [text = ""] = uri.split("#", 1);
  const end = pathEnd(text);
  const path = asciiBytes(text.slice(0, end));
  if (path.charCodeAt(0) !== SLASH || ESCAPED_DOT_SEGMENT.test(path)) {
    return null;
  }
  const decoded = normalisePath(path);
  return decoded === null
    ? null
    : rewrittenTarget(decoded, asciiBytes(text.slice(end + 1)));
}

/** A byte string with all bytes beyond ASCII escaped. */
export function asciiBytes(bytes: string): string {
  return escapeBytes(bytes, NO_ESCAPES);
}

const SLASH = 0x2f;

/** No member: only bytes beyond ASCII are escaped. */
const NO_ESCAPES = new Uint8Array(128);

const QUERY_ESCAPES = asciiSet(" #", true);

const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
const ESCAPED_DOT_SEGMENT = /(?:\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)/i;
