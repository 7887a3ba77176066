/**
 * Which header fields go on, in either direction, and which methods may be sent
 * twice.
 *
 * @module
 */

/** A header field: its name in lower case, its value a byte string. */
export type Field = [name: string, value: string];

/**
 * Fields that concern one connection only and are never passed on: RFC 9110
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

/** Statuses whose response never has a body (Fetch standard, "null body status"). */
export const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** The methods that RFC 9110 section 9.2.2 calls idempotent, and nothing else. */
export const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
]);

/** Whether nginx takes a method for idempotent: all but these. */
export function isIdempotent(method: string): boolean {
  return method !== "POST" && method !== "LOCK" && method !== "PATCH";
}

/**
 * The names in a `Connection` header, lower case; null where it names nothing
 * beyond what is always dropped, which is nearly every message.
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
 * The end-to-end fields of a message, in their order and number: without the
 * hop-by-hop ones and those that `Connection` names.
 *
 * @param fields As they came, names in lower case.
 */
export function endToEnd(fields: readonly Field[]): Field[] {
  const kept: Field[] = [];
  let connection: string | null = null;
  for (const field of fields) {
    const name = field[0];
    if (!HOP_BY_HOP.has(name)) kept.push(field);
    else if (name === "connection") {
      connection = connection === null ? field[1] : `${connection},${field[1]}`;
    }
  }
  const named = namedInConnection(connection);
  return named === null ? kept : kept.filter(([name]) => !named.has(name));
}
