/**
 * Which requests may be sent twice.
 *
 * @module
 */

/** What RFC 9110 section 9.2.2 calls so, and nothing else. */
export const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
]);

/** nginx's: what RFC 9110 section 9.2.2 calls so, and methods nobody knows. */
export function isIdempotent(method: string): boolean {
  return method !== "POST" && method !== "LOCK" && method !== "PATCH";
}
