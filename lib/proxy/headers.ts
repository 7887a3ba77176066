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

/**
 * The response headers a client gets: those of the upstream without the
 * hop-by-hop ones, in the order and number that `fetch` tells. `Set-Cookie`
 * stays repeated; other repeated fields have been joined by `fetch`, which RFC
 * 9110 section 5.3 calls equal.
 */
export function responseHeaders(headers: Headers): [string, string][] {
  const named = namedInConnection(headers.get("connection"));
  const kept: [string, string][] = [];
  for (const pair of headers) {
    const name = pair[0];
    if (HOP_BY_HOP.has(name) || named?.has(name)) continue;
    kept.push(pair);
  }
  return kept;
}
