/**
 * Which headers go on, in either direction.
 *
 * @module
 */

/**
 * Headers that concern one connection only and are never passed on: RFC 9110
 * section 7.6.1, and `Trailer`, since neither `fetch` nor `Deno.serve` carries
 * trailers.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The names in a `Connection` header, lower case; null where it names nothing
 * beyond what is always dropped, which is nearly every request.
 *
 * @param connection The header's value, or null.
 */
export function namedInConnection(
  connection: string | null,
): ReadonlySet<string> | null {
  if (
    connection === null || connection === "keep-alive" ||
    connection === "close" || connection === "Upgrade" ||
    connection === "upgrade"
  ) return null;
  const names = new Set<string>();
  for (const token of connection.split(",")) {
    const name = token.trim().toLowerCase();
    if (name !== "") names.add(name);
  }
  return names;
}

/** Whether a comma-separated header value holds a token, in any case. */
export function hasToken(value: string | null, token: string): boolean {
  if (value === null) return false;
  if (value.length === token.length) return value.toLowerCase() === token;
  return value.toLowerCase().split(",").some((part) => part.trim() === token);
}

/** What of a response does not reach the client as it came. */
const CHANGED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "location",
  "refresh",
]);

/**
 * Makes an upstream's response header that of ours: without the hop-by-hop
 * fields and those that `Connection` names, `Location` and `Refresh` rewritten.
 *
 * All others are left where they are, in the order and number that `fetch`
 * tells: `Set-Cookie` stays repeated; other repeated fields have been joined by
 * `fetch`, which RFC 9110 section 5.3 calls equal.
 *
 * @param upstream What came; `own` is a copy of it.
 * @param rewrite Gives the new value of a `location` or `refresh`.
 */
export function cleanResponseHeaders(
  own: Headers,
  upstream: Headers,
  rewrite: (name: string, value: string) => string,
): void {
  // Mostly there are none: one walk says so, at the price of two `get`s.
  const changed: string[] = [];
  upstream.forEach((_, name) => {
    if (CHANGED.has(name)) changed.push(name);
  });
  for (const name of changed) {
    const value = upstream.get(name) ?? "";
    if (HOP_BY_HOP.has(name)) own.delete(name);
    // `Connection`, which comes before them, may have named it.
    else if (own.has(name)) own.set(name, rewrite(name, value));
    if (name !== "connection") continue;
    for (const other of namedInConnection(value) ?? []) {
      if (isToken(other)) own.delete(other);
    }
  }
}

/** RFC 9110 section 5.6.2; `Headers` throws where a name is none. */
function isToken(name: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}
