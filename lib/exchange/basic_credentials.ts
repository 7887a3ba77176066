/**
 * `Authorization: Basic` (RFC 7617).
 *
 * @module
 */

/** What a client says of itself. */
export interface Credentials {
  /** A byte string, not empty, without a colon. */
  readonly user: string;
  /** A byte string. */
  readonly password: string;
}

/**
 * Reads the value of an `Authorization` field, as nginx does.
 *
 * @returns Null for another scheme, or for what is malformed.
 */
export function basicCredentials(authorization: string): Credentials | null {
  const [, encoded] = /^Basic +(\S+)$/i.exec(authorization) ?? [];
  if (encoded === undefined) return null;
  let text: string;
  try {
    // Its letters are bytes.
    text = atob(encoded);
  } catch {
    return null;
  }
  const colon = text.indexOf(":");
  return colon <= 0
    ? null
    : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
