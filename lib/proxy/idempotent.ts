/**
 * Which requests may be sent twice.
 *
 * @module
 */

/** nginx's: what RFC 9110 section 9.2.2 calls so, and methods nobody knows. */
export function isIdempotent(method: string): boolean {
  return method !== "POST" && method !== "LOCK" && method !== "PATCH";
}
