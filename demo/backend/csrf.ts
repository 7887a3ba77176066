/**
 * Django's protection against requests that a foreign page makes a browser
 * send (`django.middleware.csrf`): the `Origin` has to be ours, and the token
 * in the cookie has to come once more in a header or a form field, which a
 * foreign page can't read.
 *
 * @module
 */
import { isSameOrigin } from "../origin.ts";
import { CSRF_COOKIE, readCookie } from "./cookies.ts";

/** RFC 9110, section 9.2.1: they change nothing. */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
]);

/**
 * Why a request is refused, in Django's words, or null for a good one.
 *
 * @param formToken The form's `csrfmiddlewaretoken`, or null where there is no
 * form: then the header `X-CSRFToken` is asked for.
 */
export function csrfFailure(
  request: Request,
  formToken: string | null,
): string | null {
  const { headers, method } = request;
  if (SAFE_METHODS.has(method)) return null;
  const origin = headers.get("origin");
  const hosts = [headers.get("host"), headers.get("x-forwarded-host")];
  if (origin !== null && !isSameOrigin(origin, hosts)) {
    return `Origin checking failed - ${origin} does not match any trusted origins.`;
  }
  const cookie = readCookie(request, CSRF_COOKIE);
  if (!cookie) return "CSRF cookie not set.";
  const token = formToken ?? headers.get("x-csrftoken");
  if (!token) return "CSRF token missing.";
  return isEqual(token, cookie) ? null : "CSRF token incorrect.";
}

/** Compares without telling by its duration where the difference is. */
function isEqual(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) {
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at % other.length);
  }
  return difference === 0;
}
