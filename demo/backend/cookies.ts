/**
 * The two cookies of the demo, named as Django names them.
 *
 * @module
 */

/** Who is signed in. HTTP-only: no script can read or leak it. */
export const SESSION_COOKIE = "sessionid";

/** The proof that a form or script is ours; scripts read it to send it back. */
export const CSRF_COOKIE = "csrftoken";

/** Two weeks, in seconds: Django's. */
const MAX_AGE = 14 * 24 * 60 * 60;

/** A cookie's value in the request, or null. */
export function readCookie(request: Request, name: string): string | null {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at !== -1 && pair.slice(0, at).trim() === name) {
      return pair.slice(at + 1).trim();
    }
  }
  return null;
}

/**
 * A `Set-Cookie` value (RFC 6265, and `SameSite`).
 *
 * @param value Letters and digits; null deletes the cookie.
 * @param request Tells whether the browser came over https: a proxy says so in
 * `X-Forwarded-Proto`.
 */
export function setCookie(
  name: typeof SESSION_COOKIE | typeof CSRF_COOKIE,
  value: string | null,
  request: Request,
): string {
  const parts = [
    `${name}=${value ?? ""}`,
    "Path=/",
    `Max-Age=${value === null ? 0 : MAX_AGE}`,
    "SameSite=Lax",
  ];
  if (name === SESSION_COOKIE) parts.push("HttpOnly");
  if (request.headers.get("x-forwarded-proto") === "https") {
    parts.push("Secure");
  }
  return parts.join("; ");
}

/** 256 random bits, as letters and digits. */
export function randomValue(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
